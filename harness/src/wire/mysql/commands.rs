//! What a client sends: the name of each command, and the answer that it gets.
//!
//! A name holds the statement, by its text. It holds no value, no statement's number, and no
//! database, user, table or file, because they differ between runs or are nobody's business.

use std::collections::VecDeque;

use super::{
    Fields,
    answers::{Ask, Kind},
    sql,
    statements::{Statement, Statements},
    values,
};
use crate::wire::{Malformed, framing::counted};

const INIT_DB: u8 = 0x02;
const QUERY: u8 = 0x03;
pub(super) const QUIT: u8 = 0x01;
const CHANGE_USER: u8 = 0x11;
const STMT_PREPARE: u8 = 0x16;
const STMT_EXECUTE: u8 = 0x17;
const STMT_SEND_LONG_DATA: u8 = 0x18;
const STMT_CLOSE: u8 = 0x19;
const STMT_RESET: u8 = 0x1a;
const STMT_FETCH: u8 = 0x1c;
const RESET_CONNECTION: u8 = 0x1f;
const STMT_BULK_EXECUTE: u8 = 0xfa;

/// A command that was read.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) tag: u8,
    pub(super) name: String,
    pub(super) detail: String,
    /// What is asked of the server, where it answers at all.
    pub(super) ask: Option<Ask>,
}

/// Names a command, and tells what answers it.
///
/// Replication is not framed: its answer has no end.
fn known(tag: u8) -> Option<(&'static str, Option<Kind>)> {
    let rows = Kind::Results { binary: true, cursor: false };
    Some(match tag {
        0x00 => ("ComSleep", Some(Kind::Outcome)),
        QUIT => ("ComQuit", None),
        INIT_DB => ("ComInitDb", Some(Kind::Outcome)),
        QUERY => ("ComQuery", Some(Kind::Results { binary: false, cursor: false })),
        0x04 => ("ComFieldList", Some(Kind::FieldList)),
        0x05 => ("ComCreateDb", Some(Kind::Outcome)),
        0x06 => ("ComDropDb", Some(Kind::Outcome)),
        0x07 => ("ComRefresh", Some(Kind::Outcome)),
        0x08 => ("ComShutdown", Some(Kind::Outcome)),
        0x09 => ("ComStatistics", Some(Kind::Text)),
        0x0a => ("ComProcessInfo", Some(Kind::Results { binary: false, cursor: false })),
        0x0c => ("ComProcessKill", Some(Kind::Outcome)),
        0x0d => ("ComDebug", Some(Kind::Outcome)),
        0x0e => ("ComPing", Some(Kind::Outcome)),
        CHANGE_USER => ("ComChangeUser", Some(Kind::Login)),
        STMT_PREPARE => ("ComStmtPrepare", Some(Kind::Prepare)),
        STMT_EXECUTE => ("ComStmtExecute", Some(rows)),
        STMT_SEND_LONG_DATA => ("ComStmtSendLongData", None),
        STMT_CLOSE => ("ComStmtClose", None),
        STMT_RESET => ("ComStmtReset", Some(Kind::Outcome)),
        0x1b => ("ComSetOption", Some(Kind::Outcome)),
        STMT_FETCH => ("ComStmtFetch", Some(Kind::Fetch)),
        RESET_CONNECTION => ("ComResetConnection", Some(Kind::Outcome)),
        STMT_BULK_EXECUTE => ("ComStmtBulkExecute", Some(rows)),
        _ => return None,
    })
}

/// Reads a command, and notes what it does to the prepared statements.
pub(super) fn read(fields: Fields<'_>, statements: &mut Statements) -> Result<Command, Malformed> {
    let mut fields = fields.of("a command");
    let tag = fields.byte("type")?;
    let (name, kind) = known(tag).ok_or(Malformed::Tag { tag })?;
    let fields = fields.of(name);
    match tag {
        QUERY => {
            let text = fields.rest();
            let ask = kind.map(|kind| Ask { kind, name, verbs: sql::verbs(text), statement: None });
            Ok(Command { tag, name: quoted(name, &sql::shown(text)), detail: String::new(), ask })
        }
        STMT_PREPARE => Ok(prepare(tag, (name, kind), fields, statements)),
        STMT_EXECUTE | STMT_BULK_EXECUTE | STMT_SEND_LONG_DATA | STMT_CLOSE | STMT_RESET
        | STMT_FETCH => of_statement(tag, (name, kind), fields, statements),
        _ => {
            if matches!(tag, RESET_CONNECTION | CHANGE_USER) {
                statements.clear();
            }
            let verbs = VecDeque::new();
            let ask = kind.map(|kind| Ask { kind, name, verbs, statement: None });
            Ok(Command { tag, name: name.to_owned(), detail: String::new(), ask })
        }
    }
}

fn prepare(
    tag: u8,
    (name, kind): (&'static str, Option<Kind>),
    fields: Fields<'_>,
    statements: &mut Statements,
) -> Command {
    let mut verbs = sql::verbs(fields.rest());
    verbs.truncate(1);
    let verb = verbs.pop_front().unwrap_or_default();
    let statement = Statement { text: sql::shown(fields.rest()), verb, parameters: 0 };
    statements.ask(statement.clone());
    let shown = quoted(name, &statement.text);
    let ask = kind.map(|kind| Ask { kind, name, verbs, statement: Some(statement) });
    Command { tag, name: shown, detail: String::new(), ask }
}

/// Reads a command that is for a prepared statement, and names it by that one's text.
fn of_statement(
    tag: u8,
    (name, mut kind): (&'static str, Option<Kind>),
    mut fields: Fields<'_>,
    statements: &mut Statements,
) -> Result<Command, Malformed> {
    let id = fields.wide("statement")?;
    let statement = statements.get(id).cloned();
    let shown = match &statement {
        Some(statement) => quoted(name, &statement.text),
        None => name.to_owned(),
    };
    let parameters = statement.as_ref().map_or(0, |statement| statement.parameters);
    let detail = match tag {
        STMT_EXECUTE => {
            let cursor = fields.byte("flags")? != 0;
            kind = Some(Kind::Results { binary: true, cursor });
            fields.wide("iterations")?;
            values::bound(fields, parameters).unwrap_or_default()
        }
        STMT_BULK_EXECUTE => values::bound_in_bulk(fields, parameters).unwrap_or_default(),
        STMT_SEND_LONG_DATA => {
            fields.number("parameter")?;
            counted(fields.length() - 7, "byte")
        }
        STMT_CLOSE => {
            statements.close(id);
            String::new()
        }
        _ => String::new(),
    };
    let verbs = match (tag, statement) {
        // A reset is not an execution, and its OK must not look like one's.
        (STMT_RESET, _) | (_, None) => VecDeque::new(),
        (_, Some(statement)) => VecDeque::from([statement.verb]),
    };
    let ask = kind.map(|kind| Ask { kind, name, verbs, statement: None });
    Ok(Command { tag, name: shown, detail, ask })
}

fn quoted(name: &str, text: &str) -> String {
    format!("{name} \"{text}\"")
}
