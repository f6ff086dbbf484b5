//! The matrix in the terminal: checks by cells, then what needs to be read.

use std::{collections::BTreeMap, fmt::Write};

use anstyle::{AnsiColor, Style};

use super::{CellRow, Report, VerdictRow};
use crate::{
    database::Kind,
    sweep::Class,
    verdict::{Cell, StripCut},
};

/// A mark of the matrix, its meaning, and the colour of both.
const MARKS: [(&str, &str, AnsiColor); 7] = [
    ("upheld", "✓", AnsiColor::Green),
    ("violated", "✗", AnsiColor::Red),
    ("known", "~", AnsiColor::Yellow),
    ("healed", "+", AnsiColor::Magenta),
    ("skipped", "-", AnsiColor::BrightBlack),
    ("blocked", "?", AnsiColor::Yellow),
    ("error", "!", AnsiColor::Red),
];

impl Report {
    /// The matrix and what needs to be read, with ANSI styles.
    ///
    /// Strip the styles where there is no terminal to show them.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut out = String::new();
        self.matrix(&mut out);
        self.cut_strips(&mut out);
        self.details(&mut out);
        self.sums(&mut out);
        out
    }

    fn matrix(&self, out: &mut String) {
        let names = self.rules.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
        let heads: Vec<[String; 2]> = self.cells.iter().map(head).collect();
        let widths: Vec<usize> =
            heads.iter().map(|head| head.iter().map(String::len).max().unwrap_or(0)).collect();
        for line in 0..2 {
            line_of(
                out,
                names,
                "",
                heads.iter().zip(&widths).map(|(head, width)| format!("{:<width$}", head[line])),
            );
        }
        for rule in &self.rules {
            line_of(
                out,
                names,
                &rule.id,
                self.cells.iter().zip(&widths).map(|(row, width)| {
                    let mark = self.mark(&rule.id, &row.cell);
                    // A mark is one column wide, whatever its bytes are.
                    format!("{}{}", mark.map_or(" ".to_owned(), styled_mark), " ".repeat(width - 1))
                }),
            );
        }
        out.push('\n');
    }

    /// The word for a rule on a cell; `None` where it was not asked for.
    fn mark(&self, check: &str, cell: &Cell) -> Option<&'static str> {
        let verdict = self.verdicts.iter().find(|row| {
            row.check == check && row.adapter == cell.adapter && row.database == cell.database
        });
        let error = || {
            self.errors.iter().find(|row| {
                row.check == check && row.adapter == cell.adapter && row.database == cell.database
            })
        };
        verdict.map(|row| row.verdict).or_else(|| error().map(|_| "error"))
    }

    /// One line for each operation that was swept, with one mark for each cut.
    fn cut_strips(&self, out: &mut String) {
        if self.strips.is_empty() {
            return;
        }
        let width = self.strips.iter().map(|(trial, _)| trial.len()).max().unwrap_or_default();
        for (trial, strip) in &self.strips {
            write!(out, "{trial:<width$}  ").expect(INFALLIBLE);
            out.push_str(&StripCut::marks(&strip.cuts, Class::style));
            out.push('\n');
        }
        let cuts = self.strips.iter().flat_map(|(_, strip)| &strip.cuts);
        let legend = StripCut::legend(cuts, Class::style);
        writeln!(out, "\n{legend}\n").expect(INFALLIBLE);
    }

    /// What needs to be read, the most urgent last: there a terminal and a log of CI stand.
    fn details(&self, out: &mut String) {
        self.skipped(out);
        for word in ["known", "healed", "violated"] {
            for row in self.verdicts.iter().filter(|row| row.verdict == word) {
                paragraph(out, word, &row.check, &row.adapter, row.database, &self.text(row));
            }
        }
        for row in &self.errors {
            let text = row.causes.join("\n    because ");
            paragraph(out, "error", &row.check, &row.adapter, row.database, &text);
        }
        self.blocked_databases(out);
    }

    /// What is wrong, where to read more, and how to see it again.
    fn text(&self, row: &VerdictRow) -> String {
        let gone = "it holds now; take it off the list of known issues";
        let message = row.message.as_deref().unwrap_or(gone);
        let replay = row.replay.as_ref().map(|token| self.replay.line(token));
        let lines = [Some(message), row.link.as_deref(), replay.as_deref()];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n    ")
    }

    /// One paragraph for each reason of a layer, with the checks that it keeps from being asked.
    fn skipped(&self, out: &mut String) {
        let mut reasons: Vec<(&VerdictRow, Vec<&str>)> = Vec::new();
        for row in self.verdicts.iter().filter(|row| row.verdict == "skipped") {
            let same = |(first, _): &&mut (&VerdictRow, _)| {
                (&first.adapter, &first.reason, &first.link)
                    == (&row.adapter, &row.reason, &row.link)
            };
            match reasons.iter_mut().find(same) {
                Some((_, checks)) if checks.contains(&row.check.as_str()) => {}
                Some((_, checks)) => checks.push(&row.check),
                None => reasons.push((row, vec![&row.check])),
            }
        }
        for (row, checks) in reasons {
            let (reason, link) = (row.reason.as_deref(), row.link.as_deref());
            let (reason, link) = (reason.unwrap_or_default(), link.unwrap_or_default());
            writeln!(out, "{} on {}: {reason}\n    {link}", styled("skipped"), row.adapter)
                .expect(INFALLIBLE);
            for check in checks {
                writeln!(out, "    {check}").expect(INFALLIBLE);
            }
            out.push('\n');
        }
    }

    /// One line for each database that is not to be had.
    fn blocked_databases(&self, out: &mut String) {
        let blocked = self.verdicts.iter().filter(|row| row.verdict == "blocked");
        let reasons: BTreeMap<Kind, &str> =
            blocked.map(|row| (row.database, row.reason.as_deref().unwrap_or_default())).collect();
        for (database, reason) in &reasons {
            writeln!(out, "{} {database}: {reason}", styled("blocked")).expect(INFALLIBLE);
        }
        if !reasons.is_empty() {
            out.push('\n');
        }
    }

    fn sums(&self, out: &mut String) {
        let totals = self.totals;
        let counts = [
            ("violated", totals.violated),
            ("known", totals.known),
            ("healed", totals.healed),
            ("error", totals.error),
            ("blocked", totals.blocked),
        ];
        write!(out, "{} upheld / {} judged", totals.upheld, totals.judged()).expect(INFALLIBLE);
        if totals.skipped > 0 {
            write!(out, " (+ {} skipped)", totals.skipped).expect(INFALLIBLE);
        }
        for (word, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let (_, style) = style_of(word);
            write!(out, ", {style}{count} {word}{style:#}").expect(INFALLIBLE);
        }
        out.push('\n');
    }
}

const INFALLIBLE: &str = "a string takes whatever is written";

fn head(row: &CellRow) -> [String; 2] {
    let version = row.database_version.as_deref().unwrap_or("-");
    [
        format!("{} {version}", row.cell.database),
        format!("{} {}", row.cell.adapter, row.cell.adapter_version),
    ]
}

fn line_of(out: &mut String, width: usize, name: &str, columns: impl Iterator<Item = String>) {
    let columns = columns.collect::<Vec<_>>().join("  ");
    let line = format!("{name:<width$}  {columns}");
    writeln!(out, "{}", line.trim_end()).expect(INFALLIBLE);
}

fn paragraph(out: &mut String, word: &str, check: &str, adapter: &str, database: Kind, text: &str) {
    writeln!(out, "{} {check} on {adapter}, {database}\n    {text}\n", styled(word))
        .expect(INFALLIBLE);
}

fn style_of(word: &str) -> (&'static str, Style) {
    let (_, mark, colour) = MARKS
        .into_iter()
        .find(|(name, ..)| *name == word)
        .expect("every word of a report has a mark");
    (mark, Style::new().fg_color(Some(colour.into())))
}

/// The mark of a verdict, or of an `error`, in its colour; `None` for any other word.
#[must_use]
pub fn mark(word: &str) -> Option<String> {
    MARKS.iter().any(|(name, ..)| *name == word).then(|| styled_mark(word))
}

fn styled(word: &str) -> String {
    let (mark, style) = style_of(word);
    format!("{style}{mark} {word}{style:#}")
}

fn styled_mark(word: &str) -> String {
    let (mark, style) = style_of(word);
    format!("{style}{mark}{style:#}")
}

#[cfg(test)]
mod tests {
    use crate::report::tests::one_of_each;

    #[test]
    fn terminal_shows_each_verdict_apart() {
        let plain = anstream::adapter::strip_str(&one_of_each().terminal()).to_string();

        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/report");
        insta::with_settings!({
            snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true,
        }, { insta::assert_snapshot!("terminal", plain) });
    }
}
