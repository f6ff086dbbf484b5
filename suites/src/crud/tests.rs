//! The list of scenarios, and that each snapshot of one database or layer has its fact.

use std::{collections::BTreeSet, fs};

use serde::Deserialize;

use super::{dones, statements, tasks, transactions, users};
use crate::cell::Scenario;

/// The checks whose event traces are pinned, and compared with the original system.
pub(crate) const SCENARIOS: &[Scenario] = &[
    users::LOOKUP,
    users::COLLATION,
    users::PARTIAL,
    tasks::LIST,
    tasks::FOUND,
    tasks::READ_BACK,
    tasks::DELETE,
    dones::MARKS,
    statements::FAILED,
    statements::PARAMETERS,
    statements::RAW,
    statements::BULK,
    transactions::SEEN_AFTER_COMMIT,
    transactions::ISOLATION,
    transactions::STALE_WRITE,
];

/// A database, a layer or a cell that has a snapshot of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    claim: String,
    check: String,
    of: String,
    #[expect(dead_code, reason = "it must be given, for the people who read the list")]
    fact: String,
    #[expect(dead_code, reason = "it must be given, for the people who read the list")]
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

fn snapshots() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/crud");
    let files = fs::read_dir(folder).expect("there is a folder").filter_map(|entry| {
        let name = entry.expect("it can be read").file_name().into_string().expect("it is ASCII");
        name.strip_suffix(".snap").map(str::to_owned)
    });
    files.collect()
}

#[test]
fn snapshot_of_its_own_has_its_fact_and_the_other_way_round() {
    let text = include_str!("differences.toml");
    let differences: Differences = toml::from_str(text).expect("the list can be read");
    let listed = differences.difference.iter().map(|difference| {
        let claim = difference.check.strip_prefix("crud/").expect("it is of this suite");
        assert!(difference.claim.starts_with("crud-"), "{}", difference.claim);
        format!("{claim}@{}", difference.of)
    });
    let own = snapshots().into_iter().filter(|name| name.contains('@'));

    assert_eq!(own.collect::<BTreeSet<_>>(), listed.collect());
}

#[test]
fn every_scenario_has_its_snapshot_and_every_snapshot_its_scenario() {
    let claims = SCENARIOS.iter().filter_map(|scenario| scenario.check.strip_prefix("crud/"));
    let common = snapshots().into_iter().filter(|name| !name.contains('@'));

    assert_eq!(common.collect::<BTreeSet<_>>(), claims.map(str::to_owned).collect());
}
