//! Known issues: violations that are reported upstream, by check, layer, class and cut.
//!
//! The list forgives exactly what it names. A broken cut that is not on it stays a violation, and a
//! listed one that holds is healed: that fails the run too, until the list is corrected.

use std::collections::BTreeSet;

use dropproof::{
    database::Kind,
    sweep::Class,
    verdict::{Cell, StripCut, Verdict, Violation},
};
use semver::{Version, VersionReq};
use serde::Deserialize;

/// A list of known issues.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownIssues {
    #[serde(default)]
    known: Vec<Known>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    checks: BTreeSet<String>,
    layer: String,
    version: VersionReq,
    database: Kind,
    class: Class,
    cuts: BTreeSet<String>,
    link: String,
    #[expect(dead_code, reason = "it must be given, for the people who read the list")]
    mechanism: String,
}

impl KnownIssues {
    /// Reads a list.
    pub(crate) fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The verdict when the list is taken into account.
    ///
    /// `whole` says that every cut was visited, so that what is not broken has healed.
    pub(crate) fn judge(&self, check: &str, cell: &Cell, whole: bool, verdict: Verdict) -> Verdict {
        let listed: Vec<&Known> =
            self.known.iter().filter(|known| known.is_about(check, cell)).collect();
        match verdict {
            Verdict::Violated(violation) => judge_violation(&listed, whole, violation),
            Verdict::Upheld if whole => match listed.first() {
                Some(known) => Verdict::Healed { link: known.link.clone() },
                None => Verdict::Upheld,
            },
            other => other,
        }
    }
}

impl Known {
    fn is_about(&self, check: &str, cell: &Cell) -> bool {
        let version = Version::parse(&cell.adapter_version);
        self.checks.contains(check)
            && self.layer == cell.adapter
            && self.database == cell.database
            && version.is_ok_and(|version| self.version.matches(&version))
    }

    fn names(&self, cut: &StripCut) -> bool {
        self.class == cut.class && self.cuts.contains(&cut.name)
    }

    /// Whether a cut that it names was not broken in its way.
    fn has_healed(&self, broken: &[StripCut]) -> bool {
        let is_broken =
            |name: &String| broken.iter().any(|cut| cut.class == self.class && cut.name == *name);
        !self.cuts.iter().all(is_broken)
    }
}

fn judge_violation(listed: &[&Known], whole: bool, violation: Violation) -> Verdict {
    let is_listed = |cut: &&StripCut| listed.iter().any(|known| known.names(cut));
    let (known, new): (Vec<_>, Vec<_>) = violation.cuts.iter().partition(is_listed);
    if known.is_empty() {
        return Verdict::Violated(violation);
    }
    if !new.is_empty() {
        let new: Vec<String> =
            new.iter().map(|cut| format!("{} at {}", cut.class, cut.name)).collect();
        let message =
            format!("beyond what is known: {}; in all: {}", new.join(", "), violation.message);
        return Verdict::Violated(Violation { message, ..violation });
    }
    if let Some(healed) = listed.iter().find(|known| whole && known.has_healed(&violation.cuts)) {
        return Verdict::Healed { link: healed.link.clone() };
    }
    let mut links: Vec<&str> = listed.iter().map(|known| known.link.as_str()).collect();
    links.dedup();
    Verdict::Known { link: links.join(", "), violation }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[known]]
        checks = ["guard/a"]
        layer = "demo"
        version = "^1.2"
        database = "postgres"
        class = "poisoned"
        cuts = ["Held(A)", "Held(B)"]
        link = "https://example.org/1"
        mechanism = "it forgets"
    "#;

    fn cell(adapter_version: &str) -> Cell {
        Cell {
            database: Kind::Postgres,
            adapter: "demo".into(),
            adapter_version: adapter_version.into(),
        }
    }

    fn violated(cuts: &[(&str, Class)]) -> Verdict {
        let cut = |(name, class): &(&str, Class)| StripCut { name: (*name).into(), class: *class };
        let cuts = cuts.iter().map(cut).collect();
        Verdict::Violated(Violation { message: "seen".into(), cuts, replay: None })
    }

    fn judge(version: &str, verdict: Verdict) -> Verdict {
        KnownIssues::read(LIST).unwrap().judge("guard/a", &cell(version), true, verdict)
    }

    #[test]
    fn all_of_the_list_and_nothing_else_is_known() {
        let verdict =
            judge("1.2.9", violated(&[("Held(A)", Class::Poisoned), ("Held(B)", Class::Poisoned)]));

        assert!(matches!(verdict, Verdict::Known { link, .. } if link == "https://example.org/1"));
    }

    #[test]
    fn planted_fault_beside_a_known_one_stays_violated() {
        let planted = ("Held(C)", Class::Torn);
        let verdict = judge(
            "1.2.9",
            violated(&[("Held(A)", Class::Poisoned), ("Held(B)", Class::Poisoned), planted]),
        );

        let Verdict::Violated(violation) = verdict else { panic!("{verdict:?}") };
        assert!(violation.message.starts_with("beyond what is known: torn at Held(C);"));
    }

    #[test]
    fn another_class_at_a_known_cut_stays_violated() {
        let verdict =
            judge("1.2.9", violated(&[("Held(A)", Class::Stuck), ("Held(B)", Class::Poisoned)]));

        assert_eq!(verdict.name(), "violated");
    }

    #[test]
    fn listed_cut_that_holds_is_healed() {
        assert_eq!(judge("1.2.9", violated(&[("Held(A)", Class::Poisoned)])).name(), "healed");
        assert_eq!(judge("1.2.9", Verdict::Upheld).name(), "healed");
    }

    #[test]
    fn list_says_nothing_of_another_version() {
        let broken = [("Held(A)", Class::Poisoned), ("Held(B)", Class::Poisoned)];

        assert_eq!(judge("2.0.0", violated(&broken)).name(), "violated");
        assert_eq!(judge("2.0.0", Verdict::Upheld), Verdict::Upheld);
    }

    #[test]
    fn entry_without_a_mechanism_is_refused() {
        let list = LIST.replace("mechanism = \"it forgets\"", "");

        assert!(KnownIssues::read(&list).unwrap_err().to_string().contains("mechanism"));
    }
}
