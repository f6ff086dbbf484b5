//! The reason the harness could not reach a verdict, as a person reads it.

use std::{error, iter, path::PathBuf, time::Duration};

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
    /// A session waited for a lock until its limit, where none should have been held.
    #[error("{waiting} waited in vain for a lock; {holding}")]
    LockWait {
        /// The session that waited, and what it did.
        waiting: String,
        /// Which other session holds locks, as far as the model knows.
        holding: String,
        /// What the layer said.
        source: contract::Error,
    },
    /// What broke the requirement was not seen again on a fresh database.
    #[error("this was seen once, and not again on a fresh database: {what}")]
    Unconfirmed {
        /// What was seen.
        what: String,
    },
    /// The cases that have failed before cannot be replayed.
    #[error(
        "{} holds no cases that can be replayed: {problem}; mend or delete the line (a case that \
         still fails is found and written anew), or take the file from version control",
        path.display()
    )]
    Regressions {
        /// The file.
        path: PathBuf,
        /// Which line, and what is wrong with it.
        problem: String,
    },
    /// The runtime could not be made.
    #[error("no runtime could be made")]
    Runtime {
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// What the server does not record, where that is the reason: then the question is blocked.
    #[must_use]
    pub fn blind(&self) -> Option<String> {
        let causes = iter::successors(Some(self as &dyn error::Error), |error| error.source());
        causes.filter_map(|cause| cause.downcast_ref::<witness::Error>()).find_map(|cause| {
            matches!(cause, witness::Error::Blind { .. }).then(|| cause.to_string())
        })
    }
}

/// An error and its causes, from the outermost inwards.
#[must_use]
pub fn chain(error: &(dyn error::Error + 'static)) -> Vec<String> {
    iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}
