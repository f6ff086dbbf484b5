//! Closing: the end of a pool, which an operation owns and nobody lends from any more.
//!
//! What is left after it is nobody's, so the server must have no connection, and whoever comes next
//! opens another pool. What closes a connection at the very end is no place, because nobody waits for
//! it: a pool of idle sessions may be closed without a place in its conversation, and is cut by polls.

use std::{cell::RefCell, fmt, sync::Arc};

use futures::future::{BoxFuture, LocalBoxFuture};

use super::{
    Class, Cut, Depth, Error, Open, Swept, Visit,
    borrower::{Questions, state},
    class::Finding,
    layer::without_ids,
    runner::Runner,
    scene::{Borrowed, Borrower, Scene},
    visit::unclosed,
};
use crate::{
    contract::{
        self, BoxedPool, BoxedSession, Ending, Op, Pool, Result, Row, Script, Session, Step, Target,
    },
    database::Fresh,
    witness::{Tables, Watched},
};

type Act =
    Arc<dyn Fn(BoxedPool, Vec<BoxedSession>) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Something that a caller does with a pool at its end, and may drop on the way.
///
/// It owns the pool and all its sessions, each of which was used, and leaves the tables as they are.
pub struct Closing {
    act: Act,
    sessions_max: u32,
    are_idle: bool,
}

impl Closing {
    /// The end of a pool that lends so many sessions.
    pub fn new<F>(
        sessions_max: u32,
        act: impl Fn(BoxedPool, Vec<BoxedSession>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let act: Act = Arc::new(move |pool, lent| Box::pin(act(pool, lent)));
        Self { act, sessions_max, are_idle: false }
    }

    /// The sessions were given back long before, so that none is lent any more.
    #[must_use]
    pub fn of_idle_sessions(self) -> Self {
        Self { are_idle: true, ..self }
    }
}

/// A sweep of the end of a pool, on a database of its own.
pub struct ClosingSweep<'a> {
    /// The database.
    pub fresh: &'a Fresh,
    /// How the layer is opened.
    pub open: Open,
    /// What is swept.
    pub closing: Closing,
    /// How many of the cuts are visited.
    pub depth: Depth,
}

impl ClosingSweep<'_> {
    /// Visits every cut.
    ///
    /// # Errors
    ///
    /// Fails where a question was not answered; what the layer does wrong is no error.
    pub fn run(&self) -> std::result::Result<Swept, Error> {
        Runner { fresh: self.fresh, scene: &self.scene(), depth: self.depth }.run()
    }

    /// Visits one cut by its number, from one; zero is the uncut run. A number means the same cut at
    /// every depth.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run); fails also where there is no such cut.
    pub fn replay(&self, number: usize) -> std::result::Result<Visit, Error> {
        Runner { fresh: self.fresh, scene: &self.scene(), depth: Depth::Full }.replay(number)
    }

    fn scene(&self) -> End {
        let (open, closing) = (Arc::clone(&self.open), self.closing.clone());
        End { open, closing, watched: Watched::entities(), questions: Questions::new() }
    }
}

/// The end of a pool.
struct End {
    open: Open,
    closing: Closing,
    watched: Watched,
    questions: Questions,
}

/// A pool, until somebody takes it.
struct Opened {
    url: String,
    pool: RefCell<Option<BoxedPool>>,
}

impl End {
    async fn pool(&self, url: String) -> Result<BoxedPool> {
        (self.open)(Target { url, sessions_max: self.closing.sessions_max }).await
    }
}

impl Scene for End {
    const WARMING: usize = 0;
    const MAY_BE_SILENT: bool = true;
    type Client = Opened;
    /// What a fresh session says of itself.
    type State = Vec<Row>;
    type Lease = (BoxedPool, Vec<BoxedSession>);
    type Known = ();

    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn comparable(&self, tables: &Tables) -> Tables {
        without_ids(tables)
    }

    fn keeps_the_client(&self) -> bool {
        false
    }

    fn visits(&self, _cut: &Cut) -> bool {
        true
    }

    fn has_company(&self) -> bool {
        false
    }

    fn changed(&self, before: &Tables, after: &Tables) -> Option<Finding> {
        let message = || "work that was not committed is there".to_owned();
        (before != after).then(|| (Class::Torn, message()))
    }

    async fn open(
        &self,
        fresh: &Fresh,
        url: String,
        known: Option<Vec<Row>>,
    ) -> Result<(Opened, Vec<Row>)> {
        let pool = self.pool(url.clone()).await?;
        let state = match known {
            Some(state) => state,
            None => state(&mut pool.session().await?, fresh.kind()).await?,
        };
        Ok((Opened { url, pool: RefCell::new(Some(pool)) }, state))
    }

    /// Takes the pool, and each of its sessions when it was used, so that its caches are warm.
    async fn lease(&self, client: &Opened) -> Result<Self::Lease> {
        let pool = match client.pool.take() {
            Some(pool) => pool,
            None => self.pool(client.url.clone()).await?,
        };
        let mut lent = Vec::new();
        for _ in 0..self.closing.sessions_max {
            let mut session = pool.session().await?;
            let insert = Step::Run(Op::CreateTask { title: None });
            session.transact(Script::new([insert], Ending::Rollback).0).await?;
            lent.push(session);
        }
        if self.closing.are_idle {
            lent.clear();
        }
        Ok((pool, lent))
    }

    fn act(
        &self,
        _client: &Opened,
        (pool, lent): Self::Lease,
    ) -> LocalBoxFuture<'static, Result<()>> {
        (self.closing.act)(pool, lent)
    }

    /// Looks for what is left, opens another pool, and borrows every session that it may lend.
    async fn borrow(
        &self,
        borrower: Borrower<'_, Self>,
    ) -> std::result::Result<Borrowed<Self>, Error> {
        let Borrower { stage, confirm, .. } = &borrower;
        let mut findings: Vec<Finding> = unclosed(stage.connections()).into_iter().collect();
        let opened = stage.unless_stuck(*confirm, self.pool(stage.client.url.clone())).await;
        match opened {
            Some(Ok(pool)) => {
                let sessions = self.closing.sessions_max;
                findings.extend(self.questions.ask(&pool, sessions, &borrower).await?);
                stage.client.pool.replace(Some(pool));
            }
            Some(Err(error)) => findings.push(unopened(&format!("fails: {}", error.class()))),
            None => findings.push(unopened("never comes to an end")),
        }
        Ok(Borrowed { findings, known: () })
    }

    async fn close(client: Opened) -> contract::Result<()> {
        match client.pool.into_inner() {
            Some(pool) => pool.close().await,
            None => Ok(()),
        }
    }
}

fn unopened(what: &str) -> Finding {
    (Class::Stuck, format!("to open another pool {what}"))
}

impl Clone for Closing {
    fn clone(&self) -> Self {
        Self { act: Arc::clone(&self.act), ..*self }
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").field("sessions_max", &self.sessions_max).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClosingSweep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosingSweep").field("closing", &self.closing).finish_non_exhaustive()
    }
}
