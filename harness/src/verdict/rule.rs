//! What a check demands, apart from how it finds out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How strong a requirement is, in the words of RFC 2119.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// There is no excuse.
    Must,
    /// There may be good reasons not to.
    Should,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
        })
    }
}

/// What a check demands, and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `<suite>/<claim-in-kebab-case>`; never changes.
    pub id: String,
    /// How strong the requirement is.
    pub level: Level,
    /// The requirement, in one sentence.
    pub requirement: String,
    /// The claims of the ledger that it judges.
    pub claims: Vec<String>,
    /// The names of the capabilities without which it is skipped.
    pub needs: Vec<String>,
    /// The version of dropproof that first had it.
    pub since: String,
    /// How layers break it, and how others mended it.
    pub background: String,
    /// The planted faults that it must catch.
    pub mutants: Vec<Mutant>,
}

impl Rule {
    /// The suite that it belongs to.
    #[must_use]
    pub fn suite(&self) -> &str {
        self.id.split_once('/').map_or(self.id.as_str(), |(suite, _)| suite)
    }
}

/// A planted fault, and a part of the message that must be given for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutant {
    /// The name of the fault.
    pub fault: String,
    /// A part of the message.
    pub message: String,
}
