//! The matrix: every check on every cell.

use std::{fmt, path::PathBuf, process::ExitCode};

use dropproof::{contract::Adapter, database::Kind, verdict::Trial};

use crate::{
    Cell, Judged, Snapshots, checks,
    known::KnownIssues,
    model::Regressions,
    trials::{Trials, exit_code},
};

/// A test binary with one test for each check on each cell.
///
/// It stands in a test target with `harness = false`:
///
/// ```no_run
/// # use dropproof::{contract::Adapter, database::Kind};
/// # fn example<MyAdapter: Adapter>() -> std::process::ExitCode {
/// dropproof_suites::Matrix::new().cell::<MyAdapter>(Kind::Postgres).run()
/// # }
/// ```
pub struct Matrix {
    trials: Trials,
    snapshots: Option<Snapshots>,
    regressions: Option<Regressions>,
    known: Result<KnownIssues, toml::de::Error>,
}

impl Matrix {
    /// A matrix without cells.
    #[must_use]
    pub fn new() -> Self {
        let (trials, known) = (Trials::default(), Ok(KnownIssues::default()));
        Self { trials, snapshots: None, regressions: None, known }
    }

    /// Judges the cells that follow by a list of known issues, as text in TOML.
    #[must_use]
    pub fn known_issues(self, list: &str) -> Self {
        Self { known: KnownIssues::read(list), ..self }
    }

    /// Compares the event traces of the cells that follow with the reviewed ones in a folder.
    #[must_use]
    pub fn snapshots(self, folder: impl Into<PathBuf>) -> Self {
        Self { snapshots: Some(Snapshots::new(folder)), ..self }
    }

    /// Keeps the random cases that fail on the cells that follow in a folder, and replays first what
    /// is in it. Where `CI` is set nothing is written.
    #[must_use]
    pub fn regressions(self, folder: impl Into<PathBuf>) -> Self {
        Self { regressions: Some(Regressions::new(folder.into())), ..self }
    }

    /// Adds an adapter on a kind of database.
    #[must_use]
    pub fn cell<A: Adapter>(mut self, database: Kind) -> Self {
        let cell = self.trials.add_cell::<A>(database);
        for check in checks::<A>() {
            self.trials.plan.trials.push(Trial {
                name: format!("{}/{}", cell.name(), check.id),
                check: check.id.to_owned(),
                adapter: cell.adapter.clone(),
                database,
                skipped: check.skipped(A::LACKS),
            });
            let snapshots = self.snapshots.clone().map(|snapshots| snapshots.of_cell(&cell));
            let regressions = self.regressions.clone();
            let known = self.known.clone().unwrap_or_default();
            let judged_cell = cell.clone();
            self.trials.judges.push(Box::new(move |database, run| {
                let open = |target| async move { A::open(&target).await };
                let cell = Cell::new(database, open)
                    .of_run(run)
                    .lacking(A::LACKS)
                    .entering(A::ENTRY_POINTS)
                    .snapshots(snapshots.clone())
                    .keeping(regressions.clone(), &judged_cell.name());
                let judged = (check.run)(&cell)?;
                let whole = run.replay.is_none().then_some(run.depth);
                let verdict = known.judge(check.id, &judged_cell, whole, judged.verdict);
                Ok(Judged { verdict, ..judged })
            }));
        }
        self
    }

    /// Runs the tests that the command line asks for.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.known {
            Ok(_) => self.trials.run(),
            Err(error) => exit_code(Err(error)),
        }
    }
}

impl Default for Matrix {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matrix").field("plan", &self.trials.plan).finish_non_exhaustive()
    }
}
