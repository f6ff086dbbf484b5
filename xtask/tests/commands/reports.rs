//! The folder of the reports: what is in it before a run is not the run's to remove.

use std::{fs, os::unix::fs::symlink, path::Path};

use rstest::rstest;

use super::{NO_ENGINE, run, xtask};

/// A cargo that builds nothing.
const BROKEN: &str = "/bin/false";

/// Types a command that ends in its build, if it comes so far.
fn with_broken_build(arguments: &str, output: &Path) -> (Option<i32>, String) {
    let mut command = xtask(&format!("{arguments} --output"));
    run(command.arg(output).env("CARGO", BROKEN).env("DOCKER_HOST", NO_ENGINE))
}

fn report_in(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for name in ["report.json", "junit.xml", "timings.json", "run.log"] {
        fs::write(folder.join(name), "green").expect("a file");
    }
}

#[rstest]
#[case::test("test")]
#[case::mutants("mutants")]
fn folder_of_other_files_is_refused_before_the_build(#[case] command: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    report_in(folder.path());
    fs::write(folder.path().join("thesis.tex"), "years").expect("a file");

    let (code, text) = with_broken_build(command, folder.path());

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("it holds thesis.tex") && text.contains("empty folder"), "{text}");
    assert!(!text.contains("do not build"), "{text}");
    assert_eq!(super::entries(folder.path()), 5, "nothing is removed");
}

#[test]
fn symbolic_link_is_refused_and_nothing_behind_it_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    report_in(&real);
    symlink(&real, &link).expect("a link");

    let (code, text) = with_broken_build("test", &link);

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("it is a symbolic link"), "{text}");
    assert!(link.is_symlink() && super::entries(&real) == 4);
}

#[test]
fn folders_of_all_versions_are_checked_before_one_is_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, older) = (folder.path().join("it"), folder.path().join("it-postgres-15"));
    report_in(&first);
    fs::create_dir(&older).expect("a folder");
    fs::write(older.join("thesis.tex"), "years").expect("a file");

    let (code, text) = with_broken_build("test --all-versions", &first);

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("it-postgres-15: it holds thesis.tex"), "{text}");
    assert_eq!((super::entries(&first), super::entries(&older)), (4, 1));
}

#[rstest]
#[case::test("test")]
#[case::mutants("mutants")]
#[case::all_versions("test --all-versions")]
fn run_that_ends_in_its_build_leaves_no_earlier_report(#[case] command: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    report_in(folder.path());

    let (code, text) = with_broken_build(command, folder.path());

    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("the checks do not build"), "{text}");
    assert_eq!(super::entries(folder.path()), 0, "no report is left");
}

#[test]
fn run_that_ends_at_a_server_leaves_no_earlier_report() {
    let folder = tempfile::tempdir().expect("a folder");
    report_in(folder.path());

    let mut command = xtask("test --database postgres --output");
    let (code, text) = run(command.arg(folder.path()).env("DOCKER_HOST", NO_ENGINE));

    assert_eq!(code, Some(2), "{text}");
    assert_eq!(super::entries(folder.path()), 0, "no report is left");
}

#[rstest]
#[case::wrong_arguments("test --database sqlit")]
#[case::nothing_is_run("test --list")]
fn command_that_chooses_no_run_leaves_the_report(#[case] command: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    report_in(folder.path());

    with_broken_build(command, folder.path());

    assert_eq!(super::entries(folder.path()), 4);
}
