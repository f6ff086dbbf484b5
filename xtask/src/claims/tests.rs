//! What is printed of a small ledger that was made up, and of the report of a run.

use std::fs;

use dropproof::{
    database::Kind,
    verdict::{Ledger, Level, Plan, Rule, Trial},
};

use super::{entry::entries, json, last_run::LastRun, markdown, text::Page};

const LEDGER: &str = r#"
[[claim]]
id = "crud-found"
says = "A lookup gives the row that was asked for, and it does so for each row that there is, however many there may be of them."
truth = "holds-with-limits"
evidence = "On one of three databases upper case is found too."
rust = "An `Option`."
subject = "library"
databases = "all"
method = "property"

[[claim]]
id = "crud-missing"
says = "A lookup of nothing gives nothing."
truth = "wrong"
evidence = "It is an error."
rust = "`None`."
subject = "library"
databases = "servers"
method = "scenario"
open = "crud"
rest = "Two rows in place of one."
programs = ["answer_of_nobody"]

[[claim]]
id = "task-order"
says = "Results come in the order of their tasks."
truth = "holds"
evidence = "Always."
rust = "The same."
subject = "runtime"
databases = "none"
method = "property"
open = "tasks"

[[claim]]
id = "task-typo"
says = "The example can be run."
truth = "wrong"
evidence = "It is a syntax error."
rust = "Nothing is like it."
subject = "python"
databases = "none"
traces = ["task-typo.none.jsonl"]
"#;

const REPORT: &str = r#"{
  "schema": 1, "seed": 7, "depth": "quick", "totals": {},
  "cells": [
    {"database": "postgres", "adapter": "demo", "adapter_version": "1.2.3",
     "database_version": "18.6", "provider": "container"},
    {"database": "sqlite", "adapter": "demo", "adapter_version": "1.2.3",
     "database_version": "3.50.2", "provider": "embedded"}
  ],
  "verdicts": [
    {"check": "crud/finds", "adapter": "demo", "database": "postgres", "verdict": "upheld"},
    {"check": "crud/finds", "adapter": "demo", "database": "sqlite", "verdict": "upheld"},
    {"check": "crud/misses", "adapter": "demo", "database": "postgres", "verdict": "known",
     "message": "1 of 2 cuts break it", "link": "https://example.org/1"}
  ],
  "errors": [
    {"check": "crud/misses", "adapter": "demo", "database": "sqlite", "causes": ["a", "b"]}
  ]
}"#;

fn rule(id: &str, claims: &[&str]) -> Rule {
    Rule {
        id: id.into(),
        level: Level::Must,
        requirement: "A lookup MUST give what there is.".into(),
        claims: claims.iter().map(ToString::to_string).collect(),
        needs: Vec::new(),
        since: "0.1.0".into(),
        background: String::new(),
        mutants: Vec::new(),
    }
}

fn plan() -> Plan {
    let ledger: Ledger = toml::from_str(LEDGER).expect("the ledger is TOML");
    let rules = vec![
        rule("crud/finds", &["crud-found"]),
        rule("crud/misses", &["crud-found", "crud-missing"]),
        rule("crud/later", &["crud-missing"]),
    ];
    Plan { rules, ledger, ..Plan::default() }
}

fn last_run() -> LastRun {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    fs::write(&path, REPORT).expect("it can be written");
    LastRun { path: "report.json".into(), ..LastRun::read(&path).expect("it is a report") }
}

/// Prints something of a plan, and of a run where there was one, without its styles.
fn printed(plan: &Plan, run: Option<&LastRun>, print: impl Fn(&Page<'_>) -> String) -> String {
    let faults = plan.ledger.faults(&plan.rules);
    let page = Page { entries: &entries(plan, run), last_run: run, faults: &faults };
    let plain = anstream::adapter::strip_str(&print(&page)).to_string();
    let wide: Vec<&str> = plain.lines().filter(|line| 100 < line.chars().count()).collect();
    assert_eq!(wide, [""; 0], "the page is wider than it may be");
    plain
}

fn pinned(name: &str, text: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/claims");
    insta::with_settings!({
        snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn ledger_shows_claims_with_the_verdicts_of_their_checks() {
    let text = printed(&plan(), Some(&last_run()), |page| page.whole());

    pinned("ledger", &text);
}

#[test]
fn ledger_without_a_run_says_how_to_get_one() {
    let text = printed(&plan(), None, |page| page.whole());

    assert!(text.starts_with("no run yet: `cargo xtask test` judges every layer"), "{text}");
    assert!(!text.contains("upheld"), "{text}");
}

#[test]
fn open_claims_stand_by_their_suite() {
    pinned("open", &printed(&plan(), Some(&last_run()), |page| page.open()));
}

#[test]
fn claim_in_full_has_evidence_and_messages() {
    let text = printed(&plan(), Some(&last_run()), |page| page.full(&page.entries[1]));

    pinned("claim", &text);
}

#[test]
fn claim_about_python_names_its_trace() {
    let text = printed(&plan(), None, |page| page.full(&page.entries[3]));

    assert!(text.contains("traces     suites/oracle/task-typo.none.jsonl"), "{text}");
}

#[test]
fn broken_ledger_is_shown_as_such() {
    let mut plan = plan();
    plan.rules.clear();

    let text = printed(&plan, None, |page| page.whole());

    assert!(text.contains("crud-found  holds with limits  judged by nobody"), "{text}");
    assert!(text.contains("broken: the ledger itself is wrong\n  no check judges `crud-found`"));
}

#[test]
fn json_has_each_claim_with_its_checks() {
    let (plan, run) = (plan(), last_run());
    let faults = ["it is broken".to_owned()];
    let page = Page { entries: &entries(&plan, Some(&run)), last_run: Some(&run), faults: &faults };
    let text = json::write(&page, &page.entries.iter().skip(1).take(1).collect::<Vec<_>>());

    pinned("json", &text);
}

#[test]
fn page_begins_with_what_is_wrong() {
    pinned("page", &markdown::write(&entries(&plan(), Some(&last_run()))));
}

#[test]
fn page_needs_every_check_on_every_cell() {
    let trial = |database: Kind| Trial {
        name: format!("{database}-demo/crud/finds"),
        check: "crud/finds".into(),
        adapter: "demo".into(),
        database,
        skipped: None,
    };
    let mut plan = Plan { trials: vec![trial(Kind::Postgres), trial(Kind::Sqlite)], ..plan() };
    let run = last_run();

    assert!(markdown::whole(&plan, Some(&run)).is_ok());
    plan.trials.push(trial(Kind::MySql));
    let part = markdown::whole(&plan, Some(&run)).unwrap_err().to_string();
    let none = markdown::whole(&plan, None).unwrap_err().to_string();

    assert!(part.contains("1 of 3 are not in report.json"), "{part}");
    assert!(none.contains("needs the verdicts of a run"), "{none}");
}

#[test]
fn page_that_differs_names_the_line() {
    let page = markdown::write(&entries(&plan(), Some(&last_run())));
    let stale = page.replacen("It is an error.", "It is none.", 1);
    let line = page.lines().position(|line| line.contains("It is an error.")).unwrap() + 1;

    assert!(markdown::up_to_date(&page, &page).is_ok());
    let error = markdown::up_to_date(&stale, &page).unwrap_err().to_string();
    assert!(error.ends_with(&format!("from line {line} on")), "{error}");
}
