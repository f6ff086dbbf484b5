//! `cargo xtask claims` as a person types it, on the ledger of the workspace.

use std::{
    fs,
    process::{Command, Output},
};

use rstest::rstest;
use serde_json::Value;

const NO_CELLS: &str = r#"{"schema":1,"seed":0,"cells":[],"verdicts":[],"errors":[]}"#;

/// Types the command, with a report of its own: the one of the last run may be of any kind.
fn claims(report: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("it.json");
    fs::write(&path, report).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["claims", "--report"]).arg(&path).args(arguments);
    let output = command.output().expect("the command can be run");
    let Output { status, stdout, stderr } = output;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn ledger_of_the_workspace_is_whole() {
    let (code, out, err) = claims(NO_CELLS, &["--format", "json"]);

    assert_eq!(code, Some(0), "{err}");
    let ledger: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(ledger["faults"], Value::Array(Vec::new()));
    let claims = ledger["claims"].as_array().expect("claims are listed");
    assert!(claims.iter().any(|claim| claim["standing"] == "judged"));
}

#[test]
fn ledger_without_a_terminal_has_no_colours() {
    let (code, out, err) = claims(NO_CELLS, &[]);

    assert_eq!(code, Some(0), "{err}");
    assert!(!out.contains('\u{1b}'), "{out}");
    assert!(out.contains("as measured:"), "{out}");
}

#[test]
fn wrong_claim_is_an_error_with_the_nearest() {
    let (code, _, err) = claims(NO_CELLS, &["--claim", "crud-create-usr"]);

    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("there is no claim `crud-create-usr`"), "{err}");
    assert!(err.contains("did you mean crud-create-user"), "{err}");
}

#[rstest]
#[case::cut_short(r#"{"schema":1"#)]
#[case::foreign("<testsuites/>")]
fn file_that_is_no_report_is_an_error_with_its_name(#[case] text: &str) {
    let (code, _, err) = claims(text, &[]);

    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("it.json") && err.contains("is no report"), "{err}");
}
