//! `cargo xtask replay`: one cut again, with everything that was said and seen.

use clap::Args;
use dropproof::{report::replayed, sweep::Depth};
use dropproof_databases::{Estate, Settings};
use miette::miette;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    names,
    out::outln,
    progress::Terminal,
    round::Round,
    runner::Runner,
    servers,
    target::Target,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask replay postgres-sqlx/drop-guard/dropped-begin-leaves-nothing-open:2
  cargo xtask replay postgres-sqlx/drop-guard/dropped-begin-leaves-nothing-open:2 --without-cut

The token stands under each violation. A cut is numbered in the order of the conversation, and a
replay fails where something else is found there than before.";

/// Which cut is replayed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The trial and the number of the cut: `<database>-<adapter>/<suite>/<check>:<number>`
    #[arg(value_name = "TOKEN")]
    token: String,
    /// Run the operation to its end in place of cutting it
    #[arg(long)]
    without_cut: bool,
}

pub(crate) async fn run(
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let (trial, cut) = read(&options.token)?;
    let mut plan = match interrupt.unless(Target::Matrix.plan(estate, terminal)).await {
        Ok(plan) => plan?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let trials = plan.trials.iter().map(|trial| trial.name.as_str());
    let trial = names::find("trial", trial, trials)?.to_owned();
    plan.trials.retain(|planned| planned.name == trial);
    let database = plan.trials.iter().map(|planned| planned.database).collect();
    let settings = Settings::from_env();
    let started = servers::start(estate, &database, &database, &settings, terminal);
    let owner = match interrupt.unless(started).await {
        Ok(owner) => owner?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let cut = if options.without_cut { 0 } else { cut };
    let round = Round {
        target: Target::Matrix,
        plan: &plan,
        seed: 0,
        cases: None,
        depth: Depth::Full,
        runner: Runner::Cargo,
        owner: &owner,
    };
    let ran = round.replay(cut, interrupt).await;
    servers::stop(owner).await?;
    match ran? {
        Ok(record) => {
            let (text, upheld) = replayed(&record);
            outln!("{text}");
            Ok(if upheld { Ended::Well } else { Ended::Badly })
        }
        Err(Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
    }
}

fn read(token: &str) -> miette::Result<(&str, usize)> {
    let parts = token.rsplit_once(':').and_then(|(trial, cut)| Some((trial, cut.parse().ok()?)));
    parts.ok_or_else(|| {
        miette!(
            help = "it is `<database>-<adapter>/<suite>/<check>:<number>`, as under a violation",
            "`{token}` is no token of a replay"
        )
    })
}
