//! The reason the harness could not reach a verdict, as a person reads it.

use std::{error, iter, time::Duration};

use crate::{contract, database::Unavailable, sweep, witness};

/// The reason the harness could not reach a verdict.
///
/// A broken requirement is not an error: it is [`Verdict::Violated`](super::Verdict::Violated).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no database to work on.
    #[error("no database to judge on")]
    Database {
        /// Why.
        #[from]
        source: Unavailable,
    },
    /// The layer failed at a step that the check does not judge.
    #[error("the layer failed at a step that is not judged")]
    Layer {
        /// What it said.
        #[from]
        source: contract::Error,
    },
    /// The witness could not say what is so.
    #[error("the witness could not be asked")]
    Witness {
        /// Why.
        #[from]
        source: witness::Error,
    },
    /// A sweep came to no end.
    #[error(transparent)]
    Sweep(#[from] sweep::Error),
    /// Nothing happened for too long.
    #[error("nothing came of `{step}` within {} s", limit.as_secs())]
    Stuck {
        /// The step that was waited for.
        step: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// No trial met the hazard, so nothing was shown.
    #[error("no trial met the hazard: {why}")]
    Vacuous {
        /// How it was missed.
        why: String,
    },
    /// The runtime could not be made.
    #[error("no runtime could be made")]
    Runtime {
        /// What the system said.
        source: std::io::Error,
    },
}

/// An error and its causes, from the outermost inwards.
#[must_use]
pub fn chain(error: &(dyn error::Error + 'static)) -> Vec<String> {
    iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}
