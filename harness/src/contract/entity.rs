//! The entities of the notes (users, tasks, dones) and what is done with them.

use std::borrow::Cow;

use super::{Class, Error, Result, Row, Statement};

/// A user who is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Not unique: a lookup has to say what it does with two.
    pub email: String,
    /// Never the password itself.
    pub hashed_password: String,
    /// The name, where the user gave one.
    pub full_name: Option<String>,
}

/// A stored user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id that the server made.
    pub id: i64,
    /// The email.
    pub email: String,
    /// The hash of the password.
    pub hashed_password: String,
    /// The name, where the user gave one.
    pub full_name: Option<String>,
}

/// The columns of a user to be written; `None` leaves a column as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The new email.
    pub email: Option<String>,
    /// The new hash.
    pub hashed_password: Option<String>,
    /// The new name; `Some(None)` takes it away.
    pub full_name: Option<Option<String>>,
}

/// A stored task, with whether it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The id that the server made.
    pub id: i64,
    /// The title, where there is one.
    pub title: Option<String>,
    /// Whether a row for it is in `dones`.
    pub done: bool,
}

/// One operation on the entities, or a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// Stores a user; answers [`Answer::Id`].
    CreateUser(NewUser),
    /// Looks for the one user with an email; answers [`Answer::User`], or [`Class::Ambiguous`].
    UserByEmail(String),
    /// Writes some columns of a user; answers [`Answer::Changed`].
    UpdateUser {
        /// The user.
        id: i64,
        /// The columns.
        change: UserChange,
    },
    /// Stores a task; answers [`Answer::Id`].
    CreateTask {
        /// Its title.
        title: Option<String>,
    },
    /// Looks for a task; answers [`Answer::Task`].
    Task(i64),
    /// Lists the tasks by id; answers [`Answer::Tasks`].
    Tasks,
    /// Gives a task another title; answers [`Answer::Changed`].
    RenameTask {
        /// The task.
        id: i64,
        /// The new title.
        title: Option<String>,
    },
    /// Deletes a task, and its done with it; answers [`Answer::Changed`].
    DeleteTask(i64),
    /// Marks a task as done; answers [`Answer::Changed`].
    Mark(i64),
    /// Takes the mark away; answers [`Answer::Changed`].
    Unmark(i64),
    /// Runs a statement for its effect; answers [`Answer::Changed`].
    Change(Statement),
    /// Runs a statement for its rows; answers [`Answer::Rows`].
    Fetch(Statement),
    /// Runs text of one or more statements as it is; answers [`Answer::Done`].
    Text(Cow<'static, str>),
}

/// What an operation answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The id that the server made.
    Id(i64),
    /// So many rows were changed.
    Changed(u64),
    /// The user, if there is one.
    User(Option<User>),
    /// The task, if there is one.
    Task(Option<Task>),
    /// The tasks.
    Tasks(Vec<Task>),
    /// The rows.
    Rows(Vec<Row>),
    /// That it is done.
    Done,
}

macro_rules! expect {
    ($($name:ident, $variant:ident, $type:ty, $what:literal;)+) => {
        impl Answer {$(
            #[doc = concat!("Takes ", $what, " out of the answer.")]
            ///
            /// # Errors
            ///
            /// Fails where the adapter answered with something else.
            pub fn $name(self) -> Result<$type> {
                match self {
                    Answer::$variant(value) => Ok(value),
                    other => Err(Error::new(
                        Class::Unsupported,
                        format!(concat!("the adapter answered {:?} where ", $what, " was asked"), other),
                    )),
                }
            }
        )+}
    };
}

expect! {
    id, Id, i64, "an id";
    changed, Changed, u64, "a count";
    user, User, Option<User>, "a user";
    task, Task, Option<Task>, "a task";
    tasks, Tasks, Vec<Task>, "the tasks";
    rows, Rows, Vec<Row>, "rows";
}
