//! What a sweep of an application's function has shown, as its author reads it.

use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
    path::Path,
    slice, thread,
};

use anstyle::Style;

use super::{Class, Swept, Visit};
use crate::{database::Kind, run, verdict::StripCut};

/// The environment variable that gives the number of the one cut to visit.
pub const CUT_VARIABLE: &str = "DROPPROOF_CUT";

/// What a sweep of an application's function has shown.
///
/// It is displayed as the cut strip, one mark for each cut, then each cut that is broken, and the
/// command that visits the first of them again. Iterating over it gives the visits.
#[derive(Clone, Debug)]
#[must_use = "a sweep that nobody looks at shows nothing"]
pub struct Judgement {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) seen: Seen,
}

/// What was visited.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// The uncut run and every cut.
    Every(Swept),
    /// The one cut that was asked for.
    One { number: usize, visit: Box<Visit> },
}

impl Judgement {
    /// Whether every visit kept its promises.
    #[must_use]
    pub fn is_upheld(&self) -> bool {
        self.broken().is_empty()
    }

    /// What each cut did, in the order of the conversation; the first is the uncut run. Of a replay it
    /// is the one cut that was asked for.
    #[must_use]
    pub fn visits(&self) -> &[Visit] {
        match &self.seen {
            Seen::Every(swept) => &swept.visits,
            Seen::One { visit, .. } => slice::from_ref(visit),
        }
    }

    /// Fails the test where a visit broke a promise, and says which and how to see it again.
    ///
    /// # Panics
    ///
    /// Panics with what [`Display`](fmt::Display) writes, in colours where the standard error is a
    /// terminal and `NO_COLOR` is not set.
    #[track_caller]
    pub fn assert_upheld(&self) {
        if !self.is_upheld() {
            let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let text = match io::stderr().is_terminal() && !is_plain {
                true => self.text(Class::style),
                false => self.to_string(),
            };
            panic!("{text}");
        }
    }

    /// Writes what the cut that was asked for rests on to the standard error, past what a test
    /// captures.
    pub(super) fn show_evidence(&self) {
        if let Seen::One { visit, .. } = &self.seen {
            // Without a standard error there is nobody to read it.
            writeln!(io::stderr(), "sweep: {} on {}\n{visit}", self.name, self.kind).ok();
        }
    }

    /// The visits that broke a promise, with their numbers.
    fn broken(&self) -> Vec<(usize, &Visit)> {
        let first = match &self.seen {
            Seen::Every(_) => 0,
            Seen::One { number, .. } => *number,
        };
        let numbered = self.visits().iter().enumerate().map(|(i, visit)| (first + i, visit));
        numbered.filter(|(_, visit)| !visit.class.is_upheld()).collect()
    }

    fn text(&self, style: impl Fn(Class) -> Style) -> String {
        let broken = self.broken();
        let mut out = format!("{} on {}: {}\n", self.name, self.kind, self.counts(broken.len()));
        if let Seen::Every(swept) = &self.seen {
            let cuts = strip(swept);
            if !cuts.is_empty() {
                let marks = StripCut::marks(&cuts, &style);
                let legend = StripCut::legend(cuts.iter(), &style);
                out.push_str(&format!("\n{marks}\n\n{legend}\n"));
            }
        }
        if self.is_counted() {
            self.list(&mut out, &broken, style);
        } else {
            // Nobody can visit it again, so it is shown with all that it rests on.
            broken.iter().for_each(|(_, visit)| out.push_str(&format!("\n{visit}")));
        }
        out
    }

    /// Each cut that is broken, below what was found there.
    fn list(&self, out: &mut String, broken: &[(usize, &Visit)], style: impl Fn(Class) -> Style) {
        let mut listed: Vec<(Class, &[String])> = Vec::new();
        for (_, Visit { class, findings, .. }) in broken {
            if listed.contains(&(*class, findings)) {
                continue;
            }
            listed.push((*class, findings));
            let style = style(*class);
            out.push_str(&format!("\n{style}{class}{style:#}: {}\n", said(findings)));
            for (number, visit) in broken {
                if visit.class == *class && visit.findings == *findings {
                    out.push_str(&format!("{number:>5}  {}\n", visit.cut));
                }
            }
        }
        if let Some((number, _)) = broken.first() {
            out.push_str(&format!("\nreplay: {}\n", replay(*number, self.kind)));
        }
    }

    fn is_counted(&self) -> bool {
        self.kind.protocol().is_some()
    }

    fn counts(&self, broken: usize) -> String {
        match &self.seen {
            Seen::One { visit, .. } if broken == 0 => format!("{} is {}", visit.cut, visit.class),
            Seen::One { .. } => "one cut was visited, and is broken".to_owned(),
            Seen::Every(Swept { visits, .. }) if visits.len() == 1 && 0 < broken => {
                "the run that was not cut is broken, so no cut was visited".to_owned()
            }
            Seen::Every(Swept { counted: Some(counted), visits }) => {
                let visited = visits.len() - 1;
                format!("{broken} of {counted} cuts are broken, {visited} were visited")
            }
            Seen::Every(Swept { counted: None, .. }) if broken == 0 => {
                "no cut is broken".to_owned()
            }
            Seen::Every(Swept { counted: None, .. }) => "a cut is broken".to_owned(),
        }
    }
}

impl<'a> IntoIterator for &'a Judgement {
    type Item = &'a Visit;
    type IntoIter = slice::Iter<'a, Visit>;

    fn into_iter(self) -> Self::IntoIter {
        self.visits().iter()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(|_| Style::new()))
    }
}

/// What the cuts did. Where they are not counted the same in every run, each class stands once.
fn strip(Swept { visits, counted }: &Swept) -> Vec<StripCut> {
    let cuts = visits.iter().skip(1);
    let named = |visit: &Visit| StripCut { name: visit.cut.clone(), class: visit.class };
    let mut cuts: Vec<StripCut> = cuts.map(named).collect();
    if counted.is_none() {
        cuts.sort_by_key(|cut| cut.class);
        cuts.dedup_by_key(|cut| cut.class);
    }
    cuts
}

/// Findings on lines of their own, each once: a server may hold several locks of one kind.
fn said(findings: &[String]) -> String {
    let mut said: Vec<&str> = findings.iter().map(String::as_str).collect();
    said.dedup();
    said.join("\n  ")
}

/// The command that visits one cut again, from where this one was called.
fn replay(number: usize, kind: Kind) -> String {
    let servers = match env::var_os(run::VARIABLE) {
        Some(_) => format!("dropproof-databases run --database {kind} -- "),
        None => String::new(),
    };
    let current = thread::current();
    // The test binary names a test's thread for it, but where it has one thread for all.
    let program = match current.name() {
        Some(test) if test != "main" => format!("cargo test {test}"),
        _ => env::args().enumerate().map(word).collect::<Vec<_>>().join(" "),
    };
    match (servers.is_empty(), program) {
        (true, program) => format!("{CUT_VARIABLE}={number} {program}"),
        (false, program) => format!("{CUT_VARIABLE}={number} {servers}{program}"),
    }
}

/// A word of the command line; the program by its path from here.
fn word((place, word): (usize, String)) -> String {
    let here = env::current_dir().unwrap_or_default();
    match Path::new(&word).strip_prefix(here) {
        Ok(path) if place == 0 => path.display().to_string(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sweep::Evidence;

    fn visit(cut: &str, class: Class, findings: &[&str]) -> Visit {
        Visit {
            cut: cut.to_owned(),
            class,
            findings: findings.iter().map(|finding| (*finding).to_owned()).collect(),
            evidence: Evidence::default(),
            took: Duration::ZERO,
            unchanged: class.is_upheld(),
            connections: 1,
        }
    }

    fn judgement(counted: Option<usize>, visits: &[Visit]) -> Judgement {
        let kind = if counted.is_some() { Kind::Postgres } else { Kind::Sqlite };
        let seen = Seen::Every(Swept { visits: visits.to_vec(), counted });
        Judgement { name: "transfer".to_owned(), kind, seen }
    }

    #[test]
    fn broken_cuts_stand_below_what_was_found_there() {
        let lock = ["a lock is held", "a lock is held", "a transaction is open"];
        let text = judgement(
            Some(4),
            &[
                visit("uncut", Class::Clean, &[]),
                visit("Sent(A)", Class::Open, &lock),
                visit("Held(B)", Class::Torn, &["a part of the work is there"]),
                visit("Unread(B)", Class::Open, &lock),
                visit("Held(C)", Class::Finished, &[]),
            ],
        )
        .to_string();

        let (text, replay) = text.split_once("\nreplay: ").unwrap();
        assert_eq!(
            text,
            "transfer on postgres: 3 of 4 cuts are broken, 4 were visited\n\n\
             OTOf\n\n\
             f finished  O open  T torn\n\n\
             open: a lock is held\n  a transaction is open\n    \
             1  Sent(A)\n    3  Unread(B)\n\n\
             torn: a part of the work is there\n    2  Held(B)\n"
        );
        assert!(replay.starts_with("DROPPROOF_CUT=1 "), "{replay}");
        assert!(replay.ends_with("broken_cuts_stand_below_what_was_found_there\n"), "{replay}");
    }

    #[test]
    fn cut_without_a_number_is_shown_with_its_evidence() {
        let clean = visit("Poll(1)", Class::Clean, &[]);
        let visits = [visit("uncut", Class::Clean, &[]), clean.clone(), clean];
        let upheld = judgement(None, &visits);
        let torn = visit("Poll(2)", Class::Torn, &["a part of the work is there"]);
        let broken = judgement(None, &[&visits[..], slice::from_ref(&torn)].concat());

        assert_eq!(upheld.to_string(), "transfer on sqlite: no cut is broken\n\n.\n\n. clean\n");
        assert_eq!(
            broken.to_string(),
            format!("transfer on sqlite: a cut is broken\n\n.T\n\n. clean  T torn\n\n{torn}")
        );
    }

    #[test]
    #[should_panic(expected = "the run that was not cut is broken, so no cut was visited")]
    fn broken_run_that_was_not_cut_fails_the_test() {
        judgement(Some(0), &[visit("uncut", Class::Open, &["a transaction is open"])])
            .assert_upheld();
    }
}
