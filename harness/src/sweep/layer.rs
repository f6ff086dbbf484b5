//! Layers: what is swept through the contract. Whoever gets a session after a cut must find it as good
//! as new.

use std::sync::Arc;

use futures::future::LocalBoxFuture;

use super::{
    Class, Cut, Error, Open, Operation,
    borrower::{Questions, state},
    class::Finding,
    scene::{Borrowed, Borrower, Scene},
};
use crate::{
    contract::{self, BoxedPool, BoxedSession, Pool, Row, Target},
    database::Fresh,
    witness::{Tables, Watched},
};

/// A layer that is swept by an operation.
pub(super) struct Layer {
    open: Open,
    pub(super) operation: Operation,
    watched: Watched,
    questions: Questions,
}

impl Layer {
    pub(super) fn new(open: Open, operation: Operation) -> Self {
        Self { open, operation, watched: Watched::entities(), questions: Questions::new() }
    }

    /// Opens a pool.
    pub(super) async fn pool(&self, url: String) -> contract::Result<BoxedPool> {
        (self.open)(Target { url, sessions_max: self.operation.sessions_max() }).await
    }
}

impl Scene for Layer {
    const WARMING: usize = 1;
    const MAY_BE_SILENT: bool = false;
    type Client = Arc<BoxedPool>;
    /// What a fresh session says of itself, which every later one must.
    type State = Vec<Row>;
    type Lease = BoxedSession;
    type Known = ();

    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn comparable(&self, tables: &Tables) -> Tables {
        without_ids(tables)
    }

    fn keeps_the_client(&self) -> bool {
        self.operation.keeps_the_pool()
    }

    fn visits(&self, _cut: &Cut) -> bool {
        true
    }

    fn has_company(&self) -> bool {
        self.operation.has_company()
    }

    fn changed(&self, before: &Tables, after: &Tables) -> Option<Finding> {
        match (before != after, self.operation.changes()) {
            (true, false) => Some((Class::Torn, "work that was not committed is there".to_owned())),
            (false, true) => {
                Some((Class::Lost, "success was reported, and the work is not there".to_owned()))
            }
            (true, true) | (false, false) => None,
        }
    }

    async fn open(
        &self,
        fresh: &Fresh,
        url: String,
        known: Option<Vec<Row>>,
    ) -> contract::Result<(Arc<BoxedPool>, Vec<Row>)> {
        let pool = self.pool(url).await?;
        let state = match known {
            Some(state) => state,
            None => state(&mut pool.session().await?, fresh.kind()).await?,
        };
        Ok((Arc::new(pool), state))
    }

    async fn lease(&self, pool: &Arc<BoxedPool>) -> contract::Result<BoxedSession> {
        pool.session().await
    }

    fn act(
        &self,
        pool: &Arc<BoxedPool>,
        leased: BoxedSession,
    ) -> LocalBoxFuture<'static, contract::Result<()>> {
        self.operation.run(Arc::clone(pool), leased)
    }

    async fn borrow(&self, borrower: Borrower<'_, Self>) -> Result<Borrowed<Self>, Error> {
        let (pool, sessions) = (&borrower.stage.client, self.operation.sessions_max());
        let findings = self.questions.ask(pool, sessions, &borrower).await?;
        Ok(Borrowed { findings, known: () })
    }

    async fn close(pool: Arc<BoxedPool>) -> contract::Result<()> {
        match Arc::into_inner(pool) {
            Some(pool) => pool.close().await,
            // An operation that was never dropped holds it.
            None => Ok(()),
        }
    }
}

/// Leaves out the first column: the ids of a server go up from run to run.
pub(super) fn without_ids(tables: &Tables) -> Tables {
    let row = |row: &Vec<_>| row.iter().skip(1).cloned().collect();
    tables.iter().map(|(table, rows)| (table.clone(), rows.iter().map(row).collect())).collect()
}
