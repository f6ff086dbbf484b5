//! The gate: what all connections share, and the one place that decides to hold.
//!
//! Every message is noted here before it is passed on. The gate numbers it, says whether it is the
//! armed place, and, while a place is held, shuts for every connection. A connection that finds it
//! shut leaves its waker and is woken when it opens.
//!
//! It is a lock that is never held across a wait, so that a panic elsewhere leaves it whole.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::sync::Notify;

use super::{
    Error, Event, Part, Phase, Place, Side, Status, Trace,
    flow::Stop,
    framing::{Message, Role, Standing},
    search::Search,
};

/// How many places were passed since the last mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Batches that clients have sent.
    pub batches: u64,
    /// Messages that servers have sent, without those that may come at any time.
    pub messages: u64,
}

/// A place that the conversation has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reached {
    /// The place.
    pub place: Place,
    /// The message there; for [`Place::Sent`] the one that ends the batch.
    pub event: Event,
}

/// An open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Its number, in the order in which they were opened.
    pub number: u32,
    /// How far it has come.
    pub phase: Phase,
    /// The transaction's state as last announced.
    pub status: Option<Status>,
    /// Requests that the server has not answered in full.
    pub unanswered: usize,
    /// The bytes of the server that were passed on to the client.
    pub delivered: u64,
}

/// Whether a connection may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Open,
    Shut,
    Reset,
}

/// What is noted of a message beside its content.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) status: Option<Status>,
    /// The length of its header.
    pub(super) header: usize,
    pub(super) early: bool,
    pub(super) refusable: bool,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    shut: Notify,
    /// What is looked for in what clients send.
    pub(super) search: Search,
}

#[derive(Debug, Default)]
struct State {
    trace: Trace,
    /// Goes up with every mark, so that what began before it can be told.
    epoch: u64,
    armed: Option<Place>,
    /// The epoch of a stop that was met and has not taken hold yet.
    met: Option<u64>,
    count: Count,
    /// The connection that is held.
    held: Option<u32>,
    reached: Option<Reached>,
    opened: u32,
    lines: BTreeMap<u32, Line>,
    moves: u64,
    /// How often a caller has left.
    left: u64,
    forwarded: u64,
    failures: Vec<Arc<Error>>,
}

/// What the gate keeps of a connection.
#[derive(Debug)]
struct Line {
    standing: Standing,
    /// Whether the server will say or do something without the client.
    busy: bool,
    reset: bool,
    /// The bytes that were written to the client.
    delivered: u64,
    /// Whether what is held is to be refused.
    refuse: bool,
    waker: Option<Waker>,
}

impl Line {
    fn new(standing: Standing) -> Self {
        Self { standing, busy: true, reset: false, delivered: 0, refuse: false, waker: None }
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection and returns its number.
    pub(super) fn enter(&self) -> u32 {
        let mut state = self.state();
        state.opened += 1;
        state.moves += 1;
        let (number, phase) = (state.opened, Phase::StartUp);
        let standing = Standing { phase, status: None, unanswered: 0, owes: false };
        state.lines.insert(number, Line::new(standing));
        number
    }

    /// Closes a connection. A hold on it ends with it.
    pub(super) fn leave(&self, connection: u32) {
        let mut state = self.state();
        state.moves += 1;
        state.lines.remove(&connection);
        if state.held == Some(connection) {
            state.held = None;
            wake(state);
        }
    }

    /// Says whether a connection may go on; where it may not, `waker` is woken when it may.
    pub(super) fn turn(&self, connection: u32, waker: &Waker) -> Turn {
        let state = &mut *self.state();
        let Some(line) = state.lines.get_mut(&connection) else { return Turn::Reset };
        if line.reset {
            return Turn::Reset;
        }
        match &mut line.waker {
            Some(known) => known.clone_from(waker),
            None => line.waker = Some(waker.clone()),
        }
        if state.held.is_some() { Turn::Shut } else { Turn::Open }
    }

    /// Notes a message, and returns the stop where it is the armed place.
    ///
    /// `begun` is the epoch in which the client's batch began: one that began before the mark was
    /// passed on in part, so it is no place.
    pub(super) fn note(
        &self,
        (connection, from, phase): (u32, Side, Phase),
        message: Message,
        Said { status, header, early, refusable }: Said,
        begun: u64,
    ) -> Option<Stop> {
        let state = &mut *self.state();
        let number = match message.role {
            Role::End if begun == state.epoch => {
                state.count.batches += 1;
                Some(state.count.batches)
            }
            Role::Answer => {
                state.count.messages += 1;
                Some(state.count.messages)
            }
            Role::End | Role::Part | Role::Aside => None,
        };
        let Message { name, detail, length, .. } = message;
        let parts = match from {
            Side::Client => Vec::new(),
            Side::Server => {
                let is_split = |part: &Part| part.split(header, length).is_some();
                Part::ALL.into_iter().filter(is_split).collect()
            }
        };
        let event = Event {
            connection,
            from,
            phase,
            name,
            detail,
            status,
            number,
            parts,
            refusable,
            early,
        };
        let met = state.armed.filter(|place| number.is_some_and(|n| place.is_at(from, n)));
        let stop = met.map(|place| {
            state.armed = None;
            state.met = Some(state.epoch);
            let before = match place {
                Place::Held(_) => 0,
                // A message that is too short for it comes whole.
                Place::Split(_, part) => part.split(header, length).unwrap_or(length),
                Place::Sent(_) | Place::Unread(_) => length,
            };
            let reached = Reached { place, event: event.clone() };
            Stop { reached, epoch: state.epoch, before }
        });
        state.trace.events.push(event);
        stop
    }

    /// Shuts the gate at a stop, unless it was disarmed since it was met.
    pub(super) fn hold(&self, stop: Stop) {
        let mut state = self.state();
        if state.met == Some(stop.epoch) {
            state.met = None;
            state.held = Some(stop.reached.event.connection);
            state.reached = Some(stop.reached);
            drop(state);
            self.shut.notify_waiters();
        }
    }

    /// The epoch, and whether a batch that is not whole is kept back in it.
    pub(super) fn epoch(&self) -> (u64, bool) {
        let state = self.state();
        (state.epoch, matches!(state.armed, Some(Place::Sent(_))))
    }

    /// Notes that bytes were read or written, and how many of whom were written.
    pub(super) fn moved(&self, connection: u32, (from, written): (Side, usize)) {
        let state = &mut *self.state();
        state.moves += 1;
        state.forwarded += written as u64;
        if let (Side::Server, Some(line)) = (from, state.lines.get_mut(&connection)) {
            line.delivered += written as u64;
        }
    }

    /// Notes where a connection stands, and whether its server will go on without the client.
    pub(super) fn settle(&self, connection: u32, standing: Standing, busy: bool) {
        if let Some(line) = self.state().lines.get_mut(&connection) {
            line.standing = standing;
            line.busy = busy;
        }
    }

    pub(super) fn fail(&self, error: Error) {
        self.state().failures.push(Arc::new(error));
    }

    /// Counts from here, and arms a place or none. A hold ends.
    pub(super) fn mark(&self, place: Option<Place>) {
        let mut state = self.state();
        state.epoch += 1;
        state.armed = place;
        state.met = None;
        state.count = Count::default();
        state.held = None;
        state.reached = None;
        state.trace.events.clear();
        wake(state);
    }

    /// Arms another place; the counts go on, and so does a hold.
    pub(super) fn arm_next(&self, place: Place) {
        self.state().armed = Some(place);
    }

    /// Forgets the armed place, met or not; the counts go on.
    pub(super) fn disarm(&self) {
        let mut state = self.state();
        state.armed = None;
        state.met = None;
        wake(state);
    }

    /// Notes that the caller has left: what clients have sent by now, they sent before.
    pub(super) fn leave_caller(&self) {
        let mut state = self.state();
        state.left += 1;
        wake(state);
    }

    /// How often a caller has left.
    pub(super) fn left(&self) -> u64 {
        self.state().left
    }

    /// Makes the held message an error, when the gate opens.
    pub(super) fn refuse(&self) {
        let state = &mut *self.state();
        if let Some(line) = state.held.and_then(|held| state.lines.get_mut(&held)) {
            line.refuse = true;
        }
    }

    /// Whether the message that a connection was held at is to be refused; once.
    pub(super) fn take_refusal(&self, connection: u32) -> bool {
        let mut state = self.state();
        state.lines.get_mut(&connection).is_some_and(|line| mem::take(&mut line.refuse))
    }

    /// Opens the gate; with `reset` the held connection is broken first.
    pub(super) fn open(&self, reset: bool) {
        let mut state = self.state();
        if let Some(connection) = state.held.take()
            && let Some(line) = state.lines.get_mut(&connection)
        {
            line.reset = reset;
        }
        wake(state);
    }

    /// Waits until the gate is shut.
    pub(super) async fn held(&self) {
        loop {
            let shut = self.shut.notified();
            if self.is_held() {
                return;
            }
            shut.await;
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.state().held.is_some()
    }

    pub(super) fn reached(&self) -> Option<Reached> {
        self.state().reached.clone()
    }

    pub(super) fn count(&self) -> Count {
        self.state().count
    }

    pub(super) fn trace(&self) -> Trace {
        self.state().trace.clone()
    }

    pub(super) fn forwarded(&self) -> u64 {
        self.state().forwarded
    }

    pub(super) fn failures(&self) -> Vec<Arc<Error>> {
        self.state().failures.clone()
    }

    pub(super) fn connections(&self) -> Vec<Connection> {
        let state = self.state();
        let view = |(number, line): (&u32, &Line)| {
            let Standing { phase, status, unanswered, .. } = line.standing;
            Connection { number: *number, phase, status, unanswered, delivered: line.delivered }
        };
        state.lines.iter().map(view).collect()
    }

    /// How often anything moved, and whether nothing will without the clients.
    pub(super) fn activity(&self) -> (u64, bool) {
        let state = self.state();
        let settled = state.held.is_some() || !state.lines.values().any(|line| line.busy);
        (state.moves, settled)
    }
}

/// Wakes every connection, after the lock is given back.
fn wake(mut state: MutexGuard<'_, State>) {
    let wakers: Vec<_> =
        state.lines.values_mut().filter_map(|line| mem::take(&mut line.waker)).collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}
