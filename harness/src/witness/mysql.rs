//! A blocking connection to MySQL or MariaDB.
//!
//! It is the `mysql` crate's, which no async layer is built on.

use std::{io, time::Duration};

use mysql::{Conn, OptsBuilder, consts::ColumnType, prelude::Queryable};

use super::{
    Error,
    connection::{Server, Whose},
};
use crate::{
    contract::{Row, Value},
    database::{Kind, ServerUrl},
};

/// An answer must begin within this time; a server that is silent for longer is taken for dead.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The number of "Unknown thread id".
const NO_SUCH_THREAD: &str = "1094";

/// A transaction is open as long as its event is active; `innodb_trx` does not list one that has
/// read and written nothing: <https://dev.mysql.com/doc/refman/9.7/en/performance-schema-transaction-tables.html>.
const LEFT_OPEN: &str = "
    SELECT COUNT(*) FROM performance_schema.threads
    WHERE processlist_db = DATABASE() AND processlist_id <> CONNECTION_ID();
    SELECT CONCAT('a transaction is open: ', LOWER(access_mode))
    FROM performance_schema.threads
    JOIN performance_schema.events_transactions_current USING (thread_id)
    WHERE processlist_db = DATABASE() AND processlist_id <> CONNECTION_ID() AND state = 'ACTIVE'
    UNION ALL
    SELECT CONCAT('a lock is held: ', LOWER(object_type), ' ', LOWER(lock_type))
    FROM performance_schema.metadata_locks
    JOIN performance_schema.threads ON thread_id = owner_thread_id
    WHERE processlist_db = DATABASE() AND processlist_id <> CONNECTION_ID()
      AND lock_status = 'GRANTED'
    ORDER BY 1";

/// What the server must record for [`LEFT_OPEN`]; MariaDB does not do so by default.
const RECORDED: &str = "
    SELECT COUNT(*) FROM performance_schema.setup_consumers
    WHERE name IN ('global_instrumentation', 'thread_instrumentation', 'events_transactions_current')
      AND enabled = 'YES'
    UNION ALL
    SELECT COUNT(*) FROM performance_schema.setup_instruments
    WHERE name IN ('transaction', 'wait/lock/metadata/sql/mdl') AND enabled = 'YES'";

/// A connection of our own, outside every layer.
#[derive(Debug)]
pub(super) struct Connection {
    inner: Conn,
    /// The table of connections.
    processes: &'static str,
    /// Whether the server is known to record what is asked.
    sees: bool,
}

impl Connection {
    /// Logs in.
    pub(super) fn open(url: &ServerUrl) -> Result<Self, Error> {
        let address = url.address();
        let options = OptsBuilder::new()
            .ip_or_hostname(Some(address.ip().to_string()))
            .tcp_port(address.port())
            .prefer_socket(false)
            .user(Some(url.user()))
            .pass(Some(url.password()))
            .db_name(Some(url.database()))
            .tcp_connect_timeout(Some(ANSWER_MAX))
            .read_timeout(Some(ANSWER_MAX));
        let inner = Conn::new(options).map_err(|error| match error {
            mysql::Error::IoError(source) => Error::Unreachable { address, source },
            mysql::Error::DriverError(mysql::DriverError::CouldNotConnect(_)) => {
                let source = io::ErrorKind::ConnectionRefused.into();
                Error::Unreachable { address, source }
            }
            error => failed(error),
        })?;
        let processes = match url.kind() {
            // MariaDB has it whether it records performance or not.
            Kind::MariaDb => "information_schema.processlist",
            // MySQL's older one cannot be read while a statement holds a character of four bytes.
            Kind::MySql | Kind::Postgres | Kind::Sqlite => "performance_schema.processlist",
        };
        Ok(Self { inner, processes, sees: false })
    }
}

impl Server for Connection {
    fn query(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        let mut collected = Vec::new();
        let mut results = self.inner.query_iter(sql).map_err(failed)?;
        while let Some(rows) = results.iter() {
            for row in rows {
                collected.push(read(row.map_err(failed)?));
            }
        }
        Ok(collected)
    }

    fn left_open(&mut self) -> Result<Vec<Row>, Error> {
        if !self.sees {
            if self.query(RECORDED)? != [[Value::Int(3)], [Value::Int(2)]] {
                return Err(BLIND);
            }
            self.sees = true;
        }
        self.query(LEFT_OPEN)
    }

    fn tell_to_end(&mut self, whose: Whose<'_>) -> Result<Vec<Row>, Error> {
        let condition = match whose {
            Whose::Ours => "db = DATABASE()".to_owned(),
            Whose::Database(name) => format!("db = '{name}'"),
            Whose::Maker(prefix) => format!("info LIKE 'CREATE DATABASE {prefix}%'"),
        };
        let found = self.query(&format!(
            "SELECT id FROM {} WHERE {condition} AND id <> CONNECTION_ID() ORDER BY id",
            self.processes
        ))?;
        for row in &found {
            if let [Value::Int(id)] = row.as_slice() {
                match self.query(&format!("KILL {id}")) {
                    Err(Error::Refused { code, .. }) if code == NO_SUCH_THREAD => {}
                    killed => drop(killed?),
                }
            }
        }
        Ok(found)
    }

    fn free_connections(&mut self) -> Result<Vec<Row>, Error> {
        let processes = self.processes;
        self.query(&format!(
            "SELECT CAST(@@max_connections AS SIGNED) - (SELECT COUNT(*) FROM {processes})"
        ))
    }

    fn databases(&mut self, prefix: &str) -> Result<Vec<Row>, Error> {
        let length = prefix.len();
        self.query(&format!(
            "SELECT schema_name FROM information_schema.schemata \
             WHERE LEFT(schema_name, {length}) = '{prefix}' ORDER BY schema_name"
        ))
    }
}

const BLIND: Error = Error::Blind {
    what: "open transactions and locks",
    settings: "performance_schema=ON, \
               performance-schema-consumer-events-transactions-current=ON, \
               performance-schema-instrument=transaction=ON and \
               performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
};

fn failed(error: mysql::Error) -> Error {
    match error {
        mysql::Error::MySqlError(refusal) => {
            Error::Refused { code: refusal.code.to_string(), message: refusal.message }
        }
        mysql::Error::IoError(source) => Error::Lost { source },
        other => Error::Protocol { what: other.to_string() },
    }
}

/// Reads a row of the text protocol, whose columns all come as text.
fn read(row: mysql::Row) -> Row {
    let columns = row.columns();
    let value = |(value, column): (mysql::Value, &mysql::Column)| match value {
        mysql::Value::NULL => Value::Null,
        mysql::Value::Bytes(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let number = is_whole(column.column_type()).then(|| text.parse().ok()).flatten();
            number.map_or_else(|| Value::Text(text.into_owned()), Value::Int)
        }
        other => Value::Text(other.as_sql(true)),
    };
    row.unwrap().into_iter().zip(columns.iter()).map(value).collect()
}

fn is_whole(kind: ColumnType) -> bool {
    matches!(
        kind,
        ColumnType::MYSQL_TYPE_TINY
            | ColumnType::MYSQL_TYPE_SHORT
            | ColumnType::MYSQL_TYPE_INT24
            | ColumnType::MYSQL_TYPE_LONG
            | ColumnType::MYSQL_TYPE_LONGLONG
    )
}
