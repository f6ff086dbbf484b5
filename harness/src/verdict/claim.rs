//! The ledger: claims, what was measured of them, and how far they are judged.
//!
//! Which checks judge a claim is not part of it: each rule names its claims, so the link between the
//! two stands in one place, and the ledger cannot say that a claim is judged when no check does it.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::Rule;

/// Every claim, in report order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The claims.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// A statement that checks can judge, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// `<area>-<claim-in-kebab-case>`; never changes.
    pub id: String,
    /// What is claimed.
    pub says: String,
    /// Whether it is so, as measured where it was claimed.
    pub truth: Truth,
    /// What was measured.
    pub evidence: String,
    /// The counterpart in Rust, or the reason that there is none.
    pub rust: String,
    /// What is judged for it.
    pub subject: Subject,
    /// The databases on which it is judged.
    pub databases: Databases,
    /// How it is judged; `None` for Python alone.
    pub method: Option<Method>,
    /// The suite that is still to judge it, or the rest of it.
    pub open: Option<String>,
    /// What is open, where checks judge a part of it.
    pub rest: Option<String>,
    /// Programs that show it at compile time, by name: what the compiler says of them is pinned.
    #[serde(default)]
    pub programs: Vec<String>,
    /// What was measured of a claim about Python alone, as names of files.
    #[serde(default)]
    pub traces: Vec<String>,
}

/// Whether a claim is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// It is so.
    Holds,
    /// It is so where the evidence says, and not elsewhere.
    HoldsWithLimits,
    /// It is not so.
    Wrong,
}

/// What is judged for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A client library with its pool: each layer is judged.
    Library,
    /// The reference session.
    Session,
    /// The HTTP service.
    Service,
    /// The async runtime.
    Runtime,
    /// The language, by its compiler.
    Language,
    /// Python alone: there is nothing to judge in Rust.
    Python,
}

/// The databases on which a claim is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Databases {
    /// Every one.
    All,
    /// Every one that is a server.
    Servers,
    /// It needs none.
    None,
}

/// How a claim is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A sentence that is true for all generated inputs.
    Property,
    /// A reviewed text that must not change.
    Snapshot,
    /// Code that must not compile.
    CompileFail,
    /// Steps, and what must be so after them.
    Scenario,
    /// A direction in measured times, never a number.
    Benchmark,
}

/// How far a claim is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Checks or programs judge it.
    Judged,
    /// They judge a part of it, and a suite is named for the rest.
    InPart,
    /// A suite is named that is to judge it.
    Open,
    /// It is about Python alone.
    Python,
    /// No check judges it and no suite is named: the ledger is broken.
    Nobody,
}

impl Claim {
    /// The area that it belongs to: the first word of its id.
    #[must_use]
    pub fn area(&self) -> &str {
        self.id.split_once('-').map_or(self.id.as_str(), |(area, _)| area)
    }

    /// The rules that judge it, in report order.
    pub fn judges<'a>(&'a self, rules: &'a [Rule]) -> impl Iterator<Item = &'a Rule> {
        rules.iter().filter(|rule| rule.claims.contains(&self.id))
    }

    /// How far it is judged, by some rules and by its programs.
    #[must_use]
    pub fn standing(&self, rules: &[Rule]) -> Standing {
        let judged = self.judges(rules).next().is_some() || !self.programs.is_empty();
        match (self.subject, judged, &self.open) {
            (Subject::Python, ..) => Standing::Python,
            (_, true, None) => Standing::Judged,
            (_, true, Some(_)) => Standing::InPart,
            (_, false, Some(_)) => Standing::Open,
            (_, false, None) => Standing::Nobody,
        }
    }

    /// What is wrong with it as an entry of a ledger.
    fn fault(&self, rules: &[Rule]) -> Option<String> {
        let id = &self.id;
        let python = self.subject == Subject::Python;
        if self.standing(rules) == Standing::Nobody {
            return Some(format!(
                "no check judges `{id}`, and it is neither open nor about Python"
            ));
        }
        if let Some(rule) = self.judges(rules).next().filter(|_| python) {
            return Some(format!("`{id}` is about Python alone, and {} judges it", rule.id));
        }
        if python && !self.programs.is_empty() {
            return Some(format!("`{id}` is about Python alone, and names programs"));
        }
        if python && (self.open.is_some() || self.method.is_some()) {
            return Some(format!("`{id}` is about Python alone, and says how it is to be judged"));
        }
        if !python && self.method.is_none() {
            return Some(format!("`{id}` does not say how it is judged"));
        }
        if self.rest.is_some() && self.open.is_none() {
            return Some(format!("`{id}` has a rest, and no suite is named for it"));
        }
        None
    }
}

impl Ledger {
    /// What is wrong with the ledger itself, in sentences; nothing where it is whole.
    #[must_use]
    pub fn faults(&self, rules: &[Rule]) -> Vec<String> {
        let mut ids = BTreeSet::new();
        let twice = self.claims.iter().filter(|claim| !ids.insert(&claim.id));
        let mut faults: Vec<String> =
            twice.map(|claim| format!("`{}` is there twice", claim.id)).collect();
        for rule in rules {
            let unknown = rule.claims.iter().filter(|id| !ids.contains(id));
            faults
                .extend(unknown.map(|id| format!("{} judges `{id}`, which is no claim", rule.id)));
        }
        faults.extend(self.claims.iter().filter_map(|claim| claim.fault(rules)));
        faults
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Truth::Holds => "holds",
            Truth::HoldsWithLimits => "holds with limits",
            Truth::Wrong => "wrong",
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Subject::Library => "client library",
            Subject::Session => "reference session",
            Subject::Service => "HTTP service",
            Subject::Runtime => "async runtime",
            Subject::Language => "language",
            Subject::Python => "Python alone",
        })
    }
}

impl fmt::Display for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Databases::All => "all",
            Databases::Servers => "all but SQLite",
            Databases::None => "none",
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Method::Property => "property",
            Method::Snapshot => "snapshot",
            Method::CompileFail => "compile-fail",
            Method::Scenario => "scenario",
            Method::Benchmark => "benchmark",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::verdict::Level;

    fn claim(subject: Subject, open: Option<&str>) -> Claim {
        Claim {
            id: "area-one".into(),
            says: "It is so.".into(),
            truth: Truth::Holds,
            evidence: "It was.".into(),
            rust: "It is.".into(),
            subject,
            databases: Databases::All,
            method: (subject != Subject::Python).then_some(Method::Property),
            open: open.map(Into::into),
            rest: None,
            programs: Vec::new(),
            traces: Vec::new(),
        }
    }

    fn rule(claim: &str) -> Rule {
        Rule {
            id: "demo/check".into(),
            level: Level::Must,
            requirement: String::new(),
            claims: vec![claim.into()],
            needs: Vec::new(),
            since: String::new(),
            background: String::new(),
            mutants: Vec::new(),
        }
    }

    #[rstest]
    #[case::judged(Subject::Library, None, true, Standing::Judged)]
    #[case::in_part(Subject::Library, Some("crud"), true, Standing::InPart)]
    #[case::open(Subject::Runtime, Some("tasks"), false, Standing::Open)]
    #[case::python(Subject::Python, None, false, Standing::Python)]
    fn whole_ledger_has_no_fault(
        #[case] subject: Subject,
        #[case] open: Option<&str>,
        #[case] judged: bool,
        #[case] expected: Standing,
    ) {
        let rules: Vec<Rule> = judged.then(|| rule("area-one")).into_iter().collect();
        let claim = claim(subject, open);

        assert_eq!(claim.standing(&rules), expected);
        assert_eq!(Ledger { claims: vec![claim] }.faults(&rules), [""; 0]);
    }

    #[rstest]
    #[case::nobody(claim(Subject::Library, None), "other", "no check judges `area-one`")]
    #[case::no_claim(claim(Subject::Library, Some("crud")), "other", "`other`, which is no claim")]
    #[case::python(claim(Subject::Python, None), "area-one", "and demo/check judges it")]
    #[case::open(claim(Subject::Python, Some("crud")), "", "how it is to be judged")]
    #[case::programs(
        Claim { programs: vec!["a".into()], ..claim(Subject::Python, None) },
        "",
        "names programs"
    )]
    #[case::method(Claim { method: None, ..claim(Subject::Library, None) }, "area-one", "not say how")]
    #[case::rest(
        Claim { rest: Some("a rest".into()), ..claim(Subject::Library, None) },
        "area-one",
        "has a rest"
    )]
    fn broken_ledger_says_what_is_wrong(
        #[case] claim: Claim,
        #[case] judged: &str,
        #[case] message: &str,
    ) {
        let faults = Ledger { claims: vec![claim] }.faults(&[rule(judged)]).join("; ");

        assert!(faults.contains(message), "{faults}");
    }

    #[test]
    fn program_judges_as_a_check_does() {
        let shown = |open| Claim { programs: vec!["a".into()], ..claim(Subject::Language, open) };

        assert_eq!(shown(None).standing(&[]), Standing::Judged);
        assert_eq!(shown(Some("crud")).standing(&[]), Standing::InPart);
    }

    #[test]
    fn claim_that_is_there_twice_is_a_fault() {
        let claims = vec![claim(Subject::Python, None), claim(Subject::Python, None)];

        assert_eq!(Ledger { claims }.faults(&[]), ["`area-one` is there twice"]);
    }
}
