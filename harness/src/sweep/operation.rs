//! Operations: what is swept, as data.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use crate::contract::{PLANTED_PANIC, Pool, Result, Script, Session};

/// Something that a caller does with a layer and may drop on the way.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// What the caller does.
    pub act: Act,
    /// Whether the tables differ afterwards.
    pub changes: bool,
}

/// What a caller does.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Leases a session while another is lent, so that the pool has to open a connection.
    Lease,
    /// Plays a script in a transaction on a leased session, then gives the session back.
    Transact(fn() -> Script),
}

impl Act {
    /// How many sessions the pool lends at the most.
    pub(super) fn sessions_max(self) -> u32 {
        match self {
            Act::Lease => 2,
            Act::Transact(_) => 1,
        }
    }

    /// Whether the pool is as it was before, so that it can serve the next cut.
    pub(super) fn keeps_the_pool(self) -> bool {
        match self {
            // The connection that it opens is there the next time.
            Act::Lease => false,
            Act::Transact(_) => true,
        }
    }

    /// Does it, on the session that was leased before. A panic that the script planted is no error.
    pub(super) async fn run<P: Pool>(self, pool: &P, mut leased: P::Session) -> Result<()> {
        let work = async move {
            match self {
                Act::Lease => pool.session().await.map(drop),
                Act::Transact(script) => leased.transact(script()).await,
            }
        };
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result,
            Err(panic) if panic.downcast_ref() == Some(&PLANTED_PANIC) => Ok(()),
            Err(panic) => resume_unwind(panic),
        }
    }
}
