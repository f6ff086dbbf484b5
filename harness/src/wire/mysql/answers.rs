//! What the server still owes: the requests sent, in order, and how far the answer has come.
//!
//! A message of MySQL does not say what it is. Its first byte means one thing at the beginning of
//! an answer, another among rows, and another after a statement was prepared, so a message is named
//! by the request that it answers and by those before it.
//!
//! Requests may be sent ahead; they are answered in order, also after an error. Two things turn
//! the conversation round: a login that asks the client for more, and a file that the server wants.

use std::collections::VecDeque;

use super::{
    Fields,
    greeting::Capabilities,
    statements::Statement,
    values,
    words::{self, EOF, ERR, Ending, Flags, OK},
};
use crate::wire::{Malformed, framing::counted};

/// The first byte of the server's wish for a file.
const INFILE: u8 = 0xfb;
/// The first byte of more data for a login, where the data is not sent bare.
const MORE_DATA: u8 = 0x01;
/// The first byte of the wish for another factor of a login.
const NEXT_FACTOR: u8 = 0x02;

#[derive(Debug, Default)]
pub(super) struct Answers {
    queue: VecDeque<Ask>,
    step: Step,
    /// Whether the login waits for the client.
    client_next: bool,
    /// Whether the client sends a file. It goes on to the end, also after an error.
    file: bool,
}

/// A request, by what answers it.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    /// The name of the request.
    pub(super) name: &'static str,
    /// The verbs of its statements, as far as they are not answered.
    pub(super) verbs: VecDeque<String>,
    /// The statement that is prepared.
    pub(super) statement: Option<Statement>,
}

/// What a request is answered with; an error is possible always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An OK, after as many questions as it takes.
    Login,
    /// An OK, or an EOF.
    Outcome,
    /// Any number of results, each an OK or rows.
    Results {
        /// Whether rows are in the binary protocol.
        binary: bool,
        /// Whether the rows may be left to be fetched.
        cursor: bool,
    },
    /// A statement's number, and the definitions of its parameters and columns.
    Prepare,
    /// Rows.
    Fetch,
    /// Definitions of columns.
    FieldList,
    /// One message of text.
    Text,
}

/// How far the answer under way has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// Nothing of it, or of its next result, is there.
    #[default]
    First,
    /// So many definitions are left, then comes something else.
    Definitions(u16, Then),
    /// The definitions are there, and an EOF ends them.
    DefinitionsEnd(Then),
    /// Rows of so many columns, in the binary protocol or not.
    Rows(u16, bool),
}

/// What follows definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Rows of so many columns, in the binary protocol or not.
    Rows(u16, bool),
    /// The definitions of so many columns, those before being of parameters.
    Columns(u16),
    Nothing,
}

/// What a message of the server says.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) name: String,
    pub(super) detail: String,
    /// The status that it announces.
    pub(super) flags: Option<Flags>,
    /// The statement that was prepared, with its number.
    pub(super) prepared: Option<(u32, Statement)>,
    /// Whether it ends a login, and whether with success.
    pub(super) login: Option<bool>,
}

impl Answers {
    /// The requests that are not answered in full.
    pub(super) fn requests(&self) -> usize {
        self.queue.len()
    }

    /// Whether the next word is the server's.
    pub(super) fn owes(&self) -> bool {
        !self.queue.is_empty() && !self.client_next && !self.file
    }

    /// Whether the client's next words are a file's.
    pub(super) fn takes_file(&self) -> bool {
        self.file
    }

    /// Whether the client's next word belongs to the login under way.
    pub(super) fn takes_login(&self) -> bool {
        self.client_next
    }

    /// Notes a request of the client.
    pub(super) fn asked(&mut self, ask: Ask) {
        self.queue.push_back(ask);
    }

    /// Notes what a client says to a question of the login.
    pub(super) fn logged(&mut self) {
        self.client_next = false;
    }

    /// Notes the end of a file.
    pub(super) fn sent_file(&mut self) {
        self.file = false;
    }

    /// Names a message of the server and notes what it answers; `None` where nothing was asked.
    pub(super) fn answered(
        &mut self,
        fields: Fields<'_>,
        capabilities: Capabilities,
    ) -> Result<Option<Answer>, Malformed> {
        let Some(Ask { kind, name, .. }) = self.queue.front() else { return Ok(None) };
        let (kind, name) = (*kind, *name);
        let first = fields.first();
        let answer = match (self.step, kind) {
            _ if first == Some(ERR) => self.refused(fields)?,
            (Step::Definitions(left, then), _) => {
                self.definition(left, then, fields, capabilities)?
            }
            (Step::DefinitionsEnd(then), _) => self.defined(then, fields)?,
            (Step::Rows(..), _) | (Step::First, Kind::Fetch | Kind::FieldList)
                if words::is_end(&fields, capabilities) =>
            {
                self.ended(words::ending(fields, capabilities)?, false)
            }
            (Step::Rows(columns, binary), _) => row(fields, columns, binary)?,
            (Step::First, Kind::Fetch) => row(fields, 0, true)?,
            (Step::First, Kind::FieldList) => definition("Column", fields)?,
            (Step::First, Kind::Login) => self.login(fields, capabilities)?,
            (Step::First, Kind::Prepare) => self.prepared(fields, capabilities)?,
            (Step::First, Kind::Text) => {
                self.finish();
                Answer::named(name.trim_start_matches("Com"))
            }
            (Step::First, Kind::Outcome) => match first {
                Some(OK | EOF) => self.ended(words::ending(fields, capabilities)?, true),
                _ => return Err(fields.of(name).fault("answer")),
            },
            (Step::First, Kind::Results { binary, .. }) => match first {
                Some(OK) => self.ended(words::ending(fields, capabilities)?, true),
                Some(INFILE) => {
                    self.file = true;
                    Answer::named("InfileRequest")
                }
                _ => self.columns(fields, binary, capabilities)?,
            },
        };
        Ok(Some(answer))
    }

    /// Ends an answer with an error; what was sent ahead is answered nevertheless.
    fn refused(&mut self, fields: Fields<'_>) -> Result<Answer, Malformed> {
        let name = words::err(fields)?;
        let login = self.finish().filter(|ask| ask.kind == Kind::Login).map(|_| false);
        Ok(Answer { name, login, ..Answer::default() })
    }

    /// Ends a result; `alone` where it is not the end of rows.
    fn ended(&mut self, ending: Ending, alone: bool) -> Answer {
        let name = self.named(ending);
        let flags = Some(ending.flags);
        let login = match self.queue.front_mut() {
            Some(Ask { kind: Kind::Results { .. }, verbs, .. }) if ending.flags.more_results() => {
                self.step = Step::First;
                // A procedure may give rows as often as it likes, and ends with an OK.
                let calls = !alone && verbs.front().is_some_and(|verb| verb == "CALL");
                if 1 < verbs.len() && !calls {
                    verbs.pop_front();
                }
                None
            }
            _ => self.finish().filter(|ask| ask.kind == Kind::Login).map(|_| true),
        };
        Answer { name, flags, login, ..Answer::default() }
    }

    /// Names an ending by what it ends: a statement, or else a command.
    fn named(&self, ending: Ending) -> String {
        let ask = self.queue.front();
        let verb = ask.and_then(|ask| ask.verbs.front()).filter(|verb| !verb.is_empty());
        let name = match (verb, ask) {
            (Some(verb), _) => format!("{} \"{verb}\"", ending.name),
            (None, ask) => format!("{} {}", ending.name, ask.map_or("", |ask| ask.name)),
        };
        match usize::try_from(ending.rows).unwrap_or(usize::MAX) {
            0 => name,
            rows => format!("{name} {}", counted(rows, "row")),
        }
    }

    /// Ends the answer under way, and returns what it was to.
    fn finish(&mut self) -> Option<Ask> {
        self.step = Step::First;
        self.client_next = false;
        self.queue.pop_front()
    }

    fn login(
        &mut self,
        fields: Fields<'_>,
        capabilities: Capabilities,
    ) -> Result<Answer, Malformed> {
        let plugin = |name| {
            let mut fields = fields.of(name);
            fields.byte("header")?;
            let end = fields.rest().iter().position(|byte| *byte == 0);
            let plugin = &fields.rest()[..end.unwrap_or(fields.rest().len())];
            Ok(Answer::named(format!("{name} \"{}\"", String::from_utf8_lossy(plugin))))
        };
        let answer = match (fields.first(), fields.rest()) {
            (Some(OK), _) => return Ok(self.ended(words::ending(fields, capabilities)?, true)),
            // The answer of `caching_sha2_password` that it knows the password: an OK follows.
            (_, [MORE_DATA, 3]) => return Ok(Answer::named("AuthMoreData fast")),
            (_, [MORE_DATA, 4]) => Answer::named("AuthMoreData full"),
            (Some(EOF), _) => plugin("AuthSwitchRequest")?,
            (Some(NEXT_FACTOR), _) if capabilities.many_factors() => plugin("AuthNextFactor")?,
            // MariaDB sends a plugin's data bare, unless its first byte would mislead.
            _ => Answer::named("AuthMoreData"),
        };
        self.client_next = true;
        Ok(answer)
    }

    /// Reads what a statement is prepared as.
    fn prepared(
        &mut self,
        fields: Fields<'_>,
        capabilities: Capabilities,
    ) -> Result<Answer, Malformed> {
        let mut fields = fields.of("PrepareOk");
        if fields.byte("header")? != OK {
            return Err(fields.fault("header"));
        }
        let id = fields.wide("statement")?;
        let columns = fields.number("column count")?;
        let parameters = fields.number("parameter count")?;
        let name = format!(
            "PrepareOk {}, {}",
            counted(parameters.into(), "parameter"),
            counted(columns.into(), "column")
        );
        let statement = self.queue.front_mut().and_then(|ask| ask.statement.take());
        let learnt = |statement| (id, Statement { parameters: parameters.into(), ..statement });
        self.define(parameters, Then::Columns(columns), capabilities);
        Ok(Answer { name, prepared: statement.map(learnt), ..Answer::default() })
    }

    /// Reads how many columns the rows of a result have.
    fn columns(
        &mut self,
        fields: Fields<'_>,
        binary: bool,
        capabilities: Capabilities,
    ) -> Result<Answer, Malformed> {
        let mut fields = fields.of("ColumnCount");
        let columns = fields.counter("count")?.and_then(|count| u16::try_from(count).ok());
        let Some(columns) = columns.filter(|_| fields.rest().is_empty()) else {
            return Err(fields.fault("count"));
        };
        self.define(columns, Then::Rows(columns, binary), capabilities);
        Ok(Answer::named(format!("ColumnCount {columns}")))
    }

    /// Expects so many definitions.
    fn define(&mut self, count: u16, then: Then, capabilities: Capabilities) {
        match (count, then) {
            (0, Then::Columns(columns)) => self.define(columns, Then::Nothing, capabilities),
            (0, then) => self.go_on(then, capabilities),
            (count, then) => self.step = Step::Definitions(count, then),
        }
    }

    /// Counts a definition.
    fn definition(
        &mut self,
        left: u16,
        then: Then,
        fields: Fields<'_>,
        capabilities: Capabilities,
    ) -> Result<Answer, Malformed> {
        match left {
            0 | 1 if capabilities.deprecate_eof() => self.go_on(then, capabilities),
            0 | 1 => self.step = Step::DefinitionsEnd(then),
            left => self.step = Step::Definitions(left - 1, then),
        }
        definition(if matches!(then, Then::Columns(_)) { "Parameter" } else { "Column" }, fields)
    }

    /// Reads the EOF after definitions.
    fn defined(&mut self, then: Then, fields: Fields<'_>) -> Result<Answer, Malformed> {
        let ending = words::eof(fields)?;
        let asked = self.queue.front().map(|ask| ask.kind);
        let waits = matches!(asked, Some(Kind::Results { cursor: true, .. }));
        if waits && ending.flags.cursor() {
            return Ok(self.ended(ending, false));
        }
        self.go_on(then, Capabilities::default());
        let flags = Some(ending.flags);
        Ok(Answer { name: ending.name.to_owned(), flags, ..Answer::default() })
    }

    fn go_on(&mut self, then: Then, capabilities: Capabilities) {
        match then {
            Then::Rows(columns, binary) => self.step = Step::Rows(columns, binary),
            Then::Columns(columns) => self.define(columns, Then::Nothing, capabilities),
            Then::Nothing => {
                self.finish();
            }
        }
    }
}

impl Answer {
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// Names a definition, of which only the beginning is always the same.
fn definition(name: &'static str, fields: Fields<'_>) -> Result<Answer, Malformed> {
    match fields.rest().starts_with(b"\x03def") {
        true => Ok(Answer::named(name)),
        false => Err(fields.of(name).fault("catalog")),
    }
}

/// Names a row; of fetched ones the columns are not known.
fn row(fields: Fields<'_>, columns: u16, binary: bool) -> Result<Answer, Malformed> {
    let fields = fields.of("Row");
    let detail = match (binary, fields.first()) {
        (true, Some(OK)) => counted(fields.length(), "byte"),
        (true, _) | (false, None) => return Err(fields.fault("header")),
        (false, _) => values::lengths(fields, columns)?,
    };
    let name = match columns {
        0 => "Row".to_owned(),
        columns => format!("Row {}", counted(columns.into(), "column")),
    };
    Ok(Answer { name, detail, ..Answer::default() })
}
