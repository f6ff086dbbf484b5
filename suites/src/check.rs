//! A check: a row of a suite's table.

use std::fmt;

use dropproof::{
    contract::{Capability, Lack},
    verdict::{Error, Level, Mutant, Rule, Verdict},
};

use crate::{Cell, Fault, Judged, async_iter, crud, drop_guard, missing_await, session_scope};

/// An executable rule.
///
/// The function behind `run` is private to its suite, so that the compiler reports one that no row
/// names.
pub struct Check {
    /// `<suite>/<claim-in-kebab-case>`; never changes.
    pub id: &'static str,
    /// How strong the requirement is.
    pub level: Level,
    /// The requirement, in one sentence.
    pub requirement: &'static str,
    /// The claims of the ledger that it judges.
    pub claims: &'static [&'static str],
    /// What a layer must have to be judged.
    pub needs: &'static [Capability],
    /// The version of dropproof that first had it.
    pub since: &'static str,
    /// How layers break it, and how others mended it.
    pub background: &'static str,
    /// The planted faults that it must catch, with a part of the message.
    pub catches: &'static [(Fault, &'static str)],
    /// Judges a cell.
    pub run: fn(&Cell) -> Result<Judged, Error>,
}

impl Check {
    /// The part that needs no layer.
    #[must_use]
    pub fn rule(&self) -> Rule {
        let mutant = |(fault, message): &(Fault, &str)| Mutant {
            fault: fault.name().to_owned(),
            message: (*message).to_owned(),
        };
        Rule {
            id: self.id.to_owned(),
            level: self.level,
            requirement: self.requirement.to_owned(),
            claims: self.claims.iter().map(ToString::to_string).collect(),
            needs: self.needs.iter().map(ToString::to_string).collect(),
            since: self.since.to_owned(),
            background: self.background.to_owned(),
            mutants: self.catches.iter().map(mutant).collect(),
        }
    }

    /// The verdict that stands before any run, where the layer lacks what the check needs.
    #[must_use]
    pub fn skipped(&self, lacks: &[Lack]) -> Option<Verdict> {
        let lack = lacks.iter().find(|lack| self.needs.contains(&lack.capability))?;
        Some(Verdict::Skipped { reason: lack.because.to_owned(), link: lack.link.to_owned() })
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Every check, in report order.
#[must_use]
pub fn checks() -> Vec<&'static Check> {
    let themed =
        [drop_guard::CHECKS, session_scope::CHECKS, missing_await::CHECKS, async_iter::CHECKS];
    let themed = themed.into_iter().flatten();
    crud::CHECKS.iter().chain(themed.copied().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_what_is_needed_skips_with_its_reason() {
        let any: &Check = checks()[0];
        let check = Check { needs: &[Capability::Savepoints], ..*any };
        let because = "it has none";
        let lack = |capability| Lack { capability, because, link: "https://example.org" };

        assert_eq!(check.skipped(&[lack(Capability::DroppedGuard)]), None);
        let skipped =
            check.skipped(&[lack(Capability::DroppedGuard), lack(Capability::Savepoints)]);
        assert_eq!(skipped.expect("it is skipped").name(), "skipped");
    }

    #[test]
    fn changelog_lists_every_check() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../CHANGELOG.md");
        let changelog = std::fs::read_to_string(path).expect("there is a changelog");

        for check in checks() {
            let line = format!("- `{}` ({})", check.id, check.level);
            assert!(changelog.contains(&line), "CHANGELOG.md lacks the line {line}");
        }
    }
}
