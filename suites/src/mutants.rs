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
        self.cell_of::<A>(database, |_, _| Some(Fate::Caught))
    }

    /// Plants every fault into an adapter whose pool makes some of them harmless, as one does that
    /// resets each connection before it lends it again: of these it is shown that they are.
    #[must_use]
    pub fn cell_that_heals<A: Adapter>(self, database: Kind, healed: &[Fault]) -> Self {
        self.cell_of::<A>(database, |_, fault| {
            Some(Fate::Caught.unless(healed, fault, Fate::Healed))
        })
    }

    /// Plants every fault into an adapter that is known to break some checks as they do: of these it is
    /// shown that it does, so that the day is seen on which it no longer does.
    #[must_use]
    pub fn cell_that_hides<A: Adapter>(self, database: Kind, hidden: &[Fault]) -> Self {
        self.cell_of::<A>(database, |_, fault| {
            Some(Fate::Caught.unless(hidden, fault, Fate::Hidden))
        })
    }

    /// Plants into an adapter the faults of the checks that need a capability, which few have.
    #[must_use]
    pub fn cell_with<A: Adapter>(self, database: Kind, capability: Capability) -> Self {
        let has_it = |check: &Check| check.needs.contains(&capability);
        self.cell_of::<A>(database, |check, _| has_it(check).then_some(Fate::Caught))
    }

    fn cell_of<A: Adapter>(
        mut self,
        database: Kind,
        fate: impl Fn(&Check, Fault) -> Option<Fate>,
    ) -> Self {
        let cell = self.trials.add_cell::<A>(database);
        for check in checks() {
            for &(fault, message) in check.catches {
                if let Some(fate) = fate(check, fault).filter(|_| fault.shows_on(database)) {
                    self.add::<A>(&cell, Planted { check, fault, message, fate });
                }
            }
        }
        self.trials.plan.rules = checks().into_iter().flat_map(rules).collect();
        self
    }

    fn add<A: Adapter>(&mut self, cell: &dropproof::verdict::Cell, mutant: Planted) {
        let Planted { check, fault, message, fate } = mutant;
        let id = mutant_id(check.id, fault, fate);
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
            let verdict = match fate {
                Fate::Caught => killed(verdict, message),
                Fate::Healed => harmless(verdict),
                Fate::Hidden => hidden(verdict),
            };
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
    fate: Fate,
}

/// What must become of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The check is violated, and says why.
    Caught,
    /// The layer makes it harmless.
    Healed,
    /// The layer is known to break the check as the fault does.
    Hidden,
}

impl Fate {
    const ALL: [Self; 3] = [Fate::Caught, Fate::Healed, Fate::Hidden];

    fn unless(self, those: &[Fault], fault: Fault, other: Self) -> Self {
        if those.contains(&fault) { other } else { self }
    }
}

fn mutant_id(check: &str, fault: Fault, fate: Fate) -> String {
    let fate = match fate {
        Fate::Caught => "",
        Fate::Healed => "-is-healed",
        Fate::Hidden => "-is-hidden",
    };
    format!("{check}/{}{fate}", fault.name())
}

/// A rule for each mutant of a check and each fate.
fn rules(check: &Check) -> Vec<Rule> {
    let rule = check.rule();
    let of = |(fault, message): &(Fault, &str)| {
        Fate::ALL.map(|fate| Rule {
            id: mutant_id(check.id, *fault, fate),
            requirement: match fate {
                Fate::Caught => format!("The check MUST catch the fault with `{message}`."),
                Fate::Healed => "The pool MUST make the fault harmless.".to_owned(),
                Fate::Hidden => {
                    "The layer MUST be known to break the check so by itself.".to_owned()
                }
            },
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

/// A fault is hidden where the check is broken with it as it is known to be without.
fn hidden(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Known { .. } => Verdict::Upheld,
        other => Verdict::violated(format!("the fault is not hidden any more: {}", other.name())),
    }
}

#[cfg(test)]
mod tests {
    use dropproof::verdict::Violation;

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
    fn only_what_is_known_hides_a_fault() {
        let seen = Violation { message: "a".to_owned(), cuts: Vec::new(), replay: None };
        let known = Verdict::Known { violation: seen, link: String::new() };

        assert_eq!(hidden(known), Verdict::Upheld);
        assert!(matches!(hidden(Verdict::violated("a")), Verdict::Violated(_)));
        assert!(matches!(hidden(Verdict::Upheld), Verdict::Violated(_)));
    }

    #[test]
    fn only_a_violation_with_its_message_kills() {
        assert_eq!(killed(Verdict::violated("a b c"), "b"), Verdict::Upheld);
        assert!(matches!(killed(Verdict::violated("a"), "b"), Verdict::Violated(_)));
        assert!(matches!(killed(Verdict::Upheld, "b"), Verdict::Violated(_)));
    }
}
