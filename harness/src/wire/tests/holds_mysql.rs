//! The places of a MySQL conversation, on a fake server that answers each command by rote.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use rstest::rstest;
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    poll::{Quiet, Runtime},
    wire::{Count, Phase, Place, Protocol, Proxy, Side, Status, Wire},
};

/// It offers TLS and compression, as servers do.
pub(super) const GREETING: &[u8] =
    b"\x32\0\0\0\x0a9.7.0\0\x0b\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xdf\x0d\
    \0\0\0\0\0\0\0\0\0\0ijkl\0plugin\0";
pub(super) const RESPONSE: &[u8] =
    b"\x22\0\0\x01\xdf\xf7\xff\x01\0\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0u\0";
const BEGIN: &[u8] = b"\x06\0\0\0\x03BEGIN";
const PREPARE: &[u8] = b"\x18\0\0\0\x16INSERT INTO t VALUES(?)";
const EXECUTE: &[u8] = b"\x16\0\0\0\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x08\0\x07\0\0\0\0\0\0\0";
const SELECT: &[u8] = b"\x09\0\0\0\x03SELECT 1";
const CLOSE: &[u8] = b"\x05\0\0\0\x19\x01\0\0\0";
const COMMIT: &[u8] = b"\x07\0\0\0\x03COMMIT";
const QUIT: &[u8] = b"\x01\0\0\0\x01";

const BATCHES: [(&[u8], &str); 6] = [
    (BEGIN, "ComQuery \"BEGIN\""),
    (PREPARE, "ComStmtPrepare \"INSERT INTO t VALUES(?)\""),
    (EXECUTE, "ComStmtExecute \"INSERT INTO t VALUES(?)\""),
    (SELECT, "ComQuery \"SELECT 1\""),
    (CLOSE, "ComStmtClose \"INSERT INTO t VALUES(?)\""),
    (COMMIT, "ComQuery \"COMMIT\""),
];
const ANSWERS: [&str; 9] = [
    "Ok \"BEGIN\"",
    "PrepareOk 1 parameter, 0 columns",
    "Parameter",
    "Ok \"INSERT\" 1 row",
    "ColumnCount 1",
    "Column",
    "Row 1 column",
    "Ok \"SELECT\"",
    "Ok \"COMMIT\"",
];

/// What the fake answers, and in how many messages.
fn answer(request: &[u8]) -> (&'static [u8], usize) {
    match request {
        RESPONSE => (b"\x07\0\0\x02\0\0\0\x02\0\0\0", 1),
        BEGIN => (b"\x07\0\0\x01\0\0\0\x03\0\0\0", 1),
        PREPARE => (
            b"\x0c\0\0\x01\0\x01\0\0\0\0\0\x01\0\0\0\0\x17\0\0\x02\x03def\0\0\0\x01?\0\x0c\x3f\0\0\0\0\0\
            \xfd\x80\0\0\0\0",
            2,
        ),
        EXECUTE => (b"\x07\0\0\x01\0\x01\x07\x03\0\0\0", 1),
        SELECT => (
            b"\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0\
            \x02\0\0\x03\x011\x07\0\0\x04\xfe\0\0\x03\0\0\0",
            4,
        ),
        COMMIT => (b"\x07\0\0\x01\0\0\0\x02\0\0\0", 1),
        _ => (b"", 0),
    }
}

struct Server {
    address: SocketAddr,
    /// The bytes that came, over all connections.
    heard: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let heard = Arc::<AtomicUsize>::default();
        let hears = Arc::clone(&heard);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let hears = Arc::clone(&hears);
                connections.spawn(async move { serve(stream, &hears).await });
            }
        });
        Self { address, heard, _tasks: tasks }
    }
}

async fn serve(mut stream: TcpStream, heard: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(GREETING).await?;
    loop {
        let mut request = vec![0; 4];
        stream.read_exact(&mut request).await?;
        request.resize(4 + usize::from(request[0]), 0);
        stream.read_exact(&mut request[4..]).await?;
        heard.fetch_add(request.len(), SeqCst);
        if request == QUIT {
            return Ok(());
        }
        stream.write_all(answer(&request).0).await?;
    }
}

struct Client {
    stream: TcpStream,
    /// The messages read.
    read: Arc<AtomicUsize>,
}

impl Client {
    async fn log_in(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, read: Arc::default() };
        client.read(1).await?;
        client.ask(&[RESPONSE]).await?;
        client.read.store(0, SeqCst);
        Ok(client)
    }

    /// Begins, inserts, selects, closes the statement and commits at once.
    async fn transact(&mut self) -> io::Result<()> {
        for batches in [&[BEGIN][..], &[PREPARE], &[EXECUTE], &[SELECT], &[CLOSE, COMMIT]] {
            self.ask(batches).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, batches: &[&[u8]]) -> io::Result<()> {
        self.stream.write_all(&batches.concat()).await?;
        self.read(batches.iter().map(|batch| answer(batch).1).sum()).await
    }

    async fn read(&mut self, messages: usize) -> io::Result<()> {
        for _ in 0..messages {
            let mut header = [0; 4];
            self.stream.read_exact(&mut header).await?;
            self.stream.read_exact(&mut vec![0; header[0].into()]).await?;
            self.read.fetch_add(1, SeqCst);
        }
        Ok(())
    }
}

struct Stage {
    wire: Wire,
    server: Server,
    client: Client,
    quiet: Quiet,
    proxy: Proxy,
}

impl Stage {
    /// Runs the transaction until it is held, and drops it there, when it is quiet.
    async fn cut(&mut self, place: Place) {
        self.wire.arm(place);
        let quiet = matches!(place, Place::Held(_) | Place::Sent(_));
        let until = async {
            self.wire.held().await;
            if quiet {
                self.quiet.wait(self.wire.clone()).await;
            }
        };
        tokio::select! {
            biased;
            () = until => {}
            done = self.client.transact() => panic!("the transaction was not held: {done:?}"),
        }
    }

    fn reached(&self) -> String {
        self.wire.reached().map_or_else(|| "nothing".to_owned(), |reached| reached.event.name)
    }
}

/// Plays on a stage with one client that has logged in, while it is quiet.
fn play(test: impl AsyncFnOnce(Stage)) {
    let runtime = Runtime::new().expect("the system gives an event queue");
    let quiet = runtime.quiet();
    runtime.block_on(async {
        let server = Server::start().await;
        let proxy = Proxy::start(Protocol::MySql, server.address).await.expect("it can listen");
        let wire = proxy.wire();
        let client = Client::log_in(proxy.address()).await.expect("the fake answers");
        quiet.wait(wire.clone()).await;
        test(Stage { wire, server, client, quiet, proxy }).await;
    });
}

#[test]
fn uncut_conversation_is_named_in_order() {
    play(async |mut stage| {
        stage.wire.mark();
        stage.client.transact().await.unwrap();

        let trace = stage.wire.trace();
        let named = |from| {
            let places = trace.events().iter().filter(move |event| event.from == from);
            places.filter(|e| e.number.is_some()).map(|e| e.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(named(Side::Client), BATCHES.map(|(_, name)| name));
        assert_eq!(named(Side::Server), ANSWERS);
        assert_eq!(stage.wire.count(), Count { batches: 6, messages: 9 });
        let status = |name| trace.events().iter().find(|event| event.name == name).unwrap().status;
        assert_eq!(status(ANSWERS[0]), Some(Status::InTransaction));
        assert_eq!(status(ANSWERS[8]), Some(Status::Idle));
        assert_eq!((stage.wire.unanswered(), stage.wire.failures().len()), (0, 0));
    });
}

#[test]
fn start_up_is_marked_and_numbered() {
    play(async |stage| {
        let trace = stage.wire.trace();

        let lines = trace.events().iter().map(|event| (event.phase, event.number, &*event.name));
        let expected = [
            (Phase::StartUp, Some(1), "Greeting"),
            (Phase::StartUp, Some(1), "HandshakeResponse"),
            (Phase::StartUp, Some(2), "Ok login"),
        ];
        assert!(lines.eq(expected), "{trace}");
    });
}

#[rstest]
fn sent_keeps_the_whole_batch_back(#[values(1, 2, 3, 4, 5, 6)] batch: u64) {
    play(async |mut stage| {
        let before = stage.server.heard.load(SeqCst);

        stage.cut(Place::Sent(batch)).await;

        let index = usize::try_from(batch).unwrap() - 1;
        let length = |batches: &[(&[u8], &str)]| batches.iter().map(|batch| batch.0.len()).sum();
        let earlier: usize = length(&BATCHES[..index]);
        assert_eq!(stage.reached(), BATCHES[index].1);
        assert_eq!(stage.server.heard.load(SeqCst) - before, earlier);

        stage.wire.release();
        stage.quiet.wait(stage.wire.clone()).await;

        // The commit was sent with the close, which nobody answers.
        let sent = index + if batch == 5 { 2 } else { 1 };
        assert_eq!(stage.server.heard.load(SeqCst) - before, length(&BATCHES[..sent]));
        assert_eq!(stage.wire.unanswered(), 0);
    });
}

#[rstest]
fn held_gives_the_client_all_before(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9)] message: u64) {
    play(async |mut stage| {
        stage.cut(Place::Held(message)).await;

        let index = usize::try_from(message).unwrap() - 1;
        let read = stage.client.read.load(SeqCst);
        assert_eq!((stage.reached().as_str(), read), (ANSWERS[index], index));
        let unread = stage.client.stream.try_read(&mut [0; 64]);
        assert_eq!(unread.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    });
}

#[rstest]
fn unread_drops_before_the_message_is_read(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9)] message: u64) {
    play(async |mut stage| {
        stage.cut(Place::Unread(message)).await;

        let index = usize::try_from(message).unwrap() - 1;
        assert_eq!(stage.reached(), ANSWERS[index]);
        stage.quiet.wait(stage.wire.clone()).await;
        let mut unread = Vec::new();
        while let Ok(count @ 1..) = stage.client.stream.try_read_buf(&mut unread) {
            assert!(count < 256);
        }
        let mut messages = 0;
        while let [length, 0, 0, _, ..] = *unread {
            unread.drain(..4 + usize::from(length));
            messages += 1;
        }
        assert_eq!(stage.client.read.load(SeqCst) + messages, index + 1);
        assert!(unread.is_empty() && messages != 0);
    });
}

#[test]
fn greeting_can_be_held() {
    play(async |stage| {
        stage.wire.arm(Place::Held(1));
        let mut client = TcpStream::connect(stage.proxy.address()).await.unwrap();
        stage.wire.held().await;
        assert_eq!((stage.reached().as_str(), stage.wire.unanswered()), ("Greeting", 0));

        stage.wire.release();

        let mut greeting = vec![0; GREETING.len()];
        client.read_exact(&mut greeting).await.unwrap();
        let changed = greeting.iter().zip(GREETING).filter(|(left, right)| left != right).count();
        assert_eq!(changed, 3, "{}", greeting.escape_ascii());
    });
}
