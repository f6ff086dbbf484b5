//! The faults of what the sessions of a pool have in common: whose turn it is, and rows that are
//! mixed up.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dropproof::contract::Row;
use tokio::sync::{oneshot, watch};

/// What the sessions of a pool have in common.
#[derive(Clone, Debug)]
pub(super) struct Common(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The row that a stream of any session has read last.
    last_row: Mutex<Option<Row>>,
    lending: Mutex<Lending>,
    /// The numbers of the sessions that are in a transaction.
    at_work: watch::Sender<BTreeSet<usize>>,
}

#[derive(Debug)]
struct Lending {
    free: u32,
    lent: usize,
    waiting: Vec<oneshot::Sender<Turn>>,
}

impl Common {
    pub(super) fn new(sessions_max: u32) -> Self {
        let lending = Lending { free: sessions_max, lent: 0, waiting: Vec::new() };
        let (last_row, at_work) = (Mutex::default(), watch::Sender::new(BTreeSet::new()));
        Self(Arc::new(Shared { last_row, lending: Mutex::new(lending), at_work }))
    }

    /// The number of the next session.
    pub(super) fn number(&self) -> usize {
        let mut lending = self.lending();
        lending.lent += 1;
        lending.lent
    }

    /// Gives another row for a row: the one that was read last, whichever session has read it.
    pub(super) fn crossed(&self, row: Row) -> Row {
        let mut last = self.0.last_row.lock().unwrap_or_else(PoisonError::into_inner);
        last.replace(row.clone()).unwrap_or(row)
    }

    /// Waits for a session, of which the last who waits gets the first.
    pub(super) async fn last_first(&self) -> Turn {
        let waiting = {
            let mut lending = self.lending();
            if 0 < lending.free {
                lending.free -= 1;
                return Turn(Some(self.clone()));
            }
            let (sender, waiting) = oneshot::channel();
            lending.waiting.push(sender);
            waiting
        };
        waiting.await.expect("who lends is there as long as its sessions")
    }

    /// Notes that a session is in a transaction, until it is dropped.
    pub(super) fn works(&self, number: usize) -> AtWork {
        self.0.at_work.send_if_modified(|at_work| at_work.insert(number));
        AtWork { common: self.clone(), number }
    }

    fn lending(&self) -> MutexGuard<'_, Lending> {
        self.0.lending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that its user may have; who is next gets it when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Common>);

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(common) = self.0.take() else { return };
        loop {
            let Some(next) = common.lending().waiting.pop() else { break };
            match next.send(Turn(Some(common.clone()))) {
                Ok(()) => return,
                // Who has gone does not take it, and nobody is to be told once more.
                Err(mut turn) => mem::forget(turn.0.take()),
            }
        }
        common.lending().free += 1;
    }
}

/// A session in a transaction.
#[derive(Debug)]
pub(super) struct AtWork {
    common: Common,
    number: usize,
}

impl AtWork {
    /// Waits until no session is in a transaction that was lent before this one.
    pub(super) async fn first(&self) {
        let mut at_work = self.common.0.at_work.subscribe();
        let is_first = |at_work: &BTreeSet<usize>| at_work.first() == Some(&self.number);
        at_work.wait_for(is_first).await.expect("the sender is held here");
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.common.0.at_work.send_if_modified(|at_work| at_work.remove(&self.number));
    }
}
