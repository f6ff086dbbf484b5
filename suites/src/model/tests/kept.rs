//! What is kept of cases that have failed.

use std::{fs, path::Path};

use dropproof::{database::Kind, verdict::Error};
use tempfile::TempDir;

use super::{
    super::{ID, case::Change, regressions::Regressions},
    Action, Case, case, create, rules,
};

const CELL: &str = "postgres-demo";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn read(folder: &Path) -> Result<Vec<Case>, Error> {
    Regressions::of(folder.into(), None).files(ID, CELL).read(rules(Kind::Postgres))
}

fn keep(folder: &Path, ci: Option<&str>, case: &Case) {
    Regressions::of(folder.into(), ci).files(ID, CELL).keep(case, "seen").expect("it is kept");
}

/// Writes the file of the cell, and returns what reading it says.
fn refusal(text: &str) -> String {
    let folder = folder();
    let path = folder.path().join(ID).join(format!("{CELL}.jsonl"));
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
    fs::write(path, text).expect("it can be written");
    read(folder.path()).expect_err("it is refused").to_string()
}

#[test]
fn a_case_is_read_as_it_was_kept() {
    let change =
        Change { email: Some("b@x.org".to_owned()), hashed_password: None, full_name: Some(None) };
    let kept = case(
        2,
        &[
            (1, Action::CreateUser("a@x.org".to_owned(), Some("é'😀".to_owned()))),
            (2, Action::UpdateUser(1, change)),
            (1, Action::Begin),
            (1, Action::RenameTask(1, None)),
            (1, Action::Fail),
        ],
    );
    let folder = folder();

    assert_eq!(read(folder.path()).expect("no file is no case"), []);
    keep(folder.path(), None, &kept);
    keep(folder.path(), None, &kept);

    assert_eq!(read(folder.path()).expect("it can be read"), [kept], "it is kept once");
}

#[test]
fn a_line_can_be_read_by_a_person() {
    let folder = folder();
    keep(folder.path(), None, &case(1, &[(1, Action::Begin), (1, create("a"))]));

    let text = fs::read_to_string(folder.path().join(ID).join("postgres-demo.jsonl"));

    let line = r#"{"seen":"seen","sessions":1,"operations":[{"does":"begin","session":1},{"does":{"create-task":"a"},"session":1}]}"#;
    assert_eq!(text.expect("it is there"), format!("{line}\n"));
}

#[test]
fn ci_writes_nothing() {
    let folder = folder();

    keep(folder.path(), Some("true"), &case(1, &[(1, create("a"))]));

    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
    keep(folder.path(), Some("false"), &case(1, &[(1, create("a"))]));
    assert_eq!(read(folder.path()).expect("it can be read").len(), 1);
}

#[test]
fn corrupt_file_is_named_with_its_line_and_the_way_out() {
    let whole = r#"{"seen":"","sessions":1,"operations":[{"does":"list-tasks","session":1}]}"#;
    let message = refusal(&format!("{whole}\n{{\"seen\":"));

    assert!(message.contains("postgres-demo.jsonl") && message.contains("line 2"), "{message}");
    assert!(message.contains("mend or delete the line"), "{message}");
}

#[test]
fn outdated_file_is_refused_too() {
    let unknown = r#"{"seen":"","sessions":1,"operations":[{"does":"juggle","session":1}]}"#;
    assert!(refusal(unknown).contains("unknown variant `juggle`"));

    for (sessions, does) in [(1, "commit"), (0, "begin"), (9, "begin")] {
        let line = format!(
            r#"{{"seen":"","sessions":{sessions},"operations":[{{"does":"{does}","session":1}}]}}"#
        );
        assert!(refusal(&line).contains("leaves out operations"), "{line}");
    }
}

#[test]
fn cases_of_this_workspace_can_be_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");

    assert!(!read(&folder).expect("they can be read").is_empty());
}
