//! The proxy: it listens, connects to the server, and runs one task per connection.
//!
//! Its tasks end with the value. It binds loopback only, because the conversation is plain text.

use std::{
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    task::Poll,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use super::{
    Error, Protocol, Wire,
    framing::Framing,
    gate::{Gate, Turn},
    mysql::MySql,
    postgres,
    prompt::Prompt,
    pump::{End, Pump},
};

/// A proxy in front of one server.
///
/// Its tasks run on the runtime on which it was started, and end when the value is dropped: then
/// every connection through it is closed.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    wire: Wire,
    accepting: AbortHandle,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// The server is not asked for until a client connects.
    ///
    /// # Errors
    ///
    /// Fails where no port is to be had.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is started before it returns.
    pub async fn start(protocol: Protocol, server: SocketAddr) -> Result<Self, Error> {
        let listen = |source| Error::Listen { source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let wire = Wire(Arc::default());
        let accept = accept(listener, server, Speaker::new(protocol), Arc::clone(&wire.0));
        let accepting = tokio::spawn(accept).abort_handle();
        Ok(Self { address, wire, accepting })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle on the conversation.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The task owns those of the connections.
        self.accepting.abort();
    }
}

/// Makes the framings of one proxy, which may know of each other.
pub(super) enum Speaker {
    Postgres(postgres::Keys),
    MySql,
}

impl Speaker {
    pub(super) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Postgres => Speaker::Postgres(postgres::Keys::default()),
            Protocol::MySql => Speaker::MySql,
        }
    }

    pub(super) fn framing(&self, connection: u32) -> Box<dyn Framing> {
        match self {
            Speaker::Postgres(keys) => Box::new(postgres::Postgres::new(connection, keys.clone())),
            Speaker::MySql => Box::new(MySql::default()),
        }
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, speaker: Speaker, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let entered = Entered { connection: gate.enter(), gate: Arc::clone(&gate) };
                    let framing = speaker.framing(entered.connection);
                    connections.spawn(serve(entered, client, server, framing));
                }
                // A client that gave up while it waited harms nobody.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(source) => {
                    gate.fail(Error::Accept { source });
                    break;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}

/// A connection that the gate knows of until this is dropped.
struct Entered {
    gate: Arc<Gate>,
    connection: u32,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.gate.leave(self.connection);
    }
}

/// Runs one connection. The sockets are closed before the gate is told, so quiet waits for it.
async fn serve(
    entered: Entered,
    client: TcpStream,
    address: SocketAddr,
    framing: Box<dyn Framing>,
) {
    let Entered { gate, connection } = &entered;
    let connection = *connection;
    opened(gate, connection).await;
    let connected = TcpStream::connect(address).await.and_then(|server| {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(server)
    });
    let mut server = match connected {
        Ok(server) => server,
        Err(source) => return gate.fail(Error::Unreachable { connection, address, source }),
    };
    let mut client = Prompt(client);
    match Pump::new((&mut client, &mut server), framing, (gate, connection)).run().await {
        Ok(End::Closed) => {}
        Ok(End::Reset) => {
            for stream in [&client.0, &server] {
                // A socket that has no option left to set is closed already.
                stream.set_zero_linger().ok();
            }
        }
        Err((from, source)) => gate.fail(Error::Protocol { connection, from, source }),
    }
}

/// Waits until the gate lets a new connection in.
async fn opened(gate: &Gate, connection: u32) {
    poll_fn(|cx| match gate.turn(connection, cx.waker()) {
        Turn::Shut => Poll::Pending,
        Turn::Open | Turn::Reset => Poll::Ready(()),
    })
    .await;
}
