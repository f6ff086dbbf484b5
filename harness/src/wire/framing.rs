//! Framing: what a protocol has to say of the bytes that pass.
//!
//! One framing serves one connection and is shown both directions in the order in which their
//! messages pass, because some protocols name an answer only by the request before it.
//!
//! A framing looks and never waits: it is shown what has come so far and asks for more with `None`.

use super::{Phase, Side, Status};

/// As much of a message as a framing may ask for before it names it.
///
/// It bounds what is buffered: a longer message is named by its beginning and passed on in pieces.
pub(super) const PREFIX_MAX: usize = 64 * 1024;

/// What a protocol knows of its messages.
pub(super) trait Framing: Send {
    /// Names the message at the front of what `from` has sent.
    ///
    /// `None` asks for more, up to the whole message or [`PREFIX_MAX`] bytes of it.
    fn next(&mut self, from: Side, bytes: &[u8]) -> Result<Option<Message>, Malformed>;

    /// Where the connection stands after the messages seen.
    fn standing(&self) -> Standing;

    /// The bytes of the header that each message of a server begins with.
    fn header(&self) -> usize;

    /// An error in the place of the server's message named last, whose header is given; `None` where
    /// a server sends none there.
    fn refusal(&self, header: &[u8]) -> Option<Vec<u8>>;

    /// Whether the server's message named last comes to the client also when the answer that it
    /// belongs to was refused.
    fn outlives_refusal(&self) -> bool;
}

/// One message, as a framing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) detail: String,
    /// Its bytes on the wire, header included.
    pub(super) length: usize,
    pub(super) role: Role,
    pub(super) fate: Fate,
}

/// What a message is to the counting of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The client goes on with its batch.
    Part,
    /// The client's batch ends here.
    End,
    /// The server's message is a place.
    Answer,
    /// No place: the server says it at any time, or the proxy answers it.
    Aside,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is passed on.
    Pass,
    /// These bytes are passed on in its place. Only a message that is there in full has this fate.
    Replace(Vec<u8>),
    /// It stays here, and its sender gets these bytes.
    Reply(&'static [u8]),
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) phase: Phase,
    pub(super) status: Option<Status>,
    /// Requests that the server has not answered in full.
    pub(super) unanswered: usize,
    /// Whether the next word is the server's.
    ///
    /// False with requests unanswered where the server waits for the client's data.
    pub(super) owes: bool,
}

/// The words of an error that no server has sent.
pub(super) const REFUSAL: &str = "refused on the wire";

/// Counts in words, as names do: `1 row`, `2 rows`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// What is wrong with the bytes of a side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The first bytes begin a TLS handshake.
    #[error("a TLS handshake without asking for it: the proxy speaks plain text, turn TLS off")]
    Tls,
    /// The client asks for TLS that was not offered to it.
    #[error("TLS was asked for and not offered: the proxy speaks plain text, turn TLS off")]
    Encryption,
    /// The client wants what was not offered to it, and the messages would look different.
    #[error("the capability {name} was asked for and not offered: the proxy does not frame it")]
    Capability {
        /// The name of the capability.
        name: &'static str,
    },
    /// It is the other side's turn, or nothing was asked.
    #[error("{message} out of turn")]
    Turn {
        /// The name of the message.
        message: &'static str,
    },
    /// The first message asks for something unknown.
    #[error("a start-up of version {major}.{minor}, which is unknown")]
    Version {
        /// The upper half of the version.
        major: u16,
        /// The lower half.
        minor: u16,
    },
    /// No message begins like this.
    #[error("a message of type `{}`, which is unknown", tag.escape_ascii())]
    Tag {
        /// The byte that tells the type.
        tag: u8,
    },
    /// The length cannot be.
    #[error("{message} with a length of {length}")]
    Length {
        /// The name of the message.
        message: &'static str,
        /// The length it claims.
        length: u32,
    },
    /// The content is not what the name says.
    #[error("{message} whose {part} cannot be read")]
    Content {
        /// The name of the message.
        message: &'static str,
        /// What is missing or wrong.
        part: &'static str,
    },
    /// A batch is too long to be kept back whole.
    #[error("a batch of more than {bytes_max} bytes, too long for the place `Sent`")]
    Batch {
        /// The longest that is kept back.
        bytes_max: usize,
    },
}
