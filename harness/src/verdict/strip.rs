//! The cut strip: what each cut of an operation did, in the order of the conversation.

use std::{fmt, time::Duration};

use anstyle::Style;
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

impl StripCut {
    /// The mark of each class that some of the cuts have, with its meaning, from the mildest.
    pub(crate) fn legend<'a>(
        cuts: impl Iterator<Item = &'a Self> + Clone,
        style: impl Fn(Class) -> Style,
    ) -> String {
        let met = |class: &Class| cuts.clone().any(|cut| cut.class == *class);
        let explained = |class: Class| format!("{} {class}", mark(class, style(class)));
        Class::ALL.into_iter().filter(met).map(explained).collect::<Vec<_>>().join("  ")
    }

    /// One mark for each cut.
    pub(crate) fn marks(cuts: &[Self], style: impl Fn(Class) -> Style) -> String {
        cuts.iter().map(|cut| mark(cut.class, style(cut.class))).collect()
    }
}

/// One mark for each cut.
impl fmt::Display for Strip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&StripCut::marks(&self.cuts, |_| Style::new()))
    }
}

fn mark(class: Class, style: Style) -> String {
    format!("{style}{}{style:#}", class.mark())
}
