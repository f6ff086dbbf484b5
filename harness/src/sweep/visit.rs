//! A visit: the operation run once, dropped at one cut or not at all, and what the oracles say.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::{Instant, interval};

use super::{
    Class, Cut, Error, Leaving,
    class::Finding,
    cut::{At, Then, without_last_close},
    endure::{Ended, Trouble, endure, settle_beside},
    reference::{RanOn, Reference},
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
    /// How many connections it has.
    pub connections: usize,
}

/// What a class rests on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The conversation of all connections, from where the operation began to the end of the visit.
    pub conversation: Vec<Event>,
    /// How many events had been said when the operation was dropped.
    pub dropped_after: Option<usize>,
    /// How many when the next borrower came; none where nobody was dropped.
    pub borrowed_after: usize,
    /// What the witness saw before.
    pub before: Tables,
    /// What the witness saw when everything was quiet again.
    pub after: Tables,
    /// What was open on the server then.
    pub left_open: Vec<String>,
}

/// How a visit is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct How<'a> {
    pub(super) leaving: Leaving,
    /// Whether a wait for what can never come is to be confirmed.
    pub(super) confirm: bool,
    /// Where the clean-up after the cut is cut in turn.
    pub(super) second: Option<&'a Cut>,
    /// What the wire does wrong, where the caller stays.
    pub(super) trouble: Option<Trouble>,
}

impl How<'_> {
    /// A plain drop.
    pub(super) fn drop(confirm: bool) -> Self {
        Self { leaving: Leaving::Drop, confirm, second: None, trouble: None }
    }

    /// A plain drop, after other visits: that nothing will ever come is confirmed once.
    pub(super) fn after(visits: &[Visit]) -> Self {
        Self::drop(!visits.iter().any(|visit| visit.class == Class::Stuck))
    }

    fn name(&self, cut: &Cut) -> String {
        let by = match self.leaving {
            Leaving::Drop => String::new(),
            way => format!(" by {way}"),
        };
        if let Some(trouble) = self.trouble {
            return format!("{} {trouble}", cut.name);
        }
        match self.second {
            Some(second) => format!("{}, then {}{by}", cut.name, second.name),
            None => format!("{}{by}", cut.name),
        }
    }
}

/// An operation that was dropped.
struct Dropped {
    /// What was in the tables before.
    before: Tables,
    /// How many events had been said then, where there is a wire.
    after: Option<usize>,
    /// The connections that were open then.
    lines: Vec<u32>,
    /// How it ended, where it was not dropped after all.
    ended: Option<Ended>,
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
        let found_lines = lines(wire.as_ref());
        self.scene.act(&stage.client, lease).await?;
        // What comes now is the client's own housekeeping.
        let spoken = without_last_close(conversation(wire.as_ref()));
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
        let said = conversation(wire.as_ref()).len();
        let tables = (&before, &after);
        let borrower = Borrower { stage, fresh: self.fresh, tables, known: None, confirm: true };
        let Borrowed { findings, known } = self.scene.borrow(borrower).await?;
        found.extend(findings);
        stage.settle().await;
        evidence.conversation = conversation(wire.as_ref());
        let borrowed = evidence.conversation[said..].to_vec();
        let lines = lines(wire.as_ref());
        let (replaces, connections) = (lines != found_lines, lines.len());
        let visit = Visit { connections, ..visit("uncut", found, Class::Clean, evidence) };
        let spoken_cold = Vec::new();
        Ok(Reference { visit, spoken, replaces, spoken_cold, borrowed, before, after, known })
    }

    /// Runs the operation once and drops it at the cut; `None` where it ended before so many polls.
    pub(super) async fn visit(
        &self,
        stage: &Stage<S>,
        reference: &Reference<S>,
        cut: &Cut,
        how: How<'_>,
    ) -> Result<Option<Visit>, Error> {
        let Some(dropped) = self.dropped(stage, reference, cut, how).await? else {
            return Ok(None);
        };
        let Dropped { before, after: dropped_after, lines, ended } = dropped;
        let (wire, witness) = (stage.wire(), self.fresh.witness());
        let mut left_open = self.clean_up(stage, witness).await?;
        let after = witness.read(self.scene.watched()).await?;

        let mut found = opened(&left_open);
        let seen = self.scene.comparable(&after);
        if seen != reference.before && seen != reference.after {
            found.push((Class::Torn, "a part of the work is there".to_owned()));
        }
        found.extend(ended.and_then(|ended| ended.finding(seen == reference.after)));
        let borrowed_after = conversation(wire.as_ref()).len();
        let (fresh, known) = (self.fresh, Some(&reference.known));
        let tables = (&reference.before, &seen);
        let borrower = Borrower { stage, fresh, tables, known, confirm: how.confirm };
        found.extend(self.scene.borrow(borrower).await?.findings);
        if wire.is_none() && left_open.is_empty() {
            // Another thread may have begun what was asked only after the first look.
            left_open = self.clean_up(stage, witness).await?;
            found.extend(opened(&left_open));
        }
        if !found.iter().any(|(class, _)| *class == Class::Stuck) {
            stage.settle().await;
        }
        let conversation = conversation(wire.as_ref());
        let (dropped, borrowed) = conversation.split_at(borrowed_after);
        let dropped = &dropped[dropped_after.unwrap_or_default()..];
        // What a borrower's own new connection says is its own.
        let of_old = |event: &&Event| lines.contains(&event.connection);
        let borrowed: Vec<Event> = borrowed.iter().filter(of_old).cloned().collect();
        let ran_on = match self.scene.has_company() || ended.is_some() {
            false => reference.ran_on(cut, (dropped, &borrowed), &seen),
            true => None,
        };
        let finished = ran_on == Some(RanOn::Finished);
        found.extend(ran_on.and_then(RanOn::finding));

        let connections = self::lines(wire.as_ref());
        let is_done = finished || seen != reference.before;
        let mildest = if is_done { Class::Finished } else { reused(connections == lines) };
        let evidence =
            Evidence { conversation, dropped_after, borrowed_after, before, after, left_open };
        let visit = visit(&how.name(cut), found, mildest, evidence);
        let unchanged = connections == lines && visit.class.is_upheld();
        Ok(Some(Visit { unchanged, connections: connections.len(), ..visit }))
    }

    /// Runs the operation once, leaves it at the cut, and lets the network go on; `None` where it ended
    /// before so many polls.
    async fn dropped(
        &self,
        stage: &Stage<S>,
        reference: &Reference<S>,
        cut: &Cut,
        how: How<'_>,
    ) -> Result<Option<Dropped>, Error> {
        let before = self.fresh.witness().bring_back(self.scene.watched()).await?;
        if self.scene.comparable(&before) != reference.before {
            return Err(Error::NotReset { cut: cut.name.clone() });
        }
        let lease = self.scene.lease(&stage.client).await?;
        stage.settle().await;
        let wire = stage.wire();
        let act = self.scene.act(&stage.client, lease);
        let ended = match how.trouble {
            Some(trouble) => Some(endure(stage, cut, act, trouble).await?),
            None if leave_at(stage, cut, act, how.leaving).await? => None,
            None => return Ok(None),
        };
        let after = wire.as_ref().map(|_| conversation(wire.as_ref()).len());
        let lines = lines(wire.as_ref());
        let came = match how.second {
            None if ended.is_some() => true,
            None => {
                go_on(wire.as_ref(), cut);
                true
            }
            Some(second) => self.cut_clean_up(stage, cut, second).await?,
        };
        Ok(came.then_some(Dropped { before, after, lines, ended }))
    }

    /// Waits until what the layer does after a drop is over, and says what is left open then.
    async fn clean_up(&self, stage: &Stage<S>, witness: &Witness) -> Result<Vec<String>, Error> {
        stage.settle().await;
        left_open(witness, stage.wire().as_ref()).await
    }
}

/// What is left open when the wire is quiet.
pub(super) async fn left_open(
    witness: &Witness,
    wire: Option<&Wire>,
) -> Result<Vec<String>, Error> {
    let connections = wire.map_or(0, |wire| wire.connections().len());
    let mut left_open = witness.left_open(connections).await?;
    let Some(wire) = wire else {
        // Another thread does it, which the runtime does not see.
        let mut ask = interval(ASK_EVERY);
        let began = Instant::now();
        while began.elapsed() < CLEAN_UP_MAX && !left_open.is_empty() {
            ask.tick().await;
            left_open = witness.left_open(connections).await?;
        }
        return Ok(left_open);
    };
    // Who has not been answered, as in the middle of a COPY, has been announced nothing.
    if wire.unanswered() == 0 && is_announced(wire) != is_witnessed(&left_open) {
        return Err(Error::Disagreement { left_open, connections: wire.connections() });
    }
    Ok(left_open)
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

/// Lets the network go on as a cut says.
pub(super) fn go_on(wire: Option<&Wire>, cut: &Cut) {
    wire.iter().for_each(|wire| match cut.then {
        Then::Release => wire.release(),
        Then::Reset => wire.reset(),
    });
}

/// Runs a future until the cut and leaves it there; says whether it came there, which where there is
/// no wire it need not.
pub(super) async fn leave_at<S: Scene>(
    stage: &Stage<S>,
    cut: &Cut,
    mut act: LocalBoxFuture<'static, contract::Result<()>>,
    leaving: Leaving,
) -> Result<bool, Error> {
    match (&cut.at, stage.wire()) {
        (At::Wire { place, event, .. }, Some(wire)) => {
            hold_at(stage, &wire, *place, &mut act).await;
            met(cut, event, &wire)?;
        }
        (At::Poll(polls), _) => match cut_after(&mut act, *polls).await {
            poll::Cut::Finished(result) => return Ok(result.map(|()| false)?),
            poll::Cut::Dropped => {}
        },
        (At::Wire { .. }, None) => return Err(missed(cut, "there is no wire")),
    }
    let has_left = leaving.leave(act).await;
    stage.wire().iter().for_each(Wire::leave);
    Ok(has_left)
}

/// Runs a future until the conversation is held at a place.
pub(super) async fn hold_at<S: Scene>(
    stage: &Stage<S>,
    wire: &Wire,
    place: Place,
    act: &mut LocalBoxFuture<'static, contract::Result<()>>,
) {
    wire.arm(place);
    tokio::select! {
        biased;
        () = wire.held() => {}
        // It ended without the place: whoever looks what was met finds nothing.
        _ = &mut *act => return,
    }
    // What lies unread must not be read: there the future is not polled again.
    if !matches!(place, Place::Unread(_)) {
        settle_beside(stage, act).await;
    }
}

/// Checks that what was met at a cut is what the uncut run had there.
pub(super) fn met(cut: &Cut, event: &str, wire: &Wire) -> Result<(), Error> {
    match wire.reached() {
        Some(reached) if reached.event.name == event => Ok(()),
        Some(reached) => Err(missed(cut, &reached.event.name)),
        None => Err(missed(cut, "nothing")),
    }
}

pub(super) fn missed(cut: &Cut, found: &str) -> Error {
    Error::Missed { cut: cut.name.clone(), found: found.to_owned() }
}

pub(super) fn visit(
    cut: &str,
    mut found: Vec<Finding>,
    mildest: Class,
    evidence: Evidence,
) -> Visit {
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
        connections: 0,
    }
}

/// What a cut did that changed nothing.
fn reused(same_connections: bool) -> Class {
    if same_connections { Class::Clean } else { Class::Discarded }
}

/// What is wrong with connections that nobody has any more.
pub(super) fn unclosed(connections: usize) -> Option<Finding> {
    (connections != 0).then(|| (Class::Open, format!("connections are left: {connections}")))
}

pub(super) fn opened(left_open: &[String]) -> Vec<Finding> {
    left_open.iter().map(|what| (Class::Open, what.clone())).collect()
}

pub(super) fn conversation(wire: Option<&Wire>) -> Vec<Event> {
    wire.map(|wire| wire.trace().events().to_vec()).unwrap_or_default()
}

/// The connections that are open, by number.
fn lines(wire: Option<&Wire>) -> Vec<u32> {
    let connections = wire.map(Wire::connections).unwrap_or_default();
    connections.into_iter().map(|connection| connection.number).collect()
}
