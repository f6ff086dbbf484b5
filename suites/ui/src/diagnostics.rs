//! What the compiler and clippy say of programs that are wrong, asked once for many.
//!
//! Clippy says it as JSON. What is kept of a diagnostic is its level, its code, its first words, and
//! the line of the source that it points to: no path, no help.

use std::{
    collections::BTreeMap,
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

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
    line_start: usize,
    text: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

/// What is said of a program.
#[derive(Debug)]
pub struct Diagnostic {
    /// "error" or "warning".
    pub level: String,
    code: Option<String>,
    /// The first line of what is said.
    pub words: String,
    source: String,
    /// The line that it points to, from 1 on.
    pub line: usize,
}

impl Diagnostic {
    /// `None` for what sums up, and points nowhere.
    fn of(message: Message) -> Option<Self> {
        let primary = message.spans.into_iter().find(|span| span.is_primary)?;
        let source = primary.text.first().map_or("", |line| line.text.trim()).to_owned();
        let Message { level, code, message: words, .. } = message;
        let code = code.map(|code| code.code);
        Some(Self { level, code, words, source, line: primary.line_start })
    }

    /// Who says it, as tables show it.
    ///
    /// # Panics
    ///
    /// Panics where a lint says it whose group is not written down here.
    #[must_use]
    pub fn catcher(&self) -> String {
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

    /// Level, code and first words, in one line.
    #[must_use]
    pub fn head(&self) -> String {
        let code = self.code.as_deref().unwrap_or("no code");
        format!("{}[{code}]: {}", self.level, self.words)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head())?;
        writeln!(f, "    {}", self.source)
    }
}

/// Asks `cargo clippy` of the examples in a folder of the workspace, and lists what it says by file.
///
/// `arguments` choose them. The whole workspace is named, so that its dependencies have the features
/// that they have anyway, and are not built for this.
///
/// # Panics
///
/// Panics where cargo does not run, and where none of the examples was built.
#[must_use]
pub fn of_examples(
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, &Path)],
) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
    let cargo = env::var_os("CARGO").expect("cargo runs this");
    let clippy = Command::new(cargo)
        .args(["clippy", "--workspace", "--keep-going", "--message-format", "json", "--quiet"])
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .output()
        .expect("cargo clippy runs");
    let lines = String::from_utf8(clippy.stdout).expect("JSON is UTF-8");
    let mut said = BTreeMap::<PathBuf, Vec<Diagnostic>>::new();
    for line in lines.lines() {
        let line: Line = serde_json::from_str(line).expect("cargo says JSON");
        let Some(target) = line.target.filter(|target| target.src_path.starts_with(folder)) else {
            continue;
        };
        let diagnostics = said.entry(target.src_path).or_default();
        diagnostics.extend(line.message.and_then(Diagnostic::of));
        assert!(line.reason.starts_with("compiler-"), "{}", line.reason);
    }
    assert!(!said.is_empty(), "{}", String::from_utf8_lossy(&clippy.stderr));
    said
}
