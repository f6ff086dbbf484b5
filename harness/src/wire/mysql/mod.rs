//! MySQL and MariaDB: how their protocol is framed, named and counted.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html> and
//! <https://mariadb.com/docs/server/reference/clientserver-protocol>. A message is told only by what
//! came before it: see `answers`. What would change that is taken out of the greeting: see
//! `greeting`.
//!
//! Each command is a batch of its own, also one that is not answered. Long data are sent before the
//! execution that they are for, but they stay with the statement on the server when the client is
//! dropped in between, so that place is one to look at. A file is one batch up to its end.
//!
//! A message of 16 MiB or more comes in several packets. The first names it and is the place; the
//! others are noted as its continuation.

mod answers;
mod commands;
mod fields;
mod greeting;
mod sql;
mod statements;
#[cfg(test)]
mod tests;
mod values;
mod words;

use std::{collections::VecDeque, mem};

use self::{
    answers::{Answer, Answers, Ask, Kind},
    fields::Fields,
    greeting::Capabilities,
    statements::Statements,
    words::ERR,
};
use super::{
    Malformed, Phase, Side, Status,
    framing::{Fate, Framing, Message, PREFIX_MAX, REFUSAL, Role, Standing, counted},
};

/// A packet of this length goes on in the next one.
const PACKET_MAX: usize = 0xff_ffff;
const HEADER: usize = 4;

/// The framing of one connection.
#[derive(Default)]
pub(super) struct MySql {
    stage: Stage,
    /// What the server offers, then what the client wants of it.
    capabilities: Capabilities,
    status: Option<Status>,
    answers: Answers,
    statements: Statements,
    /// Whether the server is about to hang up.
    ends: bool,
    /// The role of the last packet of a client's message of which the first was seen.
    client_goes_on: Option<Role>,
    server_goes_on: bool,
    /// Whether a command was sent and nothing has answered it.
    is_asked: bool,
    /// Whether the server's packet named last is the first of an answer.
    is_first: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The server has not greeted.
    #[default]
    Connected,
    /// The client has not said who it is.
    Greeted,
    /// It logs in.
    Login,
    /// It takes requests.
    Session,
}

/// A packet, or as much of it as is needed for a name.
#[derive(Clone, Copy)]
struct Packet<'a> {
    /// Its number in the exchange that a command begins.
    sequence: u8,
    fields: Fields<'a>,
    bytes: &'a [u8],
}

impl MySql {
    fn named(&mut self, from: Side, packet: Packet<'_>) -> Result<Message, Malformed> {
        let length = packet.fields.length();
        let goes_on = length == PACKET_MAX;
        let began = match from {
            Side::Client => self.client_goes_on.take(),
            Side::Server => mem::replace(&mut self.server_goes_on, goes_on).then_some(Role::Aside),
        };
        let mut message = match (began, from) {
            (Some(role), _) => {
                let name = format!("Continuation {}", counted(length, "byte"));
                message(Answer::named(name), role)
            }
            (None, Side::Client) => self.client(packet)?,
            (None, Side::Server) => self.server(packet)?,
        };
        if from == Side::Client && goes_on {
            self.client_goes_on = Some(message.role);
            message.role = Role::Part;
        }
        Ok(Message { length: HEADER + length, ..message })
    }

    fn client(&mut self, packet: Packet<'_>) -> Result<Message, Malformed> {
        match self.stage {
            Stage::Connected | Stage::Greeted => self.responded(packet.fields),
            _ if self.answers.takes_file() => Ok(self.file(packet.fields)),
            // A command begins at zero; what belongs to a login goes on counting.
            _ if packet.sequence == 0 => self.commanded(packet.fields),
            _ if self.answers.takes_login() => {
                self.answers.logged();
                Ok(message(Answer::named("AuthResponse"), Role::End))
            }
            _ => Err(Malformed::Turn { message: "a packet" }),
        }
    }

    fn responded(&mut self, fields: Fields<'_>) -> Result<Message, Malformed> {
        let name = "HandshakeResponse";
        self.capabilities = greeting::agree(fields.of(name), self.capabilities)?;
        self.stage = Stage::Login;
        let verbs = VecDeque::new();
        self.answers.asked(Ask { kind: Kind::Login, name: "login", verbs, statement: None });
        Ok(message(Answer::named(name), Role::End))
    }

    fn file(&mut self, fields: Fields<'_>) -> Message {
        match fields.length() {
            0 => {
                self.answers.sent_file();
                message(Answer::named("InfileEnd"), Role::End)
            }
            length => {
                let name = format!("InfileData {}", counted(length, "byte"));
                message(Answer::named(name), Role::Part)
            }
        }
    }

    fn commanded(&mut self, fields: Fields<'_>) -> Result<Message, Malformed> {
        let command = commands::read(fields, &mut self.statements)?;
        self.ends |= command.tag == commands::QUIT;
        self.is_asked = true;
        if let Some(ask) = command.ask {
            self.answers.asked(ask);
        }
        let (name, detail) = (command.name, command.detail);
        Ok(message(Answer { name, detail, ..Answer::default() }, Role::End))
    }

    fn server(&mut self, packet: Packet<'_>) -> Result<Message, Malformed> {
        self.is_first = mem::take(&mut self.is_asked);
        if self.stage == Stage::Connected {
            return self.greeted(packet);
        }
        match self.answers.answered(packet.fields, self.capabilities)? {
            Some(mut answer) => {
                self.note(&mut answer);
                Ok(message(answer, Role::Answer))
            }
            // A server that ends an idle session may say why.
            None if packet.fields.first() == Some(ERR) => {
                self.ends = true;
                Ok(message(Answer::named(words::err(packet.fields)?), Role::Aside))
            }
            None => Err(Malformed::Turn { message: "an answer" }),
        }
    }

    fn greeted(&mut self, packet: Packet<'_>) -> Result<Message, Malformed> {
        if packet.fields.first() == Some(ERR) {
            self.stage = Stage::Login;
            self.ends = true;
            return Ok(message(Answer::named(words::err(packet.fields)?), Role::Answer));
        }
        let name = "Greeting";
        let mut bytes = packet.bytes.to_vec();
        self.capabilities = greeting::offer(packet.fields.of(name), &mut bytes)?;
        self.stage = Stage::Greeted;
        Ok(Message { fate: Fate::Replace(bytes), ..message(Answer::named(name), Role::Answer) })
    }

    /// Notes what an answer tells about the connection.
    fn note(&mut self, answer: &mut Answer) {
        if let Some(flags) = answer.flags {
            self.status = Some(flags.status());
        }
        if let Some((id, statement)) = answer.prepared.take() {
            self.statements.learn(id, statement);
        }
        match (answer.login, self.stage) {
            (Some(true), _) => self.stage = Stage::Session,
            // Who is not let in is shown out.
            (Some(false), Stage::Login) => self.ends = true,
            _ => {}
        }
    }
}

fn message(Answer { name, detail, .. }: Answer, role: Role) -> Message {
    Message { name, detail, length: 0, role, fate: Fate::Pass }
}

impl Framing for MySql {
    fn next(&mut self, from: Side, bytes: &[u8]) -> Result<Option<Message>, Malformed> {
        let Some([low, middle, high, sequence]) = bytes.first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes([*low, *middle, *high, 0]) as usize;
        let whole = HEADER + length;
        match (self.stage, from) {
            (Stage::Connected, Side::Client) => {
                return Err(Malformed::Turn { message: "a packet" });
            }
            (Stage::Connected, Side::Server) => greeting::bounded(length)?,
            _ => {}
        }
        let Some(bytes) = bytes.get(..whole.min(PREFIX_MAX)) else { return Ok(None) };
        let fields = Fields::new(&bytes[HEADER..], length);
        self.named(from, Packet { sequence: *sequence, fields, bytes }).map(Some)
    }

    fn standing(&self) -> Standing {
        let phase = match self.stage {
            Stage::Session => Phase::Session,
            Stage::Connected | Stage::Greeted | Stage::Login => Phase::StartUp,
        };
        // Whoever connects asks to be greeted.
        let waits = self.stage == Stage::Connected;
        let unanswered = usize::from(waits) + self.answers.requests();
        let owes = waits || self.ends || self.answers.owes();
        Standing { phase, status: self.status, unanswered, owes }
    }

    fn header(&self) -> usize {
        HEADER
    }

    fn refusal(&self, header: &[u8]) -> Option<Vec<u8>> {
        let sequence = header.get(3).filter(|_| self.stage == Stage::Session && self.is_first)?;
        // ER_UNKNOWN_ERROR, of a class of its own.
        let body = [&[ERR, 0x51, 0x04][..], b"#HY000", REFUSAL.as_bytes()].concat();
        let length = u8::try_from(body.len()).expect("it is short");
        Some([&[length, 0, 0, *sequence][..], &body].concat())
    }

    /// An error is all of an answer.
    fn outlives_refusal(&self) -> bool {
        false
    }
}
