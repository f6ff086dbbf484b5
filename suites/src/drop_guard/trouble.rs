//! Trouble: what is left when the caller stays and the wire does wrong.

use dropproof::{
    contract::{Capability, Ending, Script},
    sweep::{Operation, Trouble as Wrong},
    verdict::Level,
};

use super::create;
use crate::{Check, Fault};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/broken-connection-is-replaced",
        level: Level::Must,
        requirement: "When the connection breaks at any message of a transaction, the call MUST \
            come to an end, MUST NOT report success for work that is not there, and the pool \
            MUST lend its full number of sessions again.",
        claims: &["guard-finally-no-leak", "guard-uncommitted-rolled-back"],
        needs: &[Capability::Connection],
        since: "0.1.0",
        background: "A client that waits for an answer and does not read sees no end of the \
            connection, and waits for ever. A pool that takes a broken connection back lends it \
            again. Read while you wait, and close what failed with an error of the transport.",
        catches: &[(Fault::LeaksOnError, "stuck at")],
        run: |cell| cell.endure(work(), Wrong::Reset),
    },
    Check {
        id: "drop-guard/refused-answer-undoes-its-transaction",
        level: Level::Must,
        requirement: "When the server refuses at any answer of a transaction, the call MUST come \
            to an end, the rows MUST be all or none, and nothing MUST be left open.",
        claims: &["guard-finally-no-leak", "guard-async-with-error"],
        needs: &[Capability::Connection],
        since: "0.1.0",
        background: "An error may come in the place of any answer, also of one that nobody \
            expects to fail. A client that reads on for the answer it wanted waits for ever, or \
            takes the next one for it. What was refused is not sent again by the layer's own wish.",
        catches: &[
            (Fault::LeaksOnError, "stuck at"),
            (Fault::RetriesRefused, "torn at"),
            (Fault::RefusalHidden, "lost at"),
        ],
        run: |cell| cell.endure(work(), Wrong::Refusal),
    },
];

/// Two inserts and their commit.
fn work() -> Operation {
    let script = || Script::new([create(), create()], Ending::Commit).0;
    Operation::transact(script).changing()
}
