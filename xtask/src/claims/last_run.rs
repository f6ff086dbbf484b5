//! The report of the last run, as far as the ledger needs it.
//!
//! A file that is no report of ours is one error with its name: half a ledger would look like a whole
//! one with fewer verdicts.

use std::{fs, io, path::Path};

use dropproof::{
    database::Kind,
    report::{self, SCHEMA},
    verdict::Cell,
};
use miette::miette;
use serde::{Deserialize, Serialize};

/// What the last run has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastRun {
    /// Where its report is, as a person finds it.
    pub(crate) path: String,
    pub(crate) seed: u64,
    pub(crate) cells: Vec<RunCell>,
    /// One answer for each check on each cell that was asked for.
    pub(crate) answers: Vec<Answer>,
}

/// A cell that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunCell {
    #[serde(flatten)]
    pub(crate) cell: Cell,
    pub(crate) database_version: Option<String>,
}

/// What a check has said of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) check: String,
    pub(crate) database: Kind,
    pub(crate) adapter: String,
    pub(crate) word: Word,
    /// What was seen, or why nothing was.
    pub(crate) message: Option<String>,
    pub(crate) link: Option<String>,
}

/// The verdicts, and the error that is none of them; what needs to be read comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    Violated,
    Error,
    Healed,
    Known,
    Blocked,
    Skipped,
    Upheld,
}

/// The form of the report; what it has besides is of no use here.
#[derive(Deserialize)]
struct Raw {
    seed: u64,
    cells: Vec<RunCell>,
    verdicts: Vec<RawVerdict>,
    errors: Vec<RawError>,
}

#[derive(Deserialize)]
struct RawVerdict {
    check: String,
    database: Kind,
    adapter: String,
    verdict: Word,
    message: Option<String>,
    reason: Option<String>,
    link: Option<String>,
}

#[derive(Deserialize)]
struct RawError {
    check: String,
    database: Kind,
    adapter: String,
    causes: Vec<String>,
}

#[derive(Deserialize)]
struct Form {
    schema: u32,
}

impl LastRun {
    /// Reads the report of a run.
    pub(crate) fn read(path: &Path) -> miette::Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Self::parse(path, &text)
    }

    /// Reads the report of a run where there was one.
    pub(crate) fn read_if_there(path: &Path) -> miette::Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    fn parse(path: &Path, text: &str) -> miette::Result<Self> {
        let shown = path.display();
        let unread = |why: String| {
            miette!(help = "`cargo xtask test` writes another", "{shown} is no report: {why}")
        };
        let Form { schema } = serde_json::from_str(text).map_err(|e| unread(e.to_string()))?;
        if schema != SCHEMA {
            return Err(unread(format!("it has the form {schema}, and this reads form {SCHEMA}")));
        }
        let raw: Raw = serde_json::from_str(text).map_err(|e| unread(e.to_string()))?;
        Ok(Self::new(shown.to_string(), raw))
    }

    fn new(path: String, raw: Raw) -> Self {
        let verdicts = raw.verdicts.into_iter().map(|row| Answer {
            check: row.check,
            database: row.database,
            adapter: row.adapter,
            word: row.verdict,
            message: row.message.or(row.reason),
            link: row.link,
        });
        let errors = raw.errors.into_iter().map(|row| Answer {
            check: row.check,
            database: row.database,
            adapter: row.adapter,
            word: Word::Error,
            message: Some(row.causes.join("; because ")),
            link: None,
        });
        let answers = verdicts.chain(errors).collect();
        Self { path, seed: raw.seed, cells: raw.cells, answers }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> miette::Report {
    let shown = path.display();
    miette!(help = "`cargo xtask test` writes it", "{shown} cannot be read: {error}")
}

impl Answer {
    /// The cell that it is about, as reports name it.
    pub(crate) fn cell(&self) -> String {
        format!("{}-{}", self.database, self.adapter)
    }
}

impl Word {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Word::Violated => "violated",
            Word::Error => "error",
            Word::Healed => "healed",
            Word::Known => "known",
            Word::Blocked => "blocked",
            Word::Skipped => "skipped",
            Word::Upheld => "upheld",
        }
    }

    /// Its mark and its name.
    pub(crate) fn marked(self) -> String {
        let mark = report::mark(self.name()).expect("every verdict has a mark");
        format!("{mark} {}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::cut_short(r#"{"schema":1,"#, "is no report: EOF while parsing")]
    #[case::foreign(r#"{"tests":[]}"#, "is no report: missing field `schema`")]
    #[case::newer(r#"{"schema":2}"#, "it has the form 2, and this reads form 1")]
    #[case::unknown_verdict(
        r#"{"schema":1,"seed":0,"cells":[],"errors":[],"verdicts":[
            {"check":"a/b","database":"sqlite","adapter":"demo","verdict":"fine"}]}"#,
        "unknown variant `fine`"
    )]
    fn file_that_is_no_report_is_an_error_with_its_name(#[case] text: &str, #[case] message: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, text).unwrap();

        let error = LastRun::read(&path).unwrap_err().to_string();

        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn report_that_is_not_there_is_an_error_where_it_was_asked_for() {
        let nowhere = Path::new("/nowhere/report.json");
        let error = LastRun::read(nowhere).unwrap_err();

        assert_eq!(LastRun::read_if_there(nowhere).unwrap(), None);
        assert!(error.to_string().starts_with("/nowhere/report.json cannot be read"));
    }
}
