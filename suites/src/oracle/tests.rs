//! The comparison, and that nothing of the original is passed over in silence.

use std::{collections::BTreeSet, fs};

use super::*;
use crate::{async_iter, cell::Scenario, crud, missing_await, session_scope};

/// Those of all suites.
fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    let themed = [
        session_scope::tests::SCENARIOS,
        missing_await::tests::SCENARIOS,
        async_iter::tests::SCENARIOS,
    ];
    crud::tests::SCENARIOS.iter().chain(themed.into_iter().flatten())
}

const DEMO: Original = Original {
    claim: "demo",
    traces: [
        r#"{"step": "put", "rows": 1, "statements": ["begin", "insert into t"]}"#,
        r#"{"step": "put", "rows": 1, "error": "IntegrityError", "code": "23000"}"#,
        "",
    ],
    pairs: &[Pair { theirs: ("put", 0), ours: "mark", on: EVERYWHERE }],
    left_out: &[],
    deviations: &[
        rows_are(&[Kind::MySql], "2"),
        rows_are(&[Kind::MariaDb], "2"),
        rows_are(&[Kind::MariaDb], "1"),
    ],
};

const fn rows_are(on: &'static [Kind], ours: &'static str) -> Deviation {
    Deviation { theirs: ("put", 0), fact: Fact::Rows, on, ours, because: "it is a demo" }
}

fn trace(rows: u32, verbs: &[&str], error: Option<Class>) -> Trace {
    let trace = Trace::default();
    trace.note("mark", "done");
    trace.fact(Fact::Rows, rows);
    trace.fact(Fact::Verbs, verbs.to_vec());
    if let Some(class) = error {
        trace.fact(Fact::Error, class.name());
    }
    trace
}

#[test]
fn equal_facts_agree() {
    assert_eq!(DEMO.agrees(Kind::Postgres, &trace(1, &["INSERT"], None)), Ok(()));
}

#[test]
fn fact_that_differs_is_named() {
    let message = DEMO.agrees(Kind::Postgres, &trace(2, &["INSERT"], None)).unwrap_err();

    assert!(message.contains("Rows 1") && message.contains("has 2 here"), "{message}");
}

#[test]
fn error_that_the_original_does_not_have_is_named() {
    let trace = trace(1, &["INSERT"], Some(Class::Data));

    assert!(DEMO.agrees(Kind::Postgres, &trace).unwrap_err().contains("Error null"));
}

#[test]
fn error_that_is_missing_is_named() {
    let message = DEMO.agrees(Kind::MySql, &trace(2, &[], None)).unwrap_err();

    assert!(message.contains("Error \"constraint\""), "{message}");
}

#[test]
fn deviation_is_met_as_it_is_listed() {
    assert_eq!(DEMO.agrees(Kind::MySql, &trace(2, &[], Some(Class::Constraint))), Ok(()));
}

#[test]
fn deviation_that_is_not_met_is_named() {
    let message = DEMO.agrees(Kind::MySql, &trace(1, &[], Some(Class::Constraint))).unwrap_err();

    assert!(message.contains("another deviation is listed"), "{message}");
}

#[test]
fn one_of_several_deviations_is_met() {
    let agrees = |rows| DEMO.agrees(Kind::MariaDb, &trace(rows, &[], Some(Class::Constraint)));

    assert_eq!((agrees(1), agrees(2)), (Ok(()), Ok(())));
    assert!(agrees(3).unwrap_err().contains("another deviation is listed"));
}

#[test]
fn every_event_of_an_original_is_paired_or_left_out() {
    for original in scenarios().flat_map(|scenario| scenario.originals) {
        for kind in Kind::ALL {
            let events = original.events(kind);
            let mut met = Vec::new();
            for event in &events {
                let step = event["step"].as_str().expect("a step is text");
                let nth = met.iter().filter(|known| **known == step).count();
                met.push(step);
                let is_it = |theirs: Theirs| theirs == (step, nth);
                let paired =
                    original.pairs.iter().any(|pair| is_it(pair.theirs) && pair.on.contains(&kind));
                let left_out = original.left_out.iter().any(|(theirs, _)| is_it(*theirs));
                assert!(paired || left_out, "{} on {kind}: {step} {nth}", original.claim);
            }
            for pair in original.pairs.iter().filter(|pair| pair.on.contains(&kind)) {
                let found = find(&events, pair.theirs);
                assert!(found.is_some(), "{} on {kind}: {:?}", original.claim, pair.theirs);
            }
        }
    }
}

#[test]
fn every_field_that_is_paired_is_compared_or_left_out() {
    for original in scenarios().flat_map(|scenario| scenario.originals) {
        for (kind, pair) in
            Kind::ALL.iter().flat_map(|kind| original.pairs.iter().map(move |p| (kind, p)))
        {
            let events = original.events(*kind);
            let Some(event) = find(&events, pair.theirs) else { continue };
            for (name, value) in event.iter().filter(|(name, _)| *name != "step") {
                assert!(
                    original.field(name, value).is_some(),
                    "{}: {name} is not in FIELDS",
                    original.claim
                );
            }
        }
    }
}

#[test]
fn every_trace_that_moved_in_is_compared_or_cited() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/oracle");
    let files = fs::read_dir(folder).expect("there is a folder").map(|entry| {
        let name = entry.expect("it can be read").file_name().into_string().expect("it is ASCII");
        claim_of(&name)
    });
    let originals = scenarios().flat_map(|scenario| scenario.originals);
    let compared = originals.map(|original| original.claim.to_owned());
    let ledger = crate::ledger();
    let cited = ledger.claims.iter().flat_map(|claim| &claim.traces).map(|file| claim_of(file));
    let used: BTreeSet<String> = compared.chain(cited).collect();

    assert_eq!(files.collect::<BTreeSet<_>>(), used);
}

/// The claim that a trace is about, out of the name of its file.
fn claim_of(file: &str) -> String {
    file.split('.').next().unwrap_or_default().to_owned()
}
