//! Sweeps: one operation, dropped once at every place of its conversation.
//!
//! An uncut run comes first: it must be clean, and its conversation gives the cuts. Then the
//! operation is run once for each cut, held there, dropped, and let go on. When nothing is left to
//! do, the oracles are asked: what the server has open, what is in the tables, whether the pool lends
//! all its sessions, and whether the next borrower works with a session as good as new. What a cut did
//! is one [`Class`].
//!
//! Where there is no wire (SQLite), the operation is dropped after one poll, two polls, and so on.
//! How many polls it needs depends on how fast other threads answer, so this is done in rounds until
//! enough cuts were visited, and neither the number of polls nor that of the cuts is reported.

mod borrower;
mod class;
mod cut;
mod operation;
mod question;
mod stage;
mod visit;

use std::{io, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Instant, timeout};

pub use class::Class;
pub use cut::Cut;
pub use operation::{Act, Operation};
pub use visit::{Evidence, Visit};

use crate::{
    contract::{self, Pool, Row, Target},
    database::Fresh,
    poll::Runtime,
    wire, witness,
};
use stage::Stage;
use visit::Reference;

/// One visit may take this long; it takes some milliseconds.
const VISIT_MAX: Duration = Duration::from_secs(30);
/// Where there is no wire, the operation is dropped after up to so many polls,
const POLLS_MAX: u32 = 8;
/// until so many cuts were visited: another thread may answer before the future has to wait,
const POLL_CUTS: usize = 32;
/// and so many times each at the most.
const ROUNDS_MAX: usize = 400;

/// How a layer is opened.
pub type Open<P> = Arc<dyn Fn(Target) -> BoxFuture<'static, contract::Result<P>> + Send + Sync>;

/// A sweep of one operation through one layer, on a database of its own.
pub struct Sweep<'a, P: Pool> {
    /// The database.
    pub fresh: &'a Fresh,
    /// How the layer is opened.
    pub open: Open<P>,
    /// What is swept.
    pub operation: Operation,
}

/// What a sweep has found.
#[derive(Clone, Debug)]
pub struct Swept {
    /// What each cut did, in the order of the conversation; the first is the uncut run.
    pub visits: Vec<Visit>,
    /// How many cuts there are; `None` where they cannot be counted the same in every run.
    pub counted: Option<usize>,
}

/// The reason a sweep came to no end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no runtime.
    #[error("no runtime could be made")]
    Runtime {
        /// What the system said.
        #[from]
        source: io::Error,
    },
    /// The proxy failed.
    #[error("the proxy failed")]
    Wire {
        /// Why.
        #[from]
        source: wire::Error,
    },
    /// The witness could not say what is so.
    #[error("the witness could not be asked")]
    Witness {
        /// Why.
        #[from]
        source: witness::Error,
    },
    /// The layer failed where nothing was cut.
    #[error("the layer failed where nothing was cut")]
    Layer {
        /// What it said.
        #[from]
        source: contract::Error,
    },
    /// A cut that was counted was not met, or something else was there.
    #[error("the cut {cut} was not met: the conversation is not the same as before ({found})")]
    Missed {
        /// The cut.
        cut: String,
        /// What was there.
        found: String,
    },
    /// What the server announced on the wire and what it told the witness are not the same.
    #[error("the wire and the witness disagree: {left_open:?} is left open on {connections:?}")]
    Disagreement {
        /// What the witness was told.
        left_open: Vec<String>,
        /// The connections with what was announced on them.
        connections: Vec<wire::Connection>,
    },
    /// What an earlier visit left could not be cleared away.
    #[error("the tables are not as they were when {cut} is to be visited")]
    NotReset {
        /// The cut.
        cut: String,
    },
    /// A visit came to no end.
    #[error("the visit of {cut} came to no end within {} s", limit.as_secs())]
    Endless {
        /// The cut.
        cut: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The operation has no cut.
    #[error("the operation has no conversation, so there is no place to cut it")]
    NoCut,
    /// The operation has no cut of that number.
    #[error("the operation has {counted} cuts, and none of number {number}")]
    NoSuchCut {
        /// The number.
        number: usize,
        /// How many there are.
        counted: usize,
    },
}

impl<P: Pool> Sweep<'_, P> {
    /// Visits every cut.
    ///
    /// # Errors
    ///
    /// Fails where a question was not answered; what the layer does wrong is no error.
    pub fn run(&self) -> Result<Swept, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (mut stage, reference) = self.reference(&runtime).await?;
            let counted = self.fresh.server().map(|_| reference.cuts.len());
            let mut visits = vec![reference.visit.clone()];
            if !reference.visit.class.is_upheld() {
                stage.close(self.fresh).await?;
                return Ok(Swept { visits, counted: Some(0) });
            }
            for cut in reference.every_cut() {
                let began = Instant::now();
                let confirm = !visits.iter().any(|visit| visit.class == Class::Stuck);
                let visit = self.visit(&stage, &reference, &cut, confirm);
                let Some(mut visit) = bounded(&cut.name, visit).await? else { continue };
                if !visit.class.is_upheld() && counted.is_none() {
                    // What it left holds the one file, and cannot be ended from outside.
                    visits.push(visit);
                    break;
                }
                visit.unchanged &= self.operation.act.keeps_the_pool();
                if !visit.unchanged {
                    let state = stage.state.clone();
                    stage.close(self.fresh).await?;
                    stage = self.stage(&runtime, state).await?;
                }
                visit.took = began.elapsed();
                visits.push(visit);
                if counted.is_none() && POLL_CUTS < visits.len() {
                    break;
                }
            }
            if visits.len() == 1 {
                return Err(Error::NoCut);
            }
            stage.close(self.fresh).await?;
            Ok(Swept { visits, counted })
        })
    }

    /// Visits one cut by its number, from one; zero is the uncut run.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run); fails also where there is no such cut.
    pub fn replay(&self, number: usize) -> Result<Visit, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (stage, reference) = self.reference(&runtime).await?;
            let counted = reference.cuts.len();
            let visit = match (number, reference.cut(number)) {
                (0, _) => Some(reference.visit),
                (_, None) => None,
                (_, Some(cut)) => {
                    bounded(&cut.name, self.visit(&stage, &reference, &cut, true)).await?
                }
            };
            stage.close(self.fresh).await?;
            visit.ok_or(Error::NoSuchCut { number, counted })
        })
    }

    async fn open(&self, runtime: &Runtime, state: Option<Vec<Row>>) -> Result<Stage<P>, Error> {
        let act = self.operation.act;
        bounded("opening", Stage::open(self.fresh, &self.open, act, runtime, state)).await
    }

    /// Opens the layer, with warm caches where the pool is kept: the operation has been run once.
    async fn stage(&self, runtime: &Runtime, state: Vec<Row>) -> Result<Stage<P>, Error> {
        let stage = self.open(runtime, Some(state)).await?;
        if self.operation.act.keeps_the_pool() {
            let leased = stage.pool.session().await?;
            self.operation.act.run(&stage.pool, leased).await?;
            stage.settle().await;
        }
        Ok(stage)
    }

    /// The uncut run, and a stage for the first cut.
    ///
    /// It is run twice where the pool is kept, since cold and warm caches make different
    /// conversations. The first run is judged before anything is built on what it leaves.
    async fn reference(&self, runtime: &Runtime) -> Result<(Stage<P>, Reference), Error> {
        let stage = self.open(runtime, None).await?;
        let cold = bounded("the uncut run", self.uncut(&stage)).await?;
        if !cold.visit.class.is_upheld() {
            return Ok((stage, cold));
        }
        if self.operation.act.keeps_the_pool() {
            let warm = bounded("the uncut run", self.uncut(&stage)).await?;
            return Ok((stage, warm));
        }
        let state = stage.state.clone();
        stage.close(self.fresh).await?;
        Ok((self.stage(runtime, state).await?, cold))
    }
}

impl<P: Pool> std::fmt::Debug for Sweep<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweep").field("operation", &self.operation).finish_non_exhaustive()
    }
}

async fn bounded<T>(cut: &str, visit: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let limit = VISIT_MAX;
    // Boxed: the futures of a layer are large.
    timeout(limit, Box::pin(visit))
        .await
        .map_err(|_| Error::Endless { cut: cut.to_owned(), limit })?
}
