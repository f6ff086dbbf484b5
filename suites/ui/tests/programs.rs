//! What the compiler and clippy say of each program, and who catches which mistake.
//!
//! Clippy is asked once for all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use dropproof_ui::diagnostics::{self, Diagnostic};
use rstest::rstest;
use serde::Deserialize;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// What is said of each program, by its file.
static SAID: LazyLock<BTreeMap<PathBuf, Vec<Diagnostic>>> = LazyLock::new(|| {
    let programs = Path::new(FOLDER).join("examples");
    diagnostics::of_examples(&programs, &["--examples", "--features", "dropproof-ui/programs"], &[])
});

fn name(program: &Path) -> &str {
    program.file_stem().and_then(|name| name.to_str()).expect("a program has a name")
}

/// The first sentence of a program, which says what is wrong in it.
fn mistake(program: &Path) -> String {
    let text = fs::read_to_string(program).expect("it can be read");
    let lines = text.lines().map_while(|line| line.strip_prefix("//! "));
    let words = lines.collect::<Vec<_>>().join(" ");
    words
        .split_once(". ")
        .map_or(words.as_str(), |(first, _)| first)
        .trim_end_matches('.')
        .to_owned()
}

#[rstest]
fn program_is_caught_as_it_was(#[files("examples/*.rs")] program: PathBuf) {
    let said = SAID.get(&program).unwrap_or_else(|| panic!("{program:?} was not built"));
    let shown: String = said.iter().map(ToString::to_string).collect();

    insta::with_settings!({
        snapshot_path => Path::new(FOLDER).join("../../snapshots/ui"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        let shown = if shown.is_empty() { "nothing is said" } else { &shown };
        insta::assert_snapshot!(name(&program).replace('_', "-"), shown);
    });
}

#[test]
fn every_program_shows_a_claim_of_the_ledger() {
    #[derive(Deserialize)]
    struct Ledger {
        claim: Vec<Claim>,
    }
    #[derive(Deserialize)]
    struct Claim {
        #[serde(default)]
        programs: Vec<String>,
    }
    let ledger = fs::read_to_string(Path::new(FOLDER).join("../claims.toml")).expect("it is there");
    let ledger: Ledger = toml::from_str(&ledger).expect("the ledger is TOML");
    let shown: BTreeSet<&str> =
        ledger.claim.iter().flat_map(|claim| &claim.programs).map(String::as_str).collect();

    assert_eq!(shown, SAID.keys().map(|program| name(program)).collect());
}

#[test]
fn table_of_the_readme_says_who_catches_what() {
    let row = |(program, said): (&PathBuf, &Vec<Diagnostic>)| {
        let mut catchers: Vec<String> = said.iter().map(Diagnostic::catcher).collect();
        catchers.dedup();
        let who = if catchers.is_empty() { "nobody".to_owned() } else { catchers.join("; ") };
        format!("| {} | {who} |\n", mistake(program))
    };
    let rows: String = SAID.iter().map(row).collect();
    let table = format!("| mistake | who says so |\n|---|---|\n{rows}");

    let readme = Path::new(FOLDER).join("../../README.md");
    let readme = fs::read_to_string(readme).expect("there is a README");
    assert!(readme.contains(&table), "the README has to have this table:\n\n{table}");
}
