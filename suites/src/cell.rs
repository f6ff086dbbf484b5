//! What a check works with: a cell, and a subject opened on it.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use dropproof::{
    contract::{self, Dialect, Pool, Target},
    database::{Database, Fresh, Kind},
    run::Run,
    sweep::{Open, Operation, Sweep},
    verdict::{Error, Verdict},
    witness::Witness,
};
use tokio::runtime::{Builder, Runtime};

use crate::{Judged, Snapshots, Trace};

/// A step that takes longer than this is stuck.
const STEP_MAX: Duration = Duration::from_secs(60);
/// Two sessions are interleaved at the most; the third shows that a pool keeps what it lent.
const SESSIONS_MAX: u32 = 3;

/// One layer on one database.
pub struct Cell<P: Pool> {
    database: Database,
    open: Open<P>,
    seed: u64,
    replayed: Option<usize>,
    snapshots: Option<Snapshots>,
}

impl<P: Pool> Cell<P> {
    /// A layer, and how it is opened, on a database.
    pub fn new<F, O>(database: Database, open: O) -> Self
    where
        O: Fn(Target) -> F + Send + Sync + 'static,
        F: Future<Output = contract::Result<P>> + Send + 'static,
    {
        let open: Open<P> = Arc::new(move |target| Box::pin(open(target)));
        Self { database, open, seed: 0, replayed: None, snapshots: None }
    }

    /// Takes from a run what it says of seed and replay.
    #[must_use]
    pub fn of_run(self, run: &Run) -> Self {
        Self { seed: run.seed, replayed: run.replay, ..self }
    }

    /// Compares event traces with reviewed ones.
    #[must_use]
    pub fn snapshots(self, snapshots: Option<Snapshots>) -> Self {
        Self { snapshots, ..self }
    }

    /// The seed of properties, as their generator takes it.
    pub(crate) fn seed_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes
    }

    /// Opens the layer on a database of its own.
    pub(crate) fn subject(&self) -> Result<Subject<P>, Error> {
        let fresh = self.database.fresh()?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::Runtime { source })?;
        let trace = Trace::default();
        let target = Target { url: fresh.url(), sessions_max: SESSIONS_MAX };
        trace.waits_for("open the pool");
        let pool = within(&runtime, &trace, (self.open)(target))??;
        Ok(Subject { runtime, pool, trace, fresh })
    }

    /// Opens a subject, plays a check on it, closes it.
    pub(crate) fn play(
        &self,
        check: impl AsyncFnOnce(&Subject<P>) -> Result<Verdict, Error>,
    ) -> Result<Judged, Error> {
        self.traced(check).map(|(verdict, _)| verdict.into())
    }

    /// Plays a check whose event trace must be the reviewed one.
    pub(crate) fn play_pinned(
        &self,
        name: &str,
        check: impl AsyncFnOnce(&Subject<P>) -> Result<Verdict, Error>,
    ) -> Result<Judged, Error> {
        let (verdict, trace) = self.traced(check)?;
        let Some(snapshots) = self.snapshots.as_ref().filter(|_| verdict == Verdict::Upheld) else {
            return Ok(verdict.into());
        };
        let compared = snapshots.compare(name, &trace.to_string());
        Ok(compared.map_or_else(Verdict::violated, |()| verdict).into())
    }

    /// Drops an operation at every place of its conversation, or at the one that is replayed.
    pub(crate) fn sweep(&self, operation: Operation) -> Result<Judged, Error> {
        match self.replayed {
            Some(cut) => self.visit(operation, cut),
            None => self.on_fresh(operation, |sweep| Ok(sweep.run()?.into())),
        }
    }

    /// Runs an operation without a cut, and asks what is asked after one.
    pub(crate) fn uncut(&self, operation: Operation) -> Result<Judged, Error> {
        self.visit(operation, 0)
    }

    /// Visits one cut of an operation by its number, zero for the run without one.
    fn visit(&self, operation: Operation, cut: usize) -> Result<Judged, Error> {
        self.on_fresh(operation, |sweep| Ok(sweep.replay(cut)?.into()))
    }

    fn on_fresh(
        &self,
        operation: Operation,
        work: impl FnOnce(&Sweep<'_, P>) -> Result<Judged, Error>,
    ) -> Result<Judged, Error> {
        let fresh = self.database.fresh()?;
        work(&Sweep { fresh: &fresh, open: Arc::clone(&self.open), operation })
    }

    fn traced(
        &self,
        check: impl AsyncFnOnce(&Subject<P>) -> Result<Verdict, Error>,
    ) -> Result<(Verdict, Trace), Error> {
        let subject = self.subject()?;
        let verdict = subject.wait(check(&subject))??;
        Ok((verdict, subject.close()?))
    }
}

impl<P: Pool> fmt::Debug for Cell<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("database", &self.database).finish_non_exhaustive()
    }
}

/// A layer that was opened on a database of its own, and the runtime it lives on.
pub struct Subject<P: Pool> {
    /// The pool under judgement.
    pub pool: P,
    /// What has happened.
    pub trace: Trace,
    // The database goes last: the pool lives on the runtime and is connected to the database.
    runtime: Runtime,
    fresh: Fresh,
}

impl<P: Pool> Subject<P> {
    /// The witness of the database.
    pub fn witness(&self) -> &Witness {
        self.fresh.witness()
    }

    /// The SQL of the database.
    pub fn dialect(&self) -> Dialect {
        self.kind().dialect()
    }

    /// The kind of database.
    pub fn kind(&self) -> Kind {
        self.fresh.kind()
    }

    /// Runs a future on the subject's runtime, for as long as a step may take.
    pub(crate) fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        within(&self.runtime, &self.trace, future)
    }

    /// Closes the pool and drops the database.
    pub(crate) fn close(self) -> Result<Trace, Error> {
        let Self { pool, trace, runtime, fresh } = self;
        trace.waits_for("close the pool");
        within(&runtime, &trace, pool.close())??;
        drop(fresh);
        Ok(trace)
    }
}

impl<P: Pool> fmt::Debug for Subject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("fresh", &self.fresh).finish_non_exhaustive()
    }
}

fn within<F: Future>(runtime: &Runtime, trace: &Trace, future: F) -> Result<F::Output, Error> {
    let limit = STEP_MAX;
    // Made inside: a timer wants its runtime around it.
    runtime
        .block_on(async { tokio::time::timeout(limit, future).await })
        .map_err(|_| Error::Stuck { step: trace.step(), limit })
}
