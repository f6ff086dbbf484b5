//! `cargo xtask claims`: the ledger, with the checks that judge each claim and what the last run saw.
//!
//! Ledger and rules come with the plan of the test binary, so that they are of one build; verdicts
//! come from the report of the last run, which is read and never made here.

mod entry;
mod json;
pub(crate) mod last_run;
#[cfg(test)]
mod tests;
mod text;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use dropproof::verdict::{Plan, Standing};
use dropproof_databases::Estate;
use miette::{IntoDiagnostic, WrapErr};

use crate::{
    Ended,
    claims::{entry::Entry, last_run::LastRun, text::Page},
    interrupt::{Interrupt, Interrupted},
    names,
    progress::Terminal,
    target::Target,
    workspace,
};

pub(crate) const HELP: &str = "\
Examples:
  cargo xtask claims                                     the ledger
  cargo xtask claims --open                              what is still to be judged, by suite
  cargo xtask claims --claim guard-cancel-mid-query      one claim in full
  cargo xtask claims --format json | jq '.claims[] | select(.truth == \"wrong\") | .id'

A claim is judged by checks, judged in part, open (a suite is named that is to judge it), or about
Python alone. Verdicts are those of the last `cargo xtask test`; none is made here.

Exit codes:
  0    the ledger is whole: also where claims are open, or checks of theirs are violated, for which
       `cargo xtask test` has exit codes
  1    the ledger is broken: a claim is neither judged nor open nor about Python alone, or a check
       names a claim that is not there
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
    /// The report with the verdicts [default: target/dropproof/latest/report.json]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How the ledger is written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
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
    let chosen = options.chosen(&plan, &entries)?;
    print(&match (options.format, &options.claim, options.open) {
        (Format::Json, ..) => json::write(&page, &chosen),
        (Format::Text, Some(_), _) => chosen.iter().map(|entry| page.full(entry)).collect(),
        (Format::Text, None, true) => page.open(),
        (Format::Text, None, false) => page.whole(),
    })?;
    Ok(if faults.is_empty() { Ended::Well } else { Ended::Badly })
}

/// Prints; a reader who has seen enough, as `head` has, is no error.
fn print(text: &str) -> miette::Result<()> {
    let printed = anstream::stdout().write_all(text.as_bytes()).or_else(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
    });
    printed.into_diagnostic().wrap_err("the ledger cannot be printed")
}

impl Options {
    /// The run with the verdicts; `None` where there was none, unless its report was asked for.
    fn last_run(&self) -> miette::Result<Option<LastRun>> {
        match &self.report {
            Some(path) => LastRun::read(path).map(Some),
            None => {
                let folder = workspace::output().join(Target::Matrix.folder());
                LastRun::read_if_there(&folder.join("report.json"))
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
