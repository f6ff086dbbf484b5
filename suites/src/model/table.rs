//! The table that cases are played at: a layer, opened for one case or for many.

use std::cell::{Cell as Slot, RefCell};

use dropproof::{sweep::Class, verdict::Error};

use super::{
    case::Case,
    play::{Mismatch, Played, play},
    rules::{Cuts, Rules, settings},
    worlds::plan,
};
use crate::{Cell, Subject, cell::SESSIONS_MAX};

/// Where a place is a number of polls, a case that is looked at closely is played until its operation was
/// dropped so often: another thread may answer before it has to wait, and does in most rounds on an idle
/// machine.
pub(super) const DROPS: usize = 6;
/// No case is played more often; the one that is reported is, however often it was dropped.
const ROUNDS_MAX: usize = 100;

/// A subject that is kept from case to case, until one leaves it in an unknown state.
pub(super) struct Table<'a> {
    cell: &'a Cell,
    rules: Rules,
    subject: RefCell<Option<Subject>>,
    /// Whether it was confirmed once that what seems never to come does not.
    confirmed: Slot<bool>,
    /// In how many cases an operation was dropped.
    pub(super) drops: Slot<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn new(cell: &'a Cell, rules: Rules) -> Self {
        let (subject, confirmed, drops) = Default::default();
        Self { cell, rules, subject, confirmed, drops }
    }

    /// Plays a case so often that what is wrong with it is seen.
    pub(super) fn play_closely(&self, case: &Case) -> Result<Option<Mismatch>, Error> {
        self.play_until_dropped(DROPS, case)
    }

    /// Plays the case that is reported, of which there is one.
    pub(super) fn confirm(&self, case: &Case) -> Result<Option<Mismatch>, Error> {
        self.play_until_dropped(ROUNDS_MAX, case)
    }

    fn play_until_dropped(&self, times: usize, case: &Case) -> Result<Option<Mismatch>, Error> {
        let rounds = if self.rules.cuts == Cuts::ByPolls { ROUNDS_MAX } else { 1 };
        let enough = self.drops.get() + times;
        for _ in 0..rounds {
            let mismatch = self.play(case)?;
            if mismatch.is_some() || self.drops.get() == enough {
                return Ok(mismatch);
            }
        }
        Ok(None)
    }

    /// Plays a case on empty tables.
    pub(super) fn play(&self, case: &Case) -> Result<Option<Mismatch>, Error> {
        let subject = self.subject_for(case)?;
        let plan = plan(case, self.rules);
        let Played { mismatch, dropped } = subject.wait(async {
            subject.trace.waits_for("empty the tables");
            let left = subject.witness().reset().await?;
            if left.values().any(|rows| !rows.is_empty()) {
                let why = format!("the tables were emptied, and then held {left:?}");
                return Err(Error::Vacuous { why });
            }
            play(&subject, case.sessions, &plan, !self.confirmed.get()).await
        })??;
        let stuck = |mismatch: &Mismatch| mismatch.class == Class::Stuck;
        self.confirmed.set(self.confirmed.get() || mismatch.as_ref().is_some_and(stuck));
        self.drops.set(self.drops.get() + usize::from(dropped));
        match &mismatch {
            None => drop(self.subject.replace(Some(subject))),
            // A case that was left half-way leaves sessions at work.
            Some(_) if self.rules.cuts == Cuts::Never => {
                let subject = self.cell.reopened(subject, SESSIONS_MAX)?;
                self.subject.replace(Some(subject));
            }
            // What is broken need not close well, and may hold a file that cannot be taken from it.
            Some(_) => drop(subject.close()),
        }
        Ok(mismatch)
    }

    /// A subject that was not used before where an operation is dropped: what is said depends on what
    /// was. Its pool lends as many sessions as the case has, so that one that is lost is missed.
    fn subject_for(&self, case: &Case) -> Result<Subject, Error> {
        let sessions = u32::from(case.sessions);
        match (self.subject.take(), self.rules.cuts) {
            (Some(subject), Cuts::Never) => Ok(subject),
            (Some(subject), _) => self.cell.reopened(subject, sessions),
            (None, Cuts::Never) => self.open(SESSIONS_MAX),
            (None, _) => self.open(sessions),
        }
    }

    pub(super) fn open(&self, sessions: u32) -> Result<Subject, Error> {
        let subject = self.cell.subject_lending(sessions)?;
        // The witness empties the tables, and waits no longer for a lock than the layer does.
        subject.witness().query_blocking(settings(subject.kind()))?;
        Ok(subject)
    }

    /// Fails where operations are to be dropped and none was: that shows nothing.
    pub(super) fn not_vacuous(&self) -> Result<(), Error> {
        match (self.rules.cuts, self.drops.get()) {
            (Cuts::OnTheWire | Cuts::ByPolls, 0) => {
                Err(Error::Vacuous { why: "every operation ended before its cut".to_owned() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn close(&self) -> Result<(), Error> {
        self.subject.take().map_or(Ok(()), |subject| subject.close().map(drop))
    }
}
