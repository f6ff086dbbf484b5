//! The ledger of claims: `claims.toml`, embedded, so that whoever has the checks has their claims.
//!
//! It says nothing of checks: each check names its claims. What is left to do is marked in it, and the
//! tests below fail where a claim is judged by nobody and marked by nobody.

use dropproof::verdict::Ledger;

/// Every claim, in report order.
///
/// # Panics
///
/// Never: a test reads it.
#[must_use]
pub fn ledger() -> Ledger {
    toml::from_str(include_str!("../claims.toml")).expect("the ledger is TOML, and a test reads it")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use dropproof::verdict::{Claim, Rule};

    use super::*;
    use crate::{Check, checks};

    /// The suites that there are to be.
    const SUITES: [&str; 11] = [
        "async-iter",
        "crud",
        "dispatch",
        "driver",
        "drop-guard",
        "executor",
        "http",
        "missing-await",
        "session-scope",
        "tasks",
        "waker",
    ];

    fn faulty(fault: impl Fn(&Claim) -> bool) -> Vec<String> {
        ledger().claims.into_iter().filter(|claim| fault(claim)).map(|claim| claim.id).collect()
    }

    #[test]
    fn every_claim_is_judged_or_open_or_about_python() {
        let rules: Vec<Rule> = checks().into_iter().map(Check::rule).collect();

        assert_eq!(ledger().faults(&rules), [""; 0]);
    }

    #[test]
    fn open_claim_names_a_suite_that_there_is_to_be() {
        let unknown =
            |claim: &Claim| claim.open.as_deref().is_some_and(|suite| !SUITES.contains(&suite));

        assert_eq!(faulty(unknown), [""; 0]);
    }

    #[test]
    fn claims_are_told_in_sentences() {
        let is_sentence = |text: &str| text.ends_with(['.', ')']) && !text.contains("  ");
        let mumbled = |claim: &Claim| {
            let rest = claim.rest.as_deref().unwrap_or("None.");
            [&claim.says, &claim.evidence, &claim.rust, rest].iter().any(|text| !is_sentence(text))
        };

        assert_eq!(faulty(mumbled), [""; 0]);
    }

    #[test]
    fn cited_traces_are_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
        let is_trace = |name: &String| {
            let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
            let mut lines = text.lines().map(serde_json::from_str::<serde_json::Value>).peekable();
            lines.peek().is_some() && lines.all(|line| line.is_ok())
        };

        assert_eq!(faulty(|claim| !claim.traces.iter().all(is_trace)), [""; 0]);
    }
}
