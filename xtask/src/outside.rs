//! The crate outside of the workspace: tested as its author would, and judged by its own report.
//!
//! It has older client libraries in a lockfile of its own, so it shows that adapters, what they lack,
//! known issues and reports need nothing of this workspace but the two crates that it depends on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
};

use dropproof::database::Kind;
use dropproof_databases::Estate;
use miette::miette;

use crate::{
    Ended,
    claims::last_run::{LastRun, Word},
    environment,
    interrupt::{Interrupt, Interrupted},
    on_servers,
    progress::Terminal,
    workspace,
};

/// The crate, from the root.
pub(crate) const FOLDER: &str = "suites/tests/outside";

/// Its cells, with the versions that it locks.
const CELLS: [(&str, &str); 4] = [
    ("postgres-sqlx", "0.8.5"),
    ("postgres-tokio-postgres", "0.7.13"),
    ("mysql-mysql_async", "0.35.1"),
    ("sqlite-sqlx", "0.8.5"),
];

/// What its list of known issues names, whatever it names besides.
const KNOWN: [&str; 6] = [
    "postgres-sqlx/crud/wrong-number-of-parameters-is-refused",
    "postgres-sqlx/drop-guard/dropped-begin-leaves-nothing-open",
    "postgres-sqlx/drop-guard/dropped-commit-is-all-or-nothing",
    "postgres-sqlx/drop-guard/dropped-insert-leaves-nothing",
    "postgres-sqlx/drop-guard/dropped-rollback-leaves-nothing",
    "sqlite-sqlx/crud/wrong-number-of-parameters-is-refused",
];

/// The libraries of it that have known issues.
const BROKEN: [&str; 2] = ["mysql_async", "sqlx"];

/// What the link of a skip has that is due to a capability of its own.
const LACKING: &str = "mysql_async/0.35.1";

/// Tests the crate with servers, and compares its report with what it must say.
pub(crate) async fn run(
    allowed: &BTreeSet<Kind>,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    clear()?;
    let mut command = environment::cargo()?;
    command
        .args(["test", "--locked", "--quiet"])
        .current_dir(workspace::root()?.join(FOLDER))
        .env("CARGO_TARGET_DIR", target()?);
    let needed = [Kind::Postgres, Kind::MySql].into();
    let ran = on_servers::carry_out(command, &needed, estate, terminal, interrupt).await?;
    let status = match ran {
        Ok(status) => status,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    if !status.success() {
        return Err(miette!(
            help = "repeat it alone with `dropproof-databases run -- cargo test` in that folder",
            "`cargo test` failed in {FOLDER}"
        ));
    }
    let report = LastRun::read(&report()?)?;
    let wrong = wrong(&report, allowed);
    if wrong.is_empty() {
        return Ok(Ended::Well);
    }
    Err(miette!("{} is not what it must be: {}", report.path, wrong.join("; ")))
}

/// Removes the report of an earlier run, which would stand where this one does not come so far.
pub(crate) fn clear() -> miette::Result<()> {
    let report = report()?;
    match fs::remove_file(&report) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(miette!("{} cannot be removed: {error}", report.display()))
        }
        _ => Ok(()),
    }
}

fn report() -> miette::Result<PathBuf> {
    Ok(target()?.join("dropproof/conformance/report.json"))
}

/// Where cargo builds it: beside the build of the workspace, which has other versions.
fn target() -> miette::Result<PathBuf> {
    Ok(workspace::output()?.with_file_name("outside"))
}

/// What a report of the crate says and must not, or must say and does not.
fn wrong(report: &LastRun, allowed: &BTreeSet<Kind>) -> Vec<String> {
    let mut wrong = Vec::new();
    let cells = report.cells.iter().map(|row| (row.cell.name(), row.cell.adapter_version.clone()));
    if !cells.eq(CELLS.map(|(name, version)| (name.to_owned(), version.to_owned()))) {
        wrong.push("it has other cells".to_owned());
    }
    let mut answers = BTreeMap::<String, usize>::new();
    for answer in &report.answers {
        *answers.entry(answer.cell()).or_default() += 1;
        let name = format!("{}/{}", answer.cell(), answer.check);
        let is_meant = match answer.word {
            Word::Upheld => !KNOWN.contains(&&*name),
            Word::Known => BROKEN.contains(&&*answer.adapter),
            Word::Skipped => true,
            Word::Blocked => allowed.contains(&answer.database),
            Word::Violated | Word::Healed | Word::Error => false,
        };
        if !is_meant {
            wrong.push(format!("{name} is {}", answer.word.name()));
        }
    }
    let lacking = |link: &String| link.contains(LACKING);
    let lacks = report.answers.iter().any(|answer| answer.link.as_ref().is_some_and(lacking));
    if !lacks && !allowed.contains(&Kind::MySql) {
        wrong.push(format!("nothing is skipped for {LACKING}"));
    }
    let checks: BTreeSet<_> = report.answers.iter().map(|answer| &answer.check).collect();
    for (name, _) in CELLS {
        let answers = answers.get(name).copied().unwrap_or_default();
        if answers == 0 || answers != checks.len() {
            wrong.push(format!("{name} has {answers} answers to {} checks", checks.len()));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use dropproof::verdict::Cell;

    use super::*;
    use crate::claims::last_run::{Answer, RunCell};

    /// The report as it must be, where the checks are those that are known to be broken and one more.
    fn written() -> LastRun {
        let cell = |(name, version): (&str, &str)| {
            let (database, adapter) = name.split_once('-').expect("a cell has a database");
            let database = database.parse().expect("it is a database");
            Cell { database, adapter: adapter.into(), adapter_version: version.into() }
        };
        let cells = CELLS.map(cell);
        let mut checks: BTreeSet<&str> =
            KNOWN.iter().map(|name| name.split_once('/').expect("a check has a cell").1).collect();
        checks.insert("crud/a");
        let answer = |cell: &Cell, check: &str| {
            let known = KNOWN.contains(&&*format!("{}/{check}", cell.name()));
            Answer {
                check: check.to_owned(),
                database: cell.database,
                adapter: cell.adapter.clone(),
                word: if known { Word::Known } else { Word::Upheld },
                message: None,
                link: None,
            }
        };
        let answers = cells.iter().flat_map(|cell| checks.iter().map(|check| answer(cell, check)));
        LastRun {
            path: "report.json".into(),
            seed: 0,
            answers: answers.collect(),
            cells: cells.map(|cell| RunCell { cell, database_version: None }).into(),
        }
    }

    fn wrong_when(change: impl FnOnce(&mut LastRun)) -> Vec<String> {
        let mut report = written();
        change(&mut report);
        wrong(&report, &[Kind::MySql].into())
    }

    #[test]
    fn report_as_it_must_be_is_well() {
        assert_eq!(wrong_when(|_| ()), [""; 0]);
    }

    #[test]
    fn each_difference_is_named() {
        let name = "postgres-sqlx/crud/a";
        let first = |word| move |report: &mut LastRun| report.answers[0].word = word;

        assert_eq!(wrong_when(first(Word::Violated)), [format!("{name} is violated")]);
        assert_eq!(
            wrong_when(|report| report.answers[6].word = Word::Known),
            ["postgres-tokio-postgres/crud/a is known"]
        );
        assert_eq!(
            wrong(&written(), &BTreeSet::new()),
            ["nothing is skipped for mysql_async/0.35.1"]
        );
        assert_eq!(wrong_when(first(Word::Blocked)), [format!("{name} is blocked")]);
        assert_eq!(wrong_when(|report| report.cells.clear()), ["it has other cells"]);
        assert_eq!(
            wrong_when(|report| drop(report.answers.remove(0))),
            ["postgres-sqlx has 5 answers to 6 checks"]
        );
    }

    #[test]
    fn what_may_be_blocked_is_well() {
        let blocked = |report: &mut LastRun| {
            let ours = report.answers.iter_mut().filter(|answer| answer.database == Kind::MySql);
            ours.for_each(|answer| answer.word = Word::Blocked);
        };

        assert_eq!(wrong_when(blocked), [""; 0]);
    }
}
