//! The matrix: every check on every cell.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use dropproof::{contract::Adapter, database::Kind, verdict::Trial};

use crate::{
    Cell, Judged, Snapshots, checks,
    known::{KnownIssues, Unreadable},
    model::Regressions,
    report::Reports,
    trials::{Trials, exit_code},
};

/// Makes the `main` of a test target that judges adapters by every check.
///
/// The target has `harness = false` in the manifest. Each adapter names the databases that it is
/// judged on, as variants of [`Kind`]:
///
/// ```
/// use dropproof_adapters::{mysql_async::MysqlAsync, tokio_postgres::Deadpool};
///
/// dropproof_suites::main!(Deadpool: Postgres, MysqlAsync: MySql + MariaDb);
/// ```
///
/// What is known to be broken is listed in TOML, and the report goes to another folder than
/// `target/dropproof/<name of the target>`, where that is said:
///
/// ```
/// use dropproof_adapters::{KNOWN_ISSUES, tokio_postgres::Deadpool};
///
/// dropproof_suites::main!(
///     Deadpool: Postgres;
///     known_issues = KNOWN_ISSUES; // as a rule, include_str!("known-issues.toml")
///     reports = "conformance";
/// );
/// ```
///
/// `cargo test` finds a server by `DROPPROOF_POSTGRES_URL`, `DROPPROOF_MYSQL_URL` and
/// `DROPPROOF_MARIADB_URL`, and `dropproof-databases run -- cargo test` starts them. What there is no
/// server for is listed as ignored, and is blocked in the report. The report and its files are those
/// of [`Matrix::reports`]. Under a violation stands the command that visits the cut again and shows
/// what was said: it sets `DROPPROOF_REPLAY`.
#[macro_export]
macro_rules! main {
    (
        $($adapter:ty: $first:ident $(+ $more:ident)*),+ $(,)?
        $(; known_issues = $list:expr)? $(; reports = $folder:expr)? $(;)?
    ) => {
        fn main() -> ::std::process::ExitCode {
            let built = ::core::option_env!("CARGO_TARGET_TMPDIR");
            let matrix = $crate::Matrix::of_target(built, ::core::module_path!());
            $(let matrix = matrix.known_issues($list);)?
            $(let matrix = matrix.reports($folder);)?
            $(
                let matrix = matrix.cell::<$adapter>($crate::Kind::$first);
                $(let matrix = matrix.cell::<$adapter>($crate::Kind::$more);)*
            )+
            matrix.run()
        }
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "each adapter names its databases: `main!(MyAdapter: Postgres, Other: MySql + MariaDb)`, \
            then `; known_issues = TEXT` and `; reports = FOLDER` where there are such"
        );

        fn main() {}
    };
}

/// A test binary with one test for each check on each cell.
///
/// [`main!`](crate::main) makes the common one. This is for what it cannot say: snapshots, and cases
/// that failed. It stands in a test target with `harness = false`:
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
    known: Result<KnownIssues, Unreadable>,
}

impl Matrix {
    /// A matrix without cells.
    #[must_use]
    pub fn new() -> Self {
        let (trials, known) = (Trials::default(), Ok(KnownIssues::default()));
        Self { trials, snapshots: None, regressions: None, known }
    }

    /// The matrix of a test target: its report lies beside what cargo has built, if that says where.
    #[doc(hidden)]
    #[must_use]
    pub fn of_target(built: Option<&str>, module: &str) -> Self {
        let beside = built.and_then(|folder| Path::new(folder).parent());
        match beside {
            Some(target) => Self::new().reports(target.join("dropproof").join(module)),
            None => Self::new(),
        }
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

    /// Leaves the report of a run of all trials in a folder: `report.json` and `junit.xml`.
    ///
    /// That is for a run that nobody else reports of, as `cargo test`; what it shows in the terminal
    /// is the same. A run of some trials is shown, and leaves no file. nextest runs each trial in a
    /// process of its own, none of which has seen them all, so there is no report.
    #[must_use]
    pub fn reports(mut self, folder: impl Into<PathBuf>) -> Self {
        self.trials.reports = Some(Reports::new(folder.into()));
        self
    }

    /// Adds an adapter on a kind of database.
    #[must_use]
    pub fn cell<A: Adapter>(mut self, database: Kind) -> Self {
        let cell = self.trials.add_cell::<A>(database);
        for check in checks() {
            self.trials.plan.trials.push(Trial {
                name: format!("{}/{}", cell.name(), check.id),
                check: check.id.to_owned(),
                adapter: cell.adapter.clone(),
                database,
                skipped: check.skipped(A::LACKS),
            });
            let snapshots = self.snapshots.clone().map(|snapshots| snapshots.of_cell(&cell));
            let regressions = self.regressions.clone();
            let known = self.known.as_ref().ok().cloned().unwrap_or_default();
            let judged_cell = cell.clone();
            self.trials.judges.push(Box::new(move |database, run| {
                let open = |target| async move { A::open(&target).await };
                let cell = Cell::new(database, open)
                    .of_run(run)
                    .lacking(A::LACKS)
                    .entering(A::ENTRY_POINTS)
                    .entering_by_pool(A::POOL_ENTRY_POINTS)
                    .snapshots(snapshots.clone())
                    .keeping(regressions.clone(), &judged_cell.name())
                    .knowing(&known, &judged_cell);
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
