//! The state of the tables as the model knows it, and as a session or the witness sees it.

use std::{collections::BTreeMap, fmt};

use dropproof::{
    contract::{Row, Task, User, Value},
    witness::Tables,
};

use super::case::{Action, shown};

/// The rows of both tables, under their numbers in the case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) tasks: BTreeMap<u8, TaskRow>,
    pub(super) users: BTreeMap<u8, UserRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskRow {
    pub(super) title: Option<String>,
    pub(super) done: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserRow {
    pub(super) email: String,
    pub(super) hashed_password: String,
    pub(super) full_name: Option<String>,
}

/// The rows in the order in which they came; a row that nobody has created has no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) tasks: Vec<(Option<u8>, TaskRow)>,
    pub(super) users: Vec<(Option<u8>, UserRow)>,
}

impl State {
    /// What must be seen of it.
    pub(super) fn seen(&self) -> Seen {
        let tasks = self.tasks.iter().map(|(number, row)| (Some(*number), row.clone()));
        let users = self.users.iter().map(|(number, row)| (Some(*number), row.clone()));
        Seen { tasks: tasks.collect(), users: users.collect() }
    }
}

/// The ids that the server made, by number in the case.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    pub(super) tasks: BTreeMap<u8, i64>,
    pub(super) users: BTreeMap<u8, i64>,
}

/// No server makes this id.
const NO_ID: i64 = -1;

/// The id of a row; that of a row which never came to be is nobody's.
pub(super) fn id(ids: &BTreeMap<u8, i64>, number: Option<u8>) -> i64 {
    number.and_then(|number| ids.get(&number)).copied().unwrap_or(NO_ID)
}

/// The number of the row with an id: the last, where the server gave it twice.
fn number(ids: &BTreeMap<u8, i64>, id: i64) -> Option<u8> {
    ids.iter().rev().find(|(_, other)| **other == id).map(|(number, _)| *number)
}

impl Ids {
    pub(super) fn task(&self, task: Task) -> (Option<u8>, TaskRow) {
        (number(&self.tasks, task.id), TaskRow { title: task.title, done: task.done })
    }

    pub(super) fn user(&self, user: User) -> (Option<u8>, UserRow) {
        let User { id, email, hashed_password, full_name } = user;
        (number(&self.users, id), UserRow { email, hashed_password, full_name })
    }

    /// Reads a row of the table of users; one that cannot be read is a user of nobody.
    pub(super) fn user_row(&self, row: &Row) -> (Option<u8>, UserRow) {
        let text = |i: usize| match row.get(i) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(Value::Int(number)) => Some(number.to_string()),
            Some(Value::Null) | None => None,
        };
        self.user(User {
            id: whole(row.first()),
            email: text(1).unwrap_or_default(),
            hashed_password: text(2).unwrap_or_default(),
            full_name: text(3),
        })
    }

    /// Reads the tables as the witness gives them.
    pub(super) fn seen(&self, tables: &Tables) -> Seen {
        let rows = |table| tables.get(table).map_or(&[][..], Vec::as_slice);
        let (tasks, dones, users) = (rows("tasks"), rows("dones"), rows("users"));
        let task = |row: &Row| {
            let title = match row.get(1) {
                Some(Value::Text(title)) => Some(title.clone()),
                _ => None,
            };
            let id = whole(row.first());
            self.task(Task { id, title, done: dones.iter().any(|done| whole(done.first()) == id) })
        };
        Seen {
            tasks: tasks.iter().map(task).collect(),
            users: users.iter().map(|row| self.user_row(row)).collect(),
        }
    }

    /// The same with the row of this number, whose id nobody was told: of the rows that are there, the
    /// one that is not of `state`.
    pub(super) fn with_created(
        &self,
        action: &Action,
        created: u8,
        (tables, state): (&Tables, &State),
    ) -> Self {
        let mut ids = self.clone();
        let (table, known, numbers) = match action {
            Action::CreateTask(_) => ("tasks", &mut ids.tasks, state.tasks.keys().collect()),
            _ => ("users", &mut ids.users, state.users.keys().collect::<Vec<_>>()),
        };
        // The id may be that of a row which was rolled back, as SQLite gives it again.
        let is_of_state =
            |row: &Row| numbers.iter().any(|number| known.get(number) == Some(&whole(row.first())));
        let mut new = tables.get(table).into_iter().flatten().filter(|row| !is_of_state(row));
        if let (Some(row), None) = (new.next(), new.next()) {
            known.insert(created, whole(row.first()));
        }
        ids
    }
}

fn whole(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Int(number)) => *number,
        _ => NO_ID,
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.tasks.iter().map(|(number, row)| task_shown(*number, row));
        let users = self.users.iter().map(|(number, row)| user_shown(*number, row));
        let rows: Vec<String> = tasks.chain(users).collect();
        f.write_str(if rows.is_empty() { "no row" } else { "" })?;
        f.write_str(&rows.join(", "))
    }
}

pub(super) fn task_shown(number: Option<u8>, row: &TaskRow) -> String {
    let done = if row.done { " done" } else { "" };
    format!("task {} {}{done}", number_shown(number), shown(&row.title))
}

pub(super) fn user_shown(number: Option<u8>, row: &UserRow) -> String {
    let UserRow { email, hashed_password, full_name } = row;
    let number = number_shown(number);
    format!("user {number} {email:?} named {} with hash {hashed_password:?}", shown(full_name))
}

fn number_shown(number: Option<u8>) -> String {
    number.map_or("of nobody".to_owned(), |number| number.to_string())
}
