//! Leases that are dropped.

use std::{marker::PhantomData, sync::Arc};

use dropproof::{contract::Pool, sweep::Operation, verdict::Level};

use crate::{Check, Fault};

/// The checks of leases.
pub(super) struct Lease<P>(PhantomData<P>);

impl<P: Pool> Lease<P> {
    pub(super) const CHECKS: &'static [Check<P>] = &[Check {
        id: "drop-guard/dropped-lease-keeps-the-pool-whole",
        level: Level::Must,
        requirement: "A lease that is dropped at any place MUST leave the pool able to lend \
                its full number of sessions.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "A pool that counts a slot as taken before the connection is there must \
                give it back in a guard's drop, and not in the code after the await.",
        catches: &[(Fault::LosesPlace, "stuck at")],
        run: |cell| cell.sweep(lease()),
    }];
}

/// Leases a session while another is lent, so that the pool has to open a connection, which is there
/// the next time.
fn lease<P: Pool>() -> Operation<P> {
    let second = |pool: Arc<P>, first| async move {
        let second = pool.session().await;
        drop(first);
        second.map(drop)
    };
    Operation::new(second).with_sessions(2).on_fresh_pools()
}
