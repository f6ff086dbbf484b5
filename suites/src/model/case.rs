//! A case: operations on one to three sessions, as data that can be written down and read again.
//!
//! Rows are named by their order of creation in the case, since the server makes the ids.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// So many sessions are interleaved at the most.
pub(super) const SESSIONS_MAX: u8 = 3;

/// Operations, and on how many sessions they are done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Case {
    /// All of them read after each operation, also one that does nothing else.
    pub(super) sessions: u8,
    pub(super) operations: Vec<Operation>,
}

/// What one session does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    #[serde(rename = "does")]
    pub(super) action: Action,
    /// Counted from one.
    pub(super) session: u8,
    /// Where it is dropped, and its session with it; one operation of a case at the most.
    #[serde(rename = "dropped", default, skip_serializing_if = "Option::is_none")]
    pub(super) cut: Option<Place>,
}

/// A place of an operation's own conversation, counted from one.
///
/// An operation that has ended before is not dropped: then the case is one without a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    /// The server has sent its message of this number, and the client has not got it.
    Held(u8),
    /// The message of this number lies in the client's socket.
    Unread(u8),
    /// The server has not got the client's batch of this number.
    Sent(u8),
    /// After so many polls, where there is no wire.
    Poll(u8),
}

/// What is done, the simpler before the less simple.
///
/// A number is that of a row: the first task that was created has the number one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    ListTasks,
    FindTask(u8),
    FindUser(String),
    CreateTask(Option<String>),
    Mark(u8),
    Unmark(u8),
    RenameTask(u8, Option<String>),
    DeleteTask(u8),
    CreateUser(String, Option<String>),
    UpdateUser(u8, Change),
    /// Reads a table that is not there.
    ReadNowhere,
    /// Stores a user without an email.
    StoreNull,
    /// Begins a transaction, or a savepoint in the one that is open.
    Begin,
    Commit,
    Rollback,
    /// Drops the guard.
    Leave,
    /// Leaves with an error.
    Fail,
}

/// The columns of a user that are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hashed_password: Option<String>,
    /// `Some(None)`, or `null` in JSON, takes the name away.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(super) full_name: Option<Option<String>>,
}

fn given<'de, D: Deserializer<'de>>(column: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(column).map(Some)
}

/// The tables that an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Tasks,
    Users,
    /// Whatever was done before, or nothing.
    Both,
}

impl Case {
    /// The operation that is dropped, with its place in the case.
    pub(super) fn cut(&self) -> Option<(usize, Place)> {
        let cuts = self.operations.iter().enumerate();
        cuts.filter_map(|(i, operation)| Some((i, operation.cut?))).next()
    }

    /// The same without a cut.
    pub(super) fn uncut(&self) -> Self {
        let mut case = self.clone();
        case.operations.iter_mut().for_each(|operation| operation.cut = None);
        case
    }
}

impl Action {
    /// What it is, whatever its words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Action::ListTasks => "list tasks",
            Action::FindTask(_) => "find task",
            Action::FindUser(_) => "find user",
            Action::CreateTask(_) => "create task",
            Action::Mark(_) => "mark task",
            Action::Unmark(_) => "unmark task",
            Action::RenameTask(..) => "rename task",
            Action::DeleteTask(_) => "delete task",
            Action::CreateUser(..) => "create user",
            Action::UpdateUser(..) => "update user",
            Action::ReadNowhere => "read a table that is not there",
            Action::StoreNull => "store a user without an email",
            Action::Begin => "begin",
            Action::Commit => "commit",
            Action::Rollback => "roll back",
            Action::Leave => "drop the guard",
            Action::Fail => "leave with an error",
        }
    }

    /// What may be seen otherwise after it.
    pub(super) fn about(&self) -> About {
        match self {
            Action::ListTasks
            | Action::FindTask(_)
            | Action::CreateTask(_)
            | Action::Mark(_)
            | Action::Unmark(_)
            | Action::RenameTask(..)
            | Action::DeleteTask(_) => About::Tasks,
            Action::FindUser(_)
            | Action::CreateUser(..)
            | Action::UpdateUser(..)
            | Action::StoreNull => About::Users,
            Action::ReadNowhere
            | Action::Begin
            | Action::Commit
            | Action::Rollback
            | Action::Leave
            | Action::Fail => About::Both,
        }
    }

    /// Whether other sessions, or the witness, may see something else after it.
    pub(super) fn shows(&self) -> bool {
        self.writes() || self.ends()
    }

    /// Whether it ends a transaction or a savepoint.
    pub(super) fn ends(&self) -> bool {
        matches!(self, Action::Commit | Action::Rollback | Action::Leave | Action::Fail)
    }

    /// Whether it changes rows or tries to: a server may hold locks for it until the transaction ends.
    pub(super) fn writes(&self) -> bool {
        match self {
            // Without a column there is nothing to be sent.
            Action::UpdateUser(_, change) => *change != Change::default(),
            Action::CreateTask(_)
            | Action::Mark(_)
            | Action::Unmark(_)
            | Action::RenameTask(..)
            | Action::DeleteTask(_)
            | Action::CreateUser(..)
            | Action::StoreNull => true,
            Action::ListTasks
            | Action::FindTask(_)
            | Action::FindUser(_)
            | Action::ReadNowhere
            | Action::Begin
            | Action::Commit
            | Action::Rollback
            | Action::Leave
            | Action::Fail => false,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, operation) in self.operations.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{operation}")?;
        }
        let s = if self.sessions == 1 { "" } else { "s" };
        write!(f, "] on {} session{s}", self.sessions)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = if self.cut.is_some() { "dropped " } else { "" };
        write!(f, "{}: {dropped}{}", self.session, self.action)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Held(number) => write!(f, "at Held {number}"),
            Place::Unread(number) => write!(f, "at Unread {number}"),
            Place::Sent(number) => write!(f, "at Sent {number}"),
            Place::Poll(number) => write!(f, "at Poll {number}"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::FindTask(task) => write!(f, "find task {task}"),
            Action::FindUser(email) => write!(f, "find user {email:?}"),
            Action::CreateTask(title) => write!(f, "create task {}", shown(title)),
            Action::Mark(task) => write!(f, "mark task {task}"),
            Action::Unmark(task) => write!(f, "unmark task {task}"),
            Action::RenameTask(task, title) => write!(f, "rename task {task} to {}", shown(title)),
            Action::DeleteTask(task) => write!(f, "delete task {task}"),
            Action::CreateUser(email, name) => {
                write!(f, "create user {email:?} named {}", shown(name))
            }
            Action::UpdateUser(user, change) => write!(f, "update user {user} with {change}"),
            Action::ListTasks
            | Action::ReadNowhere
            | Action::StoreNull
            | Action::Begin
            | Action::Commit
            | Action::Rollback
            | Action::Leave
            | Action::Fail => f.write_str(self.name()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { email, hashed_password, full_name } = self;
        let columns = [
            ("email", email.as_ref().map(|email| format!("{email:?}"))),
            ("hash", hashed_password.as_ref().map(|hash| format!("{hash:?}"))),
            ("name", full_name.as_ref().map(shown)),
        ];
        let given: Vec<String> = columns
            .into_iter()
            .filter_map(|(column, value)| Some(format!("{column} {}", value?)))
            .collect();
        f.write_str(if given.is_empty() { "nothing" } else { "" })?;
        f.write_str(&given.join(" and "))
    }
}

/// Text, or NULL.
pub(super) fn shown(text: &Option<String>) -> String {
    text.as_ref().map_or("NULL".to_owned(), |text| format!("{text:?}"))
}
