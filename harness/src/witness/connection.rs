//! A connection of our own to a server of any kind.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{Error, postgres};
use crate::{
    contract::{Row, Value},
    database::{Kind, ServerUrl},
};

/// A connection that was told to end is waited for so long.
const END_MAX: Duration = Duration::from_secs(5);

/// What one kind of server has to be asked in its own way.
pub(super) trait Server: fmt::Debug + Send {
    /// Runs text of one or more statements and returns the rows of all of them.
    fn query(&mut self, sql: &str) -> Result<Vec<Row>, Error>;

    /// How many other connections to this database there are, then what is left open by them.
    fn left_open(&mut self) -> Result<Vec<Row>, Error>;

    /// Tells other connections to end, and returns a row for each.
    fn tell_to_end(&mut self, whose: Whose<'_>) -> Result<Vec<Row>, Error>;

    /// How many more connections the server allows.
    fn free_connections(&mut self) -> Result<Vec<Row>, Error>;

    /// The names of the databases that begin with a prefix.
    fn databases(&mut self, prefix: &str) -> Result<Vec<Row>, Error>;
}

/// Whose connections are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose<'a> {
    /// Those to the database of the one that asks.
    Ours,
    /// Those to the database of this name.
    Database(&'a str),
    /// Those that make databases whose names begin so.
    Maker(&'a str),
}

/// A blocking connection to a server, outside every layer.
///
/// It has no pool and no reconnect: what it says, the server has just said.
#[derive(Debug)]
pub struct Connection {
    server: Box<dyn Server>,
}

impl Connection {
    /// Logs in.
    ///
    /// # Errors
    ///
    /// Fails where nobody listens, where the server refuses the login, and where what answers is
    /// no such server.
    pub fn open(url: &ServerUrl) -> Result<Self, Error> {
        Self::open_as(url, "dropproof-witness")
    }

    /// Logs in to make databases whose names begin with `prefix`, and to be found by it.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn open_as(url: &ServerUrl, prefix: &str) -> Result<Self, Error> {
        let server: Box<dyn Server> = match url.kind() {
            Kind::Postgres => Box::new(postgres::Connection::open(url, prefix)?),
            #[cfg(feature = "mysql")]
            Kind::MySql | Kind::MariaDb => Box::new(super::mysql::Connection::open(url)?),
            #[cfg(not(feature = "mysql"))]
            kind @ (Kind::MySql | Kind::MariaDb) => return Err(Error::NoWitness { kind }),
            kind @ Kind::Sqlite => return Err(Error::NoWitness { kind }),
        };
        Ok(Self { server })
    }

    /// Runs text of one or more statements and returns the rows of all of them.
    ///
    /// Whole numbers and booleans become [`Value::Int`], NULL [`Value::Null`], all else text.
    ///
    /// # Errors
    ///
    /// Fails with what the server said, after it is ready for the next question.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        self.server.query(sql)
    }

    /// What is left open by the other connections to this database, in words without ids, once
    /// there are not more of them than so many.
    pub(super) fn left_open(&mut self, connections_max: usize) -> Result<Vec<String>, Error> {
        let deadline = Instant::now() + END_MAX;
        while Instant::now() < deadline {
            let mut rows = self.server.left_open()?;
            match rows.remove(0).as_slice() {
                [Value::Int(connections)] if *connections <= connections_max as i64 => {
                    return Ok(texts(rows));
                }
                _ => {}
            }
        }
        Err(Error::Deadline { what: "the server to end what was closed".to_owned() })
    }

    /// Ends the other connections to this database, and waits until they have ended.
    pub(super) fn end_connections(&mut self) -> Result<(), Error> {
        self.end(Whose::Ours)
    }

    /// Drops a database of ours, whoever is connected to it.
    ///
    /// # Errors
    ///
    /// Fails where a connection does not end, and with what the server said.
    pub fn drop_database(&mut self, name: &str) -> Result<(), Error> {
        self.end(Whose::Database(name))?;
        self.query(&format!("DROP DATABASE IF EXISTS {name}")).map(drop)
    }

    /// Drops every database whose name begins with `prefix`, also those that are being made.
    pub(crate) fn drop_databases(&mut self, prefix: &str) -> Result<(), Error> {
        // The server goes on with what a process asked for that was killed: it could make a
        // database after we have looked.
        self.end(Whose::Maker(prefix))?;
        for name in texts(self.server.databases(prefix)?) {
            self.drop_database(&name)?;
        }
        Ok(())
    }

    /// How many more connections the server allows.
    pub(crate) fn free_connections(&mut self) -> Result<usize, Error> {
        let rows = self.server.free_connections()?;
        match rows.first().map(Vec::as_slice) {
            // Those that are open may be more than are allowed: some are reserved.
            Some([Value::Int(free)]) => Ok(usize::try_from(*free).unwrap_or(0)),
            _ => Err(Error::Protocol { what: format!("the number of connections {rows:?}") }),
        }
    }

    /// Ends other connections, and waits until they have ended.
    ///
    /// The ways of a server to wait (`pg_terminate_backend` with a timeout, `DROP DATABASE` with
    /// FORCE) look every 100 ms, so it is asked here, as fast as it answers.
    fn end(&mut self, whose: Whose<'_>) -> Result<(), Error> {
        let deadline = Instant::now() + END_MAX;
        while Instant::now() < deadline {
            if self.server.tell_to_end(whose)?.is_empty() {
                return Ok(());
            }
        }
        Err(Error::Deadline { what: "the server to end connections".to_owned() })
    }
}

fn texts(rows: Vec<Row>) -> Vec<String> {
    let text = |value| match value {
        Value::Text(text) => text,
        Value::Int(number) => number.to_string(),
        Value::Null => String::new(),
    };
    rows.into_iter().flatten().map(text).collect()
}
