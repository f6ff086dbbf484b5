//! Postgres: how its protocol is framed, named and counted.
//!
//! <https://www.postgresql.org/docs/18/protocol.html>. Every message tells its type and length, so
//! naming needs no state but the start-up's. What needs state is the counting of what the server
//! still owes: see `answers`.
//!
//! Encryption is declined: `N` to SSLRequest and GSSENCRequest. Statement and portal names are left
//! out of the names, because some clients count them over the whole process.

mod answers;
mod fields;
mod names;
mod sql;
mod start_up;

pub(super) use start_up::Keys;

use self::{answers::Answers, fields::Fields, start_up::Hello};
use super::{
    Malformed, Phase, Side, Status,
    framing::{Fate, Framing, Message, PREFIX_MAX, REFUSAL, Role, Standing},
};

/// The server's own limit (`PQ_LARGE_MESSAGE_LIMIT`).
const LENGTH_MAX: u32 = 0x3fff_fffe;

/// The type of a message and its length.
const HEADER: usize = 5;

/// The framing of one connection.
pub(super) struct Postgres {
    connection: u32,
    keys: Keys,
    stage: Stage,
    status: Option<Status>,
    answers: Answers,
    /// The type of the server's message named last.
    said: u8,
}

enum Stage {
    /// The client has not said which protocol it speaks.
    Hello(Hello),
    /// It logs in; says whether the next word is the server's.
    Login { server_next: bool },
    /// It only asks to cancel another's request, and waits until the server hangs up.
    Cancel,
    /// It takes requests.
    Session,
}

impl Postgres {
    pub(super) fn new(connection: u32, keys: Keys) -> Self {
        let stage = Stage::Hello(Hello::default());
        Self { connection, keys, stage, status: None, answers: Answers::default(), said: 0 }
    }

    fn start_up(&mut self, bytes: &[u8]) -> Result<Option<Message>, Malformed> {
        let Stage::Hello(hello) = &mut self.stage else { return self.typed(Side::Client, bytes) };
        let Some((request, length)) = hello.next(bytes)? else { return Ok(None) };
        let (name, role, fate) = match request {
            start_up::Request::Encryption(name) => {
                (name.to_owned(), Role::Aside, Fate::Reply(b"N"))
            }
            start_up::Request::Cancel(key) => {
                self.stage = Stage::Cancel;
                (self.keys.cancel(&key), Role::End, Fate::Pass)
            }
            start_up::Request::Session => {
                self.stage = Stage::Login { server_next: true };
                ("StartupMessage".to_owned(), Role::End, Fate::Pass)
            }
        };
        Ok(Some(Message { name, detail: String::new(), length, role, fate }))
    }

    /// Frames a message that begins with its type, as all do but the client's first.
    fn typed(&mut self, from: Side, bytes: &[u8]) -> Result<Option<Message>, Malformed> {
        let Some(tag) = bytes.first().copied() else { return Ok(None) };
        let message = match from {
            Side::Client => names::client(tag),
            Side::Server => names::server(tag),
        }
        .ok_or(Malformed::Tag { tag })?;
        let Some(length) = bytes.get(1..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        if !(4..=LENGTH_MAX).contains(&length) {
            return Err(Malformed::Length { message, length });
        }
        let length = length as usize + 1;
        let Some(body) = bytes.get(HEADER..length.min(PREFIX_MAX)) else { return Ok(None) };

        let fields = Fields::new(message, body, length - HEADER);
        let (name, detail) = match from {
            Side::Client => names::of_client(tag, message, fields)?,
            Side::Server => names::of_server(tag, message, fields)?,
        };
        let role = match from {
            Side::Client => self.asked(tag),
            Side::Server => self.answered(tag, fields)?,
        };
        Ok(Some(Message { name, detail, length, role, fate: Fate::Pass }))
    }

    fn asked(&mut self, tag: u8) -> Role {
        if let (Stage::Login { server_next }, b'p') = (&mut self.stage, tag) {
            *server_next = true;
        } else {
            self.answers.asked(tag);
        }
        let inside = matches!(tag, b'P' | b'B' | b'D' | b'E' | b'C' | b'd');
        if inside { Role::Part } else { Role::End }
    }

    fn answered(&mut self, tag: u8, mut fields: Fields<'_>) -> Result<Role, Malformed> {
        self.said = tag;
        if tag == b'K' {
            self.keys.learn(fields.rest(), self.connection);
        }
        if tag == b'Z' {
            self.status = Some(names::status(&mut fields)?);
        }
        match &mut self.stage {
            Stage::Login { server_next } if tag == b'R' => {
                *server_next = names::is_final(&mut fields)?;
            }
            Stage::Login { .. } if tag == b'Z' => self.stage = Stage::Session,
            Stage::Login { .. } | Stage::Hello(_) | Stage::Cancel => {}
            Stage::Session => self.answers.answered(tag),
        }
        let any_time = matches!(tag, b'S' | b'N' | b'A');
        Ok(if any_time { Role::Aside } else { Role::Answer })
    }
}

impl Framing for Postgres {
    fn next(&mut self, from: Side, bytes: &[u8]) -> Result<Option<Message>, Malformed> {
        match from {
            Side::Client => self.start_up(bytes),
            Side::Server => self.typed(from, bytes),
        }
    }

    fn standing(&self) -> Standing {
        let phase = match self.stage {
            Stage::Session => Phase::Session,
            Stage::Hello(_) | Stage::Login { .. } | Stage::Cancel => Phase::StartUp,
        };
        let waits = matches!(self.stage, Stage::Cancel | Stage::Login { server_next: true });
        let unanswered = usize::from(waits) + self.answers.requests();
        Standing { phase, status: self.status, unanswered, owes: waits || self.answers.owes() }
    }

    fn header(&self) -> usize {
        HEADER
    }

    fn refusal(&self, _: &[u8]) -> Option<Vec<u8>> {
        if !matches!(self.stage, Stage::Session) || matches!(self.said, b'Z' | b'K' | b'R') {
            return None;
        }
        let fields = format!("SERROR\0VERROR\0C58000\0M{REFUSAL}\0\0");
        let length = u32::try_from(fields.len() + 4).expect("it is short");
        Some([b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat())
    }

    /// The server skips to the end of the batch, and says that it is ready.
    fn outlives_refusal(&self) -> bool {
        self.said == b'Z'
    }
}
