//! What a check works with: a cell, which sweeps operations and opens subjects.

use std::{fmt, future::Future, sync::Arc};

use dropproof::{
    contract::{self, BoxedPool, Lack, Pool, Target},
    database::{Database, Fresh, Kind},
    poll::Runtime,
    run::Run,
    sweep::{
        self, Closing, ClosingSweep, Depth, LayerSweep, Leaving, Open, Operation, Swept, Trouble,
        Visit,
    },
    verdict::{self, Error, StripCut, Verdict},
    wire::Proxy,
};

use crate::{
    Judged, Snapshots, Subject, Trace,
    judged::NUMBERS_OF_ONE,
    known::KnownIssues,
    model::{Files, Regressions},
    oracle::Original,
    subject::{close, within},
};

/// Two sessions are interleaved at the most; the third shows that a pool keeps what it lent.
pub(crate) const SESSIONS_MAX: u32 = 3;

/// Operations by name.
pub(crate) type Named = Vec<(String, Operation)>;

/// A check whose event trace must be the reviewed one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// The id of the check.
    pub(crate) check: &'static str,
    /// What the original system did at the same claims.
    pub(crate) originals: &'static [Original],
}

/// One layer on one database.
pub struct Cell {
    database: Database,
    open: Open,
    seed: u64,
    cases: Option<u32>,
    depth: Depth,
    replayed: Option<usize>,
    snapshots: Option<Snapshots>,
    lacks: &'static [Lack],
    entry_points: &'static [&'static str],
    pool_entry_points: &'static [&'static str],
    regressions: Option<(Regressions, String)>,
    known: Option<(KnownIssues, verdict::Cell)>,
}

impl Cell {
    /// A layer, and how it is opened, on a database.
    pub fn new<P, F, O>(database: Database, open: O) -> Self
    where
        P: Pool,
        O: Fn(Target) -> F + Send + Sync + 'static,
        F: Future<Output = contract::Result<P>> + Send + 'static,
    {
        let open: Open = Arc::new(move |target| {
            let opened = open(target);
            Box::pin(async { opened.await.map(BoxedPool::new) })
        });
        Self {
            database,
            open,
            seed: 0,
            cases: None,
            depth: Depth::default(),
            replayed: None,
            snapshots: None,
            lacks: &[],
            entry_points: &["begin"],
            pool_entry_points: &[],
            regressions: None,
            known: None,
        }
    }

    /// Takes from a run what it says of seed, cases, depth and replay.
    #[must_use]
    pub fn of_run(self, run: &Run) -> Self {
        let Run { seed, cases, depth, replay, .. } = *run;
        Self { seed, cases, depth, replayed: replay, ..self }
    }

    /// Says what the layer does not claim to have.
    #[must_use]
    pub fn lacking(self, lacks: &'static [Lack]) -> Self {
        Self { lacks, ..self }
    }

    /// Names each way in which the layer begins a transaction.
    #[must_use]
    pub fn entering(self, entry_points: &'static [&'static str]) -> Self {
        Self { entry_points, ..self }
    }

    /// Names each way in which the layer begins a transaction on its pool.
    #[must_use]
    pub fn entering_by_pool(self, pool_entry_points: &'static [&'static str]) -> Self {
        Self { pool_entry_points, ..self }
    }

    /// Replays what has failed before on the cell of this name, and keeps what fails now.
    #[must_use]
    pub(crate) fn keeping(self, regressions: Option<Regressions>, cell: &str) -> Self {
        let regressions = regressions.map(|regressions| (regressions, cell.to_owned()));
        Self { regressions, ..self }
    }

    /// Says what is known to be broken on the cell of this name.
    #[must_use]
    pub(crate) fn knowing(self, known: &KnownIssues, cell: &verdict::Cell) -> Self {
        Self { known: Some((known.clone(), cell.clone())), ..self }
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

    /// How many random cases are to be tried; without any nothing is shown.
    pub(crate) fn cases(&self, unless_told: u32) -> Result<u32, Error> {
        match self.cases.unwrap_or(unless_told) {
            0 => Err(Error::Vacuous { why: "no case was to be tried".to_owned() }),
            cases => Ok(cases),
        }
    }

    /// The kind of database.
    pub(crate) fn kind(&self) -> Kind {
        self.database.kind()
    }

    /// What the layer does not claim to have.
    pub(crate) fn lacks(&self) -> &'static [Lack] {
        self.lacks
    }

    /// The files of what has failed before at a check.
    pub(crate) fn regressions(&self, check: &str) -> Option<Files> {
        let (regressions, cell) = self.regressions.as_ref()?;
        Some(regressions.files(check, cell))
    }

    /// Whether a cut of a check is known to be broken so.
    ///
    /// The verdict is made of the list afterwards. Whoever ends a search with the first thing that is
    /// wrong asks here, or what is known would hide all else.
    pub(crate) fn knows(&self, check: &str, cut: &StripCut) -> bool {
        self.known.as_ref().is_some_and(|(known, cell)| known.names(check, cell, cut))
    }

    /// Opens the layer on a database of its own.
    pub(crate) fn subject(&self) -> Result<Subject, Error> {
        self.subject_lending(SESSIONS_MAX)
    }

    /// The same, with a pool that lends so many sessions.
    pub(crate) fn subject_lending(&self, sessions: u32) -> Result<Subject, Error> {
        let fresh = self.database.fresh()?;
        let runtime = Runtime::new().map_err(|source| Error::Runtime { source })?;
        let trace = Trace::default();
        let proxy = match (fresh.kind().protocol(), fresh.server()) {
            (Some(protocol), Some(server)) => {
                trace.waits_for("start the proxy");
                let started = within(&runtime, &trace, Proxy::start(protocol, server.address()))?;
                Some(started.map_err(sweep::Error::from)?)
            }
            _ => None,
        };
        let pool = self.pool(&runtime, &trace, (&fresh, proxy.as_ref()), sessions)?;
        Ok(Subject { runtime, pool, trace, proxy, fresh })
    }

    /// Opens the layer anew on the same database, when nothing is left of the connections before.
    pub(crate) fn reopened(&self, subject: Subject, sessions: u32) -> Result<Subject, Error> {
        let Subject { runtime, pool, trace, proxy, fresh } = subject;
        close(pool, &runtime, &trace, proxy.as_ref())?;
        within(&runtime, &trace, fresh.witness().end_connections())??;
        let pool = self.pool(&runtime, &trace, (&fresh, proxy.as_ref()), sessions)?;
        Ok(Subject { runtime, pool, trace, proxy, fresh })
    }

    fn pool(
        &self,
        runtime: &Runtime,
        trace: &Trace,
        (fresh, proxy): (&Fresh, Option<&Proxy>),
        sessions_max: u32,
    ) -> Result<BoxedPool, Error> {
        let url = match (proxy, fresh.server()) {
            (Some(proxy), Some(server)) => server.with_address(proxy.address()).expose(),
            _ => fresh.url(),
        };
        trace.waits_for("open the pool");
        let target = Target { url, sessions_max };
        Ok(within(runtime, trace, (self.open)(target))??)
    }

    /// Opens a subject, plays a check on it, closes it.
    pub(crate) fn play(
        &self,
        check: impl AsyncFnOnce(&Subject) -> Result<Verdict, Error>,
    ) -> Result<Judged, Error> {
        self.traced(SESSIONS_MAX, check).map(|(verdict, _)| verdict.into())
    }

    /// Plays a check whose event trace must be the reviewed one, and must agree with the original.
    ///
    /// Other people's cells, which have no reviewed traces, are judged by the check alone.
    pub(crate) fn play_scenario(
        &self,
        scenario: &Scenario,
        check: impl AsyncFnOnce(&Subject) -> Result<Verdict, Error>,
    ) -> Result<Judged, Error> {
        self.play_scenario_lending(SESSIONS_MAX, scenario, check)
    }

    /// The same, on a pool that lends so many sessions.
    pub(crate) fn play_scenario_lending(
        &self,
        sessions: u32,
        scenario: &Scenario,
        check: impl AsyncFnOnce(&Subject) -> Result<Verdict, Error>,
    ) -> Result<Judged, Error> {
        let (verdict, trace) = self.traced(sessions, check)?;
        let Some(snapshots) = self.snapshots.as_ref().filter(|_| verdict == Verdict::Upheld) else {
            return Ok(verdict.into());
        };
        let kind = self.database.kind();
        let agrees =
            || scenario.originals.iter().try_for_each(|original| original.agrees(kind, &trace));
        let compared =
            snapshots.compare(scenario.check, &trace.to_string()).and_then(|()| agrees());
        Ok(compared.map_or_else(Verdict::violated, |()| verdict).into())
    }

    /// Drops an operation at every place of its conversation, or at the one that is replayed.
    pub(crate) fn sweep(&self, operation: Operation) -> Result<Judged, Error> {
        self.sweep_each(vec![(String::new(), operation)])
    }

    /// Drops each of several operations at every place of its conversation, for one verdict.
    pub(crate) fn sweep_each(&self, operations: Named) -> Result<Judged, Error> {
        self.each(operations, |sweep| Ok(sweep.run()?))
    }

    /// Drops each of several ends of a pool at every place of its conversation, for one verdict.
    pub(crate) fn sweep_closing(&self, closings: Vec<(String, Closing)>) -> Result<Judged, Error> {
        let run = |closing| self.on_closing(closing, |sweep| Ok(sweep.run()?));
        let replay = |closing, cut| self.on_closing(closing, |sweep| Ok(sweep.replay(cut)?));
        self.each_of(closings, run, replay)
    }

    /// Runs an operation without a cut, and asks what is asked after one.
    pub(crate) fn uncut(&self, operation: Operation) -> Result<Judged, Error> {
        let visit = self.on_fresh(operation, |sweep| Ok(sweep.replay(0)?))?;
        Ok(Judged::visit(0, "", 0, &visit))
    }

    /// Runs each of several operations without a cut, for one verdict.
    pub(crate) fn uncut_each(&self, operations: Named) -> Result<Judged, Error> {
        let uncut =
            |sweep: &LayerSweep<'_>| Ok(Swept { visits: vec![sweep.replay(0)?], counted: Some(0) });
        self.each(operations, uncut)
    }

    /// Leaves an operation at some cuts in its work in a way that must be the same as a drop.
    pub(crate) fn leave(&self, operation: Operation, way: Leaving) -> Result<Judged, Error> {
        let left = self.on_fresh(operation, |sweep| Ok(sweep.leave(way)?))?;
        Ok(Judged::left(&left, self.database.kind().protocol().is_some()))
    }

    /// Runs an operation, whose caller stays, for each place where the wire may do wrong.
    pub(crate) fn endure(&self, operation: Operation, trouble: Trouble) -> Result<Judged, Error> {
        let swept = self.on_fresh(operation, |sweep| Ok(sweep.endure(trouble)?))?;
        self.one_of(swept)
    }

    /// Ends the layer's runtime at some cuts in the work of an operation.
    pub(crate) fn shut_down(&self, operation: Operation) -> Result<Judged, Error> {
        let swept = self.on_fresh(operation, |sweep| Ok(sweep.shut_down()?))?;
        self.one_of(swept)
    }

    /// Drops an operation in its work, and then whoever borrows next at every place of the clean-up.
    pub(crate) fn cut_again(&self, operation: Operation) -> Result<Judged, Error> {
        let swept = self.on_fresh(operation, |sweep| Ok(sweep.cut_again()?))?;
        self.one_of(swept)
    }

    /// What a sweep has found, or the one visit of it that is replayed.
    fn one_of(&self, swept: Swept) -> Result<Judged, Error> {
        match self.replayed.map(|number| (number, swept.visits.get(number))) {
            None => Ok(swept.into()),
            Some((number, Some(visit))) => Ok(Judged::visit(0, "", number, visit)),
            Some((number, None)) => {
                let counted = swept.counted.unwrap_or_default();
                Err(sweep::Error::NoSuchCut { number, counted }.into())
            }
        }
    }

    /// Each way in which the layer begins a transaction, by its number and the name of its call.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.entry_points.iter().copied().enumerate()
    }

    /// Each way in which the layer begins a transaction on its pool, by its number and the name of its
    /// call.
    pub(crate) fn pool_entries(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.pool_entry_points.iter().copied().enumerate()
    }

    /// Judges each operation, or the one cut of the one of them that is replayed.
    fn each(
        &self,
        operations: Named,
        work: impl Fn(&LayerSweep<'_>) -> Result<Swept, Error>,
    ) -> Result<Judged, Error> {
        let replay = |operation, cut| self.on_fresh(operation, |sweep| Ok(sweep.replay(cut)?));
        self.each_of(operations, |operation| self.on_fresh(operation, &work), replay)
    }

    fn each_of<O>(
        &self,
        mut operations: Vec<(String, O)>,
        run: impl Fn(O) -> Result<Swept, Error>,
        replay: impl Fn(O, usize) -> Result<Visit, Error>,
    ) -> Result<Judged, Error> {
        if let Some(replayed) = self.replayed {
            let place = (replayed / NUMBERS_OF_ONE).min(operations.len() - 1);
            let (name, operation) = operations.swap_remove(place);
            let cut = replayed - place * NUMBERS_OF_ONE;
            return Ok(Judged::visit(place, &name, cut, &replay(operation, cut)?));
        }
        let judged = operations.into_iter().map(|(name, operation)| Ok((name, run(operation)?)));
        Ok(Judged::each(&judged.collect::<Result<Vec<_>, Error>>()?))
    }

    fn on_fresh<T>(
        &self,
        operation: Operation,
        work: impl FnOnce(&LayerSweep<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let fresh = self.database.fresh()?;
        let (open, depth) = (Arc::clone(&self.open), self.depth);
        work(&LayerSweep { fresh: &fresh, open, operation, depth })
    }

    fn on_closing<T>(
        &self,
        closing: Closing,
        work: impl FnOnce(&ClosingSweep<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let fresh = self.database.fresh()?;
        let (open, depth) = (Arc::clone(&self.open), self.depth);
        work(&ClosingSweep { fresh: &fresh, open, closing, depth })
    }

    fn traced(
        &self,
        sessions: u32,
        check: impl AsyncFnOnce(&Subject) -> Result<Verdict, Error>,
    ) -> Result<(Verdict, Trace), Error> {
        let subject = self.subject_lending(sessions)?;
        let verdict = subject.wait(check(&subject))??;
        Ok((verdict, subject.close()?))
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("database", &self.database).finish_non_exhaustive()
    }
}
