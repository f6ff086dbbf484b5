//! Quiet: the condition that a runtime of one thread has nothing left to do, without a timer.
//!
//! When such a runtime is about to park, every task has run until it waits for something outside:
//! a socket, a timer, another thread. What may still be on its way is bytes between two sockets of
//! this process. So the runtime is made to look for events and to run what they wake, instead of
//! parking, and this turn is repeated:
//!
//! 1. the proxy writes to a client's socket, which is the last thing it did
//! 2. a turn: the client's task sees it and writes a request to the proxy's socket
//! 3. a turn: the proxy's task sees that, and this moves its [`Activity`]
//!
//! So it is quiet when the runtime is about to park and, for more turns than this chain has, nothing
//! moved and the activity was settled: no server owes anything, or the wire is held. While a server
//! owes, the runtime parks as usual: the answer wakes it.
//!
//! Not seen: other threads (`spawn_blocking`, host names that are looked up, a witness), timers that
//! have not fired, and events of another process, except a server's while it owes an answer. On
//! Linux before 6.4, which may deliver on loopback later when the machine is busy, a byte between two
//! sockets of this process can be missed. Whoever concludes from quiet that something can never
//! happen confirms it by a long wait.

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// How many turns must pass with nothing moved: the two of the chain, and one for a client whose
/// tasks talk to each other through a socket or a pipe of their own.
const TURNS: u32 = 3;

/// What else than the runtime's tasks has to come to rest.
pub trait Activity: Send + Sync {
    /// A number that changes whenever anything moved, and whether nothing more is expected.
    ///
    /// It is asked on the runtime's thread, often, so it is cheap and does not wait.
    fn activity(&self) -> (u64, bool);
}

/// Nothing else.
impl Activity for () {
    fn activity(&self) -> (u64, bool) {
        (0, true)
    }
}

/// Waits for a [`Runtime`](super::Runtime) to be quiet; cheap to clone.
#[derive(Clone, Default)]
pub struct Quiet(Arc<Mutex<Parking>>);

#[derive(Default)]
struct Parking {
    parks: u64,
    waiters: BTreeMap<u64, Waiter>,
    waiters_made: u64,
}

struct Waiter {
    activity: Arc<dyn Activity>,
    moves: u64,
    turns: u32,
    waker: Waker,
}

impl Quiet {
    /// Waits until the runtime and `activity` are quiet.
    ///
    /// To be awaited on the runtime that the handle comes from; elsewhere it waits for that one. Its
    /// turns poll the task that waits, so futures joined with it are polled more often than they
    /// were woken.
    ///
    /// # Cancel safety
    ///
    /// Safe: a later wait begins anew.
    pub fn wait<A: Activity + 'static>(
        &self,
        activity: A,
    ) -> impl Future<Output = ()> + Send + use<A> {
        let mut waiting = Waiting { quiet: self.clone(), activity: Arc::new(activity), id: None };
        poll_fn(move |cx| waiting.poll(cx))
    }

    /// How often the runtime was about to park.
    #[must_use]
    pub fn parks(&self) -> u64 {
        self.parking().parks
    }

    /// Notes that the runtime is about to park, and asks for another turn where one is needed.
    pub(super) fn park(&self) {
        let mut parking = self.parking();
        parking.parks += 1;
        let mut woken = Vec::new();
        parking.waiters.retain(|_, waiter| {
            let (wake, quiet) = waiter.park();
            woken.extend(wake.then(|| waiter.waker.clone()));
            !quiet
        });
        drop(parking);
        // A waker may run foreign code, so the lock is given back first.
        woken.into_iter().for_each(Waker::wake);
    }

    fn parking(&self) -> MutexGuard<'_, Parking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Counts a turn; returns whether to wake the waiter, and whether it is quiet.
    fn park(&mut self) -> (bool, bool) {
        let (moves, settled) = self.activity.activity();
        if !settled {
            self.turns = 0;
            return (false, false);
        }
        let still = mem::replace(&mut self.moves, moves) == moves;
        self.turns = if still { self.turns + 1 } else { 0 };
        (true, TURNS < self.turns)
    }
}

/// A wait; when it is dropped, so is its waiter.
struct Waiting {
    quiet: Quiet,
    activity: Arc<dyn Activity>,
    id: Option<u64>,
}

impl Waiting {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut parking = self.quiet.parking();
        let Some(id) = self.id else {
            parking.waiters_made += 1;
            let (id, waker) = (parking.waiters_made, cx.waker().clone());
            let (activity, moves) = (Arc::clone(&self.activity), self.activity.activity().0);
            parking.waiters.insert(id, Waiter { activity, moves, turns: 0, waker });
            self.id = Some(id);
            return Poll::Pending;
        };
        match parking.waiters.get_mut(&id) {
            Some(waiter) => {
                waiter.waker.clone_from(cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.quiet.parking().waiters.remove(&id);
        }
    }
}

impl fmt::Debug for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parking = self.parking();
        f.debug_struct("Quiet")
            .field("parks", &parking.parks)
            .field("waiters", &parking.waiters.len())
            .finish()
    }
}
