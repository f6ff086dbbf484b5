//! `cargo xtask test` and `cargo xtask mutants`: plan, servers, round, report.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use dropproof::{
    database::Kind,
    report::Report,
    verdict::{Plan, Trial, Verdict},
};
use miette::miette;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    load::{Load, Priority},
    progress::Terminal,
    round::Round,
    runner::Runner,
    selection::{Selection, database},
    servers::Servers,
    target::Target,
    workspace,
};

pub(crate) const TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask test                                     the whole matrix
  cargo xtask test --database sqlite                   without a server
  cargo xtask test --check text-comes-back-as-it-was-stored --seed 7
  cargo xtask test --allow-blocked postgres            green on a machine without Docker
  cargo xtask test --list                              what there is, without running it

A server of your own is used in place of a container where its variable gives a URL:
  DROPPROOF_POSTGRES_URL=postgres://me:secret@127.0.0.1:5432/mine cargo xtask test

The reports are in target/dropproof/latest: report.json, junit.xml, timings.json, run.log.";

pub(crate) const MUTANTS_EXAMPLES: &str = "\
Examples:
  cargo xtask mutants                          every fault on every cell
  cargo xtask mutants --database sqlite        without a server
  cargo xtask mutants --check class-lost       one fault

A check that no planted fault can turn red proves nothing: a mutant is upheld where its check is
violated with the message that it must give. The reports are in target/dropproof/mutants.";

/// What is run and how.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "judge")]
pub(crate) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// The seed of the properties: a number, or `random` for one that is shown
    #[arg(long, value_name = "SEED", default_value = "0")]
    seed: Seed,
    /// Do not fail because this database is not to be had; may be given several times
    #[arg(long, value_name = "DATABASE")]
    allow_blocked: Vec<String>,
    /// List the trials and run none
    #[arg(long)]
    list: bool,
    /// Run so often, and fail where two reports differ
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Burn every core meanwhile, so that timing differs as much as it can
    #[arg(long)]
    load: bool,
    /// Leave the containers running, and say how to use and remove them
    #[arg(long)]
    keep: bool,
    /// The folder for the reports [default: target/dropproof/latest, or mutants]
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What runs the trials [default: nextest where it is there]
    #[arg(long, value_enum)]
    runner: Option<Runner>,
}

impl Options {
    /// Everything, where these databases may be blocked.
    pub(crate) fn allowing(allow_blocked: Vec<String>) -> Self {
        Self { allow_blocked, repeat: 1, ..Self::default() }
    }
}

/// The seed of the properties.
#[derive(Clone, Copy, Debug, Default)]
struct Seed(u64);

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "random" => getrandom::u64().map(Self).map_err(|error| error.to_string()),
            number => number.parse().map(Self).map_err(|_| "a number, or `random`".to_owned()),
        }
    }
}

/// Judges the cells that are asked for by a test target, from the plan to the report.
pub(crate) async fn run(
    target: Target,
    options: &Options,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let allowed: BTreeSet<Kind> =
        options.allow_blocked.iter().map(|name| database(name)).collect::<miette::Result<_>>()?;
    let named = options.selection.named_databases()?;
    let plan = match interrupt.unless(target.plan(terminal)).await {
        Ok(plan) => options.selection.of(plan?)?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    if options.list {
        list(&plan);
        return Ok(Ended::Well);
    }
    let databases = plan.cells.iter().map(|cell| cell.database).collect();
    let servers = match interrupt.unless(Servers::start(&databases, &named, terminal)).await {
        Ok(servers) => servers?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let blocked = servers.blocked.keys().any(|kind| !allowed.contains(kind));
    let output =
        options.output.clone().unwrap_or_else(|| workspace::output().join(target.folder()));
    let runner = match options.runner {
        Some(runner) => runner,
        None => Runner::at_hand().await,
    };
    let round = Round {
        target,
        plan: &plan,
        seed: options.seed.0,
        runner,
        servers: &servers,
        output: &output,
    };
    let load = options.load.then(|| Load::begin(Priority::Normal));
    let ran = repeat(&round, options.repeat, terminal, interrupt).await;
    drop(load);
    let ended = ran.map(|ran| match ran {
        Ok(report) if show(&report, &output) && !blocked => Ended::Well,
        Ok(_) => Ended::Badly,
        Err(Interrupted(signal)) => Ended::Interrupted(signal),
    });
    if options.keep {
        servers.keep(terminal).await?;
    } else {
        servers.stop().await?;
    }
    ended
}

/// Runs a round so often, and wants the same report each time.
async fn repeat(
    round: &Round<'_>,
    times: u32,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Result<Report, Interrupted>> {
    let mut first = None;
    for time in 1..=times {
        let report = match round.run(terminal, interrupt).await? {
            Ok(report) => report,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        let first = first.get_or_insert_with(|| report.clone());
        if first.json() != report.json() {
            anstream::println!("{}", first.terminal());
            anstream::println!("{}", report.terminal());
            return Err(miette!("report {time} of {times} differs from the first; both are above"));
        }
        if 1 < times {
            terminal.say("round", &format!("{time} of {times}, the same report"));
        }
    }
    Ok(Ok(first.expect("there is at least one round")))
}

/// Prints the matrix, and says whether no verdict is red.
fn show(report: &Report, output: &Path) -> bool {
    anstream::println!("\n{}", report.terminal());
    anstream::println!("report: {}", output.join("report.json").display());
    let totals = report.totals();
    totals.violated + totals.healed + totals.error == 0
}

fn list(plan: &Plan) {
    for Trial { name, skipped, .. } in &plan.trials {
        match skipped {
            Some(Verdict::Skipped { reason, .. }) => {
                anstream::println!("{name}  skipped: {reason}")
            }
            _ => anstream::println!("{name}"),
        }
    }
}
