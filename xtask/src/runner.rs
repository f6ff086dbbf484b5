//! The test runner: a child whose output goes to a log and whose lines drive the progress.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write,
    path::Path,
    process::{ExitStatus, Stdio},
    thread::available_parallelism,
};

use dropproof_databases::{Estate, Group};
use indicatif::ProgressBar;
use miette::{IntoDiagnostic, WrapErr};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    join,
    process::Command,
    sync::mpsc,
};

use crate::{
    environment,
    interrupt::{Interrupt, Interrupted},
    target::Target,
};

/// What runs the trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Runner {
    /// nextest: a process for each trial.
    Nextest,
    /// The test binary itself, by cargo.
    Cargo,
}

impl Runner {
    /// nextest where it is there, else cargo.
    pub(crate) async fn at_hand() -> miette::Result<Self> {
        let mut asked = environment::cargo()?;
        Ok(match asked.args(["nextest", "--version"]).output().await {
            Ok(output) if output.status.success() => Runner::Nextest,
            _ => Runner::Cargo,
        })
    }

    /// The command that runs the trials of a target.
    ///
    /// Twice as many at a time as there are cores, since a trial waits for its server half of its time.
    /// No trial is repeated, because the last verdict would hide the ones before.
    pub(crate) fn command(self, target: Target) -> miette::Result<Command> {
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = format!("--test-threads={}", 2 * cores);
        let mut command = environment::cargo()?;
        match self {
            Runner::Nextest => command
                .args(["nextest", "run", "--cargo-quiet", "--no-fail-fast", "--color=never"])
                .args(["--status-level=pass", "--final-status-level=none", &threads])
                .args(["--profile=default", "--retries=0"])
                // A variable and no argument: a nextest without such a file ignores it.
                .env("NEXTEST_USER_CONFIG_FILE", "none")
                .args(target.arguments()),
            Runner::Cargo => command
                .args(["test", "--quiet", "--no-fail-fast"])
                .args(target.arguments())
                .args(["--", "--format=pretty", "--color=never", &threads]),
        };
        Ok(command)
    }
}

/// Runs a test runner to its end.
///
/// A signal is passed on, so that the runner ends its own children, before it is reported.
pub(crate) async fn run(
    estate: &Estate,
    mut command: Command,
    log: &Path,
    trials: BTreeSet<String>,
    bar: &ProgressBar,
    interrupt: &mut Interrupt,
) -> miette::Result<Result<ExitStatus, Interrupted>> {
    let mut log = File::create(log).into_diagnostic().wrap_err("the log cannot be made")?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Group::start(estate, &mut command).into_diagnostic();
    let mut group = started.wrap_err("the test runner cannot be started")?;
    let mut lines = lines(&mut group);
    let mut awaited = trials;
    let reading = async {
        while let Some(line) = lines.recv().await {
            writeln!(log, "{line}").into_diagnostic().wrap_err("the log cannot be written")?;
            if let Some(name) = finished(&line, &awaited) {
                bar.inc(1);
                bar.set_message(name.clone());
                awaited.remove(&name);
            }
        }
        Ok::<(), miette::Report>(())
    };
    // Its end is waited for meanwhile: a runner that is killed leaves tests that hold the pipes.
    let ended = interrupt.unless(async { join!(reading, group.wait()) }).await;
    bar.finish_and_clear();
    match ended {
        Ok((read, status)) => {
            read?;
            status.map(Ok).into_diagnostic().wrap_err("the test runner is lost")
        }
        Err(interrupted) => {
            group.end().await.into_diagnostic().wrap_err("the test runner is lost")?;
            Ok(Err(interrupted))
        }
    }
}

/// The lines of both outputs, as they come.
fn lines(group: &mut Group) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (stdout, stderr) = group.outputs();
    let stdout = stdout.expect("standard output is piped");
    let stderr = stderr.expect("standard error is piped");
    drop(tokio::spawn(pass_on(stdout, sender.clone())));
    drop(tokio::spawn(pass_on(stderr, sender)));
    receiver
}

async fn pass_on(output: impl AsyncRead + Unpin, lines: mpsc::UnboundedSender<String>) {
    let mut read = BufReader::new(output).lines();
    while let Ok(Some(line)) = read.next_line().await {
        // Who reads no more has ended; the pipe is still emptied, so that the child can end too.
        lines.send(line).ok();
    }
}

/// The trial that a line of a test runner tells the end of.
fn finished(line: &str, awaited: &BTreeSet<String>) -> Option<String> {
    let ended = ["PASS", "FAIL", "... ok", "... FAILED", "SIGABRT", "SIGSEGV", "SIGKILL"];
    if !ended.iter().any(|word| line.contains(word)) {
        return None;
    }
    line.split_whitespace().find(|word| awaited.contains(*word)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_runners_tell_the_end() {
        let awaited: BTreeSet<String> = ["sqlite-sqlx/crud/a".to_owned()].into();
        let nextest = "        PASS [   0.021s] (1/5) dropproof-suites::matrix sqlite-sqlx/crud/a";
        let cargo = "test sqlite-sqlx/crud/a ... FAILED";
        let started = "       START                dropproof-suites::matrix sqlite-sqlx/crud/a";

        assert_eq!(finished(nextest, &awaited).as_deref(), Some("sqlite-sqlx/crud/a"));
        assert_eq!(finished(cargo, &awaited).as_deref(), Some("sqlite-sqlx/crud/a"));
        assert_eq!(finished(started, &awaited), None);
    }
}
