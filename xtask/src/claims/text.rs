//! The ledger for people, in a hundred columns, with ANSI styles.
//!
//! Strip the styles where there is no terminal to show them.

use std::{collections::BTreeMap, fmt::Write};

use anstyle::{AnsiColor, Style};
use dropproof::verdict::{Standing, Subject, Truth};

use super::{
    entry::{Entry, Judge},
    last_run::LastRun,
};

const COLUMNS: usize = 100;
const INFALLIBLE: &str = "a string takes whatever is written";
const BOLD: Style = Style::new().bold();

/// What can be printed of a ledger.
pub(super) struct Page<'a> {
    pub(super) entries: &'a [Entry<'a>],
    pub(super) last_run: Option<&'a LastRun>,
    /// What is wrong with the ledger itself.
    pub(super) faults: &'a [String],
}

impl Page<'_> {
    /// The whole ledger, area by area, and what it comes to.
    pub(super) fn whole(&self) -> String {
        let mut out = String::new();
        self.run(&mut out);
        let mut area = "";
        for entry in self.entries {
            if area != entry.claim.area() {
                area = entry.claim.area();
                let of_area: Vec<_> = self.having(|entry| entry.claim.area() == area);
                heading(&mut out, area, &standings(&of_area));
            }
            self.entry(&mut out, entry);
        }
        self.wrong(&mut out);
        self.still_open(&mut out);
        self.sums(&mut out);
        out
    }

    /// What is open, suite by suite.
    pub(super) fn open(&self) -> String {
        let mut out = String::new();
        self.run(&mut out);
        for (suite, entries) in self.by_open_suite() {
            heading(&mut out, suite, &standings(&entries));
            entries.into_iter().for_each(|entry| self.entry(&mut out, entry));
        }
        self.sums(&mut out);
        out
    }

    /// One claim, with all that is known of it.
    pub(super) fn full(&self, entry: &Entry<'_>) -> String {
        let claim = entry.claim;
        let mut out = format!("{}\n", title(entry));
        let method = claim.method.map(|method| method.to_string());
        let open = claim.rest.as_deref().filter(|_| entry.standing == Standing::InPart);
        let traces: Vec<String> = claim.traces.iter().map(|name| trace(name)).collect();
        let programs: Vec<String> = claim.programs.iter().map(|name| program(name)).collect();
        for (name, text) in [
            ("claim", Some(claim.says.as_str())),
            ("measured", Some(&claim.evidence)),
            ("in Rust", Some(&claim.rust)),
            ("subject", Some(&claim.subject.to_string())),
            ("databases", Some(&claim.databases.to_string())),
            ("method", method.as_deref()),
            ("open", open),
            ("programs", (!programs.is_empty()).then(|| programs.join(" ")).as_deref()),
            ("traces", (!traces.is_empty()).then(|| traces.join(" ")).as_deref()),
        ] {
            if let Some(text) = text {
                wrap(&mut out, &format!("  {name:<9}  "), &" ".repeat(13), text);
            }
        }
        for judge in &entry.checks {
            let rule = judge.rule;
            writeln!(out, "\n{BOLD}{}{BOLD:#}  {}", rule.id, rule.level).expect(INFALLIBLE);
            wrap(&mut out, "  ", "  ", &rule.requirement);
            self.answers(&mut out, judge);
        }
        out.push('\n');
        self.run(&mut out);
        self.broken(&mut out);
        out
    }

    /// What the verdicts are from.
    fn run(&self, out: &mut String) {
        let Some(run) = self.last_run else {
            let how = "no run yet: `cargo xtask test` judges every layer and leaves its report; \
                with `--database sqlite` it needs no server";
            wrap(out, "", "  ", how);
            return;
        };
        writeln!(out, "verdicts of {}, seed {}", run.path, run.seed).expect(INFALLIBLE);
        let names = run.cells.iter().map(|row| row.cell.name().len()).max().unwrap_or_default();
        for row in &run.cells {
            let version = row.database_version.as_deref().unwrap_or("-");
            let (name, cell) = (row.cell.name(), &row.cell);
            let (library, its) = (&cell.adapter, &cell.adapter_version);
            writeln!(out, "  {name:<names$}  {} {version}, {library} {its}", cell.database)
                .expect(INFALLIBLE);
        }
    }

    fn entry(&self, out: &mut String, entry: &Entry<'_>) {
        let claim = entry.claim;
        writeln!(out, "\n{}", title(entry)).expect(INFALLIBLE);
        wrap(out, "  ", "  ", &claim.says);
        if claim.truth == Truth::Wrong {
            wrap(out, "  measured: ", "    ", &claim.evidence);
        }
        if claim.subject == Subject::Python {
            wrap(out, "  in Rust: ", "    ", &claim.rust);
            claim.traces.iter().for_each(|name| wrap(out, "  trace: ", "    ", &trace(name)));
        }
        if let (Standing::InPart, Some(rest)) = (entry.standing, &claim.rest) {
            wrap(out, "  open: ", "    ", rest);
        }
        claim.programs.iter().for_each(|name| {
            writeln!(out, "    {}  as the compiler is pinned", program(name)).expect(INFALLIBLE);
        });
        for judge in &entry.checks {
            self.check(out, judge);
        }
    }

    /// One line where all cells say the same, else one for each thing that is said.
    fn check(&self, out: &mut String, judge: &Judge<'_>) {
        let id = &judge.rule.id;
        let groups = judge.by_word();
        match (self.last_run, groups.as_slice()) {
            (None, _) => writeln!(out, "    {id}").expect(INFALLIBLE),
            (Some(_), []) => writeln!(out, "    {id}  not in this run").expect(INFALLIBLE),
            (Some(run), [(word, cells)]) if cells.len() == run.cells.len() => {
                writeln!(out, "    {id}  {} on {}", word.marked(), all(cells)).expect(INFALLIBLE);
            }
            (Some(_), groups) => {
                writeln!(out, "    {id}").expect(INFALLIBLE);
                for (word, cells) in groups {
                    let first = format!("      {} on ", word.marked());
                    wrap(out, &first, "          ", &cells.join(", "));
                }
            }
        }
    }

    /// What a check has said, cell by cell.
    fn answers(&self, out: &mut String, judge: &Judge<'_>) {
        if judge.answers.is_empty() && self.last_run.is_some() {
            out.push_str("  not in this run\n");
        }
        for answer in &judge.answers {
            writeln!(out, "  {} on {}", answer.word.marked(), answer.cell()).expect(INFALLIBLE);
            for text in answer.message.iter().chain(&answer.link) {
                wrap(out, "      ", "      ", text);
            }
        }
    }

    fn wrong(&self, out: &mut String) {
        let wrong = self.having(|entry| entry.claim.truth == Truth::Wrong);
        if wrong.is_empty() {
            return;
        }
        heading(out, "wrong", &format!("{}, as measured; the evidence is above", count(&wrong)));
        wrap(out, "  ", "  ", &ids(&wrong));
    }

    fn still_open(&self, out: &mut String) {
        let open = self.having(|e| matches!(e.standing, Standing::Open | Standing::InPart));
        if open.is_empty() {
            return;
        }
        let how = format!("{}; `cargo xtask claims --open` has them by suite", standings(&open));
        heading(out, "open", &how);
        for (suite, entries) in self.by_open_suite() {
            let first = format!("  {suite:<13} {:>3}  ", entries.len());
            wrap(out, &first, &" ".repeat(21), &ids(&entries));
        }
    }

    fn by_open_suite(&self) -> BTreeMap<&str, Vec<&Entry<'_>>> {
        let mut suites: BTreeMap<&str, Vec<&Entry<'_>>> = BTreeMap::new();
        for entry in self.entries {
            if let Some(suite) = &entry.claim.open {
                suites.entry(suite).or_default().push(entry);
            }
        }
        suites
    }

    fn sums(&self, out: &mut String) {
        self.broken(out);
        let all = self.having(|_| true);
        let truths = [Truth::Holds, Truth::HoldsWithLimits, Truth::Wrong].map(|truth| {
            let claims = self.having(|entry| entry.claim.truth == truth).len();
            format!("{} {claims}", styled_truth(truth))
        });
        writeln!(out, "\n{}: {}", count(&all), standings(&all)).expect(INFALLIBLE);
        writeln!(out, "as measured: {}", truths.join(", ")).expect(INFALLIBLE);
    }

    fn broken(&self, out: &mut String) {
        if !self.faults.is_empty() {
            heading(out, &coloured("broken", AnsiColor::Red), "the ledger itself is wrong");
        }
        self.faults.iter().for_each(|fault| wrap(out, "  ", "    ", fault));
    }

    fn having(&self, wanted: impl Fn(&Entry<'_>) -> bool) -> Vec<&Entry<'_>> {
        self.entries.iter().filter(|entry| wanted(entry)).collect()
    }
}

/// A claim's id, its truth, and how far it is judged.
fn title(entry: &Entry<'_>) -> String {
    let claim = entry.claim;
    let suite = claim.open.as_deref().unwrap_or_default();
    let standing = match entry.standing {
        Standing::Judged => "judged".to_owned(),
        Standing::InPart => format!("judged in part, open: {suite}"),
        Standing::Open => format!("open: {suite}"),
        Standing::Python => "about Python alone".to_owned(),
        Standing::Nobody => coloured("judged by nobody", AnsiColor::Red),
    };
    format!("{BOLD}{}{BOLD:#}  {}  {standing}", claim.id, styled_truth(claim.truth))
}

/// How many claims stand how.
fn standings(entries: &[&Entry<'_>]) -> String {
    let words = [
        (Standing::Judged, "judged"),
        (Standing::InPart, "judged in part"),
        (Standing::Open, "open"),
        (Standing::Python, "about Python alone"),
        (Standing::Nobody, "judged by nobody"),
    ];
    let counts = words.into_iter().filter_map(|(standing, word)| {
        let count = entries.iter().filter(|entry| entry.standing == standing).count();
        (0 < count).then(|| format!("{count} {word}"))
    });
    counts.collect::<Vec<_>>().join(", ")
}

fn styled_truth(truth: Truth) -> String {
    let colour = match truth {
        Truth::Holds => AnsiColor::Green,
        Truth::HoldsWithLimits => AnsiColor::Yellow,
        Truth::Wrong => AnsiColor::Red,
    };
    coloured(&truth.to_string(), colour)
}

fn coloured(text: &str, colour: AnsiColor) -> String {
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{text}{style:#}")
}

fn count(entries: &[&Entry<'_>]) -> String {
    match entries.len() {
        1 => "1 claim".to_owned(),
        count => format!("{count} claims"),
    }
}

fn all(cells: &[String]) -> String {
    match cells {
        [cell] => cell.clone(),
        [_, _] => "both cells".to_owned(),
        cells => format!("all {} cells", cells.len()),
    }
}

fn ids(entries: &[&Entry<'_>]) -> String {
    entries.iter().map(|entry| entry.claim.id.as_str()).collect::<Vec<_>>().join(", ")
}

fn program(name: &str) -> String {
    format!("suites/ui/examples/{name}.rs")
}

fn trace(name: &str) -> String {
    format!("suites/oracle/{name}")
}

fn heading(out: &mut String, name: &str, what: &str) {
    writeln!(out, "\n{BOLD}{name}{BOLD:#}: {what}").expect(INFALLIBLE);
}

fn wrap(out: &mut String, first: &str, later: &str, text: &str) {
    let options = textwrap::Options::new(COLUMNS)
        .initial_indent(first)
        .subsequent_indent(later)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace);
    writeln!(out, "{}", textwrap::fill(text, options)).expect(INFALLIBLE);
}
