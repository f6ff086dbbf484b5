//! Units of work: the sessions of an ORM, which are another thing than the sessions of a server.
//!
//! A [`Unit`] keeps objects, and what was done to them, until it is flushed. It takes its connection
//! from the pool with its first statement, and gives it back at the end of its transaction. A
//! [`Units`] makes them with options, opens scopes that close them, and has registries that give
//! each task or thread its own.
//!
//! What a library without a unit of work does with these is nothing: it declares the lack.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::{Class, Result, Row, Statement, Value};

/// What units of work are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitOptions {
    /// Whether a query flushes first.
    pub autoflush: bool,
    /// Whether a commit makes what is known of each object unreadable, until it is read again.
    pub expire_on_commit: bool,
}

/// What a unit of work keeps, as a table of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// Users, as rows of id, email, hash of the password, name.
    User,
    /// Tasks, as rows of id, title.
    Task,
    /// That a task is done, as rows of the id of the task.
    Done,
}

/// An object that is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum New {
    /// A user, with the password that is to be stored as a hash.
    User {
        /// Not unique.
        email: String,
        /// In plain text, which must not leave the process.
        password: String,
        /// The name, where the user gave one.
        full_name: Option<String>,
    },
    /// A task.
    Task {
        /// Its title.
        title: Option<String>,
    },
    /// That a task is done.
    Done {
        /// The id of the task.
        id: i64,
    },
}

/// What is written to a user; `None` leaves a column as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserUpdate {
    /// The new email.
    pub email: Option<String>,
    /// The new password, which is to be stored as a hash.
    pub password: Option<String>,
    /// The new name; `Some(None)` takes it away.
    pub full_name: Option<Option<String>>,
}

/// An object of a unit of work: what is known of a row.
pub trait Object: Send + Sync + fmt::Debug {
    /// The columns, the id first.
    ///
    /// # Errors
    ///
    /// Fails with [`Class::Expired`](super::Class::Expired) where they are not known: before the
    /// object was stored, after a commit has expired it, and when its row is gone.
    fn read(&self) -> Result<Row>;

    /// Gives a column another value, which the next flush writes.
    ///
    /// # Errors
    ///
    /// Fails where there is no such column, and as [`read`](Self::read) does.
    fn write(&self, column: &str, value: Value) -> Result<()>;

    /// A number that two handles have in common where they are one object, and only there.
    fn identity(&self) -> usize;
}

/// A handle on an object.
pub type Handle = Arc<dyn Object>;

/// How many objects wait for the next flush.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// To be inserted.
    pub new: usize,
    /// To be updated.
    pub dirty: usize,
    /// To be deleted.
    pub deleted: usize,
}

/// A unit of work.
///
/// What may have to ask the server is async, and nothing else is. Dropping it is a close that
/// nobody waits for.
#[async_trait]
pub trait Unit: Send {
    /// Takes an object in, to be inserted by the next flush.
    fn add(&mut self, new: New) -> Handle;

    /// Takes several objects in.
    fn add_all(&mut self, new: Vec<New>) -> Vec<Handle>;

    /// Writes some columns of a user, by the next flush.
    ///
    /// # Errors
    ///
    /// Fails as [`Object::write`] does.
    fn update_user(&mut self, user: &Handle, update: UserUpdate) -> Result<()>;

    /// Deletes an object, by the next flush.
    fn delete(&mut self, object: &Handle);

    /// How much waits for the next flush.
    fn pending(&self) -> Pending;

    /// The object of an id: the one that is there already, or one that is read.
    async fn get(&mut self, entity: Entity, id: i64) -> Result<Option<Handle>>;

    /// Runs a statement, and returns its rows.
    async fn execute(&mut self, statement: &Statement) -> Result<Vec<Row>>;

    /// Writes what is pending, in the open transaction.
    async fn flush(&mut self) -> Result<()>;

    /// Flushes and commits.
    async fn commit(&mut self) -> Result<()>;

    /// Reads an object again, whatever is known of it.
    async fn refresh(&mut self, object: &Handle) -> Result<()>;

    /// Undoes what was not committed, in the database and in the objects.
    async fn rollback(&mut self) -> Result<()>;

    /// Rolls back, gives the connection back and forgets the objects. The unit can be used again.
    async fn close(&mut self) -> Result<()>;
}

/// A unit of work that several tasks hold: whoever has the lock uses it.
pub type SharedUnit = Arc<Mutex<Box<dyn Unit>>>;

/// What is done in a scope.
pub type Body = Box<dyn for<'a> FnOnce(&'a mut dyn Unit) -> BoxFuture<'a, Result<()>> + Send>;

/// The form of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A function that is given the body.
    Function,
    /// A stream that yields one unit, and closes it when it is asked for the next.
    Generator,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Form::Function => "function",
            Form::Generator => "generator",
        })
    }
}

/// What a registry tells its users apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The task. A task that it spawns is another.
    Task,
    /// The thread, which tasks share.
    Thread,
}

/// How the body of a bracket has ended, as its exit is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It returned a value.
    Returned,
    /// It failed with an error of a class.
    Failed(Class),
}

/// An enter, a body and an exit, each with what it is given.
pub struct Bracket {
    /// Gives what the body and the exit are given.
    pub enter: Box<dyn FnOnce() -> BoxFuture<'static, Result<i64>> + Send>,
    /// What stands between.
    pub body: Box<dyn FnOnce(i64) -> BoxFuture<'static, Result<i64>> + Send>,
    /// Runs where the enter has succeeded and the body has come to an end.
    pub exit: Box<dyn FnOnce(i64, Ended) -> BoxFuture<'static, Result<()>> + Send>,
}

impl fmt::Debug for Bracket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bracket").finish_non_exhaustive()
    }
}

/// Makes units of work.
pub trait Units: Send + Sync {
    /// Makes one, which takes no connection.
    fn unit(&self) -> Box<dyn Unit>;

    /// Makes one for a body, and closes it when the body has come to its end or is dropped.
    ///
    /// # Errors
    ///
    /// Fails with the body's error, and where the close fails with that.
    fn scope(&self, form: Form, body: Body) -> BoxFuture<'static, Result<()>>;

    /// Enters, runs the body and exits, which is told how the body has ended. A body that is dropped
    /// has no exit: there is nobody who could wait for it.
    ///
    /// # Errors
    ///
    /// Fails with the error of the enter, of the exit, or else of the body.
    fn bracket(&self, bracket: Bracket) -> BoxFuture<'static, Result<i64>>;

    /// Makes a registry.
    fn registry(&self, key: Key) -> Arc<dyn Registry>;

    /// How often units were closed so far, by a call or by the drop of one that was not.
    fn closed(&self) -> usize;

    /// Whether a password is that of a hash.
    fn verifies(&self, password: &str, hash: &str) -> bool;
}

/// Gives each task, or each thread, a unit of work of its own.
pub trait Registry: Send + Sync {
    /// Runs a future as the scope of the registry: the unit that it gets goes when the future has
    /// ended or is dropped. For threads it is the end of the thread that does so.
    fn run(&self, future: BoxFuture<'static, Result<()>>) -> BoxFuture<'static, Result<()>>;

    /// The unit of where it is asked for, which is made at the first time.
    ///
    /// # Errors
    ///
    /// Fails for a task that is not run by the registry.
    fn unit(&self) -> Result<SharedUnit>;

    /// Closes the unit of where it is asked for, and forgets it.
    ///
    /// # Errors
    ///
    /// Fails as the close does.
    fn remove(&self) -> BoxFuture<'_, Result<()>>;

    /// How many units it has.
    fn entries(&self) -> usize;
}
