//! A visit: the operation run once, dropped at one cut or not at all, and what the oracles say.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use futures::future::LocalBoxFuture;
use tokio::time::{Instant, interval};

use super::{
    Class, Cut, Error, POLLS_MAX, ROUNDS_MAX,
    class::Finding,
    cut::{At, cuts},
    runner::Runner,
    scene::{Borrowed, Borrower, Scene},
    stage::Stage,
};
use crate::{
    contract,
    poll::{self, cut_after},
    wire::{Event, Place, Status, Wire},
    witness::{OPEN_TRANSACTION, Tables, Witness},
};

/// Where other threads do the clean-up, the server is asked for this long whether it is over.
const CLEAN_UP_MAX: Duration = Duration::from_secs(3);
const ASK_EVERY: Duration = Duration::from_millis(2);

/// What became of the operation at one cut.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The cut, by its content; `uncut` for the run that was not cut.
    pub cut: String,
    /// What it did.
    pub class: Class,
    /// What was found wrong, the worst first.
    pub findings: Vec<String>,
    /// What that rests on.
    pub evidence: Evidence,
    /// How long it took, with the opening of another client where that was needed.
    pub took: Duration,
    /// Whether the client is as it was, so that it can serve the next cut.
    pub unchanged: bool,
}

/// What a class rests on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The conversation of all connections, from where the operation began to the end of the visit.
    pub conversation: Vec<Event>,
    /// How many events had been said when the operation was dropped.
    pub dropped_after: Option<usize>,
    /// What the witness saw before.
    pub before: Tables,
    /// What the witness saw when everything was quiet again.
    pub after: Tables,
    /// What was open on the server then.
    pub left_open: Vec<String>,
}

/// What every cut is compared with.
pub(super) struct Reference<S: Scene> {
    /// The uncut run.
    pub(super) visit: Visit,
    /// The cuts, where there is a wire.
    pub(super) cuts: Vec<Cut>,
    wired: bool,
    /// What the tables may be after a cut, as far as that is the same in equal runs.
    before: Tables,
    after: Tables,
    known: S::Known,
}

impl<S: Scene> Reference<S> {
    /// Every cut that is visited, in order.
    pub(super) fn every_cut(&self) -> Vec<Cut> {
        if self.wired {
            return self.cuts.clone();
        }
        let round = || (1..=POLLS_MAX).map(Cut::poll);
        (0..ROUNDS_MAX).flat_map(|_| round()).collect()
    }

    /// The cut of a number, from one.
    pub(super) fn cut(&self, number: usize) -> Option<Cut> {
        self.every_cut().into_iter().nth(number.checked_sub(1)?)
    }
}

impl<S: Scene> Runner<'_, S> {
    /// Runs the operation to its end, and makes what cuts are compared with.
    pub(super) async fn uncut(&self, stage: &Stage<S>) -> Result<Reference<S>, Error> {
        let witness = self.fresh.witness();
        let before = witness.bring_back(self.scene.watched()).await?;
        let lease = self.scene.lease(&stage.client).await?;
        stage.settle().await;
        let wire = stage.wire();
        wire.iter().for_each(Wire::mark);
        self.scene.act(&stage.client, lease).await?;
        // What comes now is the client's own housekeeping.
        let spoken = conversation(wire.as_ref());
        let left_open = self.clean_up(stage, witness).await?;
        let after = witness.read(self.scene.watched()).await?;

        let mut evidence = Evidence {
            before: before.clone(),
            after: after.clone(),
            left_open,
            ..Evidence::default()
        };
        let mut found = opened(&evidence.left_open);
        let (before, after) = (self.scene.comparable(&before), self.scene.comparable(&after));
        found.extend(self.scene.changed(&before, &after));
        let borrower =
            Borrower { stage, fresh: self.fresh, seen: &after, known: None, confirm: true };
        let Borrowed { findings, known } = self.scene.borrow(borrower).await?;
        found.extend(findings);
        stage.settle().await;
        evidence.conversation = conversation(wire.as_ref());
        Ok(Reference {
            visit: visit("uncut", found, Class::Clean, evidence),
            cuts: cuts(&spoken),
            wired: wire.is_some(),
            before,
            after,
            known,
        })
    }

    /// Runs the operation once and drops it at the cut; `None` where it ended before so many polls.
    pub(super) async fn visit(
        &self,
        stage: &Stage<S>,
        reference: &Reference<S>,
        cut: &Cut,
        confirm: bool,
    ) -> Result<Option<Visit>, Error> {
        let witness = self.fresh.witness();
        let before = witness.bring_back(self.scene.watched()).await?;
        if self.scene.comparable(&before) != reference.before {
            return Err(Error::NotReset { cut: cut.name.clone() });
        }
        let lease = self.scene.lease(&stage.client).await?;
        stage.settle().await;
        let wire = stage.wire();
        let act = self.scene.act(&stage.client, lease);
        match (&cut.at, &wire) {
            (At::Wire(place, event), Some(wire)) => {
                drop_at(stage, wire, *place, act).await;
                met(cut, event, wire)?;
            }
            (At::Poll(polls), _) => match cut_after(act, *polls).await {
                poll::Cut::Finished(result) => return Ok(result.map(|()| None)?),
                poll::Cut::Dropped => {}
            },
            (At::Wire(..), None) => return Err(missed(cut, "there is no wire")),
        }
        let dropped_after = wire.as_ref().map(|wire| wire.trace().since_mark().len());
        let lines = lines(wire.as_ref());
        wire.iter().for_each(Wire::release);
        let mut left_open = self.clean_up(stage, witness).await?;
        let after = witness.read(self.scene.watched()).await?;

        let mut found = opened(&left_open);
        let seen = self.scene.comparable(&after);
        if seen != reference.before && seen != reference.after {
            found.push((Class::Torn, "a part of the work is there".to_owned()));
        }
        let (fresh, known) = (self.fresh, Some(&reference.known));
        let borrower = Borrower { stage, fresh, seen: &seen, known, confirm };
        found.extend(self.scene.borrow(borrower).await?.findings);
        if wire.is_none() && left_open.is_empty() {
            // Another thread may have begun what was asked only after the first look.
            left_open = self.clean_up(stage, witness).await?;
            found.extend(opened(&left_open));
        }
        if !found.iter().any(|(class, _)| *class == Class::Stuck) {
            stage.settle().await;
        }
        let same_connections = lines == self::lines(wire.as_ref());
        let mildest = match same_connections {
            _ if seen != reference.before => Class::Finished,
            true => Class::Clean,
            false => Class::Discarded,
        };
        let conversation = conversation(wire.as_ref());
        let evidence = Evidence { conversation, dropped_after, before, after, left_open };
        let visit = visit(&cut.name, found, mildest, evidence);
        let unchanged = same_connections && visit.class.is_upheld();
        Ok(Some(Visit { unchanged, ..visit }))
    }

    /// Waits until what the layer does after a drop is over, and says what is left open then.
    async fn clean_up(&self, stage: &Stage<S>, witness: &Witness) -> Result<Vec<String>, Error> {
        stage.settle().await;
        let connections = stage.wire().map_or(0, |wire| wire.connections().len());
        let mut left_open = witness.left_open(connections).await?;
        if stage.wire().is_none() {
            // Another thread does it, which the runtime does not see.
            let mut ask = interval(ASK_EVERY);
            let began = Instant::now();
            while began.elapsed() < CLEAN_UP_MAX && !left_open.is_empty() {
                ask.tick().await;
                left_open = witness.left_open(connections).await?;
            }
        }
        match stage.wire() {
            Some(wire) if is_announced(&wire) != is_witnessed(&left_open) => {
                Err(Error::Disagreement { left_open, connections: wire.connections() })
            }
            _ => Ok(left_open),
        }
    }
}

/// Whether a server has announced that one of its connections is in a transaction.
fn is_announced(wire: &Wire) -> bool {
    let in_transaction = |status| matches!(status, Some(Status::InTransaction | Status::Failed));
    wire.connections().iter().any(|connection| in_transaction(connection.status))
}

/// Whether the witness has seen that a connection is in a transaction.
fn is_witnessed(left_open: &[String]) -> bool {
    left_open.iter().any(|what| what.starts_with(OPEN_TRANSACTION))
}

/// Runs a future until the conversation is held at a place, and drops it there.
async fn drop_at<S: Scene>(
    stage: &Stage<S>,
    wire: &Wire,
    place: Place,
    mut act: LocalBoxFuture<'_, contract::Result<()>>,
) {
    wire.arm(place);
    tokio::select! {
        biased;
        () = wire.held() => {}
        // It ended without the place: whoever looks what was met finds nothing.
        _ = &mut act => return,
    }
    // What lies unread must not be read: there the future is not polled again.
    if !matches!(place, Place::Unread(_)) {
        let mut settled = pin!(stage.settle());
        poll_fn(|cx| match settled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => act.as_mut().poll(cx).map(drop),
        })
        .await;
    }
}

/// Checks that what was met at a cut is what the uncut run had there.
fn met(cut: &Cut, event: &str, wire: &Wire) -> Result<(), Error> {
    match wire.reached() {
        Some(reached) if reached.event.name == event => Ok(()),
        Some(reached) => Err(missed(cut, &reached.event.name)),
        None => Err(missed(cut, "nothing")),
    }
}

fn missed(cut: &Cut, found: &str) -> Error {
    Error::Missed { cut: cut.name.clone(), found: found.to_owned() }
}

fn visit(cut: &str, mut found: Vec<Finding>, mildest: Class, evidence: Evidence) -> Visit {
    // The order of equals stays, so that equal visits have equal findings.
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    let class = found.first().map_or(mildest, |(class, _)| *class);
    let findings = found.into_iter().map(|(_, finding)| finding).collect();
    Visit {
        cut: cut.to_owned(),
        class,
        findings,
        evidence,
        unchanged: class.is_upheld(),
        took: Duration::ZERO,
    }
}

fn opened(left_open: &[String]) -> Vec<Finding> {
    left_open.iter().map(|what| (Class::Open, what.clone())).collect()
}

fn conversation(wire: Option<&Wire>) -> Vec<Event> {
    wire.map(|wire| wire.trace().since_mark().to_vec()).unwrap_or_default()
}

/// The connections that are open, by number.
fn lines(wire: Option<&Wire>) -> Vec<u32> {
    let connections = wire.map(Wire::connections).unwrap_or_default();
    connections.into_iter().map(|connection| connection.number).collect()
}
