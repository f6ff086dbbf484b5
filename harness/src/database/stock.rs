//! A stock of ready databases on one server, kept by the owner of a run.
//!
//! Making a database takes longer than most checks. So a thread makes some ahead and drops what
//! comes back. How many are out at a time is limited by the connections that the server allows:
//! whoever asks for one more waits, and no parallel run exhausts the server.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use super::{Address, Owned};
use crate::witness::{Connection, Error};

/// So many are made ahead: a test process on each core may come at the same time.
const READY_MIN: usize = 2;
/// A test with a pool, a pool that replaces it, and a witness have no more connections than this.
const CONNECTIONS_PER_LEASE: usize = 16;

/// A stock of ready databases on one server.
///
/// Dropping the value ends its thread; databases that are still ready are left to
/// [`Prepared`](super::Prepared), which drops all that the run has made.
#[derive(Debug)]
pub struct Stock {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    address: Address,
    leases_max: usize,
    ready_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ready: Vec<String>,
    /// How many are wanted right now and are not there.
    awaited: usize,
    leased: usize,
    /// What came back.
    used: Vec<String>,
    /// The reason that no more can be made.
    broken: Option<Error>,
    closed: bool,
}

/// A database out of the stock, which goes back when the value is dropped.
#[derive(Debug)]
pub struct Leased {
    name: String,
    shared: Arc<Shared>,
}

impl Stock {
    /// Opens a stock on a prepared server, and begins to make databases.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer.
    pub fn open(address: Address) -> Result<Self, Error> {
        let mut admin = Connection::open_as(&address.url, &address.prefix)?;
        let leases_max = (admin.free_connections()? / CONNECTIONS_PER_LEASE).max(1);
        let ready_max = thread::available_parallelism()
            .map_or(READY_MIN, |cores| cores.get().clamp(READY_MIN, leases_max.max(READY_MIN)));
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { address, leases_max, ready_max, state, changed });
        let kept = Arc::clone(&shared);
        let keeper = thread::spawn(move || kept.keep(&mut admin));
        Ok(Self { shared, keeper: Some(keeper) })
    }

    /// Takes a ready database, waiting until there is one and the server has connections for it.
    ///
    /// # Errors
    ///
    /// Fails with what the server said where it makes no more.
    pub fn lease(&self) -> Result<Leased, String> {
        let shared = &self.shared;
        let mut state = shared.state();
        state.awaited += 1;
        shared.changed.notify_all();
        let mut state = shared
            .changed
            .wait_while(state, |state| {
                let free = state.leased < shared.leases_max && !state.ready.is_empty();
                !free && state.broken.is_none() && !state.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.awaited -= 1;
        if let Some(broken) = &state.broken {
            return Err(broken.to_string());
        }
        let name = state.ready.pop().filter(|_| !state.closed);
        let name = name.ok_or_else(|| "the run is over".to_owned())?;
        state.leased += 1;
        shared.changed.notify_all();
        Ok(Leased { name, shared: Arc::clone(shared) })
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
        if let Some(keeper) = self.keeper.take() {
            // Its panic has been reported by its hook.
            keeper.join().ok();
        }
    }
}

impl Leased {
    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.leased -= 1;
        state.used.push(mem::take(&mut self.name));
        self.shared.changed.notify_all();
    }
}

/// What the thread of a stock has to do next.
enum Task {
    Make,
    Drop(String),
    End,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes databases ahead and drops used ones, until the stock is closed.
    fn keep(&self, admin: &mut Connection) {
        loop {
            let done = match self.next() {
                Task::End => return,
                Task::Drop(name) => admin.drop_database(&name),
                Task::Make => Owned::make_by(admin, &self.address).map(|owned| {
                    self.state().ready.push(owned.keep());
                }),
            };
            if let Err(error) = done {
                self.state().broken = Some(error);
            }
            self.changed.notify_all();
        }
    }

    /// Waits for something to do; those who wait come first.
    fn next(&self) -> Task {
        let mut state = self
            .changed
            .wait_while(self.state(), |state| {
                let full = self.ready_max <= state.ready.len();
                !state.closed && (state.broken.is_some() || (full && state.used.is_empty()))
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Task::End;
        }
        if state.ready.len() < state.awaited {
            return Task::Make;
        }
        state.used.pop().map_or(Task::Make, Task::Drop)
    }
}
