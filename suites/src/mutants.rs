//! The self-test: every planted fault is caught, with its message, by the check that names it.

use std::{fmt, process::ExitCode};

use dropproof::{
    contract::{Adapter, Capability, Target},
    database::Kind,
    verdict::{Rule, Trial, Verdict},
};

use crate::{Cell, Check, Fault, Faulty, checks, known::KnownIssues, trials::Trials};

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
    pub fn cell<A: Adapter>(self, database: Kind) -> Self {
        self.cell_that_heals::<A>(database, &[])
    }

    /// Plants every fault into an adapter whose pool makes some of them harmless, as one does that
    /// resets each connection before it lends it again: of these it is shown that they are.
    #[must_use]
    pub fn cell_that_heals<A: Adapter>(self, database: Kind, healed: &[Fault]) -> Self {
        self.cell_of::<A>(database, healed, |_, _| true)
    }

    /// Plants into an adapter every fault but those that are not seen beside what it is known to break
    /// by itself.
    #[must_use]
    pub fn cell_that_hides<A: Adapter>(self, database: Kind, hidden: &[Fault]) -> Self {
        self.cell_of::<A>(database, &[], |_, fault| !hidden.contains(&fault))
    }

    /// Plants into an adapter the faults of the checks that need a capability, which few have.
    #[must_use]
    pub fn cell_with<A: Adapter>(self, database: Kind, capability: Capability) -> Self {
        self.cell_of::<A>(database, &[], |check, _| check.needs.contains(&capability))
    }

    fn cell_of<A: Adapter>(
        mut self,
        database: Kind,
        healed: &[Fault],
        wanted: impl Fn(&Check, Fault) -> bool,
    ) -> Self {
        let cell = self.trials.add_cell::<A>(database);
        for check in checks() {
            for &(fault, message) in check.catches {
                if fault.shows_on(database) && wanted(check, fault) {
                    let mutant = Planted { check, fault, message };
                    self.add::<A>(&cell, mutant, healed.contains(&fault));
                }
            }
        }
        self.trials.plan.rules = checks().into_iter().flat_map(rules).collect();
        self
    }

    fn add<A: Adapter>(&mut self, cell: &dropproof::verdict::Cell, mutant: Planted, heals: bool) {
        let Planted { check, fault, message } = mutant;
        let id = mutant_id(check.id, fault, heals);
        self.trials.plan.trials.push(Trial {
            name: format!("{}/{id}", cell.name()),
            check: id,
            adapter: cell.adapter.clone(),
            database: cell.database,
            skipped: check.skipped(A::LACKS),
        });
        let (known, judged_cell) = (self.known.clone(), cell.clone());
        self.trials.judges.push(Box::new(move |database, run| {
            let cell = Cell::new(database, move |target| open::<A>(target, fault));
            let cell = cell.of_run(run).lacking(A::LACKS).entering(A::ENTRY_POINTS);
            let cell = cell.entering_by_pool(A::POOL_ENTRY_POINTS);
            let cell = cell.knowing(&known, &judged_cell);
            let verdict = (check.run)(&cell)?.verdict;
            let verdict = known.judge(check.id, &judged_cell, Some(run.depth), verdict);
            let verdict = if heals { harmless(verdict) } else { killed(verdict, message) };
            Ok(verdict.into())
        }));
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

/// A fault in a layer, and the check that is to catch it.
#[derive(Clone, Copy)]
struct Planted {
    check: &'static Check,
    fault: Fault,
    /// A part of what the check says then.
    message: &'static str,
}

fn mutant_id(check: &str, fault: Fault, heals: bool) -> String {
    let healed = if heals { "-is-healed" } else { "" };
    format!("{check}/{}{healed}", fault.name())
}

/// Two rules for each mutant of a check: that it is caught, and that a layer that heals it does.
fn rules(check: &Check) -> Vec<Rule> {
    let rule = check.rule();
    let of = |(fault, message): &(Fault, &str)| {
        let caught = format!("The check MUST catch the fault with `{message}`.");
        let healed = "The pool MUST make the fault harmless.".to_owned();
        [(caught, false), (healed, true)].map(|(requirement, heals)| Rule {
            id: mutant_id(check.id, *fault, heals),
            requirement,
            mutants: Vec::new(),
            ..rule.clone()
        })
    };
    check.catches.iter().flat_map(of).collect()
}

async fn open<A: Adapter>(
    target: Target,
    fault: Fault,
) -> Result<Faulty, dropproof::contract::Error> {
    let Target { url, sessions_max } = target;
    let with_spare = Target { url, sessions_max: sessions_max + fault.spare_sessions() };
    let inner = A::open(&with_spare).await?;
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

/// A fault is harmless where the check is upheld with it.
fn harmless(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Violated(seen) => {
            Verdict::violated(format!("the fault is not healed: {}", seen.message))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_caught_by_some_check() {
        let checks = checks();
        let caught: Vec<Fault> =
            checks.iter().flat_map(|check| check.catches).map(|(fault, _)| *fault).collect();

        for fault in Fault::ALL {
            assert!(caught.contains(fault), "no check catches {}", fault.name());
        }
    }

    #[test]
    fn every_check_catches_a_fault() {
        for check in checks() {
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
