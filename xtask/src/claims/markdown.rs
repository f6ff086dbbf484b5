//! The ledger as `CLAIMS.md`: what is wrong first, then what has limits, then what holds.
//!
//! It names no version of a server and no path of a report, so that equal verdicts give equal bytes on
//! every machine. It is whole or it is not made: every check must have answered on every cell.

use std::fmt::Write;

use dropproof::verdict::{Plan, Standing, Truth};
use miette::miette;

use super::{
    entry::{Entry, Judge},
    last_run::{LastRun, Word},
};

/// The file, from the root of the workspace.
pub(super) const FILE: &str = "CLAIMS.md";
/// What writes it.
const COMMAND: &str = "cargo xtask claims --write";

const INFALLIBLE: &str = "a string takes whatever is written";

/// Fails where a run has not answered every check on every cell.
pub(super) fn whole<'a>(plan: &Plan, run: Option<&'a LastRun>) -> miette::Result<&'a LastRun> {
    let help = "`cargo xtask test` judges every check on every cell";
    let run = run.ok_or_else(|| miette!(help = help, "{FILE} needs the verdicts of a run"))?;
    let answered = |name: &str, check: &str| {
        run.answers.iter().any(|answer| {
            answer.check == check
                && answer.word != Word::Blocked
                && name == format!("{}/{check}", answer.cell())
        })
    };
    let missing = plan.trials.iter().filter(|trial| !answered(&trial.name, &trial.check)).count();
    if missing != 0 {
        let all = plan.trials.len();
        return Err(miette!(
            help = help,
            "{FILE} needs the verdicts of a whole run; {missing} of {all} are not in {}",
            run.path
        ));
    }
    Ok(run)
}

/// Fails where the file says anything else than the ledger and the last run do.
pub(super) fn up_to_date(written: &str, page: &str) -> miette::Result<()> {
    let differs = written.lines().zip(page.lines()).position(|(one, other)| one != other);
    let line = differs.unwrap_or_else(|| written.lines().count().min(page.lines().count())) + 1;
    if written == page {
        return Ok(());
    }
    Err(miette!(
        help = format!("`{COMMAND}` writes it"),
        "{FILE} is not what the checks say, from line {line} on"
    ))
}

/// Writes the page.
pub(super) fn write(entries: &[Entry<'_>]) -> String {
    let mut out = format!(
        "# Claims\n\nWritten by `{COMMAND}` from `suites/claims.toml`, the checks and the verdicts of a \
         whole run.\n\n{} statements on async programming and async database sessions, as they are told of \
         Python. Each was measured on the systems that it is told of, and has a counterpart in Rust: what is \
         so there, the checks find out.\n\n",
        entries.len()
    );
    sums(&mut out, entries);
    for (truth, title, words) in [
        (Truth::Wrong, "What is wrong", "It was measured, and it is not so."),
        (Truth::HoldsWithLimits, "What holds with limits", "It is so, but for what was found."),
        (Truth::Holds, "What holds", "It is so, as far as it was measured."),
    ] {
        writeln!(out, "## {title}\n\n{words}\n").expect(INFALLIBLE);
        entries.iter().filter(|entry| entry.claim.truth == truth).for_each(|e| claim(&mut out, e));
    }
    out
}

/// How many claims are how true, and how far they are judged.
fn sums(out: &mut String, entries: &[Entry<'_>]) {
    out.push_str("| measured | judged | judged in part | open | about Python alone | all |\n");
    out.push_str("|---|---|---|---|---|---|\n");
    for truth in [Truth::Wrong, Truth::HoldsWithLimits, Truth::Holds] {
        let of_truth: Vec<_> = entries.iter().filter(|entry| entry.claim.truth == truth).collect();
        let standing = |wanted| of_truth.iter().filter(|entry| entry.standing == wanted).count();
        let [judged, part, open, python] =
            [Standing::Judged, Standing::InPart, Standing::Open, Standing::Python].map(standing);
        let all = of_truth.len();
        writeln!(out, "| {truth} | {judged} | {part} | {open} | {python} | {all} |")
            .expect(INFALLIBLE);
    }
    out.push('\n');
}

fn claim(out: &mut String, entry: &Entry<'_>) {
    let claim = entry.claim;
    let mut line = |text: String| writeln!(out, "{text}").expect(INFALLIBLE);
    line(format!("### {}\n\n> {}\n", claim.id, claim.says));
    line(format!("- **Measured:** {}", claim.evidence));
    line(format!("- **In Rust:** {}", claim.rust));
    match (entry.standing, claim.open.as_deref().unwrap_or_default()) {
        (Standing::Open, suite) => line(format!("- **Open:** for the suite `{suite}`")),
        (Standing::InPart, suite) => line(format!(
            "- **Open** for the suite `{suite}`: {}",
            claim.rest.as_deref().unwrap_or("the rest")
        )),
        (Standing::Python, _) => {
            let traces =
                claim.traces.iter().map(|name| format!("[`{name}`](suites/oracle/{name})"));
            line(format!("- **Python alone:** {}", traces.collect::<Vec<_>>().join(", ")));
        }
        (Standing::Judged | Standing::Nobody, _) => {}
    }
    entry.checks.iter().for_each(|judge| line(check(judge)));
    if !claim.programs.is_empty() {
        let programs = claim.programs.iter();
        let programs = programs.map(|name| format!("[`{name}`](suites/ui/examples/{name}.rs)"));
        line(format!("- By the compiler: {}", programs.collect::<Vec<_>>().join(", ")));
    }
    out.push('\n');
}

/// What a check has said; the cells are named where they are fewer than those that uphold it.
fn check(judge: &Judge<'_>) -> String {
    let said = judge.by_word().into_iter().map(|(word, cells)| match word {
        Word::Upheld | Word::Skipped => format!("{} on {}", word.name(), counted(cells.len())),
        _ => format!("{} on {}", word.name(), cells.join(", ")),
    });
    format!("- `{}`: {}", judge.rule.id, said.collect::<Vec<_>>().join("; "))
}

fn counted(cells: usize) -> String {
    format!("{cells} cell{}", if cells == 1 { "" } else { "s" })
}
