//! What is used wrongly is told of by one clear error.

use std::process::Command;

/// Builds and runs a test target that is wrong, which must fail, and returns what is said.
fn said(target: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "test",
            "--locked",
            "--quiet",
            "--color=never",
            "--features=wrong",
            "--test",
            target,
        ])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be run");
    assert!(!output.status.success(), "{target} is wrong, and well");
    String::from_utf8(output.stderr).expect("cargo writes text")
}

#[test]
fn adapter_without_a_database_does_not_compile() {
    let said = said("no_database", &["--no-run"]);

    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
    assert!(errors[0].contains("each adapter names its databases: `main!(MyAdapter: Postgres"));
    assert!(errors[1].contains("could not compile `outside` (test \"no_database\")"));
    assert_eq!(errors.len(), 2, "{said}");
}

#[test]
fn list_that_is_not_toml_is_refused() {
    let said = said("not_toml", &[]);

    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
    assert!(
        errors[0].contains("the list of known issues cannot be read: TOML parse error"),
        "{said}"
    );
    assert!(errors[1].starts_with("error: test failed"), "{said}");
    assert_eq!(errors.len(), 2, "{said}");
}
