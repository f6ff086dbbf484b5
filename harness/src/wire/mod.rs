//! The wire: a proxy between client and server that names every message and can hold any one.
//!
//! A cut is a place in the conversation, because the number of polls a future needs varies from run
//! to run and the conversation does not. [`Proxy`] listens where the client connects, frames what
//! both sides say, and passes it on; [`Wire`] is the handle on it: it arms a [`Place`], waits until
//! the conversation is there, and lets it go on or breaks it. While a place is held nothing is
//! passed on, on any connection, so nothing else can happen.
//!
//! Postgres is framed, and so are MySQL and MariaDB, which speak one protocol. A protocol adds a
//! [`Protocol`] variant and a `Framing`; everything else is the same for all.
//! Reading order: `framing` is what a protocol says of a message, `gate` decides, `flow` is one
//! direction's bytes, `pump` moves them.
//!
//! The proxy speaks plain text and runs on the subject's own runtime. On a runtime of one thread
//! [`Place::Unread`] is exact; with more threads the client may have read before it is dropped.

mod flow;
mod framing;
mod gate;
mod handle;
mod mysql;
mod postgres;
mod prompt;
mod proxy;
mod pump;
mod search;
mod sql;
#[cfg(test)]
mod tests;
mod trace;

use std::{fmt, io, net::SocketAddr};

pub use framing::Malformed;
pub use gate::{Connection, Count, Reached};
pub use handle::Wire;
pub use proxy::Proxy;
pub use trace::{Event, Phase, Side, Status, Trace};

/// The protocols that can be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// PostgreSQL's, version 3.
    Postgres,
    /// MySQL's, version 10, which MariaDB speaks too.
    MySql,
}

/// A place in the conversation where it can be held.
///
/// Numbers begin at one and count from the last [`Wire::mark`] or [`Wire::arm`], over all
/// connections. The messages of a start-up count as well; [`Event::phase`] tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Place {
    /// The client's batch of this number is whole, and the server has not got a byte of it.
    Sent(u64),
    /// The server has sent its message of this number, and the client has got all before it.
    Held(u64),
    /// The message of this number lies in the client's socket.
    Unread(u64),
    /// The first bytes of the message of this number lie in the client's socket, and no more.
    Split(u64, Part),
}

impl Place {
    /// Whether it is at the message of a number.
    fn is_at(self, from: Side, number: u64) -> bool {
        match self {
            Place::Sent(sent) => from == Side::Client && sent == number,
            Place::Held(place) | Place::Unread(place) | Place::Split(place, _) => {
                from == Side::Server && place == number
            }
        }
    }
}

/// Where a message is split in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Inside its header, which says how long it is.
    InHeader,
    /// Between its header and its body.
    AfterHeader,
    /// In the middle of its body.
    InBody,
}

impl Part {
    /// Every part, from the front.
    pub const ALL: [Part; 3] = [Part::InHeader, Part::AfterHeader, Part::InBody];

    /// How many bytes of a message come before the split; `None` where it would not leave two parts.
    pub(crate) fn split(self, header: usize, length: usize) -> Option<usize> {
        let body = length.saturating_sub(header);
        let before = match self {
            Part::InHeader => header / 2,
            Part::AfterHeader => header,
            Part::InBody if body < 2 => return None,
            Part::InBody => header + body / 2,
        };
        (0 < before && before < length).then_some(before)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Part::InHeader => "in its header",
            Part::AfterHeader => "after its header",
            Part::InBody => "in its body",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Sent(number) => write!(f, "Sent({number})"),
            Place::Held(number) => write!(f, "Held({number})"),
            Place::Unread(number) => write!(f, "Unread({number})"),
            Place::Split(number, part) => write!(f, "Split({number}, {part})"),
        }
    }
}

/// The reason the proxy could not start, or had to give a connection up.
///
/// A side that hangs up is none: a client that is dropped does so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No port could be had on the loopback address.
    #[error("the proxy cannot listen on 127.0.0.1")]
    Listen {
        /// What the system said.
        source: io::Error,
    },
    /// A client that connected could not be taken.
    #[error("the proxy takes no more connections")]
    Accept {
        /// What the system said.
        source: io::Error,
    },
    /// The server does not answer.
    #[error("no server answers connection {connection} at {address}")]
    Unreachable {
        /// The number of the client's connection.
        connection: u32,
        /// Where the server was expected.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A side does not keep to the protocol.
    #[error("the {from} broke the protocol on connection {connection}")]
    Protocol {
        /// The number of the connection.
        connection: u32,
        /// Who did.
        from: Side,
        /// What was wrong.
        source: Malformed,
    },
}
