//! The faults of rows: caches and copies that a layer keeps of them, and what it does with a
//! transaction to do so.
//!
//! A layer's own transaction runs its statements out of our sight, so where a fault needs to see them
//! the transaction is begun and ended as text.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use dropproof::contract::{
    Answer, Class, Ending, Error, NewUser, Op, Result, Script, Statement, Statements, Task, User,
    UserChange,
};

use super::{Fault, statements::FaultyStatements};

/// Tasks that all sessions of a pool share.
pub(super) type Shared = Arc<Mutex<Option<Vec<Task>>>>;

/// What a session keeps of rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    shared: Shared,
    /// The users as the session has last written them.
    users: BTreeMap<i64, User>,
    /// The tasks as they were when the transaction began.
    before: Vec<Task>,
    /// How many transactions and savepoints were begun as text.
    depth: usize,
}

impl Rows {
    pub(super) fn new(shared: &Shared) -> Self {
        Self { shared: Arc::clone(shared), ..Self::default() }
    }

    /// Forgets everything, as a transaction begins or has ended.
    pub(super) fn forget(&mut self) {
        *self = Self::new(&self.shared);
        self.share(None);
    }

    fn share(&self, tasks: Option<Vec<Task>>) {
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
    }

    fn shared(&self) -> Option<Vec<Task>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Statements> FaultyStatements<'_, S> {
    /// Runs an operation with the fault; `None` leaves it to the layer.
    pub(super) async fn run_with_rows(&mut self, op: &Op) -> Option<Result<Answer>> {
        let inside = 0 < self.memory.rows.depth;
        match (self.memory.fault, op) {
            (Fault::ReadsFromCache, op) => self.cached(op).await,
            (Fault::WritesAllColumns, Op::CreateUser(user)) => Some(self.copied(user).await),
            (Fault::WritesAllColumns, Op::UpdateUser { id, change }) => {
                Some(self.all_columns(*id, change).await)
            }
            (Fault::RetryHidesError, Op::Mark(id)) => Some(self.marked_somehow(*id).await),
            (Fault::SeesUncommitted, Op::Tasks) if inside => {
                let answer = self.inner.run(op).await;
                if let Ok(Answer::Tasks(tasks)) = &answer {
                    self.memory.rows.share(Some(tasks.clone()));
                }
                Some(answer)
            }
            (Fault::SeesUncommitted, Op::Tasks) => {
                self.memory.rows.shared().map(|tasks| Ok(Answer::Tasks(tasks)))
            }
            (Fault::OwnWritesUnseen, Op::Tasks) if inside => {
                Some(Ok(Answer::Tasks(self.memory.rows.before.clone())))
            }
            _ => None,
        }
    }

    /// Lists tasks from a cache that every write clears, but a rename.
    async fn cached(&mut self, op: &Op) -> Option<Result<Answer>> {
        if *op == Op::Tasks {
            if let Some(tasks) = self.memory.rows.shared() {
                return Some(Ok(Answer::Tasks(tasks)));
            }
            let answer = self.inner.run(op).await;
            if let Ok(Answer::Tasks(tasks)) = &answer {
                self.memory.rows.share(Some(tasks.clone()));
            }
            return Some(answer);
        }
        if !matches!(op, Op::RenameTask { .. }) {
            self.memory.rows.share(None);
        }
        None
    }

    /// Keeps a copy of a user.
    async fn copied(&mut self, user: &NewUser) -> Result<Answer> {
        let answer = self.inner.run(&Op::CreateUser(user.clone())).await?;
        if let Answer::Id(id) = answer {
            let NewUser { email, hashed_password, full_name } = user.clone();
            self.memory.rows.users.insert(id, User { id, email, hashed_password, full_name });
        }
        Ok(answer)
    }

    /// Writes the columns that are not meant as they are in the copy.
    async fn all_columns(&mut self, id: i64, change: &UserChange) -> Result<Answer> {
        let mut change = change.clone();
        if change != UserChange::default()
            && let Some(copy) = self.memory.rows.users.get_mut(&id)
        {
            copy.email = change.email.unwrap_or(mem::take(&mut copy.email));
            copy.hashed_password =
                change.hashed_password.unwrap_or(mem::take(&mut copy.hashed_password));
            copy.full_name = change.full_name.unwrap_or(copy.full_name.take());
            let User { email, hashed_password, full_name, .. } = copy.clone();
            change = UserChange {
                email: Some(email),
                hashed_password: Some(hashed_password),
                full_name: Some(full_name),
            };
        }
        self.inner.run(&Op::UpdateUser { id, change }).await
    }

    /// Marks again what was refused, and takes a mark that is there for that of its first attempt.
    async fn marked_somehow(&mut self, id: i64) -> Result<Answer> {
        match self.inner.run(&Op::Mark(id)).await {
            Err(error) if error.class() == Class::Constraint => {
                let there = Statement::new("SELECT id FROM dones WHERE id = ?", [id.into()]);
                let rows = self.inner.fetch(&there).await?;
                if rows.is_empty() { Err(error) } else { Ok(Answer::Changed(1)) }
            }
            answer => answer,
        }
    }

    /// Plays a transaction whose statements are seen, or a savepoint in it.
    pub(super) async fn by_text(&mut self, script: Script) -> Result<()> {
        let depth = self.memory.rows.depth;
        let [begin, commit, undo] = match depth {
            0 => ["BEGIN", "COMMIT", "ROLLBACK"].map(str::to_owned),
            n => ["SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT"]
                .map(|word| format!("{word} level{n}")),
        };
        self.inner.text(&begin).await?;
        if depth == 0 && self.memory.fault == Fault::OwnWritesUnseen {
            self.memory.rows.before = self.inner.run(&Op::Tasks).await?.tasks()?;
        }
        self.memory.rows.depth += 1;
        let played = Box::pin(script.play(self)).await;
        self.memory.rows.depth -= 1;
        let ignored = depth != 0 && self.memory.fault == Fault::SavepointIgnored;
        let end = if ignored || matches!(played, Ok(Ending::Commit)) { &commit } else { &undo };
        let ended = self.inner.text(end).await;
        match played {
            // As an adapter does: the error of the script goes before that of its end.
            Err(error) => Err::<(), Error>(error),
            Ok(_) => ended,
        }
    }
}
