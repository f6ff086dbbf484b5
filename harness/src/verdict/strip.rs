//! The cut strip: what each cut of an operation did, in the order of the conversation.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::sweep::Class;

/// What each cut of an operation did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// The cuts that were visited.
    pub cuts: Vec<StripCut>,
    /// How many there are; `None` where they cannot be counted the same in every run.
    pub counted: Option<usize>,
    /// The median time of a cut after which the pool was kept.
    pub kept: Option<Duration>,
    /// The median time of a cut after which another pool was opened, with the opening.
    pub fresh: Option<Duration>,
}

/// What one cut did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripCut {
    /// The cut, by its content.
    pub name: String,
    /// What it did.
    pub class: Class,
}

/// One mark for each cut.
impl fmt::Display for Strip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cuts.iter().try_for_each(|cut| write!(f, "{}", cut.class.mark()))
    }
}
