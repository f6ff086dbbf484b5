//! The self-test: every planted fault is caught, with its message, by the check that names it.

use std::{fmt, process::ExitCode};

use dropproof::{
    contract::{Adapter, Target, boxed::BoxedPool},
    database::Kind,
    verdict::{Mutant, Rule, Trial, Verdict},
};

use crate::{Cell, Check, Fault, Faulty, checks, known::KnownIssues, trials::Trials};

/// The faults are planted into boxed layers, so that one copy of each check serves all of them.
type Subject = Faulty<BoxedPool>;

/// A test binary with one test for each fault of each check on each cell.
#[derive(Default)]
pub struct Mutants {
    trials: Trials,
    known: KnownIssues,
}

impl Mutants {
    /// No mutants.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges the cells that follow by a list of known issues, as text in TOML.
    ///
    /// A fault that is planted beside a known one must be caught all the same.
    ///
    /// # Panics
    ///
    /// Panics where the text is no such list.
    #[must_use]
    pub fn known_issues(self, list: &str) -> Self {
        let known = KnownIssues::read(list).expect("the list of known issues can be read");
        Self { known, ..self }
    }

    /// Plants every fault into an adapter on a kind of database.
    #[must_use]
    pub fn cell<A: Adapter>(mut self, database: Kind) -> Self {
        let cell = self.trials.add_cell::<A>(database);
        self.trials.plan.rules = checks::<Subject>().into_iter().flat_map(rules).collect();
        for check in checks::<Subject>() {
            let shown = check.catches.iter().filter(|(fault, _)| fault.shows_on(database));
            for (fault, message) in shown {
                let mutant = format!("{}/{}", check.id, fault.name());
                self.trials.plan.trials.push(Trial {
                    name: format!("{}/{mutant}", cell.name()),
                    check: mutant,
                    adapter: cell.adapter.clone(),
                    database,
                    skipped: check.skipped(A::LACKS),
                });
                let (known, judged_cell) = (self.known.clone(), cell.clone());
                self.trials.judges.push(Box::new(move |database, run| {
                    let open = move |target| open::<A>(target, *fault);
                    let cell = Cell::new(database, open).of_run(run);
                    let verdict = (check.run)(&cell)?.verdict;
                    Ok(killed(known.judge(check.id, &judged_cell, true, verdict), message).into())
                }));
            }
        }
        self
    }

    /// Runs the tests that the command line asks for.
    #[must_use]
    pub fn run(self) -> ExitCode {
        self.trials.run()
    }
}

impl fmt::Debug for Mutants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutants").field("plan", &self.trials.plan).finish_non_exhaustive()
    }
}

/// One rule for each mutant of a check: that it is caught.
fn rules(check: &Check<Subject>) -> Vec<Rule> {
    let rule = check.rule();
    let of = |mutant: &Mutant| Rule {
        id: format!("{}/{}", rule.id, mutant.fault),
        requirement: format!("The check MUST catch the fault with `{}`.", mutant.message),
        mutants: Vec::new(),
        ..rule.clone()
    };
    rule.mutants.iter().map(of).collect()
}

async fn open<A: Adapter>(
    target: Target,
    fault: Fault,
) -> Result<Subject, dropproof::contract::Error> {
    let Target { url, sessions_max } = target;
    let with_spare = Target { url, sessions_max: sessions_max + fault.spare_sessions() };
    let inner = BoxedPool(Box::new(A::open(&with_spare).await?));
    Ok(Faulty::new(inner, fault, sessions_max))
}

/// A mutant is killed where the check is violated and says why.
fn killed(verdict: Verdict, message: &str) -> Verdict {
    match verdict {
        Verdict::Violated(seen) if seen.message.contains(message) => Verdict::Upheld,
        Verdict::Violated(seen) => Verdict::violated(format!(
            "the mutant was caught with `{}`, which does not say `{message}`",
            seen.message
        )),
        other => Verdict::violated(format!("the mutant survived: {}", other.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_caught_by_some_check() {
        let checks = checks::<Subject>();
        let caught: Vec<Fault> =
            checks.iter().flat_map(|check| check.catches).map(|(fault, _)| *fault).collect();

        for fault in Fault::ALL {
            assert!(caught.contains(fault), "no check catches {}", fault.name());
        }
    }

    #[test]
    fn every_check_catches_a_fault() {
        for check in checks::<Subject>() {
            assert!(!check.catches.is_empty(), "{} cannot fail", check.id);
        }
    }

    #[test]
    fn only_a_violation_with_its_message_kills() {
        assert_eq!(killed(Verdict::violated("a b c"), "b"), Verdict::Upheld);
        assert!(matches!(killed(Verdict::violated("a"), "b"), Verdict::Violated(_)));
        assert!(matches!(killed(Verdict::Upheld, "b"), Verdict::Violated(_)));
    }
}
