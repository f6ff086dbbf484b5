//! The reference: the uncut run, and what a visit is found to be beside it.

use super::{Class, Cut, class::Finding, scene::Scene, silence::Later, visit::Visit};
use crate::{wire::Event, witness::Tables};

/// What every cut is compared with.
pub(super) struct Reference<S: Scene> {
    /// The uncut run.
    pub(super) visit: Visit,
    /// What the operation said, and nobody after it.
    pub(super) spoken: Vec<Event>,
    /// Whether it leaves other connections than it found: a client that does so has new ones at each cut.
    pub(super) replaces: bool,
    /// What it said on a client that was not used before.
    pub(super) spoken_cold: Vec<Event>,
    /// What the borrowers said after it.
    pub(super) borrowed: Vec<Event>,
    /// What the tables may be after a cut, as far as that is the same in equal runs.
    pub(super) before: Tables,
    pub(super) after: Tables,
    pub(super) known: S::Known,
}

/// What a layer did of an operation after its caller had gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RanOn {
    /// All of it, before its connection was lent again.
    Finished,
    /// A part of it, or all of it and too late.
    Busy(String),
}

impl RanOn {
    pub(super) fn finding(self) -> Option<Finding> {
        match self {
            RanOn::Finished => None,
            RanOn::Busy(what) => Some((Class::Busy, what)),
        }
    }
}

impl<S: Scene> Reference<S> {
    /// What was still asked of the server after a cut, until the next lease and from then on.
    pub(super) fn ran_on(
        &self,
        cut: &Cut,
        (dropped, borrowed): (&[Event], &[Event]),
        seen: &Tables,
    ) -> Option<RanOn> {
        let uncut = if cut.cold { &self.spoken_cold } else { &self.spoken };
        let mut later = Later::of(uncut, cut);
        let ran = later.take(dropped);
        let left = later.len();
        later.leave_to(&self.borrowed);
        let lent = later.take(borrowed);
        if !lent.is_empty() {
            return Some(RanOn::Busy(format!(
                "after the drop the server was asked for {}, while the next borrower had it",
                lent.join(", ")
            )));
        }
        match ran.len() {
            0 => None,
            _ if left == 0 && *seen == self.after => Some(RanOn::Finished),
            some => Some(RanOn::Busy(format!(
                "after the drop the server was still asked for {}: {some} of {} requests",
                ran.join(", "),
                some + left
            ))),
        }
    }
}
