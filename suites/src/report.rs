//! The report of a run that nobody else judges: a library author's `cargo test`.
//!
//! Where a run has an owner who asked for records, the owner makes the report, because only it sees
//! what a process that died has taken along. Here the process that has run the trials makes it, and
//! leaves a file only where it has run all of them: a part must not be taken for the whole.

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use dropproof::{
    database::{Database, Unavailable},
    report::{DatabaseFacts, Facts, Replay, Report},
    run::Run,
    verdict::{Plan, Record},
};
use libtest_mimic::Arguments;

use crate::replay;

/// The files that are left.
const FILES: [&str; 2] = ["report.json", "junit.xml"];

/// The reports of a test target.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    folder: PathBuf,
}

/// How much of the trials a command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No report: they are listed only, or the test runner has a process for each.
    Nothing,
    /// Some of them: what is found is shown, and left nowhere.
    Some,
    /// All of them.
    All,
}

impl Asked {
    /// Reads a command line.
    pub(crate) fn of(arguments: &Arguments) -> Self {
        let Arguments { list, ignored, bench, filter, skip, .. } = arguments;
        if *list || env::var_os("NEXTEST").is_some() {
            Asked::Nothing
        } else if *ignored || *bench || filter.is_some() || !skip.is_empty() {
            Asked::Some
        } else {
            Asked::All
        }
    }
}

impl Reports {
    /// Names the folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Takes away the report of an earlier run, so that it is not taken for this one's.
    pub(crate) fn begin(&self) -> io::Result<()> {
        FILES.iter().try_for_each(|name| match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Shows what was found, and leaves it where all trials were run.
    pub(crate) fn end(
        &self,
        asked: Asked,
        plan: Plan,
        run: &Run,
        records: Vec<Record>,
    ) -> io::Result<()> {
        let plan = if asked == Asked::All { plan } else { part(plan, &records) };
        let report = Report::new(&plan, &facts(&plan, run), records);
        anstream::println!("{}", report.terminal());
        if asked != Asked::All {
            anstream::println!("only a part of the trials was asked for: no report is left\n");
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let folder = self.folder.canonicalize()?;
        for (name, text) in FILES.into_iter().zip([report.json(), report.junit()]) {
            write_whole(&folder, name, &text)?;
        }
        anstream::println!("report: {}\n", folder.join(FILES[0]).display());
        Ok(())
    }
}

/// The trials that left a record, with their cells and rules.
fn part(mut plan: Plan, records: &[Record]) -> Plan {
    plan.trials.retain(|trial| records.iter().any(|record| record.trial == trial.name));
    let trials = &plan.trials;
    plan.rules.retain(|rule| trials.iter().any(|trial| trial.check == rule.id));
    plan.cells.retain(|cell| {
        trials.iter().any(|trial| trial.adapter == cell.adapter && trial.database == cell.database)
    });
    plan
}

fn facts(plan: &Plan, run: &Run) -> Facts {
    let mut facts = Facts { seed: run.seed, depth: run.depth, ..Facts::default() };
    let variable = replay::VARIABLE;
    facts.replay = Replay::Test { variable, name: target() };
    for kind in plan.cells.iter().map(|cell| cell.database) {
        match Database::from_env(kind) {
            Ok(database) => {
                let provider = match kind.url_variable() {
                    None => "embedded",
                    Some(_) if run.addresses.contains_key(&kind) => "run",
                    Some(_) => "url",
                };
                let version = database.version();
                let known = version.map(|version| (kind, DatabaseFacts { version, provider }));
                facts.databases.extend(known);
            }
            Err(Unavailable::Blocked { reason }) => {
                facts.blocked.insert(kind, reason);
            }
            // Each trial on it is an error, which says why.
            Err(_) => {}
        }
    }
    facts
}

/// The name of the test target, which cargo puts before the hash in the name of its file.
fn target() -> String {
    let file = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.rsplit_once('-').map_or(&*stem, |(name, _)| name).to_owned()
}

/// Writes a file that is there as a whole or not at all.
fn write_whole(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .prefix(".report-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(folder.join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dropproof::{
        database::Kind,
        verdict::{Cell, Outcome, Rule, Trial, Verdict},
    };
    use rstest::rstest;

    use super::*;
    use crate::{Check, checks};

    #[rstest]
    #[case::plain(&["t"], Asked::All)]
    #[case::threads(&["t", "--test-threads=1", "--format=terse"], Asked::All)]
    #[case::filter(&["t", "drop-guard"], Asked::Some)]
    #[case::skip(&["t", "--skip=crud"], Asked::Some)]
    #[case::ignored(&["t", "--ignored"], Asked::Some)]
    #[case::list(&["t", "--list"], Asked::Nothing)]
    fn command_line_says_how_much(#[case] line: &[&str], #[case] asked: Asked) {
        let within_nextest = env::var_os("NEXTEST").is_some();
        let expected = if within_nextest { Asked::Nothing } else { asked };

        assert_eq!(Asked::of(&Arguments::from_iter(line)), expected);
    }

    #[test]
    fn part_of_the_trials_leaves_no_report() {
        let folder = tempfile::tempdir().unwrap();
        let reports = Reports::new(folder.path().into());
        let leave = |asked| reports.end(asked, Plan::default(), &Run::default(), Vec::new());

        leave(Asked::All).unwrap();
        let files = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), FILES.len(), "nothing but the report");

        reports.begin().unwrap();
        leave(Asked::Some).unwrap();
        assert_eq!(files(), 0);
    }

    #[test]
    fn folder_that_cannot_be_made_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let reports = Reports::new(file.path().join("below"));

        assert!(reports.end(Asked::All, Plan::default(), &Run::default(), Vec::new()).is_err());
    }

    #[test]
    fn part_has_what_left_a_record() {
        let database = Kind::Sqlite;
        let cell = |adapter: &str| Cell {
            database,
            adapter: adapter.to_owned(),
            adapter_version: String::new(),
        };
        let rules: Vec<_> = checks().into_iter().map(Check::rule).collect();
        let trial = |adapter: &str, rule: &Rule| Trial {
            name: format!("{adapter}/{}", rule.id),
            check: rule.id.clone(),
            adapter: adapter.to_owned(),
            database,
            skipped: None,
        };
        let trials: Vec<_> =
            ["a", "b"].into_iter().flat_map(|a| rules.iter().map(move |r| trial(a, r))).collect();
        let record = Record {
            trial: trials[1].name.clone(),
            outcome: Outcome::Judged(Verdict::Upheld),
            strip: None,
            evidence: None,
            duration: Duration::ZERO,
        };
        let plan = Plan { rules, trials, cells: vec![cell("a"), cell("b")], ..Plan::default() };

        let part = part(plan.clone(), &[record]);

        assert_eq!(
            (&part.trials, &part.rules),
            (&plan.trials[1..2].to_vec(), &plan.rules[1..2].to_vec())
        );
        assert_eq!(part.cells, [cell("a")]);
    }
}
