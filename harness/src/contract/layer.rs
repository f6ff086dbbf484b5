//! The traits of the contract, in the form that adapters implement.
//!
//! Arguments share a lifetime with the receiver, so that each call can be boxed. An implementation need not
//! say so: `async fn change(&mut self, statement: &Statement) -> Result<u64>` is one.

use std::{future::Future, sync::Arc};

use futures::{Stream, future::BoxFuture, stream::BoxStream};

use super::{
    Answer, Class, Dialect, Ending, Error, Lack, Op, Result, Row, Script, Statement, UnitOptions,
    Units, sql,
};

/// Statements on a session, or in an open transaction.
pub trait Statements: Send {
    /// The SQL that the server understands.
    fn dialect(&self) -> Dialect;

    /// Runs a statement for its effect and returns how many rows it changed.
    fn change<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Runs a statement and returns all its rows.
    fn fetch<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Runs text of one or more statements as it is, by the library's call for scripts.
    ///
    /// The statements are not prepared: what MySQL cannot prepare, as BEGIN, runs here only.
    fn text<'a>(&'a mut self, sql: &'a str) -> impl Future<Output = Result<()>> + Send;

    /// Runs an INSERT of one row and returns the id that the server made.
    ///
    /// What is provided asks for it by RETURNING, which MySQL does not have: there the library says
    /// what the last id was.
    fn insert<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Future<Output = Result<i64>> + Send {
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

    /// Loads rows by the library's call for `COPY … FROM STDIN`: sends each piece of data, then ends.
    ///
    /// Keep the provided method where the library has no such call, and declare the lack.
    fn copy_in<'a>(
        &'a mut self,
        sql: &'a str,
        pieces: &'a [&'a str],
    ) -> impl Future<Output = Result<u64>> + Send {
        let words = format!("no call of the library sends {} pieces for `{sql}`", pieces.len());
        async { Err(Error::new(Class::Unsupported, words)) }
    }

    /// Reads rows by the library's call for `COPY … TO STDOUT`, so many pieces at the most, and drops
    /// the rest.
    ///
    /// Keep the provided method where the library has no such call, and declare the lack.
    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
        take: usize,
    ) -> impl Future<Output = Result<Vec<String>>> + Send {
        let words = format!("no call of the library reads {take} pieces of `{sql}`");
        async { Err(Error::new(Class::Unsupported, words)) }
    }

    /// Runs an operation.
    ///
    /// Drivers keep the SQL that is provided; an ORM overrides this with its own entities.
    fn run<'a>(&'a mut self, op: &'a Op) -> impl Future<Output = Result<Answer>> + Send {
        sql::run(self, op)
    }
}

/// A leased session.
pub trait Session: Send {
    /// The session's own statements, outside of a transaction.
    fn on(&mut self) -> impl Statements;

    /// Runs an operation outside of a transaction.
    fn run<'a>(&'a mut self, op: &'a Op) -> impl Future<Output = Result<Answer>> + Send {
        async move { self.on().run(op).await }
    }

    /// Opens a transaction in the manual's style, plays the script on it, leaves as it says.
    fn transact(&mut self, script: Script) -> impl Future<Output = Result<()>> + Send;

    /// The same by another of the [`ENTRY_POINTS`](Adapter::ENTRY_POINTS), named by its place there.
    ///
    /// A closure has no guard to be dropped: every ending but a commit leaves it with an error.
    fn transact_by(
        &mut self,
        entry: usize,
        script: Script,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            match entry {
                0 => self.transact(script).await,
                _ => Err(Error::new(Class::Unsupported, "the library begins in one way only")),
            }
        }
    }

    /// Takes the advisory lock of a number by the library's own call, then gives it up: by the
    /// library's call for [`Ending::Commit`], else by dropping the guard.
    ///
    /// Keep the provided method where the library has no such guard, and declare the lack.
    fn lock(&mut self, key: i64, ending: Ending) -> impl Future<Output = Result<()>> + Send {
        let words =
            format!("the library has no guard for the lock {key}, to be left by {ending:?}");
        async { Err(Error::new(Class::Unsupported, words)) }
    }

    /// Two questions on the one connection, to be asked at the same time. The session is given back
    /// when both futures are gone.
    ///
    /// Keep the provided method where one question is asked at a time, and declare the lack.
    ///
    /// # Errors
    ///
    /// Fails where the library has no such thing.
    fn in_flight(self, questions: [Statement; 2]) -> Result<[Asked; 2]>
    where
        Self: Sized,
    {
        let words = format!("{} questions cannot be in flight on a connection", questions.len());
        Err(Error::new(Class::Unsupported, words))
    }
}

/// What notifications say, one after the other.
pub type Heard = BoxStream<'static, Result<String>>;

/// A question that has its answer when it is awaited.
pub type Asked = BoxFuture<'static, Result<Vec<Row>>>;

/// An opened layer, which lends sessions.
pub trait Pool: Send + Sync + 'static {
    /// What it lends.
    type Session: Session + 'static;

    /// Lends a session, waiting while all are lent.
    fn session(&self) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Makes units of work with such options.
    ///
    /// Keep the provided method where the library has none, and declare the lack.
    ///
    /// # Errors
    ///
    /// Fails where the library has no such thing.
    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>> {
        let words = format!("the library has no unit of work, with {options:?} or otherwise");
        Err(Error::new(Class::Unsupported, words))
    }

    /// Plays a script in a transaction that one call leases a session for and begins: by one of the
    /// [`POOL_ENTRY_POINTS`](Adapter::POOL_ENTRY_POINTS), named by its place there.
    ///
    /// Keep the provided method where the library has no such call, and declare the lack.
    fn transact_by(&self, entry: usize, script: Script) -> impl Future<Output = Result<()>> + Send {
        drop(script);
        let words = format!("the pool has no call of number {entry} that begins a transaction");
        async { Err(Error::new(Class::Unsupported, words)) }
    }

    /// Takes a connection for the notifications of a channel, by the library's own call, and
    /// subscribes; what comes is heard from the stream, and dropping that gives the connection back.
    ///
    /// Keep the provided method where the library has no such call, and declare the lack.
    fn listen<'a>(&'a self, channel: &'a str) -> impl Future<Output = Result<Heard>> + Send {
        let words = format!("no call of the library listens to the channel `{channel}`");
        async { Err(Error::new(Class::Unsupported, words)) }
    }

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

    /// Each way in which the library begins a transaction, by the name of its call; the first is
    /// that of [`Session::transact`].
    const ENTRY_POINTS: &'static [&'static str] = &["begin"];

    /// Each way in which the library begins a transaction on its pool, by the name of its call: see
    /// [`Pool::transact_by`].
    const POOL_ENTRY_POINTS: &'static [&'static str] = &[];

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
