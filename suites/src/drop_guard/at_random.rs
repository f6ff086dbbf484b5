//! Random operations, one of which is dropped: what goes on beside it, and after it.

use dropproof::verdict::Level;

use crate::{Check, Fault, model};

const ID: &str = "drop-guard/random-operations-survive-a-cut";

pub(super) const CHECKS: &[Check] = &[Check {
    id: ID,
    level: Level::Must,
    requirement: "After one of the operations on one to three sessions is dropped at any place, \
        its session MUST be lent again with answers of its own and nothing open, all of what was \
        dropped MUST be done or nothing of it, and the operations that follow, on all sessions, \
        MUST show what comes of that.",
    claims: &[
        "guard-cancel-mid-query",
        "guard-cancel-during-close",
        "guard-uncommitted-rolled-back",
    ],
    needs: &[],
    since: "0.1.0",
    background: "A sweep drops one operation on a pool that does nothing else. Here other \
        sessions are at work meanwhile, in transactions of their own, and work goes on: on a \
        connection whose caches know of a statement that was never prepared, beside a \
        clean-up that was meant for one session and is the pool's.",
    catches: &[
        (
            Fault::LeaksSession,
            "stuck at begin: [1: dropped begin] on 1 session: session 1 is never lent again",
        ),
        (
            Fault::AnswersLate,
            "desynced at list tasks: [1: dropped list tasks] on 1 session: session 1 gets the answer to another question",
        ),
        (Fault::AbandonsDirty, "] on 1 session: a transaction is left open"),
        (
            Fault::CommitsEarly,
            r#"torn at uncut: [1: begin, 1: create task "a"] on 1 session: the witness sees task 1 "a", and the model no row"#,
        ),
    ],
    run: |cell| model::with_a_cut(cell, ID),
}];
