//! A round: the trials of one plan, run and reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::ExitStatus,
    time::{Duration, Instant},
};

use dropproof::{
    report::{DatabaseFacts, Facts, Replay, Report},
    run::{self, Run},
    sweep::Depth,
    verdict::{Plan, Record, Sink},
};
use dropproof_databases::Owner;
use indicatif::ProgressBar;
use miette::{IntoDiagnostic, WrapErr, miette};

use crate::{
    interrupt::{Interrupt, Interrupted},
    progress::Terminal,
    reports::{self, Reports, Workplace},
    runner::{self, Runner},
    servers,
    target::Target,
    workspace,
};

/// A round that is ready to be run.
pub(crate) struct Round<'a> {
    pub(crate) target: Target,
    pub(crate) plan: &'a Plan,
    pub(crate) seed: u64,
    /// How many random cases a property tries, where that was said.
    pub(crate) cases: Option<u32>,
    /// How many of the cuts of a sweep are visited.
    pub(crate) depth: Depth,
    pub(crate) runner: Runner,
    pub(crate) owner: &'a Owner,
}

impl Round<'_> {
    /// Runs the trials and leaves the report.
    ///
    /// # Errors
    ///
    /// Fails if the runner fails and every trial passes: then only the log is left, and no report.
    pub(crate) async fn run(
        &self,
        reports: &Reports,
        terminal: &Terminal,
        interrupt: &mut Interrupt,
    ) -> miette::Result<Result<Report, Interrupted>> {
        let began = Instant::now();
        // Of two runs in one folder, the one that ends later leaves its report.
        reports.clear()?;
        let folder = Workplace::make(reports.parent(), self.owner.estate())?;
        let bar = terminal.parts("running", self.wanted().len());
        let (records, status) = match self.records(&folder, None, &bar, interrupt).await? {
            Ok(ran) => ran,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        let (timings, cuts) = (timings(&records, began), cuts(&records));
        if 0 < cuts {
            let (depth, seconds) = (self.depth, began.elapsed().as_secs_f64());
            let rate = cuts as f64 / seconds;
            terminal.say("cuts", &format!("{cuts} at depth {depth}, {rate:.0} in a second"));
        }
        let report = Report::new(self.plan, &self.facts(), records);
        let totals = report.totals();
        let red = totals.violated + totals.healed + totals.error + totals.blocked;
        if red == 0 && status.is_some_and(|status| !status.success()) {
            reports.publish(folder)?;
            let log = reports.path("run.log");
            return Err(miette!(
                "the test runner failed, and every trial passed: see {}",
                log.display()
            ));
        }
        folder.write(reports::REPORT, &report.json())?;
        folder.write("junit.xml", &report.junit())?;
        folder.write("timings.json", &timings)?;
        reports.publish(folder)?;
        Ok(Ok(report))
    }

    /// Visits one cut of the one trial of the plan, and leaves nothing but what it returns.
    pub(crate) async fn replay(
        &self,
        cut: usize,
        interrupt: &mut Interrupt,
    ) -> miette::Result<Result<Record, Interrupted>> {
        let folder = Workplace::make(&workspace::output()?, self.owner.estate())?;
        let bar = ProgressBar::hidden();
        let (records, _) = match self.records(&folder, Some(cut), &bar, interrupt).await? {
            Ok(ran) => ran,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        let log = || fs::read_to_string(folder.path("run.log")).unwrap_or_default();
        match <[Record; 1]>::try_from(records) {
            Ok([record]) => Ok(Ok(record)),
            Err(records) if records.is_empty() => {
                Err(miette!("the trial left no record:\n{}", log()))
            }
            Err(records) => Err(miette!("the trial was judged {} times", records.len())),
        }
    }

    /// Runs the trials and reads what they leave.
    async fn records(
        &self,
        folder: &Workplace,
        replay: Option<usize>,
        bar: &ProgressBar,
        interrupt: &mut Interrupt,
    ) -> miette::Result<Result<(Vec<Record>, Option<ExitStatus>), Interrupted>> {
        let wanted = self.wanted();
        let run_file = self.owner.estate().folder().join("run.json");
        let run = Run {
            trials: Some(wanted.clone()),
            seed: self.seed,
            cases: self.cases,
            depth: self.depth,
            replay,
            records: Some(folder.path("records.jsonl")),
            ..self.owner.run()
        };
        run.write(&run_file).into_diagnostic().wrap_err("the run file cannot be written")?;
        let status = if wanted.is_empty() {
            None
        } else {
            let mut command = self.runner.command(self.target)?;
            command.env(run::VARIABLE, &run_file);
            let log = folder.path("run.log");
            match runner::run(self.owner.estate(), command, &log, wanted, bar, interrupt).await? {
                Ok(status) => Some(status),
                Err(interrupted) => return Ok(Err(interrupted)),
            }
        };
        fs::remove_file(&run_file).into_diagnostic().wrap_err("the run file cannot be removed")?;
        let records = Sink::read(&folder.path("records.jsonl"))
            .into_diagnostic()
            .wrap_err("the records of the trials cannot be read")?;
        Ok(Ok((records, status)))
    }

    /// The trials that can be run.
    fn wanted(&self) -> BTreeSet<String> {
        let trials = self.plan.trials.iter();
        trials
            .filter(|trial| trial.skipped.is_none())
            .filter(|trial| !self.owner.blocked().contains_key(&trial.database))
            .map(|trial| trial.name.clone())
            .collect()
    }

    fn facts(&self) -> Facts {
        let embedded = self.plan.embedded.iter().map(|(kind, version)| {
            (*kind, DatabaseFacts { version: version.clone(), provider: "embedded" })
        });
        Facts {
            seed: self.seed,
            depth: self.depth,
            databases: servers::facts(self.owner).into_iter().chain(embedded).collect(),
            blocked: self.owner.blocked().clone(),
            replay: Replay::Xtask,
        }
    }
}

/// How many cuts were visited, of those that can be counted.
fn cuts(records: &[Record]) -> usize {
    let strips = records.iter().filter_map(|record| record.strip.as_ref());
    strips.filter(|strip| strip.counted.is_some()).map(|strip| strip.cuts.len()).sum()
}

fn timings(records: &[Record], began: Instant) -> String {
    let trials: BTreeMap<&str, f64> = records
        .iter()
        .map(|record| (record.trial.as_str(), record.duration.as_secs_f64()))
        .collect();
    let medians: BTreeMap<&str, serde_json::Value> = records
        .iter()
        .filter_map(|record| {
            let strip = record.strip.as_ref()?;
            let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
            let times = serde_json::json!({
                "pool_kept": seconds(strip.kept),
                "pool_fresh": seconds(strip.fresh),
            });
            Some((record.trial.as_str(), times))
        })
        .collect();
    let timings = serde_json::json!({
        "unit": "seconds",
        "all": began.elapsed().as_secs_f64(),
        "cuts_visited": cuts(records),
        "trials": trials,
        "median_of_a_cut": medians,
    });
    format!("{timings:#}\n")
}
