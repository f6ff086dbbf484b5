//! The end of a pool, dropped on the way.

use dropproof::{
    contract::{BoxedPool, BoxedSession, Ending, Pool, Script, Session},
    sweep::Closing,
    verdict::Level,
};

use super::create;
use crate::{Check, Fault, cell::SESSIONS_MAX};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "drop-guard/dropped-close-leaves-no-connection",
    level: Level::Must,
    requirement: "The close of a pool that is dropped at any place, or not at all, MUST leave no \
        row, no connection and nothing open on the server, and another pool MUST be sound.",
    claims: &["guard-cancel-during-close", "guard-open-close-principle"],
    needs: &[],
    since: "0.1.0",
    background: "A close takes the pool, so when it is dropped nobody is left to close what it \
        had not come to. Connections end with their last owner: a task that keeps one alive for \
        the sake of a farewell keeps it for ever when nobody waits for it.",
    catches: &[(Fault::CloseForgotten, "connections are left")],
    run: |cell| cell.sweep_closing(ends()),
}];

/// The end of a pool whose sessions are idle, and of one that still has to clear up.
fn ends() -> Vec<(String, Closing)> {
    let given_back = |pool: BoxedPool, lent| async move {
        drop(lent);
        pool.close().await
    };
    let transaction_left = |pool: BoxedPool, mut lent: Vec<BoxedSession>| async move {
        if let Some(session) = lent.first_mut() {
            session.transact(Script::new([create()], Ending::Leave).0).await?;
        }
        drop(lent);
        pool.close().await
    };
    vec![
        ("idle".to_owned(), Closing::new(SESSIONS_MAX, given_back).of_idle_sessions()),
        ("given back".to_owned(), Closing::new(SESSIONS_MAX, given_back)),
        ("transaction left".to_owned(), Closing::new(SESSIONS_MAX, transaction_left)),
    ]
}
