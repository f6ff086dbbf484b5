//! Leases that are dropped, and those who wait for one.

use std::sync::Arc;

use dropproof::{
    contract::{
        BoxedPool, BoxedSession, Class, Error as LayerError, Op, Pool, Result as LayerResult,
        Session,
    },
    sweep::Operation,
    verdict::{Error, Level, Verdict},
};
use futures::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};

use crate::{Check, Fault, Subject, cell::SESSIONS_MAX};

/// So many wait for a session at the same time.
const WAITERS: usize = 3;

pub(super) const CHECKS: &[Check] = &[
    Check {
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
    },
    Check {
        id: "drop-guard/dropped-wait-for-a-session-keeps-the-pool-whole",
        level: Level::Must,
        requirement: "A lease that waits for a session to be given back, and is dropped at any \
            place while it gets it and works with it, MUST leave the pool able to lend its \
            full number of sessions, first to those who wait behind it.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "A connection that is tested before it is lent is nobody's for so long: \
            not idle any more, and not lent yet. A pool that pings it while the lease is \
            awaited has to own it by a guard that gives it back, or its slot is lost with \
            the future.",
        catches: &[(Fault::LeaksAsked, "stuck at")],
        run: |cell| cell.sweep(wait()),
    },
    Check {
        id: "drop-guard/dropped-waiter-leaves-its-turn-to-the-others",
        level: Level::Must,
        requirement: "Of several who wait for a session of a pool that has lent all, one that \
            is dropped, before or after a session is free, MUST leave its turn to the others.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "What is handed to a waiter in its absence goes with it: a permit that was \
            sent to the first of a queue, and a wake-up that was meant for whoever is first. \
            tokio's semaphore gives both on when a waiter is dropped; a queue of one's own \
            forgets it easily, and then everybody waits while a session is free.",
        catches: &[(Fault::ForgetsWaiter, "are not served")],
        run: |cell| cell.play(dropped_waiter_leaves_its_turn_to_the_others),
    },
];

/// Leases a session while another is lent, so that the pool has to open a connection, which is there
/// the next time.
fn lease() -> Operation {
    let second = |pool: Arc<BoxedPool>, first| async move {
        let second = pool.session().await;
        drop(first);
        second.map(drop)
    };
    Operation::new(second).with_sessions(2).on_fresh_pools()
}

/// Waits for the only session while it is lent, as the first of two, and works with it.
fn wait() -> Operation {
    Operation::new(|pool, lent| async move {
        let behind = Arc::clone(&pool);
        let behind = tokio::spawn(async move { behind.session().await.map(drop) });
        let mut waiter: BoxFuture<'_, LayerResult<BoxedSession>> = Box::pin(pool.session());
        // It stands in the queue before the session is given back.
        let early = (&mut waiter).now_or_never();
        drop(lent);
        let mut session = match early {
            Some(session) => session?,
            None => waiter.await?,
        };
        session.run(&Op::Tasks).await?;
        drop(session);
        behind.await.map_err(|panic| LayerError::new(Class::Other, panic))?
    })
    .in_company()
}

async fn dropped_waiter_leaves_its_turn_to_the_others(subject: &Subject) -> Result<Verdict, Error> {
    for gone in 0..WAITERS {
        for late in [false, true] {
            let lent = try_join_all((0..SESSIONS_MAX).map(|_| subject.pool.session())).await?;
            let mut waiters: Vec<BoxFuture<'_, _>> =
                (0..WAITERS).map(|_| subject.pool.session().boxed()).collect();
            if waiters.iter_mut().any(|waiter| waiter.now_or_never().is_some()) {
                return Ok(Verdict::violated(format!(
                    "the pool lends more than its {SESSIONS_MAX} sessions"
                )));
            }

            if !late {
                drop(waiters.remove(gone));
            }
            drop(lent);
            subject.settle().await;
            if late {
                drop(waiters.remove(gone));
            }

            let when = if late { "after" } else { "before" };
            let served = async {
                try_join_all(waiters).await?;
                try_join_all((0..SESSIONS_MAX).map(|_| subject.pool.session())).await
            };
            match subject.unless_stuck(served).await {
                Some(served) => drop(served?),
                None => {
                    return Ok(Verdict::violated(format!(
                        "waiter {} of {WAITERS} was dropped {when} the sessions were given back: \
                         the others are not served",
                        gone + 1
                    )));
                }
            }
        }
    }
    Ok(Verdict::Upheld)
}
