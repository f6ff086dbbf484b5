//! The list of scenarios, and that each has its snapshot.

use super::{ended, left, order, refused, rows, waiting};
use crate::{cell::Scenario, session_scope::tests::assert_snapshots};

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
    assert_snapshots("async-iter", SCENARIOS, DIFFERENCES);
}
