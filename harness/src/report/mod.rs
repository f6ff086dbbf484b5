//! Reports: what a run has shown, as JSON for machines, JUnit for CI and a matrix for people.
//!
//! Nothing here reads or writes a file, and nothing in it differs between equal runs: durations are
//! not part of a report.

mod junit;
mod replayed;
mod terminal;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use replayed::replayed;
use serde::Serialize;
pub use terminal::mark;

use crate::{
    database::Kind,
    sweep::{Class, Depth},
    verdict::{Cell, Level, Outcome, Plan, Record, Rule, Strip, Trial, Verdict, Violation},
};

/// The form of a report as JSON; another number is another form.
pub const SCHEMA: u32 = 1;

/// What is known of a run apart from its records.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The seed of properties.
    pub seed: u64,
    /// How many of the cuts were visited.
    pub depth: Depth,
    /// The databases that there are.
    pub databases: BTreeMap<Kind, DatabaseFacts>,
    /// Why a database is not to be had, and the way out.
    pub blocked: BTreeMap<Kind, String>,
    /// What visits a cut again.
    pub replay: Replay,
}

/// What a person types to visit a cut again.
#[derive(Clone, Debug, Default)]
pub enum Replay {
    /// The command of the workspace.
    #[default]
    Xtask,
    /// The test target of this name, and the variable in which it finds the token.
    Test {
        /// The variable.
        variable: &'static str,
        /// The name of the target.
        name: String,
    },
}

impl Replay {
    fn line(&self, token: &str) -> String {
        match self {
            Replay::Xtask => format!("cargo xtask replay '{token}'"),
            Replay::Test { variable, name } => {
                format!("{variable}='{token}' cargo test --test {name}")
            }
        }
    }
}

/// What is known of a database.
#[derive(Clone, Debug)]
pub struct DatabaseFacts {
    /// What the server says that it is.
    pub version: String,
    /// Where it came from.
    pub provider: &'static str,
}

/// What a run has shown.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    schema: u32,
    seed: u64,
    depth: Depth,
    cells: Vec<CellRow>,
    verdicts: Vec<VerdictRow>,
    errors: Vec<ErrorRow>,
    totals: Totals,
    #[serde(skip)]
    replay: Replay,
    #[serde(skip)]
    rules: Vec<Rule>,
    /// The cut strips, by the name of the trial.
    #[serde(skip)]
    strips: Vec<(String, Strip)>,
}

#[derive(Clone, Debug, Serialize)]
struct CellRow {
    #[serde(flatten)]
    cell: Cell,
    database_version: Option<String>,
    provider: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct VerdictRow {
    check: String,
    level: Level,
    adapter: String,
    database: Kind,
    verdict: &'static str,
    claims: Vec<String>,
    class: Option<Class>,
    cuts: Option<Cuts>,
    message: Option<String>,
    reason: Option<String>,
    link: Option<String>,
    replay: Option<String>,
}

/// How much of a sweep was done.
#[derive(Clone, Copy, Debug, Serialize)]
struct Cuts {
    visited: usize,
    counted: usize,
}

#[derive(Clone, Debug, Serialize)]
struct ErrorRow {
    check: String,
    adapter: String,
    database: Kind,
    causes: Vec<String>,
}

/// How many verdicts of each kind there are; errors are none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The requirement holds.
    pub upheld: usize,
    /// The requirement is broken.
    pub violated: usize,
    /// It is broken as listed.
    pub known: usize,
    /// It is listed as broken and holds.
    pub healed: usize,
    /// The layer lacks what the check needs.
    pub skipped: usize,
    /// Nobody could ask.
    pub blocked: usize,
    /// The question was not answered.
    pub error: usize,
}

impl Report {
    /// Makes the report of the trials of a plan.
    ///
    /// A trial that is neither skipped nor blocked and has left no record is an error. So is one
    /// that has left several: the last of them would hide the others.
    #[must_use]
    pub fn new(plan: &Plan, facts: &Facts, records: Vec<Record>) -> Self {
        let mut report = Self {
            schema: SCHEMA,
            seed: facts.seed,
            depth: facts.depth,
            cells: plan.cells.iter().map(|cell| CellRow::new(cell, facts)).collect(),
            verdicts: Vec::new(),
            errors: Vec::new(),
            totals: Totals::default(),
            replay: facts.replay.clone(),
            rules: plan.rules.clone(),
            strips: Vec::new(),
        };
        let mut left = BTreeMap::<String, Vec<(Outcome, Option<Strip>)>>::new();
        for record in records {
            left.entry(record.trial).or_default().push((record.outcome, record.strip));
        }
        for trial in &plan.trials {
            let blocked = || facts.blocked.get(&trial.database).cloned();
            let before = trial
                .skipped
                .clone()
                .or_else(|| blocked().map(|reason| Verdict::Blocked { reason }));
            let before = before.map(|verdict| (Outcome::Judged(verdict), None));
            let (outcome, strip) =
                before.unwrap_or_else(|| only(left.remove(&trial.name).unwrap_or_default()));
            report.add(trial, outcome, strip);
        }
        report
    }

    fn add(&mut self, trial: &Trial, outcome: Outcome, strip: Option<Strip>) {
        match outcome {
            Outcome::Error(causes) => {
                self.totals.error += 1;
                self.errors.push(ErrorRow {
                    check: trial.check.clone(),
                    adapter: trial.adapter.clone(),
                    database: trial.database,
                    causes,
                });
            }
            Outcome::Judged(verdict) => {
                *self.totals.of(&verdict) += 1;
                let rule = self.rules.iter().find(|rule| rule.id == trial.check);
                let rule = rule.expect("a plan has the rule of each of its trials");
                self.verdicts.push(VerdictRow::new(trial, rule, verdict, strip.as_ref()));
                self.strips.extend(strip.map(|strip| (trial.name.clone(), strip)));
            }
        }
    }

    /// How many verdicts of each kind there are.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The databases of which some question could not be asked.
    #[must_use]
    pub fn blocked(&self) -> BTreeSet<Kind> {
        let blocked = Verdict::Blocked { reason: String::new() }.name();
        let rows = self.verdicts.iter().filter(|row| row.verdict == blocked);
        rows.map(|row| row.database).collect()
    }

    /// The report as JSON, with a line end.
    ///
    /// # Panics
    ///
    /// Never: every part of it can be written as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report has string keys only") + "\n"
    }
}

/// What a trial says whose records these are: nothing, unless there is exactly one.
fn only(mut records: Vec<(Outcome, Option<Strip>)>) -> (Outcome, Option<Strip>) {
    let cause = match (records.pop(), records.len()) {
        (Some(record), 0) => return record,
        (None, _) => {
            "the trial left no record: its process ended before the verdict; see run.log".to_owned()
        }
        (Some(_), others) => format!(
            "the trial was judged {} times, so no verdict counts; run it once, without retries",
            others + 1
        ),
    };
    (Outcome::Error(vec![cause]), None)
}

impl CellRow {
    fn new(cell: &Cell, facts: &Facts) -> Self {
        let known = facts.databases.get(&cell.database);
        Self {
            cell: cell.clone(),
            database_version: known.map(|known| known.version.clone()),
            provider: known.map(|known| known.provider),
        }
    }
}

impl VerdictRow {
    fn new(trial: &Trial, rule: &Rule, verdict: Verdict, strip: Option<&Strip>) -> Self {
        let name = verdict.name();
        let (violation, reason, link) = match verdict {
            Verdict::Upheld => (None, None, None),
            Verdict::Violated(violation) => (Some(violation), None, None),
            Verdict::Known { violation, link } => (Some(violation), None, Some(link)),
            Verdict::Healed { link } => (None, None, Some(link)),
            Verdict::Skipped { reason, link } => (None, Some(reason), Some(link)),
            Verdict::Blocked { reason } => (None, Some(reason), None),
        };
        let counted = strip.and_then(|strip| Some((strip, strip.counted?)));
        Self {
            check: trial.check.clone(),
            level: rule.level,
            adapter: trial.adapter.clone(),
            database: trial.database,
            verdict: name,
            claims: rule.claims.clone(),
            class: violation.as_ref().and_then(Violation::class),
            cuts: counted.map(|(strip, counted)| Cuts { visited: strip.cuts.len(), counted }),
            replay: violation.as_ref().and_then(|violation| violation.replay.clone()),
            message: violation.map(|violation| violation.message),
            reason,
            link,
        }
    }
}

impl Totals {
    fn of(&mut self, verdict: &Verdict) -> &mut usize {
        match verdict {
            Verdict::Upheld => &mut self.upheld,
            Verdict::Violated(_) => &mut self.violated,
            Verdict::Known { .. } => &mut self.known,
            Verdict::Healed { .. } => &mut self.healed,
            Verdict::Skipped { .. } => &mut self.skipped,
            Verdict::Blocked { .. } => &mut self.blocked,
        }
    }

    /// How many questions were answered by a layer.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.upheld + self.violated + self.known + self.healed
    }
}
