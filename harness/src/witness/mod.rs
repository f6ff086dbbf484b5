//! The witness: our own connection, which asks the server what is really so.
//!
//! A client that was cut is the one in doubt, so nothing is concluded from what it says. The witness
//! lives on a thread of its own, because its connections block and must not hold up the runtime
//! that is observed.

mod catalogue;
mod connection;
#[cfg(feature = "mysql")]
mod mysql;
mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod watched;

use std::{
    collections::BTreeMap,
    fmt, io, mem,
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
};

pub use connection::Connection;
use tokio::sync::oneshot;
pub use watched::Watched;
pub(crate) use watched::append;

use crate::{contract::Row, database::Kind};

/// A connection that the witness asks.
#[derive(Debug)]
pub(crate) enum Source {
    Server(Connection),
    #[cfg(feature = "sqlite")]
    Sqlite(rusqlite::Connection),
}

impl Source {
    pub(crate) fn ask(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        match self {
            Source::Server(connection) => connection.query(sql),
            #[cfg(feature = "sqlite")]
            Source::Sqlite(connection) => sqlite::query(connection, sql),
        }
    }

    /// Reads several tables as they are at one time: where another thread does the work there is no
    /// place at which it waits.
    fn read(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        match self {
            Source::Server(_) => self.ask(sql),
            #[cfg(feature = "sqlite")]
            Source::Sqlite(connection) => sqlite::snapshot(connection, sql),
        }
    }

    fn left_open(&mut self, connections_max: usize) -> Result<Vec<String>, Error> {
        match self {
            Source::Server(connection) => connection.left_open(connections_max),
            #[cfg(feature = "sqlite")]
            Source::Sqlite(connection) => sqlite::left_open(connection),
        }
    }

    fn end_connections(&mut self) -> Result<(), Error> {
        match self {
            Source::Server(connection) => connection.end_connections(),
            // Its connections are ours: they end when their pool is dropped.
            #[cfg(feature = "sqlite")]
            Source::Sqlite(_) => Ok(()),
        }
    }
}

/// What [`Witness::left_open`] says of an open transaction begins with this.
pub const OPEN_TRANSACTION: &str = "a transaction is open";

/// The rows of tables, by table.
pub type Tables = BTreeMap<String, Vec<Row>>;

/// What references goes first.
const EMPTY: &str = "DELETE FROM canaries; DELETE FROM dones; DELETE FROM tasks; DELETE FROM users";
const DROP: &str = "DROP TABLE canaries; DROP TABLE dones; DROP TABLE tasks; DROP TABLE users";

type Job = Box<dyn FnOnce(&mut Result<Source, Error>) + Send>;

/// The witness of one database.
pub struct Witness {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    /// Starts a witness that logs in while others go on; whoever asks first hears that it failed.
    pub(crate) fn start(log_in: impl FnOnce() -> Result<Source, Error> + Send + 'static) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = thread::spawn(move || {
            let mut source = log_in();
            for job in inbox {
                job(&mut source);
            }
        });
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Runs text of one or more statements and returns their rows.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    ///
    /// # Cancel safety
    ///
    /// A dropped future does not stop a statement that has begun.
    pub async fn query(&self, sql: impl Into<String>) -> Result<Vec<Row>, Error> {
        self.ask(sql.into()).await.map_err(|_| Error::Gone)?
    }

    /// Runs text of one or more statements, blocking; for code outside of a runtime.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub fn query_blocking(&self, sql: impl Into<String>) -> Result<Vec<Row>, Error> {
        self.ask(sql.into()).blocking_recv().map_err(|_| Error::Gone)?
    }

    /// All rows of a table, by its first column.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub async fn rows(&self, table: &str) -> Result<Vec<Row>, Error> {
        self.query(format!("SELECT * FROM {table} ORDER BY 1")).await
    }

    /// The rows of the tables of the entities, by table; canaries are left out.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub async fn tables(&self) -> Result<Tables, Error> {
        self.read(&Watched::entities()).await
    }

    /// The rows of tables, by table, as they are at one time.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub async fn read(&self, watched: &Watched) -> Result<Tables, Error> {
        let sql = watched.read();
        let rows = self.job(move |source| source.read(&sql)).await.map_err(|_| Error::Gone)??;
        Ok(watched.sort(rows))
    }

    /// What is left open by connections that are not ours: transactions and locks, in words that
    /// are equal for equal states.
    ///
    /// A server goes on with a connection for a moment after the client has closed it. So it is
    /// asked until it has not more of them than `connections_max`; SQLite has none.
    ///
    /// # Errors
    ///
    /// Fails with what the server said, and where connections that were closed do not end.
    pub async fn left_open(&self, connections_max: usize) -> Result<Vec<String>, Error> {
        self.job(move |source| source.left_open(connections_max)).await.map_err(|_| Error::Gone)?
    }

    /// Ends the connections that are not ours, and waits until the server has ended them.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub async fn end_connections(&self) -> Result<(), Error> {
        self.job(Source::end_connections).await.map_err(|_| Error::Gone)?
    }

    /// Empties the tables of the entities and the canaries, and returns what is in them then.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub async fn reset(&self) -> Result<Tables, Error> {
        self.bring_back(&Watched::entities()).await
    }

    /// Brings tables back to what they were, and returns what is in them then.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub async fn bring_back(&self, watched: &Watched) -> Result<Tables, Error> {
        Ok(watched.sort(self.query(watched.bring_back()).await?))
    }

    /// Empties the tables of the entities and the canaries, blocking; for code outside of a runtime.
    ///
    /// # Errors
    ///
    /// Fails with what the server said.
    pub fn empty_tables(&self) -> Result<(), Error> {
        self.query_blocking(EMPTY).map(drop)
    }

    /// Drops the tables of the entities and of the canaries, blocking, so that their names are free.
    pub(crate) fn drop_entities(&self) -> Result<(), Error> {
        self.query_blocking(DROP).map(drop)
    }

    fn ask(&self, sql: String) -> oneshot::Receiver<Result<Vec<Row>, Error>> {
        self.job(move |source| source.ask(&sql))
    }

    /// Gives the thread something to do; the answer never comes where the thread has ended.
    fn job<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Source) -> Result<T, Error> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, Error>> {
        let (answer, receiver) = oneshot::channel();
        let job: Job = Box::new(move |source| {
            let said = match source {
                Ok(source) => work(source),
                Err(error) => Err(mem::replace(error, Error::Gone)),
            };
            // Who dropped the receiver does not want the answer any more.
            answer.send(said).ok();
        });
        if let Some(jobs) = &self.jobs {
            // A thread that is gone has dropped the sender of the answer, which says so.
            jobs.send(job).ok();
        }
        receiver
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its hook and by `Error::Gone`.
            thread.join().ok();
        }
    }
}

/// The reason the witness could not say what is so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens at the address.
    #[error("no server answers at {address}")]
    Unreachable {
        /// Where it was expected.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The server answered with an error.
    #[error("the server refuses: {message} ({code})")]
    Refused {
        /// The SQLSTATE; the error number of MySQL and MariaDB.
        code: String,
        /// The server's words.
        message: String,
    },
    /// The server could not prove that it knows the password.
    #[error("the login failed half-way")]
    Authentication {
        /// What the SCRAM exchange said.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the server hung up")]
    Lost {
        /// What the system said.
        source: io::Error,
    },
    /// The other side does not speak the protocol.
    #[error("the server sent {what}")]
    Protocol {
        /// What came.
        what: String,
    },
    /// SQLite answered with an error.
    #[cfg(feature = "sqlite")]
    #[error("SQLite refuses")]
    Sqlite {
        /// What it said.
        source: rusqlite::Error,
    },
    /// There is no folder for a file.
    #[error("no folder for a database could be made")]
    NoFolder {
        /// What the system said.
        source: io::Error,
    },
    /// The owner of the run lends no database.
    #[error("the owner of the run lends no database")]
    NotLent {
        /// What it said.
        source: io::Error,
    },
    /// This build has no witness for the database.
    #[error("this build has no witness for {kind}, or it was given no server")]
    NoWitness {
        /// The kind of database.
        kind: Kind,
    },
    /// The server does not record what is asked for.
    #[error("the server does not record {what}; start it with {settings}")]
    Blind {
        /// What is asked for.
        what: &'static str,
        /// The settings that make it do so.
        settings: &'static str,
    },
    /// What was waited for did not come.
    #[error("waited in vain for {what}")]
    Deadline {
        /// What was waited for.
        what: String,
    },
    /// The witness's thread has ended.
    #[error("the witness's thread has ended")]
    Gone,
}
