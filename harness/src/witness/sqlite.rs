//! The witness of SQLite: a connection of `rusqlite` to the same file.

use std::{path::Path, time::Duration};

// Not by way of rusqlite, whose older versions do not show it.
use fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, ErrorCode, types::ValueRef};

use super::Error;
use crate::contract::{Row, Value};

/// A writer holds the file for the time of a commit; longer than this is a lock that was left.
const BUSY_MAX: Duration = Duration::from_secs(5);

pub(crate) fn open(file: &Path) -> Result<Connection, Error> {
    let open = || {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY_MAX)?;
        Ok(connection)
    };
    open().map_err(|source| Error::Sqlite { source })
}

pub(super) fn query(connection: &Connection, sql: &str) -> Result<Vec<Row>, Error> {
    collect(connection, sql).map_err(|source| Error::Sqlite { source })
}

/// Reads in one transaction, so that what somebody else commits meanwhile is in none of the tables or
/// in all.
pub(super) fn snapshot(connection: &Connection, sql: &str) -> Result<Vec<Row>, Error> {
    let read = || {
        let transaction = connection.unchecked_transaction()?;
        let rows = collect(connection, sql)?;
        transaction.commit()?;
        Ok(rows)
    };
    read().map_err(|source| Error::Sqlite { source })
}

/// Somebody else's transaction that has written holds the one write lock, or has it reserved:
/// <https://www.sqlite.org/lockingv3.html>.
pub(super) fn left_open(connection: &Connection) -> Result<Vec<String>, Error> {
    let tried = || {
        connection.busy_timeout(Duration::ZERO)?;
        let locked = match connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
            Ok(()) => false,
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy =>
            {
                true
            }
            Err(error) => return Err(error),
        };
        connection.busy_timeout(BUSY_MAX)?;
        Ok(locked)
    };
    let locked = tried().map_err(|source| Error::Sqlite { source })?;
    Ok(if locked { vec!["the write lock is held".to_owned()] } else { Vec::new() })
}

fn collect(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Row>> {
    let mut collected = Vec::new();
    let mut statements = Batch::new(connection, sql);
    while let Some(mut statement) = statements.next()? {
        let columns = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| {
            (0..columns).map(|i| row.get_ref(i).map(value)).collect::<rusqlite::Result<Row>>()
        };
        collected.extend(statement.query(())?.map(read).collect::<Vec<_>>()?);
    }
    Ok(collected)
}

fn value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Value::Text(String::from_utf8_lossy(text).into_owned())
        }
    }
}
