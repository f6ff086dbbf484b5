//! What the compiler and clippy say of each program, and who catches which mistake.
//!
//! Clippy is asked once for all of them, and says it as JSON. What is pinned of a diagnostic is its
//! level, its code, its first words and the source that it points to: no path, no help.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use rstest::rstest;
use serde::Deserialize;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The lints that say something of the programs, with their groups.
///
/// <https://doc.rust-lang.org/rustc/lints/groups.html>,
/// <https://rust-lang.github.io/rust-clippy/stable/index.html>
const LINTS: &[(&str, &str)] = &[
    ("unused_must_use", "on by default"),
    ("clippy::async_yields_async", "correctness, on by default"),
    ("clippy::let_underscore_future", "suspicious, on by default"),
    ("clippy::no_effect", "complexity, on by default"),
    ("clippy::suspicious_map", "suspicious, on by default"),
    ("clippy::unnecessary_operation", "complexity, on by default"),
    ("clippy::unused_async", "pedantic, off by default"),
];

/// A line of cargo's.
#[derive(Deserialize)]
struct Line {
    reason: String,
    target: Option<Target>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Target {
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    code: Option<Code>,
    message: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    is_primary: bool,
    text: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

/// What is said of a program.
#[derive(Debug)]
struct Diagnostic {
    level: String,
    code: Option<String>,
    words: String,
    source: String,
}

impl Diagnostic {
    /// `None` for what sums up, and points nowhere.
    fn of(message: Message) -> Option<Self> {
        let primary = message.spans.into_iter().find(|span| span.is_primary)?;
        let source = primary.text.first().map_or("", |line| line.text.trim()).to_owned();
        let Message { level, code, message: words, .. } = message;
        Some(Self { level, code: code.map(|code| code.code), words, source })
    }

    /// Who says it, as the table shows it.
    fn catcher(&self) -> String {
        let code = self.code.as_deref().expect("a diagnostic of these programs has a code");
        if code.starts_with('E') {
            return format!("the compiler, error {code}");
        }
        let group = LINTS.iter().find(|(lint, _)| *lint == code);
        let (_, group) = group.unwrap_or_else(|| panic!("{code} is not among the lints"));
        match code.strip_prefix("clippy::") {
            Some(lint) => format!("clippy, `{lint}` ({group})"),
            None => format!("the compiler, warning `{code}`"),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, code, words, source } = self;
        let code = code.as_deref().unwrap_or("no code");
        writeln!(f, "{level}[{code}]: {words}")?;
        writeln!(f, "    {source}")
    }
}

/// What is said of each program, by its file.
static SAID: LazyLock<BTreeMap<PathBuf, Vec<Diagnostic>>> = LazyLock::new(|| {
    let cargo = env::var_os("CARGO").expect("cargo runs this");
    let clippy = Command::new(cargo)
        .args(["clippy", "--workspace", "--examples", "--features", "dropproof-ui/programs"])
        .args(["--keep-going", "--message-format", "json", "--quiet"])
        .current_dir(FOLDER)
        .output()
        .expect("cargo clippy runs");
    let lines = String::from_utf8(clippy.stdout).expect("JSON is UTF-8");
    let mut said = BTreeMap::<PathBuf, Vec<Diagnostic>>::new();
    for line in lines.lines() {
        let line: Line = serde_json::from_str(line).expect("cargo says JSON");
        let Some(target) = line.target.filter(|target| is_program(&target.src_path)) else {
            continue;
        };
        let diagnostics = said.entry(target.src_path).or_default();
        diagnostics.extend(line.message.and_then(Diagnostic::of));
        assert!(line.reason.starts_with("compiler-"), "{}", line.reason);
    }
    assert!(!said.is_empty(), "{}", String::from_utf8_lossy(&clippy.stderr));
    said
});

fn is_program(file: &Path) -> bool {
    file.starts_with(Path::new(FOLDER).join("examples"))
}

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
