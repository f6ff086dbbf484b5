//! sqlx 0.8.5 with its own pool, on Postgres and SQLite.
//!
//! It borrows the text of a query, which this version does not take as its own.

use dropproof::contract::{
    Adapter, Capability, Class, Dialect, Ending, Error, Heard, Lack, Pool, Result, Row, Script,
    Session, Statement, Statements, Target, Value,
};
use futures::{Stream, StreamExt, future::BoxFuture};
use sqlx::{
    Connection, Database, Executor, Transaction,
    error::{DatabaseError, ErrorKind},
    pool::{PoolConnection, PoolOptions},
    postgres::{PgAdvisoryLock, PgAdvisoryLockKey, PgListener, PgNotification},
};

macro_rules! adapter {
    (
        $(#[doc = $doc:literal])+
        $module:ident, $db:ty, $dialect:expr, $class:ident, begin_with $begin:literal,
        lacks $lacks:expr, statements { $($own:tt)* }, session { $($on_session:tt)* },
        pool { $($on_pool:tt)* }
    ) => {
        $(#[doc = $doc])+
        pub mod $module {
            use super::*;

            type Db = $db;
            type Query<'q> = sqlx::query::Query<'q, Db, <Db as Database>::Arguments<'q>>;

            /// The pool.
            #[derive(Debug)]
            pub struct Sqlx(sqlx::Pool<Db>);

            /// A connection that the pool has lent.
            #[derive(Debug)]
            pub struct Lent(PoolConnection<Db>);

            struct On<'c> {
                connection: &'c mut <Db as Database>::Connection,
                sql: String,
            }

            impl<'c> On<'c> {
                fn new(connection: &'c mut <Db as Database>::Connection) -> Self {
                    Self { connection, sql: String::new() }
                }
            }

            fn query<'q>(sql: &'q str, statement: &'q Statement) -> Query<'q> {
                statement.parameters().iter().fold(sqlx::query(sql), |query, value| match value {
                    Value::Null => query.bind(None::<String>),
                    Value::Int(number) => query.bind(number),
                    Value::Text(text) => query.bind(text),
                })
            }

            fn row(row: &<Db as Database>::Row) -> Result<Row> {
                use sqlx::Row as _;
                let number = |i| {
                    let wide = row.try_get::<Option<i64>, _>(i);
                    wide.or_else(|_| Ok(row.try_get::<Option<i32>, _>(i)?.map(i64::from)))
                };
                let value = |i| match number(i) {
                    Ok(number) => Ok(number.map_or(Value::Null, Value::Int)),
                    Err(sqlx::Error::ColumnDecode { .. }) => {
                        let text = row.try_get::<Option<String>, _>(i).map_err(error)?;
                        Ok(text.map_or(Value::Null, Value::Text))
                    }
                    Err(other) => Err(error(other)),
                };
                (0..row.len()).map(value).collect()
            }

            fn error(error: sqlx::Error) -> Error {
                Error::new(class(&error, super::$class), error)
            }

            impl Statements for On<'_> {
                fn dialect(&self) -> Dialect {
                    $dialect
                }

                async fn change(&mut self, statement: &Statement) -> Result<u64> {
                    let sql = statement.sql($dialect);
                    let done = query(&sql, statement).execute(&mut *self.connection).await;
                    done.map(|done| done.rows_affected()).map_err(error)
                }

                async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>> {
                    let sql = statement.sql($dialect);
                    let rows = query(&sql, statement).fetch_all(&mut *self.connection).await;
                    rows.map_err(error)?.iter().map(row).collect()
                }

                async fn text(&mut self, sql: &str) -> Result<()> {
                    let text = sqlx::raw_sql(sql);
                    self.connection.execute(text).await.map(drop).map_err(error)
                }

                $($own)*

                fn rows<'a>(
                    &'a mut self,
                    statement: &'a Statement,
                ) -> impl Stream<Item = Result<Row>> + Send + 'a {
                    self.sql = statement.sql($dialect).into();
                    query(&self.sql, statement)
                        .fetch(&mut *self.connection)
                        .map(|next| next.map_err(error).and_then(|next| row(&next)))
                }

                fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
                    Box::pin(transact(self.connection, script))
                }
            }

            async fn transact(
                connection: &mut <Db as Database>::Connection,
                script: Script,
            ) -> Result<()> {
                play(connection.begin().await.map_err(error)?, script).await
            }

            async fn play(mut tx: Transaction<'_, Db>, script: Script) -> Result<()> {
                match script.play(&mut On::new(&mut tx)).await? {
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
                    On::new(&mut self.0)
                }

                async fn transact(&mut self, script: Script) -> Result<()> {
                    transact(&mut self.0, script).await
                }

                async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()> {
                    match entry {
                        0 => self.transact(script).await,
                        _ => play(self.0.begin_with($begin).await.map_err(error)?, script).await,
                    }
                }

                $($on_session)*
            }

            impl Pool for Sqlx {
                type Session = Lent;

                async fn session(&self) -> Result<Lent> {
                    self.0.acquire().await.map(Lent).map_err(error)
                }

                async fn transact_by(&self, entry: usize, script: Script) -> Result<()> {
                    let begun = match entry {
                        0 => self.0.begin().await,
                        _ => self.0.begin_with($begin).await,
                    };
                    play(begun.map_err(error)?, script).await
                }

                $($on_pool)*

                async fn close(self) -> Result<()> {
                    self.0.close().await;
                    Ok(())
                }
            }

            impl Adapter for Sqlx {
                const NAME: &'static str = "sqlx";
                const VERSION: &'static str = "0.8.5";
                const LACKS: &'static [Lack] = &$lacks;
                const ENTRY_POINTS: &'static [&'static str] = &["begin", "begin_with"];
                const POOL_ENTRY_POINTS: &'static [&'static str] = Self::ENTRY_POINTS;

                async fn open(target: &Target) -> Result<Self> {
                    let options = PoolOptions::new().max_connections(target.sessions_max);
                    options.connect(&target.url).await.map(Self).map_err(error)
                }
            }
        }
    };
}

adapter! {
    /// sqlx on Postgres.
    postgres, sqlx::Postgres, Dialect::Postgres, of_sqlstate,
    begin_with "BEGIN ISOLATION LEVEL REPEATABLE READ",
    lacks [NOT_MULTIPLEXED, NOT_RESET, NO_UNIT],
    statements {
        async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64> {
            let mut copy = self.connection.copy_in_raw(sql).await.map_err(error)?;
            for piece in pieces {
                copy.send(piece.as_bytes()).await.map_err(error)?;
            }
            copy.finish().await.map_err(error)
        }

        async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>> {
            let mut pieces = self.connection.copy_out_raw(sql).await.map_err(error)?.take(take);
            let mut got = Vec::new();
            while let Some(piece) = pieces.next().await {
                got.push(text(&piece.map_err(error)?)?);
            }
            Ok(got)
        }
    },
    session {
        async fn lock(&mut self, key: i64, ending: Ending) -> Result<()> {
            let lock = PgAdvisoryLock::with_key(PgAdvisoryLockKey::BigInt(key));
            let guard = lock.acquire(&mut *self.0).await.map_err(error)?;
            match ending {
                Ending::Commit => guard.release_now().await.map(drop).map_err(error),
                Ending::Rollback | Ending::Leave | Ending::Fail => {
                    drop(guard);
                    Ok(())
                }
            }
        }
    },
    pool {
        async fn listen(&self, channel: &str) -> Result<super::Heard> {
            let mut listener = super::PgListener::connect_with(&self.0).await.map_err(error)?;
            listener.listen(channel).await.map_err(error)?;
            let said = |heard: super::PgNotification| heard.payload().to_owned();
            Ok(listener.into_stream().map(move |next| next.map(said).map_err(error)).boxed())
        }
    }
}

adapter! {
    /// sqlx on SQLite.
    sqlite, sqlx::Sqlite, Dialect::Sqlite, of_sqlite,
    begin_with "BEGIN IMMEDIATE",
    lacks [
        NOT_MULTIPLEXED,
        NOT_RESET,
        NO_UNIT,
        Lack {
            capability: Capability::Connection,
            because: "SQLite is in the process, so there is no connection that could break",
            link: "https://www.sqlite.org/serverless.html",
        },
        Lack {
            capability: Capability::Notifications,
            because: "there is a listener for the notifications of Postgres alone",
            link: "https://docs.rs/sqlx/0.8.5/sqlx/postgres/struct.PgListener.html",
        },
        Lack {
            capability: Capability::AdvisoryLocks,
            because: "there is a guard for the advisory locks of Postgres alone",
            link: "https://docs.rs/sqlx/0.8.5/sqlx/postgres/struct.PgAdvisoryLock.html",
        },
        Lack {
            capability: Capability::BulkLoad,
            because: "SQLite has no COPY",
            link: "https://www.sqlite.org/lang.html",
        },
        Lack {
            capability: Capability::Cursors,
            because: "SQLite has no statement that opens a cursor",
            link: "https://www.sqlite.org/lang.html",
        },
    ],
    statements {},
    session {},
    pool {}
}

const NOT_MULTIPLEXED: Lack = Lack {
    capability: Capability::Multiplexed,
    because: "a query borrows its connection mutably, so one is in flight at a time",
    link: "https://docs.rs/sqlx/0.8.5/sqlx/trait.Executor.html",
};

const NO_UNIT: Lack = Lack {
    capability: Capability::UnitOfWork,
    because: "sqlx is not an ORM, and keeps no objects",
    link: "https://docs.rs/sqlx/0.8.5/sqlx/#sqlx-is-not-an-orm",
};

const NOT_RESET: Lack = Lack {
    capability: Capability::Reset,
    because: "what was changed in a session stays, unless the user's `after_release` puts it right",
    link: "https://docs.rs/sqlx/0.8.5/sqlx/pool/struct.PoolOptions.html#method.after_release",
};

fn text(piece: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(piece).map_err(|source| Error::new(Class::Data, source))?;
    Ok(text.to_owned())
}

fn of_sqlstate(refusal: &dyn DatabaseError) -> Class {
    refusal.code().map_or(Class::Other, |code| Class::of_sqlstate(&code))
}

fn of_sqlite(refusal: &dyn DatabaseError) -> Class {
    let code = refusal.code().and_then(|code| code.parse().ok());
    code.map_or(Class::Other, Class::of_sqlite)
}

fn class(error: &sqlx::Error, of: fn(&dyn DatabaseError) -> Class) -> Class {
    match error {
        sqlx::Error::Database(refusal) if refusal.kind() == ErrorKind::Other => of(&**refusal),
        sqlx::Error::Database(_) => Class::Constraint,
        sqlx::Error::RowNotFound => Class::NotFound,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Class::Connection,
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            Class::Data
        }
        _ => Class::Other,
    }
}
