//! Random operations against a model of the tables: the property check of the suite `crud`.
//!
//! Read in this order: `case` is what is done, `plan` what must come of it by `rules`, `play` does it
//! on a layer with a `seat` for each session. `generate` makes cases and `neighbours` smaller ones from their `words`;
//! `regressions` keeps those that failed.

mod case;
mod generate;
mod neighbours;
mod plan;
mod play;
mod regressions;
mod rules;
mod run;
mod seat;
mod state;
#[cfg(test)]
mod tests;
mod words;

use std::{cell::RefCell, marker::PhantomData};

use case::Case;
use dropproof::{
    contract::Pool,
    verdict::{Error, Level, Verdict},
};
use generate::Cases;
use plan::plan;
use play::{Mismatch, play};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
pub(crate) use regressions::{Files, Regressions};
use rules::{Rules, settings};

use crate::{Cell, Check, Fault, Judged, Subject};

/// So many cases are tried where the run does not say how many.
pub(crate) const CASES: u32 = 256;
/// More smaller cases than this are never needed; it bounds the search.
const SHRINKING_MAX: u32 = 10_000;

/// The check, for one type of pool.
pub(crate) struct Model<P>(PhantomData<P>);

impl<P: Pool> Model<P> {
    pub(crate) const CHECK: Check<P> = Check {
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
}

pub(crate) const ID: &str = "crud/random-operations-match-the-model";

/// What has failed before is replayed first; then random cases are tried.
fn random_operations_match_the_model<P: Pool>(cell: &Cell<P>) -> Result<Judged, Error> {
    let rules = Rules::new(cell.kind(), cell.lacks());
    let table = Table::new(cell, rules);
    let files = cell.regressions(ID);
    for case in files.as_ref().map_or(Ok(Vec::new()), |files| files.read(rules))? {
        if table.play(&case)?.is_some() {
            return confirmed(cell, rules, &case, None);
        }
    }
    match search(cell, &table, rules)? {
        Some(case) => confirmed(cell, rules, &case, files.as_ref()),
        None => table.close().map(|()| Verdict::Upheld.into()),
    }
}

/// Looks for a case in which layer and model part, and for the minimal one.
fn search<P: Pool>(
    cell: &Cell<P>,
    table: &Table<'_, P>,
    rules: Rules,
) -> Result<Option<Case>, Error> {
    let config = Config {
        cases: cell.cases(CASES)?,
        failure_persistence: None,
        max_global_rejects: 0,
        max_shrink_iters: SHRINKING_MAX,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &cell.seed_bytes());
    // A question that is not answered ends the search, and is not taken for a broken rule.
    let unanswered = RefCell::new(None);
    let found = RefCell::new(false);
    let reject = || Err(TestCaseError::reject("not answered"));
    let tried = TestRunner::new_with_rng(config, random).run(&Cases(rules), |case| {
        if unanswered.borrow().is_some() {
            return reject();
        }
        match table.play(&case) {
            Ok(None) => Ok(()),
            Ok(Some(mismatch)) => {
                found.replace(true);
                Err(TestCaseError::fail(mismatch.what))
            }
            // What is broken may leave locks: then this smaller case shows nothing.
            Err(Error::LockWait { .. }) if *found.borrow() => reject(),
            Err(error) => {
                unanswered.replace(Some(error));
                reject()
            }
        }
    });
    if let Some(error) = unanswered.take() {
        return Err(error);
    }
    match tried {
        Ok(()) => Ok(None),
        Err(TestError::Fail(_, case)) => Ok(Some(case)),
        Err(TestError::Abort(reason)) => Err(Error::Vacuous { why: reason.message().to_owned() }),
    }
}

/// Plays a minimal case on a fresh database: what is not seen again there is no verdict.
fn confirmed<P: Pool>(
    cell: &Cell<P>,
    rules: Rules,
    case: &Case,
    files: Option<&Files>,
) -> Result<Judged, Error> {
    let Some(mismatch) = Table::new(cell, rules).play(case)? else {
        return Err(Error::Unconfirmed { what: case.to_string() });
    };
    let kept = files.map_or(Ok(()), |files| files.keep(&mismatch.case, &mismatch.what));
    // The verdict stands, also where the folder cannot be written.
    let but = kept.err().map_or(String::new(), |error| format!(" (and it was not kept: {error})"));
    let line = regressions::line(&mismatch.case, &mismatch.what).unwrap_or_default();
    let evidence = format!("{}\n\nas a line of its file of cases:\n{line}", mismatch.message());
    let verdict = Verdict::violated(mismatch.message() + &but);
    Ok(Judged { evidence: Some(evidence), ..verdict.into() })
}

/// A subject that is kept from case to case, until one leaves it in an unknown state.
struct Table<'a, P: Pool> {
    cell: &'a Cell<P>,
    rules: Rules,
    subject: RefCell<Option<Subject<P>>>,
}

impl<'a, P: Pool> Table<'a, P> {
    fn new(cell: &'a Cell<P>, rules: Rules) -> Self {
        Self { cell, rules, subject: RefCell::new(None) }
    }

    /// Plays a case on empty tables.
    fn play(&self, case: &Case) -> Result<Option<Mismatch>, Error> {
        let subject = match self.subject.take() {
            Some(subject) => subject,
            None => self.open()?,
        };
        let steps = plan(case, self.rules);
        let played = subject.wait(async {
            subject.trace.waits_for("empty the tables");
            let left = subject.witness().reset().await?;
            if left.values().any(|rows| !rows.is_empty()) {
                let why = format!("the tables were emptied, and then held {left:?}");
                return Err(Error::Vacuous { why });
            }
            play(&subject, case.sessions, &steps).await
        })??;
        // A case that was left half-way leaves sessions at work.
        let subject = match played {
            Some(_) => self.cell.reopened(subject)?,
            None => subject,
        };
        self.subject.replace(Some(subject));
        Ok(played)
    }

    fn open(&self) -> Result<Subject<P>, Error> {
        let subject = self.cell.subject()?;
        // The witness empties the tables, and waits no longer for a lock than the layer does.
        subject.witness().query_blocking(settings(subject.kind()))?;
        Ok(subject)
    }

    fn close(self) -> Result<(), Error> {
        self.subject.take().map_or(Ok(()), |subject| subject.close().map(drop))
    }
}
