//! The commands as a person types them: bad input has one clear error, an exit code, and leaves
//! nothing behind.
//!
//! What needs an engine is tested where the servers are started, in `dropproof-databases`.

mod environment;
mod output;
mod reports;

use std::{
    env,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use dropproof::database::Kind;
use rstest::rstest;
use serde_json::Value;

const NO_ENGINE: &str = "unix:///nowhere/docker.sock";

fn xtask(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments.split_whitespace());
    if arguments.starts_with("test") && !arguments.contains("--output") {
        // Not the report of whoever runs the tests; these commands leave none.
        command.arg("--output").arg(env::temp_dir().join("dropproof-no-report"));
    }
    // Whoever runs the tests may have set them.
    let urls = Kind::ALL.into_iter().filter_map(Kind::url_variable);
    for variable in urls.chain(["DOCKER_HOST"]) {
        command.env_remove(variable);
    }
    command
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("the command can be run");
    (status.code(), on_one_line(&[stdout, stderr].concat()))
}

/// What was said, without the line breaks of a terminal and the marks of an error that has several lines.
fn on_one_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("the folder can be read").count()
}

#[rstest]
#[case::database("test --database sqlit", "there is no database `sqlit`", "did you mean sqlite?")]
#[case::adapter("test --adapter sqlxx", "there is no adapter `sqlxx`", "did you mean sqlx?")]
#[case::suite("test --suite crd", "there is no suite `crd`", "did you mean crud?")]
#[case::check(
    "test --check text-comes-bakc-as-it-was-stored",
    "there is no check `text-comes-bakc-as-it-was-stored`",
    "did you mean crud/text-comes-back-as-it-was-stored"
)]
#[case::leave("test --allow-blocked postgre", "there is no database `postgre`", "postgres?")]
#[case::explain("explain lookup", "there is no check `lookup`", "crud/lookup-by-email")]
#[case::seed("test --seed soon", "invalid value 'soon'", "a number, or `random`")]
#[case::command("tset", "unrecognized subcommand 'tset'", "'test'")]
#[case::image("images build sqlite", "sqlite is embedded and has no image", "")]
fn wrong_name_is_an_error_with_the_nearest(
    #[case] arguments: &str,
    #[case] message: &str,
    #[case] help: &str,
) {
    let (code, text) = run(&mut xtask(arguments));

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(message) && text.contains(help), "{text}");
}

#[rstest]
#[case::scheme("mysql://u:secret@127.0.0.1/d", "the scheme `mysql` is not postgres's")]
#[case::elsewhere("postgres://u:secret@10.0.0.1/d", "the host `10.0.0.1` is not this machine")]
#[case::no_url("somewhere", "the URL cannot be read")]
fn wrong_url_is_an_error_and_no_container(#[case] url: &str, #[case] message: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");

    let mut command = xtask("test --database postgres --output");
    let (code, text) = run(command.arg(&output).env("DROPPROOF_POSTGRES_URL", url));

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(message) && text.contains("unset DROPPROOF_POSTGRES_URL"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(entries(folder.path()), 0, "nothing is left behind");
}

#[test]
fn url_where_nobody_listens_is_an_error() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let url = format!("postgres://u:secret@127.0.0.1:{port}/d");

    let (code, text) = run(xtask("test").env("DROPPROOF_POSTGRES_URL", url));

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(&format!("no server answers at 127.0.0.1:{port}")), "{text}");
}

#[test]
fn database_asked_for_by_name_must_be_had() {
    let (code, text) = run(xtask("test --database postgres").env("DOCKER_HOST", NO_ENGINE));

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("there is no postgres server"), "{text}");
    assert!(text.contains("systemctl start docker"), "{text}");
}

#[rstest]
#[case::without_leave("", 1)]
#[case::leave_for_one("--allow-blocked postgres", 1)]
#[case::with_leave("--allow-blocked postgres --allow-blocked mysql --allow-blocked mariadb", 0)]
fn without_an_engine_sqlite_is_judged_and_servers_are_blocked(
    #[case] leave: &str,
    #[case] expected: i32,
    #[values("nextest", "cargo")] runner: &str,
) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");

    let mut command = xtask(&format!("test --suite crud --runner {runner} {leave} --output"));
    let (code, text) = run(command.arg(&output).env("DOCKER_HOST", NO_ENGINE));

    assert_eq!(code, Some(expected), "{text}");
    for kind in ["postgres", "mysql", "mariadb"] {
        assert!(text.contains(&format!("blocked {kind}: no {kind} server")), "{text}");
    }
    let report = std::fs::read_to_string(output.join("report.json")).expect("there is a report");
    let report: Value = serde_json::from_str(&report).expect("the report is JSON");
    let totals = &report["totals"];
    let total = |verdict: &str| totals[verdict].as_u64().expect("a total is a number");
    let judged = total("upheld") + total("known");
    // Every check of the suite is judged on SQLite, and each on two layers of every server.
    assert!(0 < judged, "{totals}");
    assert_eq!((total("blocked"), total("error")), (6 * judged, 0), "{totals}");
    assert!(output.join("junit.xml").exists() && output.join("timings.json").exists());
    assert!(!output.join("run.json").exists(), "the run file is gone");
}

#[test]
fn list_names_every_trial_and_runs_none() {
    let check = "text-comes-back-as-it-was-stored";
    let mut command = xtask(&format!("test --list --database sqlite --check {check}"));

    let output = command.output().expect("the command can be run");

    let listed = String::from_utf8(output.stdout).expect("names are text");
    let names = ["sqlite-sqlx", "sqlite-session-sqlx"].map(|cell| format!("{cell}/crud/{check}\n"));
    assert_eq!(listed, names.concat());
}

#[test]
fn explain_shows_the_rule_and_what_it_catches() {
    let (code, text) = run(&mut xtask("explain work-is-seen-only-after-commit"));

    assert_eq!(code, Some(0), "{text}");
    for part in
        ["MUST be seen by another session", "guard-uncommitted-rolled-back", "commits-early"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[rstest]
#[case::no_number("sqlite-sqlx/drop-guard/committed-work-stays", "is no token of a replay")]
#[case::no_trial("sqlite-sqlx/drop-guard/committed-work-stay:1", "there is no trial")]
fn bad_token_is_an_error(#[case] token: &str, #[case] message: &str) {
    let (code, text) = run(&mut xtask(&format!("replay {token}")));

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(message), "{text}");
}

#[test]
fn replay_shows_what_the_witness_saw() {
    let token = "sqlite-sqlx/drop-guard/dropped-commit-is-all-or-nothing:1";
    let (code, text) = run(&mut xtask(&format!("replay {token} --without-cut")));

    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("the witness, when all was quiet again dones: 0 rows tasks: 2 rows"),
        "{text}"
    );
    assert!(text.contains("class: clean verdict: upheld"), "{text}");
}

#[test]
fn replay_of_a_cut_that_is_not_there_is_an_error() {
    let (code, text) =
        run(&mut xtask("replay sqlite-sqlx/drop-guard/dropped-begin-leaves-nothing-open:100000"));

    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("none of number 100000"), "{text}");
}

#[test]
fn repeated_rounds_have_equal_reports() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = xtask("test --database sqlite --adapter sqlx --repeat 3 --load --output");
    let (code, text) = run(command.arg(folder.path().join("report")));

    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("3 of 3, the same report"), "{text}");
}

#[test]
fn every_command_has_examples() {
    for command in
        ["test", "replay", "mutants", "explain", "claims", "latency", "images", "doctor", "ci"]
    {
        let (code, text) = run(&mut xtask(&format!("{command} --help")));

        assert_eq!(code, Some(0), "{command}");
        assert!(text.contains(&format!("Examples: cargo xtask {command}")), "{command}: {text}");
    }
}

#[test]
fn workflow_has_the_jobs_of_the_matrix() {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let workflow = Path::new(&manifest).join("../.github/workflows/ci.yml");
    let workflow = std::fs::read_to_string(workflow).expect("there is a workflow");
    let (code, matrix) = run(&mut xtask("matrix --format github"));

    assert_eq!(code, Some(0), "{matrix}");
    let line = format!("matrix: {matrix}");
    assert!(workflow.lines().any(|found| found.trim() == line), "the workflow lacks `{line}`");
}
