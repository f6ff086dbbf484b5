//! What a check has found: its verdict, and the strip of its cuts where it swept an operation.

use std::time::Duration;

use dropproof::{
    sweep::{Left, Swept, Visit},
    verdict::{Strip, StripCut, Verdict, Violation},
};

/// A verdict, with what was seen on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What each cut did, where an operation was swept.
    pub strip: Option<Strip>,
    /// What one visit rests on, as a person reads it.
    pub evidence: Option<String>,
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, strip: None, evidence: None }
    }
}

/// The number of a cut, of which the first operation of a check has those up to here, the second one
/// the next ones: so each has one number alone.
pub(crate) const NUMBERS_OF_ONE: usize = 10_000;

impl From<Swept> for Judged {
    fn from(swept: Swept) -> Self {
        Self::each(&[(String::new(), swept)])
    }
}

impl Judged {
    /// One verdict on several operations by name, each dropped at every place.
    pub(crate) fn each(operations: &[(String, Swept)]) -> Self {
        let seen: Vec<Seen<'_>> = operations
            .iter()
            .enumerate()
            .flat_map(|(i, (name, swept))| seen(i, name, swept))
            .collect();
        let counted = operations.iter().map(|(_, swept)| swept.counted).sum();
        let cut: Vec<&Seen<'_>> = seen.iter().filter(|seen| !seen.is_uncut()).collect();
        let cuts = named(&cut, counted);
        let times = |unchanged| {
            let visits = cut.iter().map(|seen| seen.visit);
            median(visits.filter(|visit| visit.unchanged == unchanged).map(|visit| visit.took))
        };
        let strip = (!cuts.is_empty()).then(|| Strip {
            cuts,
            counted,
            kept: times(true),
            fresh: times(false),
        });
        Self { verdict: verdict(&seen, counted), strip, evidence: None }
    }

    /// What leaving in a way showed that must be the same as a drop: each cut is upheld and, where
    /// what is cut `is_repeatable`, of the same class.
    pub(crate) fn left(left: &[Left], is_repeatable: bool) -> Self {
        let differs = |left: &&Left| {
            let Left { by_drop, in_that_way } = left;
            !in_that_way.class.is_upheld() || (is_repeatable && by_drop.class != in_that_way.class)
        };
        let broken: Vec<&Left> = left.iter().filter(differs).collect();
        if broken.is_empty() {
            return Verdict::Upheld.into();
        }
        let words = |left: &&Left| {
            let Left { by_drop, in_that_way: Visit { class, cut, findings, .. } } = left;
            let dropped = by_drop.class;
            format!("{class} at {cut}, where a drop is {dropped} ({})", findings.join("; "))
        };
        let message = broken.iter().map(words).collect::<Vec<_>>().join(", ");
        let cut = |left: &&Left| {
            let Visit { cut, class, .. } = &left.in_that_way;
            StripCut { name: cut.clone(), class: *class }
        };
        let cuts = broken.iter().map(cut).collect();
        Verdict::Violated(Violation { message, cuts, replay: None }).into()
    }

    /// What one visit showed, of an operation by its place among several.
    pub(crate) fn visit(place: usize, name: &str, number: usize, visit: &Visit) -> Self {
        let number = place * NUMBERS_OF_ONE + number;
        let verdict = verdict(&[Seen { number, name, visit }], Some(1));
        Self { verdict, strip: None, evidence: Some(visit.to_string()) }
    }
}

/// A visit with its number and the name of its operation.
struct Seen<'a> {
    number: usize,
    name: &'a str,
    visit: &'a Visit,
}

impl Seen<'_> {
    fn is_uncut(&self) -> bool {
        self.number.is_multiple_of(NUMBERS_OF_ONE)
    }

    fn cut(&self, cut: &str) -> StripCut {
        let name =
            if self.name.is_empty() { cut.to_owned() } else { format!("{}: {cut}", self.name) };
        StripCut { name, class: self.visit.class }
    }
}

fn seen<'a>(place: usize, name: &'a str, swept: &'a Swept) -> impl Iterator<Item = Seen<'a>> {
    let numbers = place * NUMBERS_OF_ONE..;
    numbers.zip(&swept.visits).map(move |(number, visit)| Seen { number, name, visit })
}

fn median(times: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied()
}

/// The verdict on visits, of which the first of each operation is its uncut run.
fn verdict(seen: &[Seen<'_>], counted: Option<usize>) -> Verdict {
    let broken: Vec<&Seen<'_>> = seen.iter().filter(|seen| !seen.visit.class.is_upheld()).collect();
    let Some(first) = broken.first() else { return Verdict::Upheld };
    let cuts = named(&broken, counted);
    let places: Vec<String> =
        cuts.iter().map(|cut: &StripCut| format!("{} at {}", cut.class, cut.name)).collect();
    let scope = match counted {
        Some(counted) if 1 < seen.len() && 0 < counted => {
            format!("{} of {counted} cuts break it: ", cuts.len())
        }
        _ => String::new(),
    };
    let mut found: Vec<&str> = Vec::new();
    for finding in broken.iter().flat_map(|seen| &seen.visit.findings) {
        if !found.contains(&finding.as_str()) {
            found.push(finding);
        }
    }
    let message = format!("{scope}{} ({})", places.join(", "), found.join("; "));
    // A cut whose number differs from run to run has no token.
    let replay = (first.is_uncut() || counted.is_some()).then(|| first.number.to_string());
    Verdict::Violated(Violation { message, cuts, replay })
}

/// Cuts by their content; those whose number differs from run to run by what they did alone.
fn named(seen: &[&Seen<'_>], counted: Option<usize>) -> Vec<StripCut> {
    if counted.is_some() {
        return seen.iter().map(|seen| seen.cut(&seen.visit.cut)).collect();
    }
    let name = |seen: &Seen<'_>| seen.cut(if seen.is_uncut() { "uncut" } else { "Poll" });
    let mut cuts: Vec<StripCut> = seen.iter().map(|seen| name(seen)).collect();
    cuts.sort_by_key(|cut| (cut.name.clone(), cut.class));
    cuts.dedup();
    cuts
}

#[cfg(test)]
mod tests {
    use dropproof::sweep::{Class, Evidence};

    use super::*;

    fn visit(cut: &str, class: Class) -> Visit {
        Visit {
            cut: cut.to_owned(),
            class,
            findings: vec!["seen".to_owned()],
            evidence: Evidence::default(),
            took: Duration::ZERO,
            unchanged: class.is_upheld(),
            connections: 1,
        }
    }

    fn violation(counted: Option<usize>, classes: &[Class]) -> Violation {
        let cuts = classes.iter().zip(1..).map(|(class, n)| visit(&format!("Poll({n})"), *class));
        let visits: Vec<Visit> = [visit("uncut", Class::Clean)].into_iter().chain(cuts).collect();
        let swept = Swept { visits, counted };
        match Judged::from(swept).verdict {
            Verdict::Violated(violation) => violation,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn token_is_the_number_of_the_first_broken_cut() {
        let violation = violation(Some(3), &[Class::Clean, Class::Open, Class::Poisoned]);

        assert_eq!(violation.replay.as_deref(), Some("2"));
        assert!(violation.message.starts_with("2 of 3 cuts break it: open at Poll(2)"));
    }

    #[test]
    fn cuts_of_several_operations_are_told_apart() {
        let swept = |class| Swept {
            visits: vec![visit("uncut", Class::Clean), visit("Held(A)", class)],
            counted: Some(1),
        };
        let two = [("a".to_owned(), swept(Class::Clean)), ("b".to_owned(), swept(Class::Open))];
        let Verdict::Violated(violation) = Judged::each(&two).verdict else {
            panic!("it is broken")
        };

        assert_eq!(violation.replay.as_deref(), Some("10001"));
        assert!(violation.message.starts_with("1 of 2 cuts break it: open at b: Held(A)"));
    }

    #[test]
    fn cut_that_cannot_be_counted_is_named_alike_in_every_run() {
        let early = violation(None, &[Class::Open]);
        let late = violation(None, &[Class::Clean, Class::Finished, Class::Open]);

        assert_eq!(early, late);
        assert_eq!(early.replay, None);
    }
}
