//! Every way in which a layer begins a transaction, and savepoints inside of one.

use dropproof::{
    contract::{Capability, Ending, Op, Pool, Script, Session, Step},
    sweep::Operation,
    verdict::{Error, Level, Verdict},
};
use futures::future::try_join_all;

use super::create;
use crate::{
    Cell, Check, Fault, Judged, Subject,
    cell::{Named, SESSIONS_MAX},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/every-way-to-begin-is-all-or-nothing",
        level: Level::Must,
        requirement: "A transaction that is begun in any of the ways that a layer has, and \
            dropped at any place, MUST leave all of its work or none, and no transaction.",
        claims: &["guard-cancel-mid-query", "guard-cancel-during-close"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A guard that was mended in one way to begin is not in the others: a \
            builder sends its own BEGIN, a closure has no guard that its user could see, and \
            what sets isolation first has more places to be dropped at. Let all of them share \
            the one guard, made before the first byte is sent.",
        catches: &[(Fault::OtherEntryByHand, "poisoned at"), (Fault::CommitsEarly, "torn at")],
        run: every_way_to_begin_is_all_or_nothing,
    },
    Check {
        id: "drop-guard/every-way-to-begin-rolls-back",
        level: Level::Must,
        requirement: "A rollback that is dropped at any place MUST leave no row and no \
            transaction, whichever way its transaction was begun in.",
        claims: &["guard-cancel-during-close", "guard-uncommitted-rolled-back"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A closure that fails is rolled back by the library, in a code path of its \
            own that awaits the server: when that is dropped, only the guard inside is left.",
        catches: &[(Fault::OtherEntryByHand, "poisoned at"), (Fault::CommitsEarly, "torn at")],
        run: every_way_to_begin_rolls_back,
    },
    Check {
        id: "drop-guard/transaction-of-the-pool-is-all-or-nothing",
        level: Level::Must,
        requirement: "A transaction that is begun on the pool, by a call that leases its session \
            by the way, and dropped at any place, MUST leave all of its work or none, no \
            transaction and the pool whole.",
        claims: &["guard-cancel-mid-query", "guard-uncommitted-rolled-back"],
        needs: &[Capability::DroppedGuard, Capability::PoolTransactions],
        since: "0.1.0",
        background: "Lease and begin are one future here, and between them nobody outside has \
            the session: what owns it has to roll back and to give it back. It is the call that \
            manuals show first, and often has a code path of its own.",
        catches: &[(Fault::OtherEntryByHand, "poisoned at"), (Fault::CommitsEarly, "torn at")],
        run: transaction_of_the_pool_is_all_or_nothing,
    },
    Check {
        id: "drop-guard/second-rollback-does-no-harm",
        level: Level::Must,
        requirement: "A transaction that was rolled back by a statement, and then once more by \
            its guard, MUST leave its session able to begin and commit the next one.",
        claims: &["guard-uncommitted-rolled-back"],
        needs: &[],
        since: "0.1.0",
        background: "A server may have rolled back before the guard does: by a statement, by \
            ON CONFLICT ROLLBACK, after a full disk. What the guard sends then meets no \
            transaction: Postgres warns, MySQL says nothing, SQLite refuses. A guard that \
            counts its level down only where the server agrees leaves a connection that \
            refuses every transaction, in the pool.",
        catches: &[
            (Fault::CommitsEarly, "4 rows are there"),
            (Fault::RollbackNotCounted, "the next transaction fails"),
        ],
        run: second_rollback_does_no_harm,
    },
    Check {
        id: "drop-guard/dropped-savepoint-is-undone-alone-or-with-its-transaction",
        level: Level::Must,
        requirement: "What was done since a savepoint that is dropped or rolled back MUST be \
            undone, and a cut at any place MUST leave all of the transaction or none of it.",
        claims: &["guard-uncommitted-rolled-back", "guard-cancel-mid-query"],
        needs: &[Capability::Savepoints, Capability::DroppedGuard],
        since: "0.1.0",
        background: "Levels are counted in the client. One that is counted before the server \
            has made the savepoint rolls back to what is not there, one that is counted after \
            it leaves the savepoint standing; and the clean-up of the inner level must not be \
            taken for that of the outer one.",
        catches: &[
            (Fault::SavepointIgnored, "torn at inner left: uncut"),
            (Fault::CommitsEarly, "torn at"),
        ],
        run: |cell| cell.sweep_each(savepoints()),
    },
];

fn every_way_to_begin_is_all_or_nothing(cell: &Cell) -> Result<Judged, Error> {
    let operation = |(entry, name): (usize, &str)| {
        let script = || Script::new([create(), create()], Ending::Commit).0;
        (name.to_owned(), entered(entry, script).changing())
    };
    cell.sweep_each(cell.entries().map(operation).collect())
}

fn every_way_to_begin_rolls_back(cell: &Cell) -> Result<Judged, Error> {
    let operation = |(entry, name): (usize, &str)| {
        (name.to_owned(), entered(entry, || Script::new([create()], Ending::Rollback).0))
    };
    cell.sweep_each(cell.entries().map(operation).collect())
}

fn transaction_of_the_pool_is_all_or_nothing(cell: &Cell) -> Result<Judged, Error> {
    let mut operations = Named::new();
    for (entry, name) in cell.pool_entries() {
        let commit = || Script::new([create(), create()], Ending::Commit).0;
        let rollback = || Script::new([create()], Ending::Rollback).0;
        operations.push((format!("{name}, committed"), of_pool(entry, commit).changing()));
        operations.push((format!("{name}, rolled back"), of_pool(entry, rollback)));
    }
    if operations.is_empty() {
        let why = "the layer names no call, and does not declare the lack".to_owned();
        return Err(Error::Vacuous { why });
    }
    cell.sweep_each(operations)
}

/// Plays a script in a transaction that is begun on the pool, whose session was just given back.
fn of_pool(entry: usize, script: fn() -> Script) -> Operation {
    Operation::new(move |pool, session| async move {
        drop(session);
        pool.transact_by(entry, script()).await
    })
}

/// Plays a script in a transaction that is begun in one of the layer's ways.
fn entered(entry: usize, script: fn() -> Script) -> Operation {
    Operation::new(move |_, mut session| async move { session.transact_by(entry, script()).await })
}

fn second_rollback_does_no_harm(cell: &Cell) -> Result<Judged, Error> {
    let mut broken = Vec::new();
    for (entry, name) in cell.entries() {
        let judged = cell.play(async |subject| rolled_back_twice(subject, entry).await)?;
        if let Verdict::Violated(violation) = judged.verdict {
            broken.push(format!("{name}: {}", violation.message));
        }
    }
    let verdict = match broken.is_empty() {
        true => Verdict::Upheld,
        false => Verdict::violated(broken.join("; ")),
    };
    Ok(verdict.into())
}

/// Rolls a transaction back by a statement, then by its guard, and begins another one.
async fn rolled_back_twice(subject: &Subject, entry: usize) -> Result<Verdict, Error> {
    let by_hand = Step::Run(Op::Text("ROLLBACK".into()));
    let (script, record) = Script::new([create(), by_hand], Ending::Rollback);
    let mut session = subject.pool.session().await?;
    match session.transact_by(entry, script).await {
        // Whether a rollback of nothing is an error is the server's affair.
        Err(_) if record.steps() != 0 => {}
        ended => ended?,
    }
    drop(session);
    // The session is one of these, whichever the pool lends first.
    let sessions = (0..SESSIONS_MAX).map(|_| subject.pool.session());
    let mut sessions = try_join_all(sessions).await?;
    for session in &mut sessions {
        let (next, _) = Script::new([create()], Ending::Commit);
        if let Err(error) = session.transact_by(entry, next).await {
            let class = error.class();
            let message = format!("the next transaction fails with class `{class}`");
            return Ok(Verdict::violated(message));
        }
    }

    let rows = subject.rows("tasks").await?;
    Ok(match rows == sessions.len() {
        true => Verdict::Upheld,
        false => Verdict::violated(format!(
            "{rows} rows are there where {} were committed",
            sessions.len()
        )),
    })
}

/// Savepoints that are left in each way, in transactions that stay or go.
fn savepoints() -> Named {
    let around = |inner: Ending, outer: Ending| {
        Operation::transact(move || {
            let (nested, _) = Script::new([create()], inner);
            Script::new([Step::Nested(nested)], outer).0
        })
    };
    vec![
        ("inner left".to_owned(), around(Ending::Leave, Ending::Commit)),
        ("inner rolled back".to_owned(), around(Ending::Rollback, Ending::Commit)),
        ("inner failed".to_owned(), around(Ending::Fail, Ending::Commit)),
        ("outer left".to_owned(), around(Ending::Commit, Ending::Leave)),
        ("both kept".to_owned(), around(Ending::Commit, Ending::Commit).changing()),
    ]
}
