//! The list of scenarios, and that each has its snapshot.

use super::{objects, registry, scope, sharing};
use crate::{cell::Scenario, snapshot};

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
    snapshot::tests::are_those_of("session-scope", SCENARIOS, DIFFERENCES);
}
