//! What each statement does to the state of the model, and what it answers.

use dropproof::contract::Class;

use super::{
    case::{Action, Change},
    plan::{Expected, HASH},
    rules::Rules,
    state::{State, TaskRow, UserRow},
};

const NONE: Expected = Expected::Changed { rows: 0, or_none: false };
const ONE: Expected = Expected::Changed { rows: 1, or_none: false };

impl State {
    /// Runs a statement; one that is refused changes nothing.
    pub(super) fn run(
        &mut self,
        action: &Action,
        target: Option<u8>,
        (task, user): (u8, u8),
        rules: Rules,
    ) -> Expected {
        match action {
            Action::ListTasks => Expected::Tasks,
            Action::FindTask(_) => {
                let found = target.and_then(|number| Some((number, self.tasks.get(&number)?)));
                Expected::Task(found.map(|(number, row)| (number, row.clone())))
            }
            Action::FindUser(email) => self.find_user(email),
            Action::CreateTask(title) => {
                self.tasks.insert(task, TaskRow { title: title.clone(), done: false });
                Expected::Created
            }
            Action::CreateUser(email, full_name) => {
                let (email, full_name) = (email.clone(), full_name.clone());
                self.users.insert(user, UserRow { email, hashed_password: HASH.into(), full_name });
                Expected::Created
            }
            Action::Mark(_) => match self.task(target) {
                Some(row) if !row.done => {
                    row.done = true;
                    ONE
                }
                // It is marked already, or there is no such task.
                _ => Expected::Error(Class::Constraint),
            },
            Action::Unmark(_) => match self.task(target) {
                Some(row) if row.done => {
                    row.done = false;
                    ONE
                }
                _ => NONE,
            },
            Action::RenameTask(_, title) => match self.task(target) {
                Some(row) => {
                    let same = row.title == *title;
                    row.title.clone_from(title);
                    Expected::Changed { rows: 1, or_none: same && rules.counts_changed_rows }
                }
                None => NONE,
            },
            Action::DeleteTask(_) => {
                let deleted = target.and_then(|number| self.tasks.remove(&number));
                if deleted.is_some() { ONE } else { NONE }
            }
            Action::UpdateUser(_, change) => self.update_user(target, change, rules),
            Action::ReadNowhere => Expected::Error(Class::Statement),
            Action::StoreNull => Expected::Error(Class::Constraint),
            Action::Begin | Action::Commit | Action::Rollback | Action::Leave | Action::Fail => {
                Expected::Done
            }
        }
    }

    fn task(&mut self, number: Option<u8>) -> Option<&mut TaskRow> {
        self.tasks.get_mut(&number?)
    }

    fn find_user(&self, email: &str) -> Expected {
        let mut found = self.users.iter().filter(|(_, row)| row.email == email);
        match (found.next(), found.next()) {
            (_, Some(_)) => Expected::Error(Class::Ambiguous),
            (found, None) => Expected::User(found.map(|(number, row)| (*number, row.clone()))),
        }
    }

    fn update_user(&mut self, number: Option<u8>, change: &Change, rules: Rules) -> Expected {
        let Some(row) = number.and_then(|number| self.users.get_mut(&number)) else { return NONE };
        if *change == Change::default() {
            return NONE;
        }
        let before = row.clone();
        let Change { email, hashed_password, full_name } = change.clone();
        row.email = email.unwrap_or_else(|| before.email.clone());
        row.hashed_password = hashed_password.unwrap_or_else(|| before.hashed_password.clone());
        row.full_name = full_name.unwrap_or_else(|| before.full_name.clone());
        let same = *row == before;
        Expected::Changed { rows: 1, or_none: same && rules.counts_changed_rows }
    }
}
