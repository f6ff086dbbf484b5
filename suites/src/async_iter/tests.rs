//! The list of scenarios, and that each has its snapshot.

use std::{collections::BTreeSet, fs};

use super::{ended, left, order, refused, rows, waiting};
use crate::cell::Scenario;

/// The checks whose event traces are pinned, and compared with the original system.
pub(crate) const SCENARIOS: &[Scenario] = &[
    rows::IN_ORDER,
    ended::STAYS_ENDED,
    refused::ENDS,
    left::ANY_ROW,
    order::AS_IT_ENDS,
    order::AS_GIVEN,
    waiting::IN_TURN,
];

/// The databases that have a snapshot of their own, with the reason.
const DIFFERENCES: &[(&str, &str)] = &[(
    "refused-row-ends-the-stream@postgres",
    "what is divided by zero is an error there, and NULL elsewhere",
)];

#[test]
fn every_scenario_has_its_snapshot_and_every_snapshot_its_scenario() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/async-iter");
    let files = fs::read_dir(folder).expect("there is a folder").filter_map(|entry| {
        let name = entry.expect("it can be read").file_name().into_string().expect("it is ASCII");
        name.strip_suffix(".snap").map(str::to_owned)
    });
    let claims = SCENARIOS.iter().filter_map(|scenario| scenario.check.strip_prefix("async-iter/"));

    let own = DIFFERENCES.iter().map(|(name, _)| *name);
    let listed = claims.chain(own).map(str::to_owned);

    assert_eq!(files.collect::<BTreeSet<_>>(), listed.collect());
}
