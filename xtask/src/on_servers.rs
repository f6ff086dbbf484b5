//! The part of `cargo xtask ci` that is an ordinary test target and needs servers: sweeps of functions.

use std::collections::BTreeSet;

use dropproof::{database::Kind, run};
use dropproof_databases::{Estate, Owner, Settings};
use miette::{IntoDiagnostic, WrapErr, miette};
use tokio::process::Command;

use crate::{
    Ended, child,
    interrupt::{Interrupt, Interrupted},
    progress::Terminal,
    servers, workspace,
};

/// What is run with servers. A server that is not to be had is missed by the matrix, which follows.
const ARGUMENTS: [&str; 4] = ["test", "--workspace", "--test", "servers"];

pub(crate) async fn run(
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let needed = Kind::ALL.into_iter().filter(|kind| kind.url_variable().is_some()).collect();
    let (named, settings) = (BTreeSet::new(), Settings::from_env());
    let started = servers::start(estate, &needed, &named, &settings, terminal);
    let owner = match interrupt.unless(started).await {
        Ok(owner) => owner?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let tested = interrupt.unless(test(&owner)).await;
    servers::stop(owner).await?;
    match tested {
        Ok(tested) => tested.map(|()| Ended::Well),
        Err(Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
    }
}

async fn test(owner: &Owner) -> miette::Result<()> {
    let run_file = owner.estate().folder().join("on-servers.json");
    owner.run().write(&run_file).into_diagnostic().wrap_err("the run file cannot be written")?;
    let mut command = Command::new(env!("CARGO"));
    command.args(ARGUMENTS).env(run::VARIABLE, &run_file).current_dir(workspace::root());
    if child::status(owner.estate(), command).await?.success() {
        return Ok(());
    }
    let repeat = format!("dropproof-databases run -- cargo {}", ARGUMENTS.join(" "));
    Err(miette!(help = format!("repeat it alone with `{repeat}`"), "a test on servers failed"))
}
