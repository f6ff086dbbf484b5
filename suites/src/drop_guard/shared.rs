//! What outlives a statement or is shared by several: locks, subscriptions, and a connection with two
//! questions.

use std::{pin::pin, sync::Arc};

use dropproof::{
    contract::{
        Asked, BoxedPool, BoxedSession, Capability, Class, Ending, Error, Op, Pool, Result,
        Session, Statement, Statements,
    },
    sweep::Operation,
    verdict::Level,
};
use futures::{
    StreamExt,
    future::{Either, join, select},
};

use super::statements::own_or_written_down;
use crate::{Check, Fault, cell::Named};

/// The channel that is listened to, and what is said there.
const CHANNEL: &str = "planted";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/dropped-lock-is-given-up",
        level: Level::Must,
        requirement: "An advisory lock with a guard MUST be given up when the guard, or the \
            future that takes or releases it, is dropped at any place.",
        claims: &["guard-cancel-mid-query", "guard-finally-no-leak"],
        needs: &[Capability::AdvisoryLocks],
        since: "0.1.0",
        background: "The lock is the session's, so it stays when the connection goes back to \
            the pool. The guard has to be there before the lock is asked for, and to go only \
            when the server has answered that it is released: releasing awaits too.",
        catches: &[(Fault::LockByHand, "open at")],
        run: |cell| cell.sweep_each(locks()),
    },
    Check {
        id: "drop-guard/dropped-request-leaves-the-other-its-answer",
        level: Level::Must,
        requirement: "Of two requests in flight on one connection, one of which is dropped at \
            any place, the other MUST get its own answer.",
        claims: &["guard-cancel-mid-query"],
        needs: &[Capability::Multiplexed],
        since: "0.1.0",
        background: "Answers come in the order of the requests. The place of one that nobody \
            waits for any more has to be kept until its answer has come and was thrown away: \
            keep a queue of receivers, and let the answer of a dropped one find nobody.",
        catches: &[(Fault::AnswersCrossed, "torn at")],
        run: |cell| cell.sweep_each(in_flight()),
    },
    Check {
        id: "drop-guard/dropped-listener-is-unsubscribed",
        level: Level::Must,
        requirement: "A listener that has its connection from the pool, and is dropped at any \
            place while it subscribes or waits, MUST leave no session that is subscribed.",
        claims: &["guard-cancel-mid-query", "guard-finally-no-leak"],
        needs: &[Capability::Notifications],
        since: "0.1.0",
        background: "A subscription is the session's, so it stays when the connection goes back: \
            whoever borrows it next gets messages between its answers, for as long as the \
            connection lives. UNLISTEN has to be said by whoever gives it back, also where the \
            answer to LISTEN was not awaited; or the connection is closed.",
        catches: &[(Fault::ListensByHand, "poisoned at")],
        run: |cell| cell.sweep_each(listeners()),
    },
];

fn locks() -> Named {
    let lock = |ending: Ending| {
        Operation::new(move |_, mut session| async move { session.lock(7, ending).await })
    };
    vec![("released".to_owned(), lock(Ending::Commit)), ("left".to_owned(), lock(Ending::Leave))]
}

/// Listeners that hear something, and that wait in vain beside other work.
fn listeners() -> Named {
    let hears = |pool: Arc<BoxedPool>, mut session: BoxedSession| async move {
        let mut heard = pool.listen(CHANNEL).await?;
        let notify = Op::Text(format!("NOTIFY {CHANNEL}, '{CHANNEL}'").into());
        let (said, notified) = join(heard.next(), session.run(&notify)).await;
        notified?;
        match said.transpose()?.as_deref() {
            Some(CHANNEL) => Ok(()),
            said => Err(Error::new(Class::Data, format!("{said:?} was heard"))),
        }
    };
    let waits = |pool: Arc<BoxedPool>, mut session: BoxedSession| async move {
        let mut heard = pool.listen(CHANNEL).await?;
        // Not prepared: the two connections take turns, and each has a cache of its own.
        let work = Op::Text("SELECT 1".into());
        let work = session.run(&work);
        match select(heard.next(), pin!(work)).await {
            Either::Left((said, _)) => Err(Error::new(Class::Data, format!("{said:?} was heard"))),
            Either::Right((done, _)) => done.map(drop),
        }
    };
    vec![
        ("hears".to_owned(), Operation::new(hears).with_sessions(2)),
        ("waits".to_owned(), Operation::new(waits).with_sessions(2)),
    ]
}

/// Two questions at the same time, of which the first or the second can be dropped.
fn in_flight() -> Named {
    let operation = |dropped_is_first: bool| {
        Operation::new(move |pool, mut session| async move {
            let dialect = session.on().dialect();
            // Prepared before: two that are prepared at the same time are told apart by nothing.
            session.run(&Op::Fetch(Statement::echo(dialect, 0))).await?;
            let [dropped, other] =
                session.in_flight([1, 2].map(|number| Statement::echo(dialect, number)))?;
            let other = tokio::spawn(answered(Arc::clone(&pool), 2, other));
            if !dropped_is_first {
                tokio::task::yield_now().await;
            }
            answered(pool, 1, dropped).await?;
            other.await.map_err(|panic| Error::new(Class::Other, panic))?
        })
        .with_sessions(2)
        .on_fresh_pools()
        .in_company()
    };
    vec![
        ("first dropped".to_owned(), operation(true)),
        ("second dropped".to_owned(), operation(false)),
    ]
}

/// Waits for an answer. A wrong one is written down, so that it is found in the tables.
async fn answered(pool: Arc<BoxedPool>, asked: i64, question: Asked) -> Result<()> {
    let rows = question.await?;
    own_or_written_down(&pool, asked, Ok(rows)).await
}
