//! Trials: one named test for each check on each cell, with the record that it leaves.
//!
//! What can be known before the run is decided when the tests are listed: a skip or a missing
//! database must never look like a pass, and a test runner takes a skip at run time for one.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    env, fs, io, mem,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use dropproof::{
    contract::Adapter,
    database::{Database, Kind, Unavailable},
    run::Run,
    verdict::{Cell, Error, Outcome, Plan, Record, Sink, Strip, Trial, Verdict, chain},
};
use libtest_mimic::{Arguments, Completion, Failed};

use crate::{
    Check, Judged, checks, ledger, replay,
    report::{Asked, Reports},
};

/// The environment variable that asks for the plan instead of a run, and names its file.
const PLAN_VARIABLE: &str = "DROPPROOF_PLAN";

/// Judges one check on a database.
pub(crate) type Judge = Box<dyn Fn(Database, &Run) -> Result<Judged, Error> + Send>;

/// The trials of a test binary, and how each is judged.
#[derive(Default)]
pub(crate) struct Trials {
    pub(crate) plan: Plan,
    pub(crate) judges: Vec<Judge>,
    /// Where the report goes of a run that has no owner who makes it.
    pub(crate) reports: Option<Reports>,
}

/// The records of this process.
type Records = Arc<Mutex<Vec<Record>>>;

impl Trials {
    /// Adds a cell, without trials.
    pub(crate) fn add_cell<A: Adapter>(&mut self, database: Kind) -> Cell {
        let plan = &mut self.plan;
        plan.rules = checks().into_iter().map(Check::rule).collect();
        let version = database.embedded_version();
        plan.embedded.extend(version.map(|version| (database, version.to_owned())));
        let cell =
            Cell { database, adapter: A::NAME.to_owned(), adapter_version: A::VERSION.to_owned() };
        plan.cells.push(cell.clone());
        cell
    }

    /// Runs the trials as tests, or writes the plan where that is asked for.
    pub(crate) fn run(self) -> ExitCode {
        match env::var_os(PLAN_VARIABLE) {
            Some(path) => {
                let plan = Plan { ledger: ledger(), ..self.plan };
                exit_code(write_plan(&plan, path.into()))
            }
            None => match Run::from_env() {
                Ok(run) => self.run_or_replay(&run.unwrap_or_default()),
                Err(error) => exit_code(Err(error)),
            },
        }
    }

    fn run_or_replay(self, run: &Run) -> ExitCode {
        match env::var(replay::VARIABLE) {
            Ok(token) => match replay::run(self, &token, run) {
                Ok(code) => code,
                Err(error) => exit_code(Err(error)),
            },
            Err(_) => self.run_tests(run),
        }
    }

    fn run_tests(self, run: &Run) -> ExitCode {
        let arguments = Arguments::from_args();
        let asked = Asked::of(&arguments);
        let reports = self.reports.filter(|_| run.records.is_none() && asked != Asked::Nothing);
        if asked == Asked::All
            && let Some(Err(error)) = reports.as_ref().map(Reports::begin)
        {
            return exit_code(Err(error));
        }
        let (plan, records) = (self.plan.clone(), Records::default());
        let (blocked, run) = (blocked(&plan), Arc::new(run.clone()));
        let wanted =
            |trial: &Trial| run.trials.as_ref().is_none_or(|names| names.contains(&trial.name));
        let tests = self
            .plan
            .trials
            .into_iter()
            .zip(self.judges)
            .filter(|(trial, _)| wanted(trial))
            .map(|(trial, judge)| test(trial, judge, &blocked, (Arc::clone(&run), records.clone())))
            .collect();
        let conclusion = libtest_mimic::run(&arguments, tests);
        let records = mem::take(&mut *records.lock().unwrap_or_else(PoisonError::into_inner));
        match reports.map_or(Ok(()), |reports| reports.end(asked, plan, &run, records)) {
            Ok(()) => conclusion.exit_code(),
            Err(error) => exit_code(Err(error)),
        }
    }
}

fn write_plan(plan: &Plan, path: PathBuf) -> Result<(), io::Error> {
    fs::write(path, serde_json::to_vec(plan)?)
}

#[expect(
    clippy::print_stderr,
    reason = "the error of a test binary that has no test to show it in"
)]
pub(crate) fn exit_code<E: std::error::Error + 'static>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&error).join(": "));
            ExitCode::FAILURE
        }
    }
}

/// The databases that are not to be had, each with the reason.
///
/// They are asked once for all trials: a process is started for each one of many.
fn blocked(plan: &Plan) -> BTreeMap<Kind, String> {
    let databases: BTreeSet<Kind> = plan.cells.iter().map(|cell| cell.database).collect();
    let blocked = |kind| match Database::from_env(kind) {
        Err(Unavailable::Blocked { reason }) => Some((kind, reason)),
        _ => None,
    };
    databases.into_iter().filter_map(blocked).collect()
}

/// Makes a test of a trial; one that will not be run carries its reason.
fn test(
    trial: Trial,
    judge: Judge,
    blocked: &BTreeMap<Kind, String>,
    (run, records): (Arc<Run>, Records),
) -> libtest_mimic::Trial {
    match (&trial.skipped, blocked.get(&trial.database)) {
        (Some(Verdict::Skipped { reason, .. }), _) => ignored(&trial, format!("skipped: {reason}")),
        (_, Some(reason)) => ignored(&trial, format!("blocked: {reason}")),
        _ => libtest_mimic::Trial::test(trial.name.clone(), move || {
            let record = record(&trial, &judge, Database::from_env(trial.database), &run);
            if let Some(path) = &run.records {
                Sink::new(path.clone()).append(&record).map_err(|error| {
                    format!("the record cannot be appended to {}: {error}", path.display())
                })?;
            }
            records.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
            passed(record.outcome)
        }),
    }
}

/// Judges a trial.
pub(crate) fn record(
    trial: &Trial,
    judge: &Judge,
    database: Result<Database, Unavailable>,
    run: &Run,
) -> Record {
    let started = Instant::now();
    let (outcome, evidence, strip) = judged(judge, database, run);
    let outcome = with_token(outcome, &trial.name);
    Record { trial: trial.name.clone(), outcome, strip, evidence, duration: started.elapsed() }
}

/// nextest lists tests before it runs them, and takes a skip at run time for a pass.
fn ignored(trial: &Trial, reason: String) -> libtest_mimic::Trial {
    let listed_first = env::var_os("NEXTEST").is_some();
    libtest_mimic::Trial::ignorable_test(trial.name.clone(), move || {
        Ok(Completion::ignored_with(reason))
    })
    .with_ignored_flag(listed_first)
}

/// What became of a trial, with its strip and its evidence where it has them.
fn judged(
    judge: &Judge,
    database: Result<Database, Unavailable>,
    run: &Run,
) -> (Outcome, Option<String>, Option<Strip>) {
    let judge = || judge(database?, run);
    match panic::catch_unwind(AssertUnwindSafe(judge)) {
        Ok(Ok(Judged { verdict, strip, evidence })) => (Outcome::Judged(verdict), evidence, strip),
        Ok(Err(error)) => match error.blind() {
            Some(reason) => (Outcome::Judged(Verdict::Blocked { reason }), None, None),
            None => (Outcome::Error(chain(&error)), None, None),
        },
        Err(panic) => (Outcome::Error(vec![format!("a panic: {}", message(&*panic))]), None, None),
    }
}

/// Makes the number of a cut the token by which it is replayed.
fn with_token(mut outcome: Outcome, trial: &str) -> Outcome {
    if let Outcome::Judged(Verdict::Violated(violation) | Verdict::Known { violation, .. }) =
        &mut outcome
    {
        violation.replay = violation.replay.take().map(|cut| format!("{trial}:{cut}"));
    }
    outcome
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

fn passed(outcome: Outcome) -> Result<(), Failed> {
    match outcome {
        Outcome::Judged(Verdict::Upheld | Verdict::Known { .. }) => Ok(()),
        Outcome::Judged(Verdict::Violated(violation)) => {
            Err(format!("violated: {}", violation.message).into())
        }
        Outcome::Judged(Verdict::Healed { link }) => {
            Err(format!("healed, and still listed as known: {link}").into())
        }
        Outcome::Judged(Verdict::Skipped { reason, .. } | Verdict::Blocked { reason }) => {
            Err(format!("not judged: {reason}").into())
        }
        Outcome::Error(causes) => Err(format!("error: {}", causes.join(": ")).into()),
    }
}

#[cfg(test)]
mod tests {
    use dropproof::{sweep, witness};

    use super::*;

    fn judged_as(judge: Judge) -> Outcome {
        judged(&judge, Database::from_env(Kind::Sqlite), &Run::default()).0
    }

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let outcome = judged_as(Box::new(|_, _| panic!("at the disco")));

        assert_eq!(outcome, Outcome::Error(vec!["a panic: at the disco".into()]));
        assert!(passed(outcome).is_err());
    }

    #[test]
    fn what_the_server_does_not_record_is_blocked_and_never_green() {
        let blind = || witness::Error::Blind { what: "locks", settings: "more=ON" };
        let outcome = judged_as(Box::new(move |_, _| Err(sweep::Error::from(blind()).into())));

        let reason = "the server does not record locks; start it with more=ON".to_owned();
        assert_eq!(outcome, Outcome::Judged(Verdict::Blocked { reason }));
        assert!(passed(outcome).is_err());
    }

    #[test]
    fn a_violated_verdict_fails_its_test() {
        let outcome = judged_as(Box::new(|_, _| Ok(Verdict::violated("seen").into())));

        assert_eq!(passed(outcome).unwrap_err().message(), Some("violated: seen"));
    }

    #[test]
    fn an_upheld_verdict_passes() {
        assert!(passed(judged_as(Box::new(|_, _| Ok(Verdict::Upheld.into())))).is_ok());
    }
}
