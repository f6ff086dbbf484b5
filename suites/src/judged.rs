//! What a check has found: its verdict, and the strip of its cuts where it swept an operation.

use std::time::Duration;

use dropproof::{
    sweep::{Class, Swept, Visit},
    verdict::{Strip, StripCut, Verdict, Violation},
};

use crate::evidence;

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

impl From<Swept> for Judged {
    fn from(swept: Swept) -> Self {
        let Swept { visits, counted } = swept;
        let all: Vec<(usize, &Visit)> = visits.iter().enumerate().skip(1).collect();
        let cuts = match counted {
            Some(_) => all.iter().map(|(_, visit)| named(&visit.cut, visit.class)).collect(),
            None => by_class(&all),
        };
        let verdict = verdict(&visits, counted);
        let (kept, fresh): (Vec<_>, Vec<_>) = all.iter().partition(|(_, visit)| visit.unchanged);
        let strip = Strip { cuts, counted, kept: median(&kept), fresh: median(&fresh) };
        Self { verdict, strip: Some(strip), evidence: None }
    }
}

impl From<Visit> for Judged {
    fn from(visit: Visit) -> Self {
        let verdict = verdict(std::slice::from_ref(&visit), Some(1));
        Self { verdict, strip: None, evidence: Some(evidence::render(&visit)) }
    }
}

fn median(visits: &[(usize, &Visit)]) -> Option<Duration> {
    let mut times: Vec<Duration> = visits.iter().map(|(_, visit)| visit.took).collect();
    times.sort();
    times.get(times.len() / 2).copied()
}

/// The verdict on visits, of which the first is the uncut run.
fn verdict(visits: &[Visit], counted: Option<usize>) -> Verdict {
    let broken: Vec<(usize, &Visit)> =
        visits.iter().enumerate().filter(|(_, visit)| !visit.class.is_upheld()).collect();
    let Some((number, _)) = broken.first() else { return Verdict::Upheld };
    let cuts = match counted {
        Some(_) => broken.iter().map(|(_, visit)| named(&visit.cut, visit.class)).collect(),
        None => by_class(&broken),
    };
    let places: Vec<String> =
        cuts.iter().map(|cut: &StripCut| format!("{} at {}", cut.class, cut.name)).collect();
    let scope = match counted {
        Some(counted) if 1 < visits.len() => {
            format!("{} of {counted} cuts break it: ", cuts.len())
        }
        _ => String::new(),
    };
    let mut found: Vec<&str> = Vec::new();
    for finding in broken.iter().flat_map(|(_, visit)| &visit.findings) {
        if !found.contains(&finding.as_str()) {
            found.push(finding);
        }
    }
    let message = format!("{scope}{} ({})", places.join(", "), found.join("; "));
    // A cut whose number differs from run to run has no token.
    let replay = (*number == 0 || counted.is_some()).then(|| number.to_string());
    Verdict::Violated(Violation { message, cuts, replay })
}

/// Cuts whose number differs from run to run are named by what they did alone.
fn by_class(visits: &[(usize, &Visit)]) -> Vec<StripCut> {
    let name = |number| if number == 0 { "uncut" } else { "Poll" };
    let mut cuts: Vec<StripCut> =
        visits.iter().map(|(number, visit)| named(name(*number), visit.class)).collect();
    cuts.sort_by_key(|cut| cut.class);
    cuts.dedup();
    cuts
}

fn named(name: &str, class: Class) -> StripCut {
    StripCut { name: name.to_owned(), class }
}

#[cfg(test)]
mod tests {
    use dropproof::sweep::Evidence;

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
        match verdict(&visits, counted) {
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
    fn cut_that_cannot_be_counted_is_named_alike_in_every_run() {
        let early = violation(None, &[Class::Open]);
        let late = violation(None, &[Class::Clean, Class::Finished, Class::Open]);

        assert_eq!(early, late);
        assert_eq!(early.replay, None);
    }
}
