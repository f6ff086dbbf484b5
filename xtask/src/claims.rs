//! `cargo xtask claims`: the ledger, with the checks that judge each claim and what the last run saw.
//!
//! Ledger and rules come with the plan of the test binary, so that they are of one build; verdicts
//! come from the report of the last run, which is read and never made here.

mod entry;
mod json;
pub(crate) mod last_run;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

use std::{fs, path::PathBuf};

use clap::{Args, ValueEnum};
use dropproof::verdict::{Plan, Standing};
use dropproof_databases::Estate;
use miette::{IntoDiagnostic, WrapErr};

use crate::{
    Ended,
    claims::{entry::Entry, last_run::LastRun, text::Page},
    interrupt::{Interrupt, Interrupted},
    names, out,
    progress::Terminal,
    reports,
    target::Target,
    workspace,
};

pub(crate) const HELP: &str = "\
Examples:
  cargo xtask claims                                     the ledger
  cargo xtask claims --open                              what is still to be judged, by suite
  cargo xtask claims --claim guard-cancel-mid-query      one claim in full
  cargo xtask claims --write                             CLAIMS.md, after a whole `cargo xtask test`
  cargo xtask claims --format json | jq '.claims[] | select(.truth == \"wrong\") | .id'

A claim is judged by checks, judged in part, open (a suite is named that is to judge it), or about
Python alone. Verdicts are those of the last `cargo xtask test`; none is made here.

Exit codes:
  0    the ledger is whole: also where claims are open, or checks of theirs are violated, for which
       `cargo xtask test` has exit codes
  1    the ledger is broken: a claim is neither judged nor open nor about Python alone, or a check
       names a claim that is not there, or CLAIMS.md is not what `--check` finds
  2    the command could not be carried out";

/// Which part of the ledger is printed, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Print this claim in full
    #[arg(long, value_name = "ID", conflicts_with = "open")]
    claim: Option<String>,
    /// Print only what is open, wholly or in part
    #[arg(long)]
    open: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write CLAIMS.md, after a run of the whole matrix
    #[arg(long, conflicts_with_all = ["claim", "open"])]
    write: bool,
    /// Fail where CLAIMS.md is not what the checks and the last run say
    #[arg(long, conflicts_with_all = ["claim", "open", "write"])]
    check: bool,
    /// The report with the verdicts [default: target/dropproof/latest/report.json]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How the ledger is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// As CLAIMS.md has it
    Markdown,
}

pub(crate) async fn run(
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    // A report that cannot be read is said before the checks are built.
    let last_run = options.last_run()?;
    let plan = match interrupt.unless(Target::Matrix.plan(estate, terminal)).await {
        Ok(plan) => plan?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let entries = entry::entries(&plan, last_run.as_ref());
    let faults = plan.ledger.faults(&plan.rules);
    let page = Page { entries: &entries, last_run: last_run.as_ref(), faults: &faults };
    if options.write || options.check || options.format == Format::Markdown {
        markdown::whole(&plan, last_run.as_ref())?;
        let ended = if faults.is_empty() { Ended::Well } else { Ended::Badly };
        return options.markdown(&entries).map(|()| ended);
    }
    let chosen = options.chosen(&plan, &entries)?;
    print(&match (&options.claim, options.open) {
        _ if options.format == Format::Json => json::write(&page, &chosen),
        (Some(_), _) => chosen.iter().map(|entry| page.full(entry)).collect(),
        (None, true) => page.open(),
        (None, false) => page.whole(),
    });
    Ok(if faults.is_empty() { Ended::Well } else { Ended::Badly })
}

fn print(text: &str) {
    out::print(out::Stream::Output, format_args!("{text}"));
}

impl Options {
    /// Whether CLAIMS.md is what the ledger, the checks and the last run say.
    pub(crate) fn checking() -> Self {
        let (claim, report, format) = (None, None, Format::Markdown);
        Self { claim, open: false, format, write: false, check: true, report }
    }

    /// Prints the page, writes it, or compares it with the file.
    fn markdown(&self, entries: &[Entry<'_>]) -> miette::Result<()> {
        let (page, file) = (markdown::write(entries), workspace::root()?.join(markdown::FILE));
        let failed = |what: &str| format!("{} cannot be {what}", file.display());
        if self.write {
            return fs::write(&file, page).into_diagnostic().wrap_err_with(|| failed("written"));
        }
        if self.check {
            let written = fs::read_to_string(&file).into_diagnostic();
            return markdown::up_to_date(&written.wrap_err_with(|| failed("read"))?, &page);
        }
        print(&page);
        Ok(())
    }

    /// The run with the verdicts; `None` where there was none, unless its report was asked for.
    fn last_run(&self) -> miette::Result<Option<LastRun>> {
        match &self.report {
            Some(path) => LastRun::read(path).map(Some),
            None => {
                let folder = workspace::output()?.join(Target::Matrix.folder());
                LastRun::read_if_there(&folder.join(reports::REPORT))
            }
        }
    }

    /// The claims that are asked for.
    fn chosen<'a>(
        &self,
        plan: &Plan,
        entries: &'a [Entry<'a>],
    ) -> miette::Result<Vec<&'a Entry<'a>>> {
        let ids = plan.ledger.claims.iter().map(|claim| claim.id.as_str());
        let claim =
            self.claim.as_ref().map(|typed| names::find("claim", typed, ids)).transpose()?;
        let open = |entry: &Entry<'_>| matches!(entry.standing, Standing::Open | Standing::InPart);
        let wanted = |entry: &&Entry<'_>| {
            claim.is_none_or(|id| entry.claim.id == id) && (!self.open || open(entry))
        };
        Ok(entries.iter().filter(wanted).collect())
    }
}
