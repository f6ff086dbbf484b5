//! Tests of reports, and the report that they are made from.

use std::time::Duration;

use super::*;
use crate::verdict::{Ledger, StripCut};

/// A report with one verdict of each kind, and an error.
pub(crate) fn one_of_each() -> Report {
    let checks = ["violated", "known", "healed", "skipped", "error", "upheld", "silent"];
    let plan = Plan {
        rules: checks.iter().map(|name| rule(name)).collect(),
        cells: vec![cell(Kind::Postgres), cell(Kind::Sqlite)],
        embedded: BTreeMap::new(),
        ledger: Ledger::default(),
        trials: [Kind::Postgres, Kind::Sqlite]
            .into_iter()
            .flat_map(|database| checks.map(|name| trial(database, name)))
            .collect(),
    };
    let facts = DatabaseFacts { version: "3.50.2".into(), provider: "embedded" };
    let facts = Facts {
        seed: 0,
        depth: Depth::Quick,
        databases: [(Kind::Sqlite, facts)].into(),
        blocked: [(Kind::Postgres, "no server; start one".to_owned())].into(),
        replay: Replay::Xtask,
    };
    let link = "https://example.org/1".to_owned();
    let cut = |name: &str, class| StripCut { name: name.to_owned(), class };
    let cuts = vec![cut("Held(A)", Class::Clean), cut("Held(B)", Class::Poisoned)];
    let violation = Violation {
        message: "one row is left".to_owned(),
        cuts: vec![cuts[1].clone()],
        replay: Some("sqlite-demo/demo/known:2".to_owned()),
    };
    let records = [
        ("violated", Outcome::Judged(Verdict::violated("two rows are left"))),
        ("known", Outcome::Judged(Verdict::Known { violation, link: link.clone() })),
        ("healed", Outcome::Judged(Verdict::Healed { link })),
        ("error", Outcome::Error(vec!["the witness hung up".into(), "reset".into()])),
        ("upheld", Outcome::Judged(Verdict::Upheld)),
    ];
    let record = |(name, outcome): (&str, _)| Record {
        trial: trial(Kind::Sqlite, name).name,
        outcome,
        strip: (name == "known").then(|| Strip {
            cuts: cuts.clone(),
            counted: Some(2),
            ..Strip::default()
        }),
        evidence: None,
        duration: Duration::from_millis(1),
    };
    Report::new(&plan, &facts, records.map(record).into())
}

fn rule(name: &str) -> Rule {
    Rule {
        id: format!("demo/{name}"),
        level: Level::Must,
        requirement: format!("It MUST be {name}."),
        claims: vec![format!("demo-{name}")],
        needs: Vec::new(),
        since: "0.1.0".into(),
        background: String::new(),
        mutants: Vec::new(),
    }
}

fn cell(database: Kind) -> Cell {
    Cell { database, adapter: "demo".into(), adapter_version: "1.2.3".into() }
}

fn trial(database: Kind, name: &str) -> Trial {
    let reason = "it has none".to_owned();
    let skip = Verdict::Skipped { reason, link: "https://example.org/2".into() };
    Trial {
        name: format!("{database}-demo/demo/{name}"),
        check: format!("demo/{name}"),
        adapter: "demo".into(),
        database,
        skipped: (name == "skipped").then_some(skip),
    }
}

#[test]
fn verdicts_are_counted_apart() {
    let totals = one_of_each().totals();

    let each =
        Totals { upheld: 1, violated: 1, known: 1, healed: 1, skipped: 2, blocked: 6, error: 2 };
    assert_eq!(totals, each);
    assert_eq!(totals.judged(), 4);
}

#[test]
fn a_cut_is_replayed_by_what_ran_it() {
    let replay = Replay::Test { variable: "TOKEN", name: "checks".into() };

    assert_eq!(replay.line("a:1"), "TOKEN='a:1' cargo test --test checks");
}

#[test]
fn a_trial_without_a_record_is_an_error() {
    let report = one_of_each();

    let silent = report.errors.iter().find(|row| row.check == "demo/silent").unwrap();
    assert!(silent.causes[0].contains("left no record"));
}

#[test]
fn trial_that_was_judged_twice_is_an_error() {
    let trial = trial(Kind::Sqlite, "upheld");
    let plan = Plan {
        rules: vec![rule("upheld")],
        cells: vec![cell(Kind::Sqlite)],
        trials: vec![trial.clone()],
        ..Plan::default()
    };
    let record = |verdict| Record {
        trial: trial.name.clone(),
        outcome: Outcome::Judged(verdict),
        strip: None,
        evidence: None,
        duration: Duration::ZERO,
    };
    let retried = vec![record(Verdict::violated("two rows are left")), record(Verdict::Upheld)];

    let report = Report::new(&plan, &Facts::default(), retried);

    assert_eq!(report.totals(), Totals { error: 1, ..Totals::default() });
    assert!(report.json().contains("the trial was judged 2 times"), "{}", report.json());
}
