//! The search: what has failed before, then random cases, then smaller ones than what fails.

use std::cell::RefCell;

use dropproof::verdict::{Error, StripCut, Verdict, Violation};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::{
    case::Case,
    generate::Cases,
    play::Mismatch,
    regressions::{self, Files},
    rules::{Cuts, Rules},
    table::Table,
};
use crate::{Cell, Judged};

/// More smaller cases than this are never needed; it bounds the search.
const SHRINKING_MAX: u32 = 10_000;

/// A check by random cases on one cell.
pub(super) struct Search<'a> {
    cell: &'a Cell,
    check: &'static str,
    rules: Rules,
    /// How many are tried where the run does not say.
    cases: u32,
    table: Table<'a>,
    /// What was met that is known, once for each name.
    known: RefCell<Vec<Mismatch>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(cell: &'a Cell, check: &'static str, rules: Rules, cases: u32) -> Self {
        let (table, known) = (Table::new(cell, rules), RefCell::default());
        Self { cell, check, rules, cases, table, known }
    }

    /// What has failed before is replayed first; then random cases are tried.
    pub(super) fn judge(self) -> Result<Judged, Error> {
        let files = self.cell.regressions(self.check);
        for case in files.as_ref().map_or(Ok(Vec::new()), |files| files.read(self.rules))? {
            if self.unknown(self.table.play_closely(&case)?).is_some() {
                return self.confirmed(&case, None);
            }
        }
        if let Some(case) = self.search()? {
            return self.confirmed(&case, files.as_ref());
        }
        self.table.not_vacuous()?;
        self.table.close()?;
        let known = self.known.take();
        Ok(match known.is_empty() {
            true => Verdict::Upheld.into(),
            false => self.judged(&known, ""),
        })
    }

    /// A mismatch that is not known; one that is, is noted.
    fn unknown(&self, mismatch: Option<Mismatch>) -> Option<Mismatch> {
        let mismatch = mismatch?;
        let cut = mismatch.cut();
        if !self.cell.knows(self.check, &cut) {
            return Some(mismatch);
        }
        let mut known = self.known.borrow_mut();
        if known.iter().all(|other| other.cut() != cut) {
            known.push(mismatch);
        }
        None
    }

    /// Looks for a case in which layer and model part, and for the minimal one.
    fn search(&self) -> Result<Option<Case>, Error> {
        let config = Config {
            cases: self.cell.cases(self.cases)?,
            failure_persistence: None,
            max_global_rejects: 0,
            max_shrink_iters: SHRINKING_MAX,
            ..Config::default()
        };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &self.cell.seed_bytes());
        // A question that is not answered ends the search, and is not taken for a broken rule.
        let unanswered = RefCell::new(None);
        let found = RefCell::new(false);
        let reject = || Err(TestCaseError::reject("not answered"));
        let tried = TestRunner::new_with_rng(config, random).run(&Cases(self.rules), |case| {
            if unanswered.borrow().is_some() {
                return reject();
            }
            let played = match *found.borrow() {
                true => self.table.play_closely(&case),
                false => self.table.play(&case),
            };
            match played.map(|mismatch| self.unknown(mismatch)) {
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
            Err(TestError::Abort(reason)) => {
                Err(Error::Vacuous { why: reason.message().to_owned() })
            }
        }
    }

    /// Plays a minimal case on a fresh database: what is not seen again there is no verdict.
    fn confirmed(&self, case: &Case, files: Option<&Files>) -> Result<Judged, Error> {
        let Some(mismatch) = Table::new(self.cell, self.rules).confirm(case)? else {
            return Err(Error::Unconfirmed { what: case.to_string() });
        };
        let kept = files.map_or(Ok(()), |files| files.keep(&mismatch.case, &mismatch.what));
        // The verdict stands, also where the folder cannot be written.
        let but =
            kept.err().map_or(String::new(), |error| format!(" (and it was not kept: {error})"));
        let mut found = self.known.take();
        found.push(mismatch);
        Ok(self.judged(&found, &but))
    }

    /// The verdict on what was found, with what it rests on. What is dropped in no case has no cut.
    fn judged(&self, found: &[Mismatch], but: &str) -> Judged {
        let is_cut = self.rules.cuts != Cuts::Never;
        let message = |mismatch: &Mismatch| {
            let StripCut { name, class } = mismatch.cut();
            let of_cut = if is_cut { format!("{class} at {name}: ") } else { String::new() };
            of_cut + &mismatch.message()
        };
        let messages: Vec<String> = found.iter().map(message).collect();
        let cuts = found.iter().filter(|_| is_cut).map(Mismatch::cut).collect();
        let evidence = found.iter().map(|mismatch| {
            let line = regressions::line(&mismatch.case, &mismatch.what).unwrap_or_default();
            let (message, said) = (mismatch.message(), &mismatch.said);
            format!("{message}\n{said}\nas a line of its file of cases:\n{line}")
        });
        let evidence = Some(evidence.collect::<Vec<_>>().join("\n"));
        let violation = Violation { message: messages.join("; ") + but, cuts, replay: None };
        Judged { evidence, ..Verdict::Violated(violation).into() }
    }
}
