//! The short messages of a server that carry a status or a code.

use super::{Fields, greeting::Capabilities};
use crate::wire::{Malformed, Status};

pub(super) const OK: u8 = 0x00;
pub(super) const EOF: u8 = 0xfe;
pub(super) const ERR: u8 = 0xff;

const IN_TRANSACTION: u16 = 0x0001;
const MORE_RESULTS: u16 = 0x0008;
const CURSOR: u16 = 0x0040;
const IN_READ_ONLY_TRANSACTION: u16 = 0x2000;

/// An EOF is not longer than this, and what begins like one and is longer is a row.
const EOF_MAX: usize = 8;
/// A row whose first value is as long as 16 MiB begins like the OK that ends a result, and fills
/// its packet.
const PACKET_MAX: usize = 0xff_ffff;

/// The status of a session, as an OK or an EOF announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(u16);

impl Flags {
    pub(super) fn status(self) -> Status {
        match self.0 & (IN_TRANSACTION | IN_READ_ONLY_TRANSACTION) {
            0 => Status::Idle,
            _ => Status::InTransaction,
        }
    }

    /// Whether another result follows this one.
    pub(super) fn more_results(self) -> bool {
        self.0 & MORE_RESULTS != 0
    }

    /// Whether the rows stay with the server until they are fetched.
    pub(super) fn cursor(self) -> bool {
        self.0 & CURSOR != 0
    }
}

/// What ends a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// `Ok` or `Eof`.
    pub(super) name: &'static str,
    pub(super) rows: u64,
    pub(super) flags: Flags,
}

/// Says whether a message among rows ends them.
pub(super) fn is_end(fields: &Fields<'_>, capabilities: Capabilities) -> bool {
    let longest = if capabilities.deprecate_eof() { PACKET_MAX - 1 } else { EOF_MAX };
    fields.first() == Some(EOF) && fields.length() <= longest
}

/// Reads an OK, or what begins like an EOF.
pub(super) fn ending(fields: Fields<'_>, capabilities: Capabilities) -> Result<Ending, Malformed> {
    match fields.first() {
        Some(EOF) if !capabilities.deprecate_eof() => eof(fields),
        _ => ok(fields),
    }
}

fn ok(fields: Fields<'_>) -> Result<Ending, Malformed> {
    let mut fields = fields.of("Ok");
    fields.byte("header")?;
    let rows = fields.counter("row count")?.ok_or_else(|| fields.fault("row count"))?;
    fields.counter("last id")?;
    Ok(Ending { name: "Ok", rows, flags: Flags(fields.number("status")?) })
}

pub(super) fn eof(fields: Fields<'_>) -> Result<Ending, Malformed> {
    let mut fields = fields.of("Eof");
    if fields.byte("header")? != EOF || EOF_MAX < fields.length() {
        return Err(fields.fault("header"));
    }
    fields.number("warning count")?;
    Ok(Ending { name: "Eof", rows: 0, flags: Flags(fields.number("status")?) })
}

/// Names an error by its code and, where it is told, its SQLSTATE. Its text may quote values.
pub(super) fn err(fields: Fields<'_>) -> Result<String, Malformed> {
    let mut fields = fields.of("Err");
    fields.byte("header")?;
    let code = fields.number("code")?;
    // A server that refuses to greet does not know yet whether the client reads the state.
    match fields.rest() {
        [b'#', state @ ..] => {
            let state = state.first_chunk::<5>().ok_or_else(|| fields.fault("state"))?;
            Ok(format!("Err {code} {}", state.escape_ascii()))
        }
        _ => Ok(format!("Err {code}")),
    }
}
