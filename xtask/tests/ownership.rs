//! Kills: whichever process of `cargo xtask test` is killed, nothing of the run is left.
//!
//! Judged on SQLite, so that no engine is needed; what becomes of containers and of databases on
//! given servers is tested where they are made, in `dropproof-databases`.

#[path = "../../fixtures/databases/tests/containers/live.rs"]
mod live;

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Once,
};

use live::{
    BEGUN_MAX, GONE_MAX, Home, KEEPER, Process, code, id, kill, text, wait_for, wait_until_empty,
};
use rstest::rstest;
use rustix::process::Signal;
use tempfile::TempDir;

/// More rounds than any of these tests waits for.
const ENDLESS: &str = "100000";
/// The test binary of the matrix, as nextest and cargo run it.
const TRIAL: &str = "deps/matrix-";

/// A run of the matrix that is under way.
struct Live<'a> {
    home: &'a Home,
    output: &'a TempDir,
    xtask: Child,
    run: String,
}

impl<'a> Live<'a> {
    fn begin(home: &'a Home, output: &'a TempDir, runner: &str, rounds: &str) -> Self {
        build();
        let before = home.runs();
        let mut command = home.command(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(["test", "--database", "sqlite", "--adapter", "sqlx", "--runner", runner])
            .args(["--suite", "drop-guard", "--repeat", rounds, "--output"])
            .arg(output.path().join("report"));
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let xtask = silent.spawn().expect("the command can be run");
        let run = wait_for("the lock of the run", BEGUN_MAX, || {
            home.runs().into_iter().find(|run| !before.contains(run))
        });
        Self { home, output, xtask, run: run.expect("the run has begun") }
    }

    /// Waits for a trial to run.
    fn trial(&self) -> Process {
        let trial = || self.home.processes().into_iter().find(|one| is_trial(&one.line));
        wait_for("a trial", BEGUN_MAX, trial).expect("there are trials")
    }

    fn wait_until_gone(&mut self) -> Option<i32> {
        let code = code(&mut self.xtask, GONE_MAX).expect("it ends");
        let run = std::slice::from_ref(&self.run);
        let left = || {
            let folders = folders(self.output.path()).into_iter();
            self.home.left(run).into_iter().chain(folders).collect()
        };
        wait_until_empty(left).expect("nothing is left");
        code
    }
}

/// Builds the checks, which takes its time where nobody has done so before.
fn build() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut list = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let output = list.args(["test", "--list"]).output().expect("the command can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

/// Tells a test process from those that give the plan or list the tests.
fn is_trial(line: &str) -> bool {
    let runs = ["--exact", "--format=pretty"];
    line.contains(TRIAL) && !line.contains("cargo") && runs.iter().any(|part| line.contains(part))
}

/// The folders of rounds that have not become a report.
fn folders(output: &Path) -> Vec<String> {
    let entries = fs::read_dir(output).into_iter().flatten().filter_map(Result::ok);
    let names = entries.map(|entry| text(&entry.path()));
    names.filter(|name| name.contains("round-")).collect()
}

#[rstest]
#[case::killed(Signal::KILL, None)]
#[case::interrupted(Signal::INT, Some(130))]
#[case::terminated(Signal::TERM, Some(143))]
#[case::hung_up(Signal::HUP, Some(129))]
fn ended_xtask_leaves_nothing(
    #[case] signal: Signal,
    #[case] expected: Option<i32>,
    #[values("nextest", "cargo")] runner: &str,
) {
    let (home, output) = (Home::make().expect("a folder"), TempDir::new().expect("a folder"));
    let mut live = Live::begin(&home, &output, runner, ENDLESS);
    live.trial();

    kill(id(&live.xtask), signal);

    assert_eq!(live.wait_until_gone(), expected);
}

#[rstest]
#[case::runner("nextest", "nextest run")]
#[case::cargo("cargo", "test --quiet")]
fn killed_runner_ends_the_run(#[case] runner: &str, #[case] line: &str) {
    let (home, output) = (Home::make().expect("a folder"), TempDir::new().expect("a folder"));
    let mut live = Live::begin(&home, &output, runner, ENDLESS);
    live.trial();

    let found = || home.processes().into_iter().find(|one| one.line.contains(line));
    let process = wait_for("the runner", BEGUN_MAX, found).expect("it runs");
    kill(process.id, Signal::KILL);

    assert_ne!(live.wait_until_gone(), Some(0));
}

#[test]
fn killed_trial_ends_the_run_with_an_error() {
    let (home, output) = (Home::make().expect("a folder"), TempDir::new().expect("a folder"));
    let mut live = Live::begin(&home, &output, "nextest", "1");

    // Some have ended by themselves before they are hit.
    let ended = || {
        let processes = home.processes().into_iter();
        processes.filter(|one| is_trial(&one.line)).for_each(|one| kill(one.id, Signal::KILL));
        live.xtask.try_wait().transpose()
    };
    wait_for("the end of the run", BEGUN_MAX, ended).expect("it ends").expect("it is ours");

    assert_eq!(live.wait_until_gone(), Some(1));
}

#[test]
fn killed_keeper_changes_nothing() {
    let (home, output) = (Home::make().expect("a folder"), TempDir::new().expect("a folder"));
    let mut live = Live::begin(&home, &output, "nextest", "3");
    live.trial();
    let keeper = wait_for("a keeper", BEGUN_MAX, || home.process(KEEPER));
    let keeper = keeper.expect("there is one");

    kill(keeper.id, Signal::KILL);

    code(&mut live.xtask, BEGUN_MAX).expect("it ends");
    assert_eq!(live.wait_until_gone(), Some(0));
}

#[rstest]
#[case::killed(Signal::KILL)]
#[case::terminated(Signal::TERM)]
fn ended_ci_leaves_nothing(#[case] signal: Signal) {
    let (home, tools) = (Home::make().expect("a folder"), TempDir::new().expect("a folder"));
    // A step that does not end by itself.
    let tool = tools.path().join("cargo-insta");
    fs::write(&tool, "#!/bin/sh\nsleep 600 & wait\n").expect("a file");
    fs::set_permissions(&tool, Permissions::from_mode(0o700)).expect("it is ours");
    let path = env::var("PATH").expect("it is set");
    let mut command = home.command(env!("CARGO_BIN_EXE_xtask"));
    command.arg("ci").env("PATH", format!("{}:{path}", text(tools.path())));
    // Not the reports of whoever runs the tests.
    command.env("CARGO_TARGET_DIR", tools.path().join("target"));
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut xtask = silent.spawn().expect("the command can be run");
    wait_for("a step", BEGUN_MAX, || home.process("sleep 600")).expect("it begins");

    kill(id(&xtask), signal);

    code(&mut xtask, GONE_MAX).expect("it ends");
    wait_until_empty(|| home.left(&[])).expect("nothing is left");
}
