//! The traits of the contract, in the form that adapters implement.

use std::future::Future;

use futures::{Stream, future::BoxFuture};

use super::{Answer, Class, Dialect, Error, Lack, Op, Result, Row, Script, Statement, sql};

/// Statements on a session, or in an open transaction.
pub trait Statements: Send {
    /// The SQL that the server understands.
    fn dialect(&self) -> Dialect;

    /// Runs a statement for its effect and returns how many rows it changed.
    fn change(&mut self, statement: &Statement) -> impl Future<Output = Result<u64>> + Send;

    /// Runs a statement and returns all its rows.
    fn fetch(&mut self, statement: &Statement) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs text of one or more statements as it is, by the library's call for scripts.
    ///
    /// The statements are not prepared: what MySQL cannot prepare, as BEGIN, runs here only.
    fn text(&mut self, sql: &str) -> impl Future<Output = Result<()>> + Send;

    /// Runs an INSERT of one row and returns the id that the server made.
    ///
    /// What is provided asks for it by RETURNING, which MySQL does not have: there the library says
    /// what the last id was.
    fn insert(&mut self, statement: &Statement) -> impl Future<Output = Result<i64>> + Send {
        sql::insert(self, statement)
    }

    /// Runs a statement and returns its rows one by one.
    ///
    /// Dropping the stream gives the session back.
    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Stream<Item = Result<Row>> + Send + 'a;

    /// Plays a script in a transaction inside the open one.
    ///
    /// Boxed, because [`Script::play`] and this call each other. Keep the provided method where the
    /// library has no savepoints, and declare the lack.
    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        drop(script);
        Box::pin(async { Err(Error::new(Class::Unsupported, "the library has no savepoints")) })
    }

    /// Runs an operation.
    ///
    /// Drivers keep the SQL that is provided; an ORM overrides this with its own entities.
    fn run(&mut self, op: &Op) -> impl Future<Output = Result<Answer>> + Send {
        sql::run(self, op)
    }
}

/// A leased session.
pub trait Session: Send {
    /// The session's own statements, outside of a transaction.
    fn on(&mut self) -> impl Statements;

    /// Runs an operation outside of a transaction.
    fn run(&mut self, op: &Op) -> impl Future<Output = Result<Answer>> + Send {
        async move { self.on().run(op).await }
    }

    /// Opens a transaction in the manual's style, plays the script on it, leaves as it says.
    fn transact(&mut self, script: Script) -> impl Future<Output = Result<()>> + Send;
}

/// An opened layer, which lends sessions.
pub trait Pool: Send + Sync + 'static {
    /// What it lends.
    type Session: Session + 'static;

    /// Lends a session, waiting while all are lent.
    fn session(&self) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Closes the pool and its connections.
    fn close(self) -> impl Future<Output = Result<()>> + Send;
}

/// A client library with its pool, used as its manual shows.
pub trait Adapter: Pool + Sized {
    /// The name in reports.
    const NAME: &'static str;

    /// The version of the library.
    const VERSION: &'static str;

    /// What the library's documentation does not claim.
    const LACKS: &'static [Lack] = &[];

    /// Opens the layer.
    fn open(target: &Target) -> impl Future<Output = Result<Self>> + Send;
}

/// What a layer is opened on.
#[derive(Clone, Debug)]
pub struct Target {
    /// The URL of the database, with its password.
    pub url: String,
    /// How many sessions the pool may lend at a time.
    pub sessions_max: u32,
}
