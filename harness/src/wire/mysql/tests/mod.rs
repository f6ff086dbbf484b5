//! Tests of the framing alone: who says what, and how it is named.

mod login;
mod packets;
mod results;

use super::{Framing, Malformed, Message, MySql, Side};

/// A server with every capability, and one that knows MariaDB's too.
const MYSQL: &[u8] =
    b"\x0a9.7.0\0\x0b\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\
    \0ijklmnopqrst\0caching_sha2_password\0";
const MARIADB: &[u8] =
    b"\x0a11.8.3-MariaDB\0\x0b\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\
    \0\0\x3d\0\0\0ijklmnopqrst\0mysql_native_password\0";
/// What a client wants: all that is left, with and without the end of EOF.
const WANTS: [&[u8]; 2] = [b"\xdf\xf7\xff\x01", b"\xdf\xf7\xff\0"];

const OK: &[u8] = b"\0\0\0\x02\0\0\0";
const ONE_ROW: &[u8] = b"\0\x01\x05\x03\0\0\0";
const MORE: &[u8] = b"\0\0\0\x0a\0\0\0";
const END: &[u8] = b"\xfe\0\0\x02\0\0\0";
const END_MORE: &[u8] = b"\xfe\0\0\x0a\0\0\0";
const EOF: &[u8] = b"\xfe\0\0\x02\0";
const EOF_MORE: &[u8] = b"\xfe\0\0\x0a\0";
const EOF_CURSOR: &[u8] = b"\xfe\0\0\x42\0";
const ERR: &[u8] = b"\xff\x48\x04#HY000No tables used";
const COLUMN: &[u8] = b"\x03def\0\0\0\x11@@version_comment\0\x0c\x08\0\x1c\0\0\0\xfd\0\0\x1f\0\0";
const PARAMETER: &[u8] = b"\x03def\0\0\0\x01?\0\x0c\x3f\0\0\0\0\0\xfd\x80\0\0\0\0";
const ROW: &[u8] = b"\x1cMySQL Community Server (GPL)";
const BINARY_ROW: &[u8] = b"\0\0\x06foobar";
const PREPARED: &[u8] = b"\0\x01\0\0\0\x01\0\x02\0\0\0\0";

/// Who says what, with which sequence, and how it is named.
type Line<'a> = (Side, u8, &'a [u8], &'a str);

/// A client's command.
fn client<'a>(payload: &'a [u8], name: &'a str) -> Line<'a> {
    (Side::Client, 0, payload, name)
}

/// A client's packet that begins nothing.
fn goes_on<'a>(payload: &'a [u8], name: &'a str) -> Line<'a> {
    (Side::Client, 3, payload, name)
}

fn server<'a>(payload: &'a [u8], name: &'a str) -> Line<'a> {
    (Side::Server, 1, payload, name)
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [low, middle, high, ..] = payload.len().to_le_bytes();
    [&[low, middle, high, sequence], payload].concat()
}

fn say(framing: &mut MySql, line: Line<'_>) -> Result<Message, Malformed> {
    let (side, sequence, payload, _) = line;
    let bytes = packet(sequence, payload);
    let message = framing.next(side, &bytes)?.expect("it is whole");
    assert_eq!(message.length, bytes.len());
    Ok(message)
}

fn names(framing: &mut MySql, lines: &[Line<'_>]) {
    for line in lines {
        let message = say(framing, *line).unwrap_or_else(|error| panic!("{}: {error}", line.3));
        assert_eq!(message.name, line.3);
    }
}

fn greeted(greeting: &[u8], wants: &[u8]) -> MySql {
    let mut framing = MySql::default();
    let response = [wants, &[0; 24], b"\x2c\0\0\0", b"u\0\0"].concat();
    names(&mut framing, &[server(greeting, "Greeting"), goes_on(&response, "HandshakeResponse")]);
    framing
}

/// A session of which every request is answered; without EOF where the client can do so.
fn session(deprecate_eof: bool) -> MySql {
    let mut framing = greeted(MARIADB, WANTS[usize::from(!deprecate_eof)]);
    names(&mut framing, &[server(OK, "Ok login")]);
    framing
}
