//! The rules in which databases and layers differ, as far as the model has to know them.

use dropproof::{
    contract::{Capability, Lack},
    database::Kind,
};

use super::case::Place;

/// What holds on one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// The layer has savepoints.
    pub(super) savepoints: bool,
    /// While a transaction is open no other session may begin or write: SQLite has one writer, and
    /// who has read in a transaction keeps it from committing. <https://www.sqlite.org/lockingv3.html>
    pub(super) serialised: bool,
    /// A statement that the server refuses fails its transaction, which must be rolled back:
    /// <https://www.postgresql.org/docs/18/errcodes-appendix.html>, class 25.
    pub(super) refusal_fails_transaction: bool,
    /// An update that changes nothing may count no row, as the client asks for when it connects:
    /// <https://dev.mysql.com/doc/c-api/9.7/en/mysql-affected-rows.html>.
    pub(super) counts_changed_rows: bool,
    /// The id of a row that was rolled back is given again, since the sequence is a table too:
    /// <https://www.sqlite.org/autoinc.html>.
    pub(super) gives_ids_again: bool,
    /// Where operations may be dropped; nowhere, unless that is asked for.
    pub(super) cuts: Cuts,
}

/// What the places are at which an operation is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cuts {
    Never,
    /// Those of its conversation.
    OnTheWire,
    /// Where there is no wire: its polls.
    ByPolls,
}

impl Cuts {
    /// Whether a place is one of these.
    pub(super) fn have(self, place: Place) -> bool {
        match place {
            Place::Held(_) | Place::Unread(_) | Place::Sent(_) => self == Cuts::OnTheWire,
            Place::Poll(_) => self == Cuts::ByPolls,
        }
    }
}

impl Rules {
    pub(super) fn new(kind: Kind, lacks: &[Lack]) -> Self {
        let sqlite = kind == Kind::Sqlite;
        Self {
            savepoints: lacks.iter().all(|lack| lack.capability != Capability::Savepoints),
            serialised: sqlite,
            refusal_fails_transaction: kind == Kind::Postgres,
            counts_changed_rows: matches!(kind, Kind::MySql | Kind::MariaDb),
            gives_ids_again: sqlite,
            cuts: Cuts::Never,
        }
    }

    /// The same, where one operation of a case is dropped.
    pub(super) fn cutting(self, kind: Kind) -> Self {
        let cuts = if kind.protocol().is_some() { Cuts::OnTheWire } else { Cuts::ByPolls };
        Self { cuts, ..self }
    }
}

/// What each session is told first, through the layer: the isolation level, and how long it waits
/// for a lock. `lock_wait_timeout` is for locks on the definition of a table.
pub(super) fn settings(kind: Kind) -> &'static str {
    match kind {
        Kind::MySql | Kind::MariaDb => {
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
             SET SESSION innodb_lock_wait_timeout = 2, SESSION lock_wait_timeout = 2"
        }
        Kind::Sqlite => "PRAGMA busy_timeout = 2000",
        _ => {
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
             SET lock_timeout = '2s'"
        }
    }
}
