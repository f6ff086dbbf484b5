//! The names of messages, by content.
//!
//! A name holds what a reader needs to know the place: the statement, the command, the error's
//! code. It holds no value, no statement's name, nothing of an authentication, and no message text
//! of the server, which may quote values.

use super::{Fields, sql};
use crate::wire::{Malformed, Status, framing::counted};

/// More lengths than this are not listed.
const LENGTHS_MAX: u16 = 32;

type Named = Result<(String, String), Malformed>;

/// Names a type of message that clients send.
pub(super) fn client(tag: u8) -> Option<&'static str> {
    Some(match tag {
        b'Q' => "Query",
        b'P' => "Parse",
        b'B' => "Bind",
        b'D' => "Describe",
        b'E' => "Execute",
        b'C' => "Close",
        b'S' => "Sync",
        b'H' => "Flush",
        b'F' => "FunctionCall",
        b'd' => "CopyData",
        b'c' => "CopyDone",
        b'f' => "CopyFail",
        b'X' => "Terminate",
        b'p' => "PasswordMessage",
        _ => return None,
    })
}

/// Names a type of message that servers send.
pub(super) fn server(tag: u8) -> Option<&'static str> {
    Some(match tag {
        b'R' => "Authentication",
        b'K' => "BackendKeyData",
        b'S' => "ParameterStatus",
        b'N' => "NoticeResponse",
        b'A' => "NotificationResponse",
        b'Z' => "ReadyForQuery",
        b'C' => "CommandComplete",
        b'D' => "DataRow",
        b'T' => "RowDescription",
        b't' => "ParameterDescription",
        b'1' => "ParseComplete",
        b'2' => "BindComplete",
        b'3' => "CloseComplete",
        b'n' => "NoData",
        b's' => "PortalSuspended",
        b'I' => "EmptyQueryResponse",
        b'E' => "ErrorResponse",
        b'G' => "CopyInResponse",
        b'H' => "CopyOutResponse",
        b'W' => "CopyBothResponse",
        b'd' => "CopyData",
        b'c' => "CopyDone",
        b'V' => "FunctionCallResponse",
        b'v' => "NegotiateProtocolVersion",
        _ => return None,
    })
}

/// Names a client's message and lists the lengths of its values.
pub(super) fn of_client(tag: u8, message: &'static str, mut fields: Fields<'_>) -> Named {
    match tag {
        b'Q' => plain(format!("{message} \"{}\"", sql::shown(fields.text("text")?))),
        b'P' => {
            fields.text("name")?;
            plain(format!("{message} \"{}\"", sql::shown(fields.text("text")?)))
        }
        b'B' => bind(message, fields),
        b'D' | b'C' => match fields.byte("kind")? {
            b'S' => plain(format!("{message} statement")),
            b'P' => plain(format!("{message} portal")),
            _ => Err(fields.fault("kind")),
        },
        b'E' => {
            fields.text("portal")?;
            match fields.wide("row limit")?.unwrap_or_default() {
                0 => plain(message.to_owned()),
                rows => plain(format!("{message} {rows} rows")),
            }
        }
        b'd' => plain(format!("{message} {}", counted(fields.length(), "byte"))),
        _ => plain(message.to_owned()),
    }
}

/// Names a server's message and lists the lengths of its values.
pub(super) fn of_server(tag: u8, message: &'static str, mut fields: Fields<'_>) -> Named {
    match tag {
        b'R' => plain(format!("{message} {}", authentication(&mut fields)?)),
        b'S' => plain(quoted(message, fields.text("name")?)),
        b'C' => plain(quoted(message, fields.text("command")?)),
        b'A' => {
            fields.wide("process")?;
            plain(quoted(message, fields.text("channel")?))
        }
        b'E' | b'N' => plain(format!("{message} {}", code(&mut fields)?)),
        b'Z' => plain(match status(&mut fields)? {
            Status::Idle => format!("{message} idle"),
            Status::InTransaction => format!("{message} in transaction"),
            Status::Failed => format!("{message} failed"),
        }),
        b'D' => {
            let columns = fields.number("column count")?.unwrap_or_default();
            let name = format!("{message} {}", counted(columns.into(), "column"));
            Ok((name, lengths(&mut fields, columns)?))
        }
        b'T' => described(message, &mut fields, "column"),
        b't' => described(message, &mut fields, "parameter"),
        b'G' | b'H' | b'W' => {
            fields.byte("format")?;
            described(message, &mut fields, "column")
        }
        b'd' => plain(format!("{message} {}", counted(fields.length(), "byte"))),
        _ => plain(message.to_owned()),
    }
}

/// Reads the transaction's state out of a ReadyForQuery.
pub(super) fn status(fields: &mut Fields<'_>) -> Result<Status, Malformed> {
    match (fields.length(), fields.byte("status")?) {
        (1, b'I') => Ok(Status::Idle),
        (1, b'T') => Ok(Status::InTransaction),
        (1, b'E') => Ok(Status::Failed),
        _ => Err(fields.fault("status")),
    }
}

/// Says whether an authentication message asks nothing more of the client.
pub(super) fn is_final(fields: &mut Fields<'_>) -> Result<bool, Malformed> {
    Ok(matches!(fields.wide("method")?, Some(0 | 12)))
}

fn plain(name: String) -> Named {
    Ok((name, String::new()))
}

fn quoted(message: &str, text: &[u8]) -> String {
    format!("{message} \"{}\"", String::from_utf8_lossy(text))
}

fn described(message: &str, fields: &mut Fields<'_>, noun: &str) -> Named {
    let count = fields.number("count")?.unwrap_or_default();
    plain(format!("{message} {}", counted(count.into(), noun)))
}

fn authentication(fields: &mut Fields<'_>) -> Result<String, Malformed> {
    let method = fields.wide("method")?.unwrap_or_default();
    Ok(match method {
        0 => "Ok".to_owned(),
        3 => "CleartextPassword".to_owned(),
        5 => "MD5Password".to_owned(),
        10 => "SASL".to_owned(),
        11 => "SASLContinue".to_owned(),
        12 => "SASLFinal".to_owned(),
        method => format!("method {method}"),
    })
}

/// Finds the SQLSTATE among the fields of an error or notice.
fn code(fields: &mut Fields<'_>) -> Result<String, Malformed> {
    loop {
        let field = fields.text("code")?;
        match field.split_first() {
            Some((b'C', code)) => return Ok(String::from_utf8_lossy(code).into_owned()),
            Some(_) => {}
            None => return Err(fields.fault("code")),
        }
    }
}

fn bind(message: &'static str, mut fields: Fields<'_>) -> Named {
    fields.text("portal")?;
    fields.text("statement")?;
    let formats = fields.number("format count")?.unwrap_or_default();
    let codes = fields.bytes(2 * usize::from(formats), "formats")?;
    // The formats alone can be longer than what is read.
    let (Some(codes), Some(count)) = (codes, fields.number("parameter count")?) else {
        return plain(message.to_owned());
    };
    let binary = |code: &[u8]| if code == [0, 0] { "text" } else { "binary" };
    let formats = match formats {
        0 => "text".to_owned(),
        _ => codes.chunks(2).take(LENGTHS_MAX.into()).map(binary).collect::<Vec<_>>().join(", "),
    };
    let name = format!("{message} {}", counted(count.into(), "parameter"));
    let detail = match count {
        0 => String::new(),
        _ => format!("{formats}; {}", lengths(&mut fields, count)?),
    };
    Ok((name, detail))
}

/// Lists the lengths of values, each of which follows its length.
fn lengths(fields: &mut Fields<'_>, count: u16) -> Result<String, Malformed> {
    let mut shown = Vec::new();
    for _ in 0..count.min(LENGTHS_MAX) {
        let Some(length) = fields.wide("value's length")? else { break };
        match usize::try_from(length) {
            Ok(length) => {
                fields.bytes(length, "value")?;
                shown.push(counted(length, "byte"));
            }
            Err(_) => shown.push("null".to_owned()),
        }
    }
    Ok(shown.join(", "))
}
