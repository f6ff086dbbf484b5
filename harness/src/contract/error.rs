//! Errors of a layer: a class that every library has, and the library's own words as the source.

use std::{error, fmt, iter};

/// The result of a call through the contract.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was, whatever the library calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// A row that must be there is not.
    NotFound,
    /// More rows than the one that was asked for.
    Ambiguous,
    /// The server refused because of a key, a reference, NULL or a check.
    Constraint,
    /// The server refused a value: too long, not in its encoding, out of range.
    Data,
    /// The server does not understand the statement, or has no such table or column.
    Statement,
    /// The transaction has failed before; the server wants it rolled back.
    FailedTransaction,
    /// The server gave up because of another transaction: a deadlock, a lock that was not free.
    Conflict,
    /// There is no connection, or it broke.
    Connection,
    /// The connection broke where the outcome cannot be known.
    Indeterminate,
    /// The library has no such thing.
    Unsupported,
    /// What is asked of an object is not known any more, or not yet: it has to be read first.
    Expired,
    /// The check asked the adapter to fail here.
    Planted,
    /// None of the above.
    Other,
}

impl Class {
    /// The name in traces and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Class::NotFound => "not-found",
            Class::Ambiguous => "ambiguous",
            Class::Constraint => "constraint",
            Class::Data => "data",
            Class::Statement => "statement",
            Class::FailedTransaction => "failed-transaction",
            Class::Conflict => "conflict",
            Class::Connection => "connection",
            Class::Indeterminate => "indeterminate",
            Class::Unsupported => "unsupported",
            Class::Expired => "expired",
            Class::Planted => "planted",
            Class::Other => "other",
        }
    }

    /// The class of a SQLSTATE, as in the standard and in
    /// <https://www.postgresql.org/docs/18/errcodes-appendix.html>.
    #[must_use]
    pub fn of_sqlstate(code: &str) -> Self {
        match (code.get(..2), code) {
            (_, "25P02") => Class::FailedTransaction,
            (Some("40"), _) | (_, "55P03") => Class::Conflict,
            // A wrong number of parameters, by its code a breach of the protocol; nothing is broken.
            (_, "08P01") => Class::Statement,
            (Some("22"), _) => Class::Data,
            (Some("23"), _) => Class::Constraint,
            (Some("42"), _) => Class::Statement,
            (Some("08" | "57"), _) => Class::Connection,
            _ => Class::Other,
        }
    }

    /// The class of an error number of MySQL or MariaDB with its SQLSTATE, which often says less:
    /// <https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html>,
    /// <https://mariadb.com/docs/server/reference/error-codes>.
    #[must_use]
    pub fn of_mysql(number: u16, sqlstate: &str) -> Self {
        match number {
            // A lock was not free in time; the row has changed since the snapshot.
            1205 | 1020 => Class::Conflict,
            // No default value; a CHECK of MySQL, and of MariaDB.
            1364 | 3819 | 4025 => Class::Constraint,
            // A string that is not in its encoding.
            1366 => Class::Data,
            // The wrong number of parameters.
            1210 => Class::Statement,
            // Too many connections, shutdown, killed, idle for too long.
            1040 | 1053 | 1317 | 1927 | 4031 => Class::Connection,
            _ => Self::of_sqlstate(sqlstate),
        }
    }

    /// The class of a result code of SQLite, extended or not: <https://www.sqlite.org/rescode.html>.
    #[must_use]
    pub const fn of_sqlite(code: i32) -> Self {
        match code & 0xff {
            1 => Class::Statement,
            5 | 6 => Class::Conflict,
            10 | 14 => Class::Connection,
            18 | 20 | 25 => Class::Data,
            19 => Class::Constraint,
            _ => Class::Other,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A failure of the layer, with what the library said as its source.
#[derive(Debug)]
pub struct Error {
    class: Class,
    source: Box<dyn error::Error + Send + Sync>,
}

impl Error {
    /// Classes what a library said.
    pub fn new(class: Class, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { class, source: source.into() }
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// What the library said.
    pub(crate) fn into_source(self) -> Box<dyn error::Error + Send + Sync> {
        self.source
    }

    /// What the library said, with its causes, as one line.
    pub(crate) fn words(&self) -> String {
        let causes = iter::successors(Some(&*self.source as &dyn error::Error), |e| e.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the layer failed with an error of class `{}`", self.class)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
