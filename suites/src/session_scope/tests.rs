//! The list of scenarios, and that each has its snapshot.

use std::{collections::BTreeSet, fs, path::Path};

use super::{objects, registry, scope, sharing};
use crate::cell::Scenario;

/// The checks whose event traces are pinned, and compared with the original system.
pub(crate) const SCENARIOS: &[Scenario] = &[
    scope::CLOSES_ONCE,
    objects::CREATED,
    objects::REFRESHED,
    objects::EXPIRED,
    objects::AUTOFLUSH,
    sharing::LEASED,
    registry::FORGETS,
];

/// The databases that have a snapshot of their own, with the reason.
const DIFFERENCES: &[(&str, &str)] = &[(
    "added-row-is-stored-by-the-commit@sqlite",
    "what has only read holds no lock there, and no server says that its transaction is open",
)];

#[test]
fn every_scenario_has_its_snapshot_and_every_snapshot_its_scenario() {
    assert_snapshots("session-scope", SCENARIOS, DIFFERENCES);
}

/// Asserts that the folder of a suite has the snapshots of its scenarios, and those that differ.
pub(crate) fn assert_snapshots(suite: &str, scenarios: &[Scenario], differences: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots").join(suite);
    let files = fs::read_dir(folder).expect("there is a folder").filter_map(|entry| {
        let name = entry.expect("it can be read").file_name().into_string().expect("it is ASCII");
        name.strip_suffix(".snap").map(str::to_owned)
    });
    let claim = |scenario: &Scenario| Some(scenario.check.split_once('/')?.1.to_owned());
    let own = differences.iter().map(|(name, _)| (*name).to_owned());
    let listed = scenarios.iter().filter_map(claim).chain(own);

    assert_eq!(files.collect::<BTreeSet<_>>(), listed.collect());
}
