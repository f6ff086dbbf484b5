//! The words of a judgement: rules, verdicts, and the record that each trial leaves.
//!
//! Verdicts are never merged, and an error is none of them: an error means that the question was
//! not answered.

mod claim;
mod error;
mod plan;
mod record;
mod rule;
mod strip;

pub use claim::{Claim, Databases, Ledger, Method, Standing, Subject, Truth};
pub use error::{Error, chain};
pub use plan::{Cell, Plan, Trial};
pub use record::{Outcome, Record, Sink};
pub use rule::{Level, Mutant, Rule};
use serde::{Deserialize, Serialize};
pub use strip::{Strip, StripCut};

use crate::sweep::Class;

/// The answer to a check's question.
///
/// Exhaustive on purpose: a new verdict must break every `match` that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "verdict")]
pub enum Verdict {
    /// The requirement holds.
    Upheld,
    /// The requirement is broken.
    Violated(Violation),
    /// It is broken as the list of known issues says.
    Known {
        /// How it is broken.
        violation: Violation,
        /// Where it is reported.
        link: String,
    },
    /// It is listed as broken and holds: the list is to be corrected.
    Healed {
        /// Where it was reported.
        link: String,
    },
    /// The library does not claim to have what the check needs.
    Skipped {
        /// Why, in one sentence.
        reason: String,
        /// Where the library's documentation says so.
        link: String,
    },
    /// Nobody could ask the question.
    Blocked {
        /// Why, and the way out.
        reason: String,
    },
}

/// How a requirement is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What was seen, in one sentence.
    pub message: String,
    /// The cuts that broke it; none where it is broken without a cut.
    pub cuts: Vec<StripCut>,
    /// The token by which the first of them is replayed.
    pub replay: Option<String>,
}

impl Violation {
    /// The worst of what its cuts did.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.cuts.iter().map(|cut| cut.class).max()
    }
}

impl Verdict {
    /// Says that the requirement is broken, without a cut.
    pub fn violated(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::Violated(Violation { message, cuts: Vec::new(), replay: None })
    }

    /// Upholds the requirement where `holds`, else says what was seen.
    pub fn upheld_if(holds: bool, otherwise: impl FnOnce() -> String) -> Self {
        if holds { Self::Upheld } else { Self::violated(otherwise()) }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Upheld => "upheld",
            Verdict::Violated(_) => "violated",
            Verdict::Known { .. } => "known",
            Verdict::Healed { .. } => "healed",
            Verdict::Skipped { .. } => "skipped",
            Verdict::Blocked { .. } => "blocked",
        }
    }
}
