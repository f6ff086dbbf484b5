//! Random operations against a model of the tables: the property check of the suite `crud`, and that
//! of `drop-guard`, where one operation is dropped.
//!
//! Read in this order: `case` is what is done, `plan` what must come of it by `rules`, in each of the
//! `worlds` that a drop leaves open. `play` does it on a layer with a `seat` for each session, and
//! `dropped` drops an operation. `generate` makes cases and `neighbours` smaller ones from their
//! `words`; `search` tries them at a `table`, and `regressions` keeps those that failed.

mod case;
mod dropped;
mod generate;
mod neighbours;
mod plan;
mod play;
mod regressions;
mod rules;
mod run;
mod search;
mod seat;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod worlds;

use dropproof::verdict::{Error, Level};
pub(crate) use regressions::{Files, Regressions};
use rules::{Cuts, Rules};
use search::Search;

use crate::{Cell, Check, Fault, Judged};

/// So many cases are tried where the run does not say how many.
pub(crate) const CASES: u32 = 256;
/// So many where the layer is opened anew for each, because one operation is dropped,
const CASES_WITH_A_CUT: u32 = 48;
/// and so many where that is quick, and the operation is often over before the cut.
const CASES_CUT_BY_POLLS: u32 = 160;

/// The check.
pub(crate) const CHECK: Check = Check {
    id: ID,
    level: Level::Must,
    requirement: "After each operation, each session and the server MUST show the rows, the \
        counts and the classes of errors that the operations on one to three sessions make: \
        own writes, what is committed, and nothing else.",
    claims: &["crud-create-user", "crud-task-create", "crud-done-resource"],
    needs: &[],
    since: "0.1.0",
    background: "Examples show what their author thought of. Random operations, interleaved on \
        several sessions and compared with a model after each one, find what is forgotten \
        between them: a cache that is not told of a change, an update that writes what it did \
        not mean to, a retry that takes a refusal for its own success, a statement that goes \
        out on another connection than its transaction.",
    // Each message begins with the minimal case, which is the same on every database.
    catches: &[
        (
            Fault::ReadsFromCache,
            r#"[1: create task "a", 1: rename task 1 to "b"] on 1 session: session 1 sees task 1 "a", and the model task 1 "b""#,
        ),
        (
            Fault::WritesAllColumns,
            r#"[1: create user "a@x.org" named "a", 2: update user 1 with name "b", 1: update user 1 with hash "hash"] on 2 sessions: session 1 sees user 1 "a@x.org" named "a""#,
        ),
        (
            Fault::RetryHidesError,
            r#"[1: create task "a", 1: mark task 1, 1: mark task 1] on 1 session: it gives 1 row changed, and the model an error of class `constraint`"#,
        ),
        (
            Fault::SeesUncommitted,
            r#"[1: begin, 1: create task "a"] on 2 sessions: session 2 sees task 1 "a", and the model no row"#,
        ),
        (
            Fault::OwnWritesUnseen,
            r#"[1: begin, 1: create task "a"] on 1 session: session 1 sees no row, and the model task 1 "a""#,
        ),
        (
            Fault::CommitForgotten,
            r#"[1: begin, 1: create task "a", 1: commit] on 1 session: session 1 sees no row, and the model task 1 "a""#,
        ),
        (
            Fault::CommitsEarly,
            r#"[1: begin, 1: create task "a"] on 1 session: the witness sees task 1 "a", and the model no row"#,
        ),
        (
            Fault::SavepointIgnored,
            r#"[1: begin, 1: begin, 1: create task "a", 1: roll back] on 1 session: session 1 sees task 1 "a", and the model no row"#,
        ),
        (
            Fault::ErrorSwallowed,
            "[1: mark task 1] on 1 session: it gives 0 rows changed, and the model an error of class `constraint`",
        ),
    ],
    run: random_operations_match_the_model,
};

pub(crate) const ID: &str = "crud/random-operations-match-the-model";

fn random_operations_match_the_model(cell: &Cell) -> Result<Judged, Error> {
    Search::new(cell, ID, Rules::new(cell.kind(), cell.lacks()), CASES).judge()
}

/// Judges a layer by random cases, of each of which one operation is dropped.
pub(crate) fn with_a_cut(cell: &Cell, check: &'static str) -> Result<Judged, Error> {
    let rules = Rules::new(cell.kind(), cell.lacks()).cutting(cell.kind());
    let cases = if rules.cuts == Cuts::ByPolls { CASES_CUT_BY_POLLS } else { CASES_WITH_A_CUT };
    Search::new(cell, check, rules, cases).judge()
}
