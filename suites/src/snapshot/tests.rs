//! Traces of several cells against the files of a folder.

use std::{collections::BTreeSet, env, process::Command};

use dropproof::database::Kind;

use super::*;
use crate::cell::Scenario;

/// Compares the files of a suite with its scenarios, and with the differences that have a reason.
pub(crate) fn are_those_of(suite: &str, scenarios: &[Scenario], differences: &[(&str, &str)]) {
    let folder = format!("{}/../snapshots/{suite}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(folder).expect("there is a folder").filter_map(|entry| {
        let name = entry.expect("it can be read").file_name().into_string().expect("it is ASCII");
        name.strip_suffix(".snap").map(str::to_owned)
    });
    let claim = |scenario: &Scenario| scenario.check.rsplit('/').next().map(str::to_owned);
    let own = differences.iter().map(|(name, _)| (*name).to_owned());
    let listed = scenarios.iter().filter_map(claim).chain(own);

    assert_eq!(files.collect::<BTreeSet<_>>(), listed.collect());
}

const HEAD: &str = "---\nsource: x\n---\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("crud")).unwrap();
        for (name, text) in files {
            let file = folder.path().join(format!("crud/{name}.snap"));
            fs::write(file, format!("{HEAD}{text}")).unwrap();
        }
        Self(folder)
    }

    fn compare(&self, database: Kind, adapter: &str, trace: &str) -> Result<(), String> {
        let (adapter, adapter_version) = (adapter.to_owned(), String::new());
        let cell = Cell { database, adapter, adapter_version };
        Snapshots::new(self.0.path()).of_cell(&cell).compare("crud/x", trace)
    }

    /// Where the pending file was seen, and its text.
    fn pending(&self, name: &str) -> Option<(String, String)> {
        let file = self.0.path().join(format!("crud/{name}.snap.new"));
        let text = fs::read_to_string(&file).ok()?;
        Some((Cells::of(&file).unwrap_or_default().to_string(), body(&text)))
    }
}

/// Runs the body of a test in a process of its own, where insta may write pending files.
///
/// insta asks the environment once, and under `cargo insta test --check` it says that none is written.
fn where_pending_files_are_written(test: &str, body: impl FnOnce()) {
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "new") {
        return body();
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", &format!("snapshot::tests::{test}")]).env("INSTA_UPDATE", "new");
    let output = child.env_remove("INSTA_FORCE_PASS").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn first_line_that_differs_is_named() {
    let message = difference("crud/x", "a: 1\nb: 2\n", "a: 1\nb: 3\nc: 4\n");

    assert!(message.contains("`b: 2` was reviewed, `b: 3` was seen"), "{message}");
}

#[test]
fn missing_snapshot_ends_at_once() {
    let message = difference("crud/x", "", "a: 1\n");

    assert!(message.contains("its end was reviewed, `a: 1` was seen"), "{message}");
}

#[test]
fn pending_file_is_written_once_and_names_the_cells_that_differ() {
    where_pending_files_are_written(
        "pending_file_is_written_once_and_names_the_cells_that_differ",
        || {
            let folder = Folder::new(&[("x", "a: 1\n")]);

            folder.compare(Kind::MySql, "demo", "a: 2\n").unwrap_err();
            folder.compare(Kind::Postgres, "demo", "a: 1\n").unwrap();
            folder.compare(Kind::MariaDb, "demo", "a: 2\n").unwrap_err();

            let pending = ("seen on mariadb-demo, mysql-demo".to_owned(), "a: 2\n".to_owned());
            assert_eq!(folder.pending("x"), Some(pending));
        },
    );
}

#[test]
fn second_way_to_differ_is_named_and_does_not_replace_the_first() {
    where_pending_files_are_written(
        "second_way_to_differ_is_named_and_does_not_replace_the_first",
        || {
            let folder = Folder::new(&[("x", "a: 1\n")]);

            let seen = "seen on mysql-demo; another trace on mariadb-demo".to_owned();
            for _run in 0..2 {
                folder.compare(Kind::MySql, "demo", "a: 2\n").unwrap_err();
                folder.compare(Kind::MariaDb, "demo", "a: 3\n").unwrap_err();
                assert_eq!(folder.pending("x"), Some((seen.clone(), "a: 2\n".to_owned())));
            }
            let message = folder.compare(Kind::MariaDb, "demo", "a: 3\n").unwrap_err();
            assert!(message.contains("`a: 3` was seen"), "{message}");
        },
    );
}

#[test]
fn pending_file_of_an_earlier_run_is_replaced_or_withdrawn() {
    where_pending_files_are_written(
        "pending_file_of_an_earlier_run_is_replaced_or_withdrawn",
        || {
            let folder = Folder::new(&[("x", "a: 1\n")]);
            folder.compare(Kind::MySql, "demo", "a: 2\n").unwrap_err();

            folder.compare(Kind::MySql, "demo", "a: 3\n").unwrap_err();
            assert_eq!(folder.pending("x").unwrap().1, "a: 3\n");
            folder.compare(Kind::MySql, "demo", "a: 1\n").unwrap();
            assert_eq!(folder.pending("x"), None);
        },
    );
}

#[test]
fn cell_that_has_got_a_file_of_its_own_is_struck_from_the_pending_one() {
    where_pending_files_are_written(
        "cell_that_has_got_a_file_of_its_own_is_struck_from_the_pending_one",
        || {
            let folder = Folder::new(&[("x", "a: 1\n")]);
            folder.compare(Kind::MySql, "demo", "a: 2\n").unwrap_err();
            folder.compare(Kind::MariaDb, "demo", "a: 2\n").unwrap_err();

            fs::write(folder.0.path().join("crud/x@mysql.snap"), format!("{HEAD}a: 2\n")).unwrap();
            folder.compare(Kind::MySql, "demo", "a: 2\n").unwrap();

            let pending = ("seen on mariadb-demo".to_owned(), "a: 2\n".to_owned());
            assert_eq!(folder.pending("x"), Some(pending));
        },
    );
}

#[test]
fn file_of_its_own_is_preferred_from_cell_to_database() {
    where_pending_files_are_written("file_of_its_own_is_preferred_from_cell_to_database", || {
        let files =
            [("x", "a\n"), ("x@mysql", "b\n"), ("x@other", "c\n"), ("x@mysql-third", "d\n")];
        let folder = Folder::new(&files);

        assert_eq!(folder.compare(Kind::Postgres, "demo", "a\n"), Ok(()));
        assert_eq!(folder.compare(Kind::MySql, "demo", "b\n"), Ok(()));
        assert_eq!(folder.compare(Kind::MySql, "other", "c\n"), Ok(()));
        assert_eq!(folder.compare(Kind::MySql, "third", "d\n"), Ok(()));
        folder.compare(Kind::MySql, "demo", "a\n").unwrap_err();
        assert!(folder.pending("x@mysql").is_some() && folder.pending("x").is_none());
    });
}
