//! The prepared statements of a session, so that their execution is named by their text.
//!
//! Their numbers are left out of the names, because they count what a session prepared before.

use std::collections::BTreeMap;

/// More statements than this are not kept: the default of `max_prepared_stmt_count`.
const STATEMENTS_MAX: usize = 16_382;
/// MariaDB's number for the statement prepared last, which allows to execute it unseen.
const LAST: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Statements {
    known: BTreeMap<u32, Statement>,
    last: Statement,
}

/// What is known of a prepared statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    /// Its text, as names show it.
    pub(super) text: String,
    /// Its verb.
    pub(super) verb: String,
    /// Its parameters, once the server has said how many.
    pub(super) parameters: usize,
}

impl Statements {
    /// Notes that a statement is to be prepared.
    pub(super) fn ask(&mut self, statement: Statement) {
        self.last = statement;
    }

    /// Notes the number of a statement that was prepared.
    pub(super) fn learn(&mut self, id: u32, statement: Statement) {
        if self.known.len() < STATEMENTS_MAX {
            self.known.insert(id, statement);
        }
    }

    pub(super) fn get(&self, id: u32) -> Option<&Statement> {
        if id == LAST { Some(&self.last) } else { self.known.get(&id) }
    }

    pub(super) fn close(&mut self, id: u32) {
        self.known.remove(&id);
    }

    /// Forgets all, as a session does that is reset.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}
