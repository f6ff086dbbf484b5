//! Leaving: that each way in which a caller stops to wait is a drop like any other, and that what is
//! done after it may be dropped too.

use dropproof::{
    contract::{Capability, Ending, Script},
    sweep::{Leaving as Way, Operation},
    verdict::Level,
};

use super::create;
use crate::{Check, Fault};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/aborted-task-is-a-drop",
        level: Level::Must,
        requirement: "A task that is aborted in the work of a transaction MUST leave what a \
            dropped future leaves.",
        claims: &["guard-cancel-mid-query"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "An abort drops the task's future, on the thread and in the context of the \
            task. Clean-up that needs another context is skipped there; hand it to the pool.",
        catches: &[(Fault::LeaksInTask, "stuck at")],
        run: |cell| cell.leave(work(), Way::Abort),
    },
    Check {
        id: "drop-guard/timeout-is-a-drop",
        level: Level::Must,
        requirement: "A timeout that runs out in the work of a transaction MUST leave what a \
            dropped future leaves.",
        claims: &["guard-cancel-mid-query"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "`tokio::time::timeout` polls once more and then drops. It is the most \
            frequent drop in services, and nobody writes `drop` there.",
        catches: &[(Fault::LeaksSession, "stuck at")],
        run: |cell| cell.leave(work(), Way::Timeout),
    },
    Check {
        id: "drop-guard/lost-select-is-a-drop",
        level: Level::Must,
        requirement: "A branch of a `select!` that loses in the work of a transaction MUST \
            leave what a dropped future leaves.",
        claims: &["guard-cancel-mid-query"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A `select!` drops every branch that is not ready first; in a loop that \
            happens again and again.",
        catches: &[(Fault::LeaksSession, "stuck at")],
        run: |cell| cell.leave(work(), Way::Select),
    },
    Check {
        id: "drop-guard/panic-is-a-drop",
        level: Level::Must,
        requirement: "A panic beside a transaction under way MUST leave what a dropped future \
            leaves.",
        claims: &["guard-cancel-mid-query", "guard-finally-no-leak"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A guard that is dropped while its thread unwinds must clean up as always. \
            One that looks at `thread::panicking()` to be careful skips what it is for; a pool \
            that holds a lock over the drop is poisoned.",
        catches: &[(Fault::LeaksOnPanic, "stuck at")],
        run: |cell| cell.leave(work(), Way::Panic),
    },
    Check {
        id: "drop-guard/runtime-shut-down-is-a-drop",
        level: Level::Must,
        requirement: "When its runtime is shut down in the work of a transaction, with it or \
            before it, a session MUST be dropped without a panic, MUST leave both rows or none, \
            no connection and nothing open, and a pool on another runtime MUST be sound.",
        claims: &["guard-cancel-during-close", "guard-finally-no-leak"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A drop that spawns its clean-up has nobody to run it when the runtime ends, \
            and where it has ended already `tokio::spawn` panics: in a static, a thread of one's \
            own, the end of a test. Ask for the runtime by `Handle::try_current`, and close the \
            socket where there is none: the server rolls back.",
        catches: &[
            (Fault::SpawnsRollback, "there is no reactor running"),
            (Fault::LeaksAfterRuntime, "lock is held"),
        ],
        run: |cell| cell.shut_down(work()),
    },
    Check {
        id: "drop-guard/dropped-clean-up-is-safe",
        level: Level::Must,
        requirement: "When a transaction was dropped in its work, whoever borrows next and is \
            dropped at any place of the clean-up, or loses the connection there, MUST leave no \
            row, no transaction and a sound pool.",
        claims: &["guard-cancel-during-close", "guard-cancel-mid-query"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A rollback that is queued, a ping or a reset before a lease: each is an \
            await of the next borrower, who may be dropped too. A pool that takes a connection \
            for clean when the clean-up has begun, and not when it was answered, lends it \
            dirty. A background task of its own, or closing the connection, is safe.",
        catches: &[(Fault::LeaksSession, "stuck at"), (Fault::AbandonsDirty, "open at")],
        run: |cell| cell.cut_again(work()),
    },
];

/// Two inserts and their commit.
fn work() -> Operation {
    let script = || Script::new([create(), create()], Ending::Commit).0;
    Operation::transact(script).changing()
}
