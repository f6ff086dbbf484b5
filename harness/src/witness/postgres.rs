//! A blocking connection to Postgres in the simple query protocol.
//!
//! Its own framing, so that it shares no driver with what is judged; only the arithmetic of SCRAM
//! comes from `postgres-protocol`. It speaks plain text to loopback and has no pool, no statement
//! cache and no reconnect: what it says, the server has just said.

use std::{
    io::{self, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use bytes::BytesMut;
use postgres_protocol::{
    authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    message::frontend,
};

use super::{
    Error,
    connection::{Server, Whose},
};
use crate::{
    contract::{Row, Value},
    database::ServerUrl,
};

/// An answer must begin within this time; a server that is silent for longer is taken for dead.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// A message longer than this is no answer to any of our questions.
const MESSAGE_MAX: usize = 64 << 20;

/// What is left open by the other connections to this database, in words without ids.
///
/// A transaction is open as long as its `xact_start` is set, and one that has failed until it is rolled
/// back, although it has none any more; its state says so:
/// <https://www.postgresql.org/docs/18/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW>.
/// The functions behind the views are asked, because the views join what is not needed here.
pub(super) const LEFT_OPEN: &str = "
    SELECT count(*) FROM pg_stat_get_activity(NULL) JOIN pg_database ON oid = datid
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend';
    WITH ours AS (SELECT oid FROM pg_database WHERE datname = current_database()),
    others AS (
        SELECT pid, state, xact_start FROM pg_stat_get_activity(NULL), ours
        WHERE datid = oid AND pid <> pg_backend_pid() AND backend_type = 'client backend')
    SELECT 'a transaction is open: ' || state FROM others
    WHERE xact_start IS NOT NULL OR state = 'idle in transaction (aborted)'
    UNION ALL
    SELECT 'a lock is held: ' || locktype || ' ' || mode
    FROM pg_lock_status() JOIN others USING (pid)
    WHERE granted AND locktype IN ('relation', 'advisory')
    UNION ALL
    SELECT 'a transaction is prepared' FROM pg_prepared_xact(), ours WHERE dbid = oid
    ORDER BY 1";

/// A connection of our own, outside every layer.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Logs in under a name, by which the server tells connections apart.
    pub(super) fn open(url: &ServerUrl, name: &str) -> Result<Self, Error> {
        let address = url.address();
        let connect = || -> io::Result<TcpStream> {
            let stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(ANSWER_MAX))?;
            Ok(stream)
        };
        let stream = connect().map_err(|source| Error::Unreachable { address, source })?;
        let mut connection = Self { stream: BufReader::new(stream) };
        connection.log_in(url, name)?;
        Ok(connection)
    }

    fn log_in(&mut self, url: &ServerUrl, name: &str) -> Result<(), Error> {
        let (user, database) = (url.user(), url.database());
        let parameters = [
            ("user", user),
            ("database", database),
            ("client_encoding", "UTF8"),
            ("application_name", name),
        ];
        self.send(|out| frontend::startup_message(parameters, out))?;
        let mut scram = ScramSha256::new(url.password().as_bytes(), ChannelBinding::unsupported());
        loop {
            let (tag, body) = self.receive()?;
            match tag {
                b'R' => self.authenticate(&mut scram, &body)?,
                b'E' => return Err(refusal(&body)),
                b'Z' => return Ok(()),
                b'S' | b'K' | b'N' | b'v' => {}
                tag => return Err(unexpected(tag)),
            }
        }
    }

    /// Answers one authentication request: <https://www.postgresql.org/docs/18/sasl-authentication.html>.
    fn authenticate(&mut self, scram: &mut ScramSha256, body: &[u8]) -> Result<(), Error> {
        let (code, data) = body.split_first_chunk().ok_or_else(truncated)?;
        let failed = |source| Error::Authentication { source };
        match u32::from_be_bytes(*code) {
            0 => Ok(()),
            10 => self
                .send(|out| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out)),
            11 => {
                scram.update(data).map_err(failed)?;
                self.send(|out| frontend::sasl_response(scram.message(), out))
            }
            12 => scram.finish(data).map_err(failed),
            method => Err(Error::Protocol {
                what: format!("authentication method {method}; scram-sha-256 and trust are spoken"),
            }),
        }
    }

    fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<(), Error> {
        let mut out = BytesMut::new();
        write(&mut out).and_then(|()| self.stream.get_mut().write_all(&out)).map_err(lost)
    }

    fn receive(&mut self) -> Result<(u8, Vec<u8>), Error> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header).map_err(lost)?;
        let [tag, length @ ..] = header;
        let length = u32::from_be_bytes(length) as usize;
        if !(4..=MESSAGE_MAX).contains(&length) {
            return Err(Error::Protocol { what: format!("a message of {length} bytes") });
        }
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body).map_err(lost)?;
        Ok((tag, body))
    }
}

impl Server for Connection {
    fn query(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        self.send(|out| frontend::query(sql, out))?;
        let mut types = Vec::new();
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            let (tag, body) = self.receive()?;
            match tag {
                b'T' => types = column_types(&body)?,
                b'D' => rows.push(row(&types, &body)?),
                b'E' => refused = Some(refusal(&body)),
                b'Z' => break,
                // Complete, empty query, and what the server may say at any time.
                b'C' | b'I' | b'N' | b'S' | b'A' => {}
                tag => return Err(unexpected(tag)),
            }
        }
        refused.map_or(Ok(rows), Err)
    }

    fn left_open(&mut self) -> Result<Vec<Row>, Error> {
        self.query(LEFT_OPEN)
    }

    fn tell_to_end(&mut self, whose: Whose<'_>) -> Result<Vec<Row>, Error> {
        let condition = match whose {
            Whose::Ours => "datname = current_database()".to_owned(),
            Whose::Database(name) => format!("datname = '{name}'"),
            Whose::Maker(prefix) => format!("application_name = '{prefix}'"),
        };
        self.query(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {condition}
             AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ))
    }

    fn free_connections(&mut self) -> Result<Vec<Row>, Error> {
        self.query(
            "SELECT current_setting('max_connections')::int \
             - current_setting('superuser_reserved_connections')::int \
             - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')",
        )
    }

    fn databases(&mut self, prefix: &str) -> Result<Vec<Row>, Error> {
        self.query(&format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{prefix}') ORDER BY datname"
        ))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut out = BytesMut::new();
        frontend::terminate(&mut out);
        // A server that is gone already needs no farewell.
        self.stream.get_mut().write_all(&out).ok();
    }
}

fn lost(source: io::Error) -> Error {
    Error::Lost { source }
}

fn truncated() -> Error {
    Error::Protocol { what: "a message that ends too early".to_owned() }
}

fn unexpected(tag: u8) -> Error {
    Error::Protocol { what: format!("a message `{}` here", tag.escape_ascii()) }
}

/// Reads an ErrorResponse: fields of a letter and text, up to a zero.
fn refusal(body: &[u8]) -> Error {
    let field = |letter: u8| {
        body.split(|byte| *byte == 0)
            .find_map(|field| field.strip_prefix(&[letter]))
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    };
    Error::Refused { code: field(b'C'), message: field(b'M') }
}

/// Takes the front of `rest`.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Error> {
    let (front, back) = rest.split_at_checked(count).ok_or_else(truncated)?;
    *rest = back;
    Ok(front)
}

fn number<const BYTES: usize>(rest: &mut &[u8]) -> Result<[u8; BYTES], Error> {
    Ok(take(rest, BYTES)?.try_into().expect("as many bytes were taken"))
}

/// Reads the type of each column out of a RowDescription.
fn column_types(mut body: &[u8]) -> Result<Vec<u32>, Error> {
    let rest = &mut body;
    let count = u16::from_be_bytes(number(rest)?);
    (0..count)
        .map(|_| {
            let name = rest.iter().position(|byte| *byte == 0).ok_or_else(truncated)?;
            // Name and its zero, table (4), column (2), type (4), size (2), modifier (4), format (2).
            take(rest, name + 1 + 6)?;
            let kind = u32::from_be_bytes(number(rest)?);
            take(rest, 8)?;
            Ok(kind)
        })
        .collect()
}

fn row(types: &[u32], mut body: &[u8]) -> Result<Row, Error> {
    let rest = &mut body;
    let count = u16::from_be_bytes(number(rest)?);
    let mut row = Row::with_capacity(count.into());
    for kind in types.iter().take(count.into()) {
        let length = i32::from_be_bytes(number(rest)?);
        row.push(match usize::try_from(length) {
            Ok(length) => value(*kind, take(rest, length)?),
            Err(_) => Value::Null,
        });
    }
    Ok(row)
}

/// Types as in the server's `pg_type.dat`: 16 is bool, 20, 21, 23 and 26 are whole numbers.
fn value(kind: u32, text: &[u8]) -> Value {
    let text = String::from_utf8_lossy(text);
    let number = match kind {
        16 => Some(i64::from(text == "t")),
        20 | 21 | 23 | 26 => text.parse().ok(),
        _ => None,
    };
    number.map_or_else(|| Value::Text(text.into_owned()), Value::Int)
}
