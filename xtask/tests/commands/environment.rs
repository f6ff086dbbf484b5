//! What a command takes from its environment: the workspace and the cargo that are there, and no
//! variable that would change what it judges.

use std::{
    env,
    ffi::OsStr,
    fs::{self, Permissions},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use super::{run, xtask};

/// Variables of every family that are not obeyed.
const LEFT: [(&str, &str); 7] = [
    ("NEXTEST_RETRIES", "6"),
    ("NEXTEST_PROFILE", "ci"),
    ("PROPTEST_CASES", "1"),
    ("INSTA_UPDATE", "always"),
    ("RUST_TEST_THREADS", "1"),
    ("DROPPROOF_PLAN", "/nowhere/plan"),
    ("DROPPROOF_REPLAY", "sqlite-sqlx/crud/lookup-by-email:1"),
];

/// Writes a program.
fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("it is ours");
    path
}

/// A cargo that notes how it is asked for a run of nextest, and is the real one otherwise.
fn noting_cargo(folder: &Path) -> PathBuf {
    let real = env::var("CARGO").expect("cargo runs the tests");
    let note = folder.join("run").display().to_string();
    let text = format!(
        "if [ \"$1 $2\" = \"nextest run\" ]; then echo \"$*\" >{note}; env >>{note}; exit 0; fi\n\
         if [ \"$1\" = nextest ]; then exit 0; fi\n\
         env >>{note}.build; exec {real} \"$@\""
    );
    script(folder, "cargo", &text)
}

#[test]
fn retries_and_other_variables_are_not_obeyed_and_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let cargo = noting_cargo(folder.path());
    let mut command =
        xtask("test --database sqlite --check text-comes-back-as-it-was-stored --output");
    command.arg(folder.path().join("report")).env("CARGO", cargo).envs(LEFT);

    let (code, text) = run(&mut command);

    // Nothing has run, and nothing that has not run looks green.
    assert_eq!(code, Some(1), "{text}");
    let asked = fs::read_to_string(folder.path().join("run")).expect("nextest was asked");
    assert!(asked.contains("--retries=0") && asked.contains("--profile=default"), "{asked}");
    assert!(asked.contains("NEXTEST_USER_CONFIG_FILE=none"), "{asked}");
    let built = fs::read_to_string(folder.path().join("run.build")).expect("the build was asked");
    for (name, value) in LEFT {
        for seen in [&asked, &built] {
            assert!(!seen.contains(&format!("{name}={value}")), "{name} is obeyed: {seen}");
        }
        assert_eq!(text.matches(name).count(), 1, "{name} is told once: {text}");
    }
}

#[test]
fn copied_program_finds_the_workspace_and_the_cargo_of_its_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("xtask-of-another-checkout");
    fs::copy(env!("CARGO_BIN_EXE_xtask"), &copy).expect("it can be copied");
    let root = folder.path().join("checkout");
    fs::create_dir_all(root.join("xtask/src")).expect("a folder");
    fs::create_dir_all(root.join("suites")).expect("a folder");
    for mark in ["Cargo.toml", "suites/claims.toml", "xtask/Cargo.toml"] {
        fs::write(root.join(mark), "").expect("a file");
    }
    let place = folder.path().join("place");
    let cargo = script(folder.path(), "cargo", &format!("pwd >{}; exit 1", place.display()));
    let typed = |within: &Path, named: Option<&Path>| {
        let mut command = Command::new(&copy);
        command.args(["test", "--list"]).current_dir(within).env("CARGO", &cargo);
        match named {
            Some(manifest) => command.env("CARGO_MANIFEST_DIR", manifest),
            None => command.env_remove("CARGO_MANIFEST_DIR"),
        };
        run(&mut command)
    };
    let built_in = || fs::read_to_string(&place).expect("cargo ran").trim().to_owned();

    let (code, text) = typed(&root.join("xtask/src"), None);
    assert_eq!((code, built_in()), (Some(2), root.display().to_string()), "{text}");
    fs::remove_file(&place).expect("it was there");

    let (code, text) = typed(folder.path(), Some(&root.join("xtask")));
    assert_eq!((code, built_in()), (Some(2), root.display().to_string()), "{text}");
    fs::remove_file(&place).expect("it was there");

    let (code, text) = typed(folder.path(), None);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("is not in the workspace of dropproof"), "{text}");
    assert!(text.contains("run `cargo xtask` in a checkout"), "{text}");
    assert!(!place.exists(), "no cargo ran");
}

#[test]
fn argument_that_is_no_text_is_an_error() {
    for arguments in ["test --output nowhere --check", "explain --"] {
        let mut command = xtask(arguments);
        let (code, text) = run(command.arg(OsStr::from_bytes(b"a\xff")));

        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("invalid UTF-8") && !text.contains("panicked"), "{text}");
    }
}
