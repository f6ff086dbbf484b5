//! The list of scenarios, and that each has its snapshot.

use super::{close, service};
use crate::{cell::Scenario, snapshot};

/// The checks whose event traces are pinned, and compared with the original system.
pub(crate) const SCENARIOS: &[Scenario] =
    &[service::COMMIT, service::REFRESH, service::STORED, close::CLOSE];

#[test]
fn every_scenario_has_its_snapshot_and_every_snapshot_its_scenario() {
    snapshot::tests::are_those_of("missing-await", SCENARIOS, &[]);
}
