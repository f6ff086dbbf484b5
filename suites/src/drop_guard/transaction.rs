//! Transactions, dropped at each of their parts.

use dropproof::{
    contract::{Capability, Ending, Script, Step},
    sweep::Operation,
    verdict::Level,
};

use super::create;
use crate::{Check, Fault};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/dropped-begin-leaves-nothing-open",
        level: Level::Must,
        requirement: "A begin that is dropped at any place MUST leave no transaction open, and \
            MUST NOT make the next borrower's work part of one.",
        claims: &["guard-cancel-mid-query", "guard-uncommitted-rolled-back"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A guard that is made when the answer to BEGIN has come guards nothing \
            while it is awaited: the server has begun, and nobody rolls back. The next \
            borrower writes into a transaction that nobody commits. Make the guard first, or \
            close a connection that was dropped with a request in flight.",
        catches: &[(Fault::BeginsByHand, "poisoned at")],
        run: |cell| cell.sweep(Operation::transact(begin)),
    },
    Check {
        id: "drop-guard/dropped-insert-leaves-nothing",
        level: Level::Must,
        requirement: "An insert in a transaction that is dropped at any place MUST leave no \
            row and no transaction, and the next borrower MUST get its own answers.",
        claims: &["guard-cancel-mid-query", "guard-uncommitted-rolled-back"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "An answer that nobody has read is still in the socket. A client that \
            does not count what it is owed gives it to whoever asks next.",
        catches: &[
            (Fault::BeginsByHand, "poisoned at"),
            (Fault::AbandonsDirty, "open at"),
            (Fault::AnswersLate, "desynced at"),
            (Fault::LeavesState, "when fresh"),
        ],
        run: |cell| cell.sweep(Operation::transact(insert)),
    },
    Check {
        id: "drop-guard/dropped-commit-is-all-or-nothing",
        level: Level::Must,
        requirement: "Two inserts and their commit that are dropped at any place MUST leave \
            both rows or none, and no transaction.",
        claims: &["guard-cancel-mid-query", "guard-cancel-during-close"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "While the answer to COMMIT is awaited the outcome is unknown: both \
            worlds are allowed, and nothing between them.",
        catches: &[
            (Fault::RetriesUnasked, "busy at"),
            (Fault::CommitsEarly, "torn at"),
            (Fault::CommitForgotten, "lost at"),
            (Fault::LeaksSession, "stuck at"),
        ],
        run: |cell| cell.sweep(Operation::transact(commit).changing()),
    },
    Check {
        id: "drop-guard/dropped-rollback-leaves-nothing",
        level: Level::Must,
        requirement: "An insert and its rollback that are dropped at any place MUST leave no \
            row and no transaction.",
        claims: &["guard-cancel-mid-query", "guard-cancel-during-close"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A rollback that disarms its guard before the server has answered leaves \
            the transaction to nobody when it is dropped.",
        catches: &[(Fault::BeginsByHand, "poisoned at"), (Fault::CommitsEarly, "torn at")],
        run: |cell| cell.sweep(Operation::transact(rollback)),
    },
    Check {
        id: "drop-guard/uncommitted-work-is-rolled-back",
        level: Level::Must,
        requirement: "Work that was not committed MUST be rolled back when its guard is \
            dropped.",
        claims: &["guard-uncommitted-rolled-back"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "Drop cannot wait, so a guard queues its ROLLBACK, and the pool must send \
            it before it lends the connection again.",
        catches: &[(Fault::BeginsByHand, "poisoned"), (Fault::CommitsEarly, "torn")],
        run: |cell| cell.uncut(Operation::transact(insert)),
    },
    Check {
        id: "drop-guard/committed-work-stays",
        level: Level::Must,
        requirement: "Work that was committed MUST stay when its guard goes.",
        claims: &["guard-uncommitted-rolled-back", "guard-async-with-protocol"],
        needs: &[],
        since: "0.1.0",
        background: "A guard that is not disarmed by its commit rolls back nothing, or the \
            next transaction.",
        catches: &[(Fault::CommitForgotten, "lost")],
        run: |cell| cell.uncut(Operation::transact(commit).changing()),
    },
    Check {
        id: "drop-guard/panic-between-awaits-leaves-nothing-open",
        level: Level::Must,
        requirement: "A panic between two awaits of a transaction MUST leave no row and no \
            transaction.",
        claims: &["guard-async-with-error", "guard-finally-no-leak"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A panic drops the guard as an error does. Clean-up that stands after the \
            last await, and not in a drop, is never reached.",
        catches: &[(Fault::BeginsByHand, "poisoned"), (Fault::CommitsEarly, "torn")],
        run: |cell| cell.uncut(Operation::transact(panic)),
    },
];

fn begin() -> Script {
    Script::new([], Ending::Leave).0
}

fn insert() -> Script {
    Script::new([create()], Ending::Leave).0
}

fn commit() -> Script {
    Script::new([create(), create()], Ending::Commit).0
}

fn rollback() -> Script {
    Script::new([create()], Ending::Rollback).0
}

fn panic() -> Script {
    Script::new([create(), Step::Panic], Ending::Commit).0
}
