//! A report of a forgotten future, as people read it.

use std::{fmt, panic::Location};

/// A future that was dropped before its end.
///
/// Reports are in the order of their places, so that it does not matter which thread was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forgotten {
    pub(super) place: Location<'static>,
    pub(super) what: &'static str,
    pub(super) fate: Fate,
}

/// How far a forgotten future came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was dropped as it was made: nothing of it has happened.
    NeverPolled,
    /// It was dropped half-way.
    Dropped {
        /// How often it was polled before.
        polls: u64,
    },
}

impl Forgotten {
    /// Where the future was made.
    #[must_use]
    pub fn place(&self) -> Location<'static> {
        self.place
    }

    /// The type of the future, which names the function that an `async fn` is; for people.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what.trim_end_matches("::{{closure}}")
    }

    /// How far it came.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.fate
    }
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} was ", self.place, self.what())?;
        match self.fate {
            Fate::NeverPolled => f.write_str("never polled"),
            Fate::Dropped { polls: 1 } => f.write_str("dropped after 1 poll"),
            Fate::Dropped { polls } => write!(f, "dropped after {polls} polls"),
        }
    }
}
