//! tokio-postgres 0.7.13, pooled by deadpool-postgres.
//!
//! Its I/O lives in a background task, so that dropping the future of a caller stops nobody's
//! conversation: what was asked is answered, and read by nobody. Its transaction guard borrows the
//! client and queues a ROLLBACK when it is dropped.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use deadpool_postgres::{
    GenericClient, Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Transaction,
};
use dropproof::contract::{
    Adapter, Asked, Capability, Class, Dialect, Ending, Error, Lack, Pool, Result, Row, Script,
    Session, Statement, Statements, Target, Value,
};
use futures::{SinkExt, Stream, StreamExt, TryStreamExt, future::BoxFuture, stream};
use tokio_postgres::{
    CopyInSink, CopyOutStream, IsolationLevel, NoTls,
    types::{ToSql, Type},
};

/// The pool.
#[derive(Debug)]
pub struct Deadpool(deadpool_postgres::Pool);

/// A client that the pool has lent.
#[derive(Debug)]
pub struct Lent(Object);

struct On<'c, C>(&'c mut C);

fn parameters(statement: &Statement) -> Vec<&(dyn ToSql + Sync)> {
    let parameter = |value| -> &(dyn ToSql + Sync) {
        match value {
            &Value::Null => &None::<String>,
            Value::Int(number) => number,
            Value::Text(text) => text,
        }
    };
    statement.parameters().iter().map(parameter).collect()
}

fn row(row: &tokio_postgres::Row) -> Result<Row> {
    let value = |(i, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(i)?.map_or(Value::Null, Value::Int),
            Type::INT4 => row
                .try_get::<_, Option<i32>>(i)?
                .map_or(Value::Null, |number| Value::Int(number.into())),
            _ => row.try_get::<_, Option<String>>(i)?.map_or(Value::Null, Value::Text),
        })
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map_err(error)
}

type Tried<T> = Result<T, tokio_postgres::Error>;

/// What has a call for COPY, which `GenericClient` leaves out.
trait Copies {
    fn sink(&self, sql: &str) -> impl Future<Output = Tried<CopyInSink<Bytes>>> + Send;
    fn source(&self, sql: &str) -> impl Future<Output = Tried<CopyOutStream>> + Send;
}

macro_rules! copies {
    ($($client:ty),+) => {$(
        impl Copies for $client {
            async fn sink(&self, sql: &str) -> Tried<CopyInSink<Bytes>> {
                self.copy_in(sql).await
            }

            async fn source(&self, sql: &str) -> Tried<CopyOutStream> {
                self.copy_out(sql).await
            }
        }
    )+};
}

copies!(Object, Transaction<'_>);

impl<C: GenericClient + Copies + Send + Sync> Statements for On<'_, C> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn change(&mut self, statement: &Statement) -> Result<u64> {
        let prepared = self.0.prepare_cached(&statement.sql(Dialect::Postgres)).await;
        self.0.execute(&prepared.map_err(error)?, &parameters(statement)).await.map_err(error)
    }

    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        let prepared = self.0.prepare_cached(&statement.sql(Dialect::Postgres)).await;
        let rows = self.0.query(&prepared.map_err(error)?, &parameters(statement)).await;
        rows.map_err(error)?.iter().map(row).collect()
    }

    async fn text(&mut self, sql: &str) -> Result<()> {
        self.0.batch_execute(sql).await.map_err(error)
    }

    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Stream<Item = Result<Row>> + Send + 'a {
        let client: &'a C = self.0;
        let opened = async move {
            let prepared = client.prepare_cached(&statement.sql(Dialect::Postgres)).await?;
            client.query_raw(&prepared, parameters(statement)).await
        };
        stream::once(opened)
            .try_flatten()
            .map(|next| next.map_err(error).and_then(|next| row(&next)))
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { play(self.0.transaction().await.map_err(error)?, script).await })
    }

    async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64> {
        let mut sink = pin!(self.0.sink(sql).await.map_err(error)?);
        for piece in pieces {
            sink.send(Bytes::copy_from_slice(piece.as_bytes())).await.map_err(error)?;
        }
        sink.finish().await.map_err(error)
    }

    async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>> {
        let source = self.0.source(sql).await.map_err(error)?.take(take);
        source.map_err(error).and_then(async |piece| text(&piece)).try_collect().await
    }
}

fn text(piece: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(piece).map_err(|source| Error::new(Class::Data, source))?;
    Ok(text.to_owned())
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
        play(self.0.transaction().await.map_err(error)?, script).await
    }

    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()> {
        if entry == 0 {
            return self.transact(script).await;
        }
        let begin = self.0.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        play(begin.start().await.map_err(error)?, script).await
    }

    fn in_flight(self, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        let client = Arc::new(self.0);
        Ok(questions.map(|question| -> Asked {
            let client = Arc::clone(&client);
            Box::pin(async move {
                let prepared = client.prepare_cached(&question.sql(Dialect::Postgres)).await;
                let rows = client.query(&prepared.map_err(error)?, &parameters(&question)).await;
                rows.map_err(error)?.iter().map(row).collect()
            })
        }))
    }
}

impl Pool for Deadpool {
    type Session = Lent;

    async fn session(&self) -> Result<Lent> {
        match self.0.get().await {
            Ok(client) => Ok(Lent(client)),
            Err(PoolError::Backend(source)) => Err(error(source)),
            Err(other) => Err(Error::new(Class::Connection, other)),
        }
    }

    async fn close(self) -> Result<()> {
        self.0.close();
        Ok(())
    }
}

impl Adapter for Deadpool {
    const NAME: &'static str = "tokio-postgres";
    const VERSION: &'static str = "0.7.13";
    const LACKS: &'static [Lack] = &[
        Lack {
            capability: Capability::UnitOfWork,
            because: "it is a driver with a pool, and keeps no objects",
            link: "https://docs.rs/tokio-postgres/0.7.13/tokio_postgres/",
        },
        Lack {
            capability: Capability::PoolTransactions,
            because: "the pool lends clients, and a client begins",
            link: "https://docs.rs/deadpool-postgres/0.14.1/deadpool_postgres/type.Pool.html",
        },
        Lack {
            capability: Capability::Notifications,
            because: "the pool drives each connection in a task of its own, which throws \
                notifications away",
            link: "https://docs.rs/deadpool-postgres/0.14.1/deadpool_postgres/struct.ConfigConnectImpl.html",
        },
        Lack {
            capability: Capability::AdvisoryLocks,
            because: "there is no guard for advisory locks",
            link: "https://docs.rs/tokio-postgres/0.7.13/tokio_postgres/struct.Client.html",
        },
        Lack {
            capability: Capability::Reset,
            because: "the recycling method that is the default looks only whether the connection \
                is closed",
            link: "https://docs.rs/deadpool-postgres/0.14.1/deadpool_postgres/enum.RecyclingMethod.html",
        },
    ];
    const ENTRY_POINTS: &'static [&'static str] = &["transaction", "build_transaction"];

    async fn open(target: &Target) -> Result<Self> {
        let config: tokio_postgres::Config = target.url.parse().map_err(error)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, NoTls, recycling);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(target.sessions_max as usize);
        pool.build().map(Self).map_err(|source| Error::new(Class::Other, source))
    }
}

fn error(error: tokio_postgres::Error) -> Error {
    let class = match error.code() {
        Some(state) => Class::of_sqlstate(state.code()),
        None if error.is_closed() => Class::Connection,
        None => Class::Other,
    };
    Error::new(class, error)
}
