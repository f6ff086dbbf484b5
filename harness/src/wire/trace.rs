//! The trace: what client and server said, by name, in order.
//!
//! It is compared between runs and kept as a snapshot, so an event says nothing that differs when
//! the conversation does not: no ports, no process ids, no statement names. It is printed, so it
//! says nothing secret either: a protocol's names leave values and passwords out.

use std::fmt;

use super::Part;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The client, to the server.
    Client,
    /// The server, to the client.
    Server,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::Client => "client",
            Side::Server => "server",
        })
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It is being set up: greeting and authentication, up to the first readiness.
    StartUp,
    /// It takes requests.
    Session,
}

/// The state of the transaction, as the server announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// No transaction is open.
    Idle,
    /// A transaction is open.
    InTransaction,
    /// A transaction is open and has failed: only its end is accepted. MySQL has no such state.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Idle => "idle",
            Status::InTransaction => "in transaction",
            Status::Failed => "failed",
        })
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The number of the connection, in the order in which they were opened.
    pub connection: u32,
    /// Who sent it.
    pub from: Side,
    /// How far the connection had come.
    pub phase: Phase,
    /// What it is, by content: `CommandComplete "BEGIN"`, or `Ok "BEGIN"` from MySQL.
    pub name: String,
    /// The types and lengths of the values it carries, where it carries any.
    pub detail: String,
    /// The transaction's state as last announced, this message included.
    pub status: Option<Status>,
    /// Its number as a place: a batch's where it ends one, a message's where the server sent it.
    ///
    /// `None` for a message that is no place: one inside a batch, and what a server says at any
    /// time.
    pub number: Option<u64>,
    /// The parts between which it can be split; none where the client sent it.
    pub parts: Vec<Part>,
    /// Whether a server may send an error in its place; see [`Wire::refuse`](super::Wire::refuse).
    pub refusable: bool,
    /// Whether the client had sent it when its caller left; see [`Wire::leave`](super::Wire::leave).
    pub early: bool,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.from {
            Side::Client => '>',
            Side::Server => '<',
        };
        write!(f, "{} {arrow} {}", self.connection, self.name)
    }
}

/// Everything said since the last mark, or since the proxy began where there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub(super) events: Vec<Event>,
}

impl Trace {
    /// Every event.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// Writes one event per line.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}
