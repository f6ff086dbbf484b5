//! What a cut did, in one word.

use std::fmt;

use anstyle::{AnsiColor, Style};
use serde::{Deserialize, Serialize};

/// What was found wrong, with the class that it means.
pub(super) type Finding = (Class, String);

/// What a cut did to the layer, from the mildest to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The same connection was reused, and it is as before.
    Clean,
    /// The connection was closed: safe, at the price of another.
    Discarded,
    /// The whole operation was completed in the background before the connection was lent again.
    Finished,
    /// Something panicked that was only dropped.
    Panicked,
    /// A part of the operation ran on, or it ran on while its connection was lent to another.
    Busy,
    /// A transaction, a lock or a connection that nobody has is left on the server.
    Open,
    /// Success was reported, and the effect is missing.
    Lost,
    /// A part of the effects is there.
    Torn,
    /// The next borrower's work is lost or wrong.
    Poisoned,
    /// The next borrower reads the answers to an earlier request.
    Desynced,
    /// The pool does not lend its full number of sessions any more.
    Stuck,
}

impl Class {
    /// Every class, from the mildest to the worst.
    pub const ALL: [Class; 11] = [
        Class::Clean,
        Class::Discarded,
        Class::Finished,
        Class::Panicked,
        Class::Busy,
        Class::Open,
        Class::Lost,
        Class::Torn,
        Class::Poisoned,
        Class::Desynced,
        Class::Stuck,
    ];

    /// Whether the layer kept its promises.
    #[must_use]
    pub const fn is_upheld(self) -> bool {
        matches!(self, Class::Clean | Class::Discarded | Class::Finished)
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Class::Clean => "clean",
            Class::Discarded => "discarded",
            Class::Finished => "finished",
            Class::Panicked => "panicked",
            Class::Busy => "busy",
            Class::Open => "open",
            Class::Lost => "lost",
            Class::Torn => "torn",
            Class::Poisoned => "poisoned",
            Class::Desynced => "desynced",
            Class::Stuck => "stuck",
        }
    }

    /// The mark on a cut strip: small where the layer kept its promises.
    #[must_use]
    pub const fn mark(self) -> char {
        match self {
            Class::Clean => '.',
            Class::Discarded => 'd',
            Class::Finished => 'f',
            Class::Panicked => '!',
            Class::Busy => 'B',
            Class::Open => 'O',
            Class::Lost => 'L',
            Class::Torn => 'T',
            Class::Poisoned => 'P',
            Class::Desynced => 'D',
            Class::Stuck => 'S',
        }
    }

    /// The colour of the mark.
    pub(crate) fn style(self) -> Style {
        let colour = match self {
            Class::Clean => AnsiColor::Green,
            Class::Discarded | Class::Finished => AnsiColor::Cyan,
            Class::Panicked
            | Class::Busy
            | Class::Open
            | Class::Lost
            | Class::Torn
            | Class::Poisoned
            | Class::Desynced
            | Class::Stuck => AnsiColor::Red,
        };
        colour.on_default()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
