//! Known issues: violations with their mechanism, by check, layer, class and cut, or by their words
//! where there is no cut.
//!
//! The list forgives exactly what it names. A broken cut that is not on it stays a violation, and a
//! listed one that holds is healed: that fails the run too, until the list is corrected.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dropproof::{
    database::Kind,
    sweep::{Class, Depth},
    verdict::{Cell, StripCut, Verdict, Violation},
};
use semver::{Version, VersionReq};
use serde::Deserialize;

/// The reason a list cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the list of known issues cannot be read")]
pub(crate) struct Unreadable {
    source: toml::de::Error,
}

/// A list of known issues.
///
/// Every trial has one, so it is shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownIssues {
    known: Arc<[Known]>,
}

/// The list as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(default)]
    known: Vec<Known>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// By id; where a check sweeps several operations, by id and name of one: `suite/claim: name`.
    checks: BTreeSet<String>,
    layer: String,
    version: VersionReq,
    databases: BTreeSet<Kind>,
    /// What the broken cuts did; together with `cuts`.
    class: Option<Class>,
    #[serde(default)]
    cuts: BTreeSet<String>,
    /// Those that only the full depth visits.
    #[serde(default)]
    full: BTreeSet<String>,
    /// What is seen where it is broken without a cut, to the letter; in place of `class` and `cuts`.
    message: Option<String>,
    link: String,
    #[expect(dead_code, reason = "it must be given, for the people who read the list")]
    mechanism: String,
}

impl KnownIssues {
    /// Reads a list.
    pub(crate) fn read(text: &str) -> Result<Self, Unreadable> {
        Self::parse(text).map_err(|source| Unreadable { source })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let list: Listed = toml::from_str(text)?;
        let by_cuts = |known: &Known| {
            known.class.is_some() && !(known.cuts.is_empty() && known.full.is_empty())
        };
        let by_words =
            |known: &Known| known.class.is_none() && known.cuts.is_empty() && known.full.is_empty();
        match list.known.iter().find(|known| match known.message {
            Some(_) => !by_words(known),
            None => !by_cuts(known),
        }) {
            Some(known) => Err(serde::de::Error::custom(format!(
                "{}: an issue is known by its class and cuts, or by its message",
                known.link
            ))),
            None => Ok(Self { known: list.known.into_iter().flat_map(Known::by_check).collect() }),
        }
    }

    /// Whether it names a cut of a check that is broken so.
    pub(crate) fn names(&self, check: &str, cell: &Cell, cut: &StripCut) -> bool {
        self.known.iter().any(|known| known.is_about(check, cell) && known.names(cut))
    }

    /// The verdict when the list is taken into account.
    ///
    /// Where all cuts of a depth were visited, `whole` says of which: what is not broken then has
    /// healed.
    pub(crate) fn judge(
        &self,
        check: &str,
        cell: &Cell,
        whole: Option<Depth>,
        verdict: Verdict,
    ) -> Verdict {
        let listed: Vec<&Known> =
            self.known.iter().filter(|known| known.is_about(check, cell)).collect();
        match verdict {
            Verdict::Violated(violation) => judge_violation(&listed, whole, violation),
            Verdict::Upheld => {
                let healed = |known: &&&Known| {
                    whole.is_some_and(|depth| {
                        known.message.is_some() || known.has_healed(depth, &[])
                    })
                };
                match listed.iter().find(healed) {
                    Some(known) => Verdict::Healed { link: known.link.clone() },
                    None => Verdict::Upheld,
                }
            }
            other => other,
        }
    }
}

impl Known {
    fn is_about(&self, check: &str, cell: &Cell) -> bool {
        let version = Version::parse(&cell.adapter_version);
        self.checks.contains(check)
            && self.layer == cell.adapter
            && self.databases.contains(&cell.database)
            && version.is_ok_and(|version| self.version.matches(&version))
    }

    /// The same for each check alone, with each cut as it is named there.
    fn by_check(self) -> Vec<Self> {
        let mut by_check: BTreeMap<String, Self> = BTreeMap::new();
        for check in &self.checks {
            let (id, operation) = check.split_once(": ").unwrap_or((check, ""));
            let own = by_check.entry(id.to_owned()).or_insert_with(|| Self {
                checks: BTreeSet::from([id.to_owned()]),
                cuts: BTreeSet::new(),
                full: BTreeSet::new(),
                ..self.clone()
            });
            let named = |cut: &String| match operation {
                "" => cut.clone(),
                operation => format!("{operation}: {cut}"),
            };
            own.cuts.extend(self.cuts.iter().map(named));
            own.full.extend(self.full.iter().map(named));
        }
        by_check.into_values().collect()
    }

    fn names(&self, cut: &StripCut) -> bool {
        let is_listed = self.cuts.contains(&cut.name) || self.full.contains(&cut.name);
        self.class == Some(cut.class) && is_listed
    }

    /// Whether a cut of this depth that it names was not broken in its way.
    fn has_healed(&self, depth: Depth, broken: &[StripCut]) -> bool {
        let is_broken = |name: &String| {
            broken.iter().any(|cut| Some(cut.class) == self.class && cut.name == *name)
        };
        let deep = self.full.iter().filter(|_| depth == Depth::Full);
        !self.cuts.iter().chain(deep).all(is_broken)
    }
}

fn judge_violation(listed: &[&Known], whole: Option<Depth>, violation: Violation) -> Verdict {
    if violation.cuts.is_empty() {
        let seen = |known: &&&Known| known.message.as_ref() == Some(&violation.message);
        return match listed.iter().find(seen) {
            Some(known) => Verdict::Known { link: known.link.clone(), violation },
            None => Verdict::Violated(violation),
        };
    }
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
    let has_healed =
        |known: &&&Known| whole.is_some_and(|depth| known.has_healed(depth, &violation.cuts));
    if let Some(healed) = listed.iter().find(has_healed) {
        return Verdict::Healed { link: healed.link.clone() };
    }
    let is_seen = |known: &&&Known| violation.cuts.iter().any(|cut| known.names(cut));
    let seen = listed.iter().filter(is_seen);
    let mut links: Vec<&str> = seen.map(|known| known.link.as_str()).collect();
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
        databases = ["postgres"]
        class = "poisoned"
        cuts = ["Held(A)", "Held(B)"]
        full = ["Held(A), cold"]
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
        judge_at(Depth::Quick, version, verdict)
    }

    fn judge_at(depth: Depth, version: &str, verdict: Verdict) -> Verdict {
        let list = KnownIssues::read(LIST).unwrap();
        list.judge("guard/a", &cell(version), Some(depth), verdict)
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
    fn link_of_what_was_not_seen_is_not_shown() {
        let other = LIST
            .replace("full = [\"Held(A), cold\"]", "")
            .replace("example.org/1", "example.org/2");
        let other =
            other.replace("cuts = [\"Held(A)\", \"Held(B)\"]", "full = [\"Held(C), cold\"]");
        let list = KnownIssues::read(&[LIST, &other].concat()).unwrap();
        let quick = violated(&[("Held(A)", Class::Poisoned), ("Held(B)", Class::Poisoned)]);

        let verdict = list.judge("guard/a", &cell("1.2.9"), Some(Depth::Quick), quick);

        assert!(matches!(verdict, Verdict::Known { link, .. } if link == "https://example.org/1"));
    }

    #[test]
    fn cut_of_the_full_depth_is_missed_there_alone() {
        let quick = [("Held(A)", Class::Poisoned), ("Held(B)", Class::Poisoned)];
        let full = [&quick[..], &[("Held(A), cold", Class::Poisoned)]].concat();

        assert_eq!(judge("1.2.9", violated(&quick)).name(), "known");
        assert_eq!(judge_at(Depth::Full, "1.2.9", violated(&quick)).name(), "healed");
        assert_eq!(judge_at(Depth::Full, "1.2.9", violated(&full)).name(), "known");
    }

    #[test]
    fn list_says_nothing_of_another_version() {
        let broken = [("Held(A)", Class::Poisoned), ("Held(B)", Class::Poisoned)];

        assert_eq!(judge("2.0.0", violated(&broken)).name(), "violated");
        assert_eq!(judge("2.0.0", Verdict::Upheld), Verdict::Upheld);
    }

    #[test]
    fn cuts_are_known_in_the_named_operations_alone() {
        let list = LIST.replace(r#"["guard/a"]"#, r#"["guard/a: a", "guard/a: b", "guard/b: c"]"#);
        let judge = |names: &[&str]| {
            let cuts: Vec<_> = names.iter().map(|name| (*name, Class::Poisoned)).collect();
            let list = KnownIssues::read(&list).unwrap();
            list.judge("guard/a", &cell("1.2.9"), Some(Depth::Quick), violated(&cuts)).name()
        };
        let all = ["a: Held(A)", "a: Held(B)", "b: Held(A)", "b: Held(B)"];

        assert_eq!(judge(&all), "known");
        assert_eq!(judge(&all[1..]), "healed");
        assert_eq!(judge(&["a: Held(A)", "c: Held(A)"]), "violated");
    }

    #[test]
    fn violation_without_a_cut_is_known_by_its_words() {
        let list = LIST
            .replace("class = \"poisoned\"", "message = \"it hangs\"")
            .replace("cuts = [\"Held(A)\", \"Held(B)\"]", "")
            .replace("full = [\"Held(A), cold\"]", "");
        let judge = |verdict| {
            let list = KnownIssues::read(&list).unwrap();
            list.judge("guard/a", &cell("1.2.9"), Some(Depth::Quick), verdict)
        };

        assert_eq!(judge(Verdict::violated("it hangs")).name(), "known");
        assert_eq!(judge(Verdict::violated("it hangs; it lies")).name(), "violated");
        assert_eq!(judge(Verdict::Upheld).name(), "healed");
    }

    #[test]
    fn entry_by_words_and_cuts_is_refused() {
        let both = LIST.replace("link =", "message = \"it hangs\"\nlink =");
        let neither = LIST.replace("class = \"poisoned\"", "");

        assert!(KnownIssues::parse(&both).unwrap_err().to_string().contains("or by its message"));
        assert!(KnownIssues::read(&neither).is_err());
    }

    #[test]
    fn entry_without_a_mechanism_is_refused() {
        let list = LIST.replace("mechanism = \"it forgets\"", "");

        assert!(KnownIssues::parse(&list).unwrap_err().to_string().contains("mechanism"));
    }
}
