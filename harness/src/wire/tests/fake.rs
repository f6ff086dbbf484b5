//! A fake Postgres and a fake client, on loopback, with a conversation of begin, insert, commit.
//!
//! Both are deterministic: each request has one answer. The fake counts the requests that have
//! come to it, whole or not; the client counts the messages that it has read.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub(super) const BEGIN: &[u8] = b"Q\0\0\0\x0aBEGIN\0";
pub(super) const INSERT: &[u8] = b"P\0\0\0\x21\0INSERT INTO t VALUES ($1)\0\0\0\
    B\0\0\0\x11\0\0\0\0\0\x01\0\0\0\x011\0\0D\0\0\0\x06P\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";
pub(super) const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
const TERMINATE: &[u8] = b"X\0\0\0\x04";
const START_UP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0u\0\0";
pub(super) const KEY: &[u8] = b"\0\0\0\x07secr";

/// The names of what the fake answers to begin, insert and commit.
pub(super) const ANSWERS: [&str; 9] = [
    "CommandComplete \"BEGIN\"",
    "ReadyForQuery in transaction",
    "ParseComplete",
    "BindComplete",
    "NoData",
    "CommandComplete \"INSERT 0 1\"",
    "ReadyForQuery in transaction",
    "CommandComplete \"COMMIT\"",
    "ReadyForQuery idle",
];
/// The names of the last message of each batch.
pub(super) const BATCHES: [&str; 3] = ["Query \"BEGIN\"", "Sync", "Query \"COMMIT\""];

/// A server of which each connection answers by rote.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// The bytes that came, over all connections.
    pub(super) heard: Arc<AtomicUsize>,
    /// Connections that ended with a reset.
    pub(super) resets: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (heard, resets) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        let (hears, counts) = (Arc::clone(&heard), Arc::clone(&resets));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (hears, counts) = (Arc::clone(&hears), Arc::clone(&counts));
                connections.spawn(async move {
                    let ended = answer(stream, &hears).await;
                    let reset = ended.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset);
                    counts.fetch_add(usize::from(reset), SeqCst);
                });
            }
        });
        Self { address, heard, resets, _tasks: tasks }
    }
}

/// Answers each batch when it is whole, until the client leaves.
async fn answer(mut stream: TcpStream, heard: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut batch = Vec::new();
    loop {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).await?;
        heard.fetch_add(count, SeqCst);
        batch.extend_from_slice(&bytes[..count]);
        let reply: &[u8] = match &*batch {
            START_UP => {
                b"R\0\0\0\x08\0\0\0\0S\0\0\0\x08a\0b\0K\0\0\0\x0c\0\0\0\x07secrZ\0\0\0\x05I"
            }
            BEGIN => b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T",
            INSERT => b"1\0\0\0\x042\0\0\0\x04n\0\0\0\x04C\0\0\0\x0fINSERT 0 1\0Z\0\0\0\x05T",
            COMMIT => b"C\0\0\0\x0bCOMMIT\0N\0\0\0\x0cC00000\0\0Z\0\0\0\x05I",
            // A cancel request is answered by hanging up, and so is a farewell.
            TERMINATE | [0, 0, 0, 16, 4, 210, 22, 46, ..] => return Ok(()),
            _ if count == 0 => return Ok(()),
            _ => continue,
        };
        stream.write_all(reply).await?;
        batch.clear();
    }
}

/// A client that reads one message at a time.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    /// The messages read, without those that may come at any time.
    pub(super) read: Arc<AtomicUsize>,
}

impl Client {
    pub(super) async fn log_in(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, read: Arc::default() };
        client.ask(START_UP).await?;
        client.read.store(0, SeqCst);
        Ok(client)
    }

    /// Begins, inserts, commits.
    pub(super) async fn transact(&mut self) -> io::Result<()> {
        for batch in [BEGIN, INSERT, COMMIT] {
            self.ask(batch).await?;
        }
        Ok(())
    }

    pub(super) async fn leave(mut self) -> io::Result<()> {
        self.stream.write_all(TERMINATE).await
    }

    /// Sends a batch in two writes and reads its answers.
    async fn ask(&mut self, batch: &[u8]) -> io::Result<()> {
        let (front, back) = batch.split_at(batch.len() / 2);
        self.stream.write_all(front).await?;
        tokio::task::yield_now().await;
        self.stream.write_all(back).await?;
        loop {
            let mut header = [0; 5];
            self.stream.read_exact(&mut header).await?;
            let length = usize::from(header[4]) - 4;
            self.stream.read_exact(&mut vec![0; length]).await?;
            self.read.fetch_add(usize::from(!matches!(header[0], b'N' | b'S')), SeqCst);
            if header[0] == b'Z' {
                return Ok(());
            }
        }
    }
}
