//! `cargo xtask latency`: what the proxy adds to a round trip, and what a database of a test's own costs.

use clap::Args;
use dropproof::{database::Kind, run};
use dropproof_databases::{Estate, Owner, Settings};
use miette::{IntoDiagnostic, WrapErr};

use crate::{
    Ended, child, environment,
    interrupt::{Interrupt, Interrupted},
    load::{Load, Priority},
    progress::Terminal,
    servers, workspace,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask latency

The proxy is measured with a prepared `SELECT 1`, as the median of 5 alternating rounds of 2,000 through
it and around it. A database of a test's own is measured until it can be connected to, as the median of
31: made cold, out of the stock, and by `#[sqlx::test]`. The cores are kept awake by threads of the
lowest priority. The exit code is 1 where the proxy adds more than 40 microseconds, or a database takes
longer than it may: cold 15 ms on Postgres and 8 ms on MySQL and MariaDB, out of the stock 2 ms and a
tenth of what sqlx takes.";

/// Takes no options.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {}

pub(crate) async fn run(
    Options {}: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    // Servers are not started where there is nothing to measure.
    workspace::root()?;
    let needed = Kind::ALL.into_iter().filter(|kind| kind.url_variable().is_some()).collect();
    let settings = Settings::from_env();
    let started = servers::start(estate, &needed, &needed, &settings, terminal);
    let owner = match interrupt.unless(started).await {
        Ok(owner) => owner?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let measured = interrupt.unless(measure(&owner)).await;
    servers::stop(owner).await?;
    match measured {
        Ok(well) => Ok(if well? { Ended::Well } else { Ended::Badly }),
        Err(Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
    }
}

async fn measure(owner: &Owner) -> miette::Result<bool> {
    let run_file = owner.estate().folder().join("run.json");
    owner.run().write(&run_file).into_diagnostic().wrap_err("the run file cannot be written")?;
    // Waking a core of a virtual machine can cost more than what is measured.
    let _awake = Load::begin(Priority::Lowest);
    let mut well = true;
    for example in ["proxy_latency", "isolation"] {
        let mut command = environment::cargo()?;
        command
            .args(["run", "--quiet", "--package", "dropproof-adapters", "--features", "sqlx-test"])
            .args(["--example", example])
            .env(run::VARIABLE, &run_file);
        well &= child::status(owner.estate(), command).await?.success();
    }
    Ok(well)
}
