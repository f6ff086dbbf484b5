//! Output that cannot be written: an exit code and a message where one can be, and never a panic.

use std::{
    fs::File,
    io::pipe,
    process::{Output, Stdio},
};

use rstest::rstest;

use super::{on_one_line, xtask};

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has it").into()
}

#[rstest]
#[case::class("explain poisoned")]
#[case::matrix("matrix")]
#[case::help("test --help")]
#[case::doctor("doctor")]
fn full_output_is_an_error_that_is_told(#[case] arguments: &str) {
    let mut command = xtask(arguments);
    let Output { status, stderr, .. } = command.stdout(full()).output().expect("it runs");
    let told = on_one_line(&stderr);

    assert_eq!(status.code(), Some(2), "{told}");
    assert!(told.contains("standard output cannot be written: No space left"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[rstest]
#[case::wrong_argument("tset")]
#[case::error("replay nothing")]
fn full_error_is_told_on_the_other_stream(#[case] arguments: &str) {
    let mut command = xtask(arguments);
    let Output { status, stdout, .. } = command.stderr(full()).output().expect("it runs");
    let told = on_one_line(&stdout);

    assert_eq!(status.code(), Some(2), "{told}");
    assert!(told.contains("standard error cannot be written: No space left"), "{told}");
}

#[rstest]
#[case::class("explain poisoned", 141)]
#[case::help("--help", 141)]
#[case::worse_than_that("replay nothing", 2)]
fn reader_that_has_gone_ends_it_quietly(#[case] arguments: &str, #[case] code: i32) {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);

    let Output { status, stderr, .. } =
        xtask(arguments).stdout(writer).output().expect("the command can be run");
    let told = on_one_line(&stderr);

    assert_eq!(status.code(), Some(code), "{told}");
    assert!(!told.contains("panicked") && !told.contains("written"), "{told}");
}
