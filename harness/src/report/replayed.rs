//! One cut again, as a person reads it.

use crate::verdict::{Outcome, Record, Verdict};

/// What a replay has shown, and whether its verdict is that nothing is broken.
#[must_use]
pub fn replayed(record: &Record) -> (String, bool) {
    let evidence = record.evidence.as_deref().unwrap_or("the check has no cuts: it was run whole");
    let (end, upheld) = match &record.outcome {
        Outcome::Judged(Verdict::Upheld) => ("verdict: upheld".to_owned(), true),
        Outcome::Judged(
            verdict @ (Verdict::Violated(violation) | Verdict::Known { violation, .. }),
        ) => (format!("verdict: {}: {}", verdict.name(), violation.message), false),
        Outcome::Judged(verdict) => (format!("verdict: {}", verdict.name()), false),
        Outcome::Error(causes) => (format!("error: {}", causes.join("\n  because ")), false),
    };
    (format!("{}\n\n{evidence}\n{end}", record.trial), upheld)
}
