//! Commands of `cargo xtask ci` that need servers, and are ordinary tests: run with servers, as
//! `dropproof-databases run` does.

use std::{collections::BTreeSet, fs, process::ExitStatus};

use dropproof::{database::Kind, run};
use dropproof_databases::{Estate, Settings};
use miette::{IntoDiagnostic, WrapErr, miette};
use tokio::process::Command;

use crate::{
    Ended, child, environment,
    interrupt::{Interrupt, Interrupted},
    progress::Terminal,
    servers,
};

/// The sweeps of functions.
const ARGUMENTS: [&str; 4] = ["test", "--workspace", "--test", "servers"];

/// Runs the sweeps of functions. A server that is not to be had is missed by the matrix, which follows.
pub(crate) async fn run(
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let mut command = environment::cargo()?;
    command.args(ARGUMENTS);
    let needed = Kind::ALL.into_iter().filter(|kind| kind.url_variable().is_some()).collect();
    match carry_out(command, &needed, estate, terminal, interrupt).await? {
        Ok(status) if status.success() => Ok(Ended::Well),
        Ok(_) => {
            let repeat = format!("dropproof-databases run -- cargo {}", ARGUMENTS.join(" "));
            Err(miette!(
                help = format!("repeat it alone with `{repeat}`"),
                "a test on servers failed"
            ))
        }
        Err(Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
    }
}

/// Runs a command that finds servers by the run file, and stops them.
pub(crate) async fn carry_out(
    mut command: Command,
    needed: &BTreeSet<Kind>,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Result<ExitStatus, Interrupted>> {
    let (named, settings) = (BTreeSet::new(), Settings::from_env());
    let started = servers::start(estate, needed, &named, &settings, terminal);
    let owner = match interrupt.unless(started).await {
        Ok(owner) => owner?,
        Err(interrupted) => return Ok(Err(interrupted)),
    };
    let run_file = estate.folder().join("run.json");
    owner.run().write(&run_file).into_diagnostic().wrap_err("the run file cannot be written")?;
    command.env(run::VARIABLE, &run_file);
    let ended = interrupt.unless(child::status(estate, command)).await;
    servers::stop(owner).await?;
    // The next one of the run is of other servers.
    fs::remove_file(&run_file).into_diagnostic().wrap_err("the run file cannot be removed")?;
    ended.map_or_else(|interrupted| Ok(Err(interrupted)), |status| status.map(Ok))
}
