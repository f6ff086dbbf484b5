//! `cargo xtask ci`: everything that CI runs, in the order in which it is cheapest to fail.
//!
//! The servers are started once for all steps that judge on them.

use std::process::{ExitStatus, Stdio};

use clap::Args;
use dropproof_databases::Estate;
use miette::miette;

use crate::{
    Ended, child, claims, environment, images,
    interrupt::{Interrupt, Interrupted},
    judge, on_servers, outside,
    progress::Terminal,
    target::Target,
};

const EXAMPLES: &str = "\
Examples:
  cargo xtask ci
  cargo xtask ci --allow-blocked postgres      on a machine without Docker

cargo-insta and cargo-deny are installed where they are missing.";

/// What is run and how.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Do not fail because this database is not to be had; may be given several times
    #[arg(long, value_name = "DATABASE")]
    allow_blocked: Vec<String>,
}

/// A tool that is installed where it is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) subcommand: &'static str,
    version: &'static str,
}

/// The tools that the steps need, pinned.
pub(crate) const TOOLS: [Tool; 2] = [
    Tool { name: "cargo-insta", subcommand: "insta", version: "1.49.0" },
    Tool { name: "cargo-deny", subcommand: "deny", version: "0.20.2" },
];

impl Tool {
    /// The arguments by which cargo installs it.
    pub(crate) fn install(self) -> Vec<String> {
        let Self { name, version, .. } = self;
        ["install", "--locked", name, "--version", version].map(str::to_owned).into()
    }
}

/// A step that is a command of cargo.
struct Step {
    name: &'static str,
    arguments: &'static str,
}

const fn step(name: &'static str, arguments: &'static str) -> Step {
    Step { name, arguments }
}

/// The steps before anything is judged.
const STEPS: [Step; 6] = [
    step("format", "fmt --all --check"),
    step("format", "fmt --manifest-path suites/tests/outside/Cargo.toml --check"),
    step("deny", "deny --log-level error check bans licenses sources"),
    step("clippy", "clippy --workspace --all-targets --quiet -- -D warnings"),
    step("docs", "doc --workspace --no-deps --quiet"),
    // Every test of the workspace and every doctest; a snapshot that nobody refers to is rejected.
    step("tests", "insta test --workspace --check --test-runner=cargo-test"),
];

pub(crate) async fn run(
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let judged = judge::Options::allowing(options.allow_blocked.clone());
    // A step that fails must not leave the reports of an earlier run.
    for target in [Target::Matrix, Target::Mutants] {
        judged.make_way(target)?;
    }
    outside::clear()?;
    let steps = async || -> miette::Result<()> {
        for tool in TOOLS {
            tool.provide(estate, terminal).await?;
        }
        images::provide(estate, terminal).await?;
        for step in &STEPS {
            terminal.say(step.name, &format!("cargo {}", step.arguments));
            step.run(estate).await?;
        }
        Ok(())
    };
    match interrupt.unless(steps()).await {
        Ok(done) => done?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    }
    terminal.say("on servers", "sweeps of functions");
    match on_servers::run(estate, terminal, interrupt).await? {
        Ended::Well => {}
        other => return Ok(other),
    }
    for target in [Target::Matrix, Target::Mutants] {
        terminal.say("judge", target.name());
        match judge::run(target, &judged, estate, terminal, interrupt).await? {
            Ended::Well => {}
            other => return Ok(other),
        }
        if target == Target::Matrix {
            match page(options, estate, terminal, interrupt).await? {
                Ended::Well => {}
                other => return Ok(other),
            }
        }
    }
    terminal.say("outside", outside::FOLDER);
    match outside::run(&judged.allowed()?, estate, terminal, interrupt).await? {
        Ended::Well => terminal.say("ci", "nothing is wrong"),
        other => return Ok(other),
    }
    Ok(Ended::Well)
}

/// Compares CLAIMS.md with the verdicts of the matrix, which have to be those of every database.
async fn page(
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    if !options.allow_blocked.is_empty() {
        terminal.say("claims", "CLAIMS.md is not compared: a database may be blocked");
        return Ok(Ended::Well);
    }
    terminal.say("claims", "CLAIMS.md against the verdicts");
    claims::run(&claims::Options::checking(), estate, terminal, interrupt).await
}

impl Step {
    async fn run(&self, estate: &Estate) -> miette::Result<()> {
        let status = cargo(estate, self.arguments.split(' ')).await?;
        if !status.success() {
            return Err(miette!(
                help = format!("repeat it alone with `cargo {}`", self.arguments),
                "the step `{}` failed",
                self.name
            ));
        }
        Ok(())
    }
}

impl Tool {
    async fn provide(self, estate: &Estate, terminal: &Terminal) -> miette::Result<()> {
        let mut command = environment::cargo()?;
        command.args([self.subcommand, "--version"]).stderr(Stdio::null());
        let (status, _) = child::output(estate, command).await?;
        if status.success() {
            return Ok(());
        }
        let install = self.install();
        terminal.say("install", &format!("cargo {}", install.join(" ")));
        let status = cargo(estate, install.iter().map(String::as_str)).await?;
        if !status.success() {
            return Err(miette!("{} could not be installed", self.name));
        }
        Ok(())
    }
}

async fn cargo(
    estate: &Estate,
    arguments: impl Iterator<Item = &str>,
) -> miette::Result<ExitStatus> {
    let mut command = environment::cargo()?;
    command
        .args(arguments)
        // Read by rustdoc alone; set for every step, so that no step rebuilds for another.
        .env("RUSTDOCFLAGS", "-D warnings");
    child::status(estate, command).await
}
