//! Many scopes on a small pool.

use dropproof::{
    contract::{
        BoxedPool, Class, Ending, Gate, Op, Pool, Result as LayerResult, Script, Session,
        Statement, Statements, Step, Value,
    },
    poll::{Cut, cut_after},
    verdict::{Error, Level, Verdict},
};
use futures::future::{Either, select, try_join_all};
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

use super::create;
use crate::{Cell, Check, Fault, Judged, Subject, cell::SESSIONS_MAX};

/// So many futures are dropped,
const DROPS: u32 = 200;
/// of at most so many that are begun: some end before they are dropped.
const BEGUN_MAX: u32 = 20 * DROPS;
/// after up to so many polls.
const POLLS_MAX: u32 = 12;
/// So many scopes are left, a third of them in each way.
const SCOPES: usize = 30;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/pool-is-whole-after-a-storm-of-drops",
        level: Level::Must,
        requirement: "After 200 operations that are dropped at random the pool MUST lend its \
            full number of sessions, each of which MUST get its own answers, over no more \
            connections than that.",
        claims: &["guard-cancel-mid-query", "guard-finally-no-leak"],
        needs: &[],
        since: "0.1.0",
        background: "A slot that is lost once in a hundred drops is not seen in a test that \
            drops once, and ends a service after a day. The sweeps drop at each place; here \
            what one drop leaves meets the next one.",
        catches: &[(Fault::LeaksOneInTen, "does not lend")],
        run: pool_is_whole_after_a_storm_of_drops,
    },
    Check {
        id: "drop-guard/scopes-keep-or-close-their-connections",
        level: Level::Must,
        requirement: "After 30 scopes on a small pool, left by a commit, by an error and by a \
            drop, the committed work MUST be there and nothing else, no transaction MUST be \
            open, and there MUST be no more connections than the pool may have.",
        claims: &["guard-finally-no-leak", "guard-open-close-principle"],
        needs: &[],
        since: "0.1.0",
        background: "What is opened by a scope is closed or kept by its end, whichever way it \
            is left: a guard's drop, which every way comes through. A connection that is \
            taken out of the pool because it is in doubt has to be closed too.",
        catches: &[(Fault::LeaksSession, "are not lent"), (Fault::CommitsEarly, "rows")],
        run: |cell| cell.play(scopes_keep_or_close_their_connections),
    },
];

fn pool_is_whole_after_a_storm_of_drops(cell: &Cell) -> Result<Judged, Error> {
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &cell.seed_bytes());
    cell.play(async move |subject| {
        let mut dropped = 0;
        for _ in 0..BEGUN_MAX {
            let polls = 1 + random.next_u32() % POLLS_MAX;
            let work = cut_after(at_random(&subject.pool, random.next_u32()), polls);
            match subject.unless_stuck(work).await {
                Some(Cut::Dropped) => dropped += 1,
                Some(Cut::Finished(result)) => result?,
                None => return Ok(not_whole()),
            }
            if dropped == DROPS {
                return is_whole(subject).await;
            }
        }
        Err(Error::Vacuous { why: format!("only {dropped} operations could be dropped") })
    })
}

/// Something that a caller does.
async fn at_random(pool: &BoxedPool, random: u32) -> LayerResult<()> {
    let mut session = pool.session().await?;
    let (steps, ending) = match random % 8 {
        0 => return Ok(()),
        1 => return session.run(&Op::Tasks).await.map(drop),
        // No two of these are equal, so each is prepared.
        6 | 7 => {
            let sql = format!("SELECT id, title FROM tasks WHERE id = ? AND id <> {random}");
            let statement = Statement::new(sql, [Value::Int(1)]);
            return session.run(&Op::Fetch(statement)).await.map(drop);
        }
        2 => {
            let title = Some("planted".to_owned());
            return session.run(&Op::CreateTask { title }).await.map(drop);
        }
        3 => (vec![create(), create()], Ending::Commit),
        4 => (vec![create()], Ending::Rollback),
        _ => (vec![create()], Ending::Leave),
    };
    session.transact(Script::new(steps, ending).0).await
}

fn not_whole() -> Verdict {
    Verdict::violated(format!("the pool does not lend its {SESSIONS_MAX} sessions any more"))
}

/// Lends all sessions at the same time, and asks each of them different questions.
async fn is_whole(subject: &Subject) -> Result<Verdict, Error> {
    subject.settle().await;
    let leases = try_join_all((0..SESSIONS_MAX).map(|_| subject.pool.session()));
    let Some(sessions) = subject.unless_stuck(leases).await else { return Ok(not_whole()) };
    for (mut session, asked) in sessions?.into_iter().zip(1..) {
        for asked in [10 * asked, 10 * asked + 1] {
            let question = Statement::echo(session.on().dialect(), asked);
            let rows = session.run(&Op::Fetch(question)).await?.rows()?;
            if rows != [[Value::Int(asked)]] {
                return Ok(Verdict::violated(format!(
                    "after {DROPS} drops a session that is asked for {asked} is answered by {rows:?}"
                )));
            }
        }
    }
    Ok(too_many_connections(subject).unwrap_or(Verdict::Upheld))
}

fn too_many_connections(subject: &Subject) -> Option<Verdict> {
    let connections = subject.connections().filter(|open| (SESSIONS_MAX as usize) < *open)?;
    Some(Verdict::violated(format!(
        "{connections} connections are open where the pool may have {SESSIONS_MAX}"
    )))
}

async fn scopes_keep_or_close_their_connections(subject: &Subject) -> Result<Verdict, Error> {
    for number in 0..SCOPES {
        let Some(left) = subject.unless_stuck(leave_scope(&subject.pool, number)).await else {
            return Ok(Verdict::violated(format!("after {number} scopes sessions are not lent")));
        };
        left?;
    }
    // Each connection answers before it is lent, so what a dropped scope has queued is done by then.
    let leases = try_join_all((0..SESSIONS_MAX).map(|_| subject.pool.session()));
    let Some(lent) = subject.unless_stuck(leases).await else { return Ok(not_whole()) };
    drop(lent?);
    subject.settle().await;

    if let Some(verdict) = too_many_connections(subject) {
        return Ok(verdict);
    }
    let (rows, open) = (subject.rows("tasks").await?, subject.open_transactions().await?);
    Ok(match (rows == SCOPES / 3, open) {
        (true, 0) => Verdict::Upheld,
        (true, open) => Verdict::violated(format!("{open} transactions are open")),
        (false, _) => {
            Verdict::violated(format!("{rows} rows are there, and {} were committed", SCOPES / 3))
        }
    })
}

/// Leaves a scope by a commit, by an error, or by a drop in the middle.
async fn leave_scope(pool: &BoxedPool, number: usize) -> LayerResult<()> {
    let mut session = pool.session().await?;
    match number % 3 {
        0 => session.transact(Script::new([create()], Ending::Commit).0).await,
        1 => {
            let steps = [create(), Step::Run(Op::Mark(-1))];
            match session.transact(Script::new(steps, Ending::Commit).0).await {
                Err(error) if error.class() == Class::Constraint => Ok(()),
                ended => ended,
            }
        }
        _ => {
            let gate = Gate::default();
            let steps = [create(), Step::Hold(gate.clone())];
            let playing = Box::pin(session.transact(Script::new(steps, Ending::Commit).0));
            match select(Box::pin(gate.reached()), playing).await {
                Either::Left(((), playing)) => {
                    drop(playing);
                    Ok(())
                }
                Either::Right((ended, _)) => ended,
            }
        }
    }
}
