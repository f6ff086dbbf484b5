//! mysql_async 0.35.1 with its own pool, on MySQL and MariaDB.
//!
//! Its transaction guard borrows the connection. What a dropped future leaves is cleared up by the
//! pool, which reads to the end, rolls back and resets a connection in a task of its own before it
//! lends it again.

use dropproof::contract::{
    Adapter, Capability, Class, Dialect, Ending, Error, Lack, Pool, Result, Row, Script, Session,
    Statement, Statements, Target, Value,
};
use futures::{Stream, TryStreamExt, stream};
use mysql_async::{
    Conn, IsolationLevel, Opts, OptsBuilder, Params, PoolConstraints, PoolOpts, Transaction,
    TxOpts, prelude::Queryable,
};

/// The pool.
#[derive(Debug)]
pub struct MysqlAsync(mysql_async::Pool);

/// A connection that the pool has lent.
#[derive(Debug)]
pub struct Lent(Conn);

struct On<'c, Q>(&'c mut Q);

fn parameters(statement: &Statement) -> Params {
    let parameter = |value: &Value| match value {
        Value::Null => mysql_async::Value::NULL,
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.into(),
    };
    match statement.parameters() {
        [] => Params::Empty,
        values => Params::Positional(values.iter().map(parameter).collect()),
    }
}

fn row(row: mysql_async::Row) -> Result<Row> {
    let value = |value| match value {
        mysql_async::Value::NULL => Ok(Value::Null),
        mysql_async::Value::Int(number) => Ok(Value::Int(number)),
        mysql_async::Value::Bytes(bytes) => {
            let text = String::from_utf8(bytes).map_err(|error| Error::new(Class::Data, error))?;
            Ok(Value::Text(text))
        }
        other => Err(Error::new(Class::Data, format!("no column of ours is {other:?}"))),
    };
    row.unwrap().into_iter().map(value).collect()
}

impl<Q: Queryable> Statements for On<'_, Q> {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    async fn change(&mut self, statement: &Statement) -> Result<u64> {
        let sql = statement.sql(Dialect::MySql);
        let result = self.0.exec_iter(sql, parameters(statement)).await.map_err(error)?;
        let changed = result.affected_rows();
        result.drop_result().await.map_err(error)?;
        Ok(changed)
    }

    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        let sql = statement.sql(Dialect::MySql);
        let rows = self.0.exec(sql, parameters(statement)).await.map_err(error)?;
        rows.into_iter().map(row).collect()
    }

    async fn text(&mut self, sql: &str) -> Result<()> {
        self.0.query_drop(sql).await.map_err(error)
    }

    async fn insert(&mut self, statement: &Statement) -> Result<i64> {
        let sql = statement.sql(Dialect::MySql);
        let result = self.0.exec_iter(sql, parameters(statement)).await.map_err(error)?;
        let id = result.last_insert_id();
        result.drop_result().await.map_err(error)?;
        id.map(u64::cast_signed).ok_or_else(|| Error::new(Class::NotFound, "the server made no id"))
    }

    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Stream<Item = Result<Row>> + Send + 'a {
        let opened = self.0.exec_stream(statement.sql(Dialect::MySql), parameters(statement));
        stream::once(opened).try_flatten().map_err(error).and_then(async |next| row(next))
    }
}

/// How a transaction is begun by each of the entry points.
fn options(entry: usize) -> TxOpts {
    let mut options = TxOpts::default();
    match entry {
        0 => {}
        1 => {
            options.with_isolation_level(IsolationLevel::RepeatableRead).with_readonly(false);
        }
        _ => {
            options.with_consistent_snapshot(true);
        }
    }
    options
}

async fn play(mut tx: Transaction<'_>, script: Script) -> Result<()> {
    match script.play(&mut On(&mut tx)).await? {
        Ending::Commit => tx.commit().await.map_err(error),
        Ending::Rollback => tx.rollback().await.map_err(error),
        Ending::Leave | Ending::Fail => {
            drop(tx);
            Ok(())
        }
    }
}

impl Session for Lent {
    fn on(&mut self) -> impl Statements {
        On(&mut self.0)
    }

    async fn transact(&mut self, script: Script) -> Result<()> {
        self.transact_by(0, script).await
    }

    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()> {
        play(self.0.start_transaction(options(entry)).await.map_err(error)?, script).await
    }
}

impl Pool for MysqlAsync {
    type Session = Lent;

    async fn session(&self) -> Result<Lent> {
        self.0.get_conn().await.map(Lent).map_err(error)
    }

    async fn transact_by(&self, entry: usize, script: Script) -> Result<()> {
        play(self.0.start_transaction(options(entry)).await.map_err(error)?, script).await
    }

    async fn close(self) -> Result<()> {
        self.0.disconnect().await.map_err(error)
    }
}

impl Adapter for MysqlAsync {
    const NAME: &'static str = "mysql_async";
    const VERSION: &'static str = "0.35.1";
    const LACKS: &'static [Lack] = &[
        Lack {
            capability: Capability::UnitOfWork,
            because: "it is a driver with a pool, and keeps no objects",
            link: "https://docs.rs/mysql_async/0.35.1/mysql_async/",
        },
        Lack {
            capability: Capability::Savepoints,
            because: "a transaction in a transaction is refused, and there is no call for a \
                savepoint",
            link: "https://docs.rs/mysql_async/0.35.1/mysql_async/struct.Transaction.html",
        },
        Lack {
            capability: Capability::BulkLoad,
            because: "there is no COPY, and LOAD DATA LOCAL is refused by a server as it comes",
            link: "https://dev.mysql.com/doc/refman/9.7/en/load-data-local-security.html",
        },
        Lack {
            capability: Capability::Cursors,
            because: "the servers have cursors in stored programs only",
            link: "https://dev.mysql.com/doc/refman/9.7/en/cursors.html",
        },
        Lack {
            capability: Capability::Notifications,
            because: "the servers have no statement that notifies other sessions",
            link: "https://dev.mysql.com/doc/refman/9.7/en/sql-statements.html",
        },
        Lack {
            capability: Capability::AdvisoryLocks,
            because: "there is no guard for the locks of GET_LOCK",
            link: "https://docs.rs/mysql_async/0.35.1/mysql_async/struct.Conn.html",
        },
        Lack {
            capability: Capability::Multiplexed,
            because: "a query borrows its connection mutably, so one is in flight at a time",
            link: "https://docs.rs/mysql_async/0.35.1/mysql_async/prelude/trait.Queryable.html",
        },
    ];
    const ENTRY_POINTS: &'static [&'static str] = &[
        "start_transaction",
        "start_transaction with isolation and access",
        "start_transaction with a snapshot",
    ];
    const POOL_ENTRY_POINTS: &'static [&'static str] = Self::ENTRY_POINTS;

    async fn open(target: &Target) -> Result<Self> {
        let options =
            Opts::from_url(&target.url).map_err(|source| Error::new(Class::Other, source))?;
        let sessions_max = target.sessions_max as usize;
        let constraints = PoolConstraints::new(0, sessions_max)
            .ok_or_else(|| Error::new(Class::Other, "a pool lends one session at least"))?;
        let pool = PoolOpts::default().with_constraints(constraints);
        // It would connect through a socket in place of the address that it was given.
        let options = OptsBuilder::from_opts(options).prefer_socket(false).pool_opts(pool);
        Ok(Self(mysql_async::Pool::new(options)))
    }
}

fn error(error: mysql_async::Error) -> Error {
    let class = match &error {
        mysql_async::Error::Server(refusal) => Class::of_mysql(refusal.code, &refusal.state),
        mysql_async::Error::Io(_) => Class::Connection,
        mysql_async::Error::Driver(
            mysql_async::DriverError::ConnectionClosed | mysql_async::DriverError::PoolDisconnected,
        ) => Class::Connection,
        mysql_async::Error::Driver(mysql_async::DriverError::StmtParamsMismatch { .. }) => {
            Class::Statement
        }
        mysql_async::Error::Driver(_)
        | mysql_async::Error::Url(_)
        | mysql_async::Error::Other(_) => Class::Other,
    };
    Error::new(class, error)
}
