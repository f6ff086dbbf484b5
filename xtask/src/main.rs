//! `cargo xtask`: the commands of the workspace.
//!
//! Each command is one file with one `run`; `test` and `mutants` differ in their target only and share
//! `judge`. Work that needs an adapter runs as a child cargo, so that this crate builds fast.

mod child;
mod ci;
mod claims;
mod doctor;
mod environment;
mod explain;
mod images;
mod interrupt;
mod judge;
mod latency;
mod load;
mod matrix;
mod names;
mod on_servers;
mod out;
mod outside;
mod progress;
mod replay;
mod reports;
mod round;
mod runner;
mod selection;
mod servers;
mod target;
mod versions;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dropproof_databases::{Entry, Estate};

use crate::{
    interrupt::Interrupt,
    out::{Stream, errln},
    progress::Terminal,
    target::Target,
};

/// What the commands say with their exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0    nothing is wrong
  1    a verdict is violated or healed, a question was not answered, or was blocked without leave
  2    the command could not be carried out, or its output could not be written
  130  it was interrupted (143 by SIGTERM, 129 by SIGHUP)
  141  nothing is wrong, and the reader of its output has gone";

/// Judges async database access on real servers.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the databases, run every check on every cell, write the reports, stop everything.
    #[command(after_help = judge::TEST_EXAMPLES)]
    Test(judge::Options),
    /// Show that every planted fault is caught by the check that names it.
    #[command(after_help = judge::MUTANTS_EXAMPLES)]
    Mutants(judge::Options),
    /// Visit one cut again, and print everything that was said and seen.
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Options),
    /// Show a check: its rule, its claims, how layers break it, what it must catch.
    Explain(explain::Options),
    /// Print the ledger of claims, with the verdicts of the last run and what is still open.
    #[command(after_help = claims::HELP)]
    Claims(claims::Options),
    /// Measure what the proxy adds to a round trip, and what a database of a test's own costs.
    #[command(after_help = latency::EXAMPLES)]
    Latency(latency::Options),
    /// Print the jobs of a CI matrix.
    #[command(after_help = matrix::EXAMPLES)]
    Matrix(matrix::Options),
    /// Show, build or remove the images of the databases.
    Images(images::Options),
    /// Say what this machine has, what is missing, and the command that mends it.
    Doctor(doctor::Options),
    /// Run everything that CI runs.
    Ci(ci::Options),
}

impl Command {
    /// Whether it runs what is judged or measured.
    const fn judges(&self) -> bool {
        match self {
            Command::Test(_)
            | Command::Mutants(_)
            | Command::Replay(_)
            | Command::Latency(_)
            | Command::Ci(_) => true,
            Command::Explain(_)
            | Command::Claims(_)
            | Command::Matrix(_)
            | Command::Images(_)
            | Command::Doctor(_) => false,
        }
    }
}

/// How a command ended that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Nothing is wrong.
    Well,
    /// Something is wrong, and has been shown.
    Badly,
    /// A signal ended it, by this number.
    Interrupted(i32),
}

fn main() -> ExitCode {
    let entry = dropproof_databases::entry();
    let code = match Arguments::try_parse() {
        Ok(arguments) => code(arguments.command, entry),
        // Help is one, too.
        Err(said) => {
            let stream = if said.use_stderr() { Stream::Error } else { Stream::Output };
            stream.note(said.print());
            u8::try_from(said.exit_code()).unwrap_or(u8::MAX)
        }
    };
    ExitCode::from(out::exit_code(code))
}

/// Carries a command out, and says how it ended.
fn code(command: Command, entry: Entry) -> u8 {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(carry_out(command, entry)),
        Err(error) => Err(miette::miette!("no runtime could be made: {error}")),
    };
    match ended {
        Ok(Ended::Well) => 0,
        Ok(Ended::Badly) => 1,
        Ok(Ended::Interrupted(signal)) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Err(report) => {
            errln!("{report:?}");
            2
        }
    }
}

async fn carry_out(command: Command, entry: Entry) -> miette::Result<Ended> {
    let interrupt = &mut Interrupt::listen()?;
    let terminal = &Terminal::new();
    if command.judges() {
        environment::tell(terminal);
    }
    // Opened before anything is made, so that all of it goes with this process.
    let open = || Estate::open(entry).map_err(|error| servers::report(&error));
    match command {
        Command::Test(options) => {
            judge::run(Target::Matrix, &options, &open()?, terminal, interrupt).await
        }
        Command::Mutants(options) => {
            judge::run(Target::Mutants, &options, &open()?, terminal, interrupt).await
        }
        Command::Replay(options) => replay::run(&options, &open()?, terminal, interrupt).await,
        Command::Explain(options) => explain::run(&options, &open()?, terminal, interrupt).await,
        Command::Claims(options) => claims::run(&options, &open()?, terminal, interrupt).await,
        Command::Latency(options) => latency::run(&options, &open()?, terminal, interrupt).await,
        Command::Images(options) => images::run(&options, &open()?, terminal, interrupt).await,
        Command::Ci(options) => ci::run(&options, &open()?, terminal, interrupt).await,
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Matrix(options) => Ok(matrix::run(&options)),
    }
}
