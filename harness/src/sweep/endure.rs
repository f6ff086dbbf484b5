//! Enduring: the caller stays, and the wire does wrong.
//!
//! A layer whose connection breaks, or whose server refuses, has a caller who waits. So the operation must come to an end, say truly how it ended, and leave what an
//! operation that was dropped there may leave.

use std::{fmt, future::poll_fn, pin::pin, task::Poll};

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use super::{
    Class, Cut, Error, Swept,
    class::Finding,
    cut::{At, Then},
    runner::{Fit, Kept, Runner, bounded},
    scene::Scene,
    stage::Stage,
    visit::{How, hold_at, met, missed},
};
use crate::{contract, poll::Runtime, wire::Place};

/// The answers to what begins a transaction, by the beginning of their names.
const BEGUN: [&str; 4] =
    ["CommandComplete \"BEGIN", "CommandComplete \"START", "Ok \"BEGIN", "Ok \"START"];

/// What the wire does wrong while the caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The connection breaks: before a message, or right after it.
    Reset,
    /// The server's message becomes an error, of which the server knows nothing.
    Refusal,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Trouble::Reset => "reset",
            Trouble::Refusal => "refused",
        })
    }
}

/// How an operation ended that was not left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Well,
    Badly,
    Never,
}

impl Ended {
    /// What is wrong with that, where the tables are as after a full run or not.
    pub(super) fn finding(self, is_done: bool) -> Option<Finding> {
        match self {
            Ended::Never => Some((Class::Stuck, "the operation never comes to an end".to_owned())),
            Ended::Well if !is_done => {
                Some((Class::Lost, "success was reported, and the work is not there".to_owned()))
            }
            Ended::Well | Ended::Badly => None,
        }
    }
}

impl<S: Scene> Runner<'_, S> {
    /// Runs the operation once for each place where the wire may do wrong; where there is no wire,
    /// there is no cut.
    pub(super) fn endure(&self, trouble: Trouble) -> Result<Swept, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (stage, reference, cuts) = self.reference(&runtime).await?;
            let mut kept = Kept { stage, fit: Fit::Ready };
            let refusable = |cut: &Cut| match &cut.at {
                // A server that refuses to begin has not begun, which the wire cannot undo.
                At::Wire { event, .. } if BEGUN.iter().any(|begun| event.starts_with(begun)) => {
                    false
                }
                At::Wire { index, .. } => reference.spoken[*index].refusable,
                At::Poll(_) => false,
            };
            let is_place = |cut: &&Cut| match (trouble, &cut.at) {
                (_, At::Poll(_)) => false,
                (Trouble::Reset, At::Wire { place: Place::Held(_) | Place::Unread(_), .. }) => {
                    cut.then == Then::Release
                }
                (Trouble::Refusal, At::Wire { place: Place::Held(_), .. }) => {
                    cut.then == Then::Release && refusable(cut)
                }
                (_, At::Wire { .. }) => false,
            };
            let places: Vec<&Cut> = cuts.iter().filter(is_place).collect();
            let mut visits = vec![reference.visit.clone()];
            if !reference.visit.class.is_upheld() {
                kept.stage.close(self.fresh).await?;
                return Ok(Swept { visits, counted: Some(0) });
            }
            for cut in &places {
                let began = Instant::now();
                kept = self.ready(&runtime, kept, &reference, cut).await?;
                let how = How { trouble: Some(trouble), ..How::after(&visits) };
                let visit = self.visit(&kept.stage, &reference, cut, how);
                let visited = bounded(&cut.name, visit).await?;
                kept.fit = Fit::Spent;
                let Some(mut visit) = visited else { continue };
                visit.took = began.elapsed();
                visit.unchanged = false;
                visits.push(visit);
            }
            kept.stage.close(self.fresh).await?;
            if places.is_empty() {
                return Err(Error::NoCut);
            }
            Ok(Swept { visits, counted: Some(places.len()) })
        })
    }
}

/// Runs an operation to its end while the wire does wrong at a cut.
pub(super) async fn endure<S: Scene>(
    stage: &Stage<S>,
    cut: &Cut,
    mut act: LocalBoxFuture<'static, contract::Result<()>>,
    trouble: Trouble,
) -> Result<Ended, Error> {
    let (At::Wire { place, event, .. }, Some(wire)) = (&cut.at, stage.wire()) else {
        return Err(missed(cut, "there is no wire"));
    };
    hold_at(stage, &wire, *place, &mut act).await;
    met(cut, event, &wire)?;
    match trouble {
        Trouble::Reset => wire.reset(),
        Trouble::Refusal => {
            wire.refuse();
            wire.release();
        }
    }
    Ok(match stage.unless_stuck(true, act).await {
        Some(Ok(())) => Ended::Well,
        Some(Err(_)) => Ended::Badly,
        None => Ended::Never,
    })
}

/// Polls an operation until nothing is left to do; it waits for what is held.
pub(super) async fn settle_beside<S: Scene>(
    stage: &Stage<S>,
    act: &mut LocalBoxFuture<'static, contract::Result<()>>,
) {
    let mut settled = pin!(stage.settle());
    poll_fn(|cx| match settled.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => act.as_mut().poll(cx).map(drop),
    })
    .await;
}
