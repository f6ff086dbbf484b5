//! `cargo xtask latency`: what the proxy adds to a round trip.

use clap::Args;
use dropproof::{
    database::Kind,
    run::{self, Run},
};
use miette::{IntoDiagnostic, WrapErr};
use tokio::process::Command;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    load::{Load, Priority},
    progress::Terminal,
    servers::Servers,
    workspace,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask latency

Measured with a prepared `SELECT 1`, as the median of 5 alternating rounds of 2,000 through the proxy
and around it, with the cores kept awake by threads of the lowest priority. The exit code is 1 where it adds more than 40 microseconds.";

/// Takes no options.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {}

pub(crate) async fn run(
    Options {}: &Options,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let needed = [Kind::Postgres].into();
    let servers = match interrupt.unless(Servers::start(&needed, &needed, terminal)).await {
        Ok(servers) => servers?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let measured = interrupt.unless(measure(&servers)).await;
    servers.stop().await?;
    match measured {
        Ok(well) => Ok(if well? { Ended::Well } else { Ended::Badly }),
        Err(Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
    }
}

async fn measure(servers: &Servers) -> miette::Result<bool> {
    let folder = tempfile::tempdir().into_diagnostic().wrap_err("no temporary folder")?;
    let run_file = folder.path().join("run.json");
    let run = Run { addresses: servers.addresses(), ..Run::default() };
    run.write(&run_file).into_diagnostic().wrap_err("the run file cannot be written")?;
    // Waking a core of a virtual machine can cost more than what is measured.
    let _awake = Load::begin(Priority::Lowest);
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "dropproof-adapters", "--example", "proxy_latency"])
        .env(run::VARIABLE, &run_file)
        .current_dir(workspace::root())
        .kill_on_drop(true)
        .status()
        .await
        .into_diagnostic()
        .wrap_err("cargo cannot be run")?;
    Ok(status.success())
}
