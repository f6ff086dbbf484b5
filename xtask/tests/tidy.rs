//! The rules of the tree that no compiler keeps.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

/// Client libraries, as crates and as modules.
const CLIENTS: [&str; 12] = [
    "sqlx",
    "tokio_postgres",
    "tokio-postgres",
    "deadpool",
    "bb8",
    "diesel",
    "sea_orm",
    "sea-orm",
    "mysql_async",
    "tokio_rusqlite",
    "tokio-rusqlite",
    "odbc",
];

fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    Path::new(&manifest).parent().expect("xtask lies in the workspace").into()
}

/// Every Rust file below a folder of the workspace, by its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).expect("it lies below").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("the file can be read")));
            }
        }
    }
    found.sort();
    found
}

fn manifest(member: &str) -> Table {
    let text = fs::read_to_string(root().join(member).join("Cargo.toml"));
    text.expect("a member has a manifest").parse().expect("the manifest is TOML")
}

fn members() -> Vec<String> {
    let workspace = manifest("");
    let members = workspace["workspace"]["members"].as_array().expect("members are listed");
    members.iter().map(|member| member.as_str().expect("a member is a path").to_owned()).collect()
}

/// The crates of ours that a member depends on, by one table of its manifest.
fn our_dependencies(member: &str, table: &str) -> BTreeSet<String> {
    let manifest = manifest(member);
    let names = manifest.get(table).and_then(Value::as_table).map(|table| table.keys());
    names.into_iter().flatten().filter(|name| name.starts_with("dropproof")).cloned().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn every_file_opens_with_its_purpose() {
    let folders = ["harness", "fixtures", "suites", "snapshots", "xtask"];
    let silent: Vec<_> = folders
        .iter()
        .flat_map(|folder| sources(folder))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();

    assert_eq!(silent, [""; 0], "these files do not open with `//!`");
}

#[test]
fn no_client_library_is_named_where_it_is_judged() {
    let judge = |(name, _): &(String, String)| {
        !name.starts_with("harness/src/witness/") && !name.contains("/tests/")
    };
    let mut named = Vec::new();
    for (name, text) in
        sources("harness/src").into_iter().chain(sources("suites/src")).filter(judge)
    {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            if CLIENTS.iter().any(|client| line.contains(client)) {
                named.push(format!("{name}: {}", line.trim()));
            }
        }
    }

    assert_eq!(named, [""; 0], "the judge must not know whom it judges");
}

#[test]
fn dependencies_point_one_way() {
    assert_eq!(our_dependencies("harness", "dependencies"), set(&[]));
    assert_eq!(our_dependencies("harness", "dev-dependencies"), set(&[]));
    assert_eq!(our_dependencies("suites", "dependencies"), set(&["dropproof", "dropproof-app"]));
    // The service that checks run knows no layer either.
    assert_eq!(our_dependencies("fixtures/app", "dependencies"), set(&["dropproof"]));
    assert_eq!(
        our_dependencies("xtask", "dependencies"),
        set(&["dropproof", "dropproof-databases"])
    );
    for member in members().iter().filter(|member| member.starts_with("fixtures/")) {
        for table in ["dependencies", "dev-dependencies"] {
            let ours = our_dependencies(member, table);
            assert!(!ours.contains("dropproof-suites"), "{member} must not see the checks");
        }
    }
}

#[test]
fn every_member_keeps_the_lints_of_the_workspace() {
    // The programs of `ui` are judged by the lints that a user has.
    for member in members().into_iter().filter(|member| member != "suites/ui") {
        let manifest = manifest(&member);
        let kept = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(kept, Some(&Value::Boolean(true)), "{member}");
    }
}

#[test]
fn versions_live_in_the_workspace_table() {
    for member in members() {
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let manifest = manifest(&member);
            let dependencies = manifest.get(table).and_then(Value::as_table);
            for (name, value) in dependencies.into_iter().flatten() {
                let shared = value.get("workspace") == Some(&Value::Boolean(true));
                assert!(shared, "{member} gives its own version of {name}");
            }
        }
    }
}

#[test]
fn nothing_else_is_visible_at_the_top() {
    let shown = fs::read_dir(root()).expect("the root can be read").filter_map(|entry| {
        let name = entry.expect("the entry can be read").file_name().into_string().ok()?;
        (!name.starts_with('.') && name != "target").then_some(name)
    });
    let expected = set(&[
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CLAIMS.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "fixtures",
        "harness",
        "rust-toolchain.toml",
        "snapshots",
        "suites",
        "xtask",
    ]);

    assert_eq!(shown.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn workflow_runs_the_command_that_a_developer_runs() {
    let workflow =
        fs::read_to_string(root().join(".github/workflows/ci.yml")).expect("it is there");
    let local = fs::read_to_string(root().join(".ci/run")).expect("it is there");

    for command in ["cargo xtask test", "cargo xtask ci"] {
        assert!(
            fs::read_to_string(root().join("README.md")).expect("it is there").contains(command)
        );
    }
    assert!(workflow.contains("cargo xtask ci") && local.contains("cargo xtask ci"));
}

/// Traces of scenarios have tests of their own, since only a run on every database refers to all.
#[test]
fn every_snapshot_is_somebodys() {
    let pinning: Vec<String> = ["harness", "fixtures", "suites", "xtask"]
        .iter()
        .flat_map(|folder| sources(folder))
        .map(|(_, text)| text)
        .filter(|text| text.contains("assert_snapshot!"))
        .collect();
    let is_pinned = |name: &str| pinning.iter().any(|text| text.contains(&format!("\"{name}\"")));

    for folder in ["awaited", "calls", "claims", "report"] {
        let files = fs::read_dir(root().join("snapshots").join(folder)).expect("there is a folder");
        for file in files {
            let path = file.expect("the entry can be read").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("it is ASCII");
            assert!(is_pinned(name), "no test refers to {}", path.display());
        }
    }
}
