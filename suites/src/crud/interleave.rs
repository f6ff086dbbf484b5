//! Interleaving: a transaction is played up to a gate, and another session works meanwhile.

use std::pin::Pin;

use dropproof::contract::{self, Gate};
use futures::future::{Either, select};

use crate::Trace;

type Playing<'a> = Pin<Box<dyn Future<Output = contract::Result<()>> + Send + 'a>>;

/// Where a transaction is.
pub(super) enum Under<'a> {
    /// It waits at the gate; this is the rest of it.
    Held(Playing<'a>),
    /// It has ended without an error before it came to the gate.
    Ended,
}

/// Plays a transaction until it waits at its gate, as a step of the trace.
pub(super) async fn play_to<'a>(
    trace: &Trace,
    step: &str,
    playing: impl Future<Output = contract::Result<()>> + Send + 'a,
    gate: &Gate,
) -> contract::Result<Under<'a>> {
    trace.waits_for(step);
    let playing: Playing<'a> = Box::pin(playing);
    let reached = Box::pin(gate.reached());
    match select(playing, reached).await {
        Either::Left((Ok(()), _)) => Ok(Under::Ended),
        Either::Left((Err(error), _)) => {
            trace.note(step, format_args!("error {}", error.class()));
            Err(error)
        }
        Either::Right(((), playing)) => {
            trace.note(step, "done");
            Ok(Under::Held(playing))
        }
    }
}
