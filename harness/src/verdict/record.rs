//! The record of a trial, and the file that records are appended to.
//!
//! A test runner's own report merges what must stay apart (a skip is a pass for it), so each trial
//! writes its verdict itself: one line, in one append, which is whole also when trials run in
//! parallel processes.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Strip, Verdict};

/// What became of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The question was answered.
    Judged(Verdict),
    /// The question was not answered: an error and its causes, from the outermost inwards.
    Error(Vec<String>),
}

/// What a trial leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name of the trial.
    pub trial: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What each cut did, where the check swept an operation.
    pub strip: Option<Strip>,
    /// What the verdict rests on, as a person reads it, where one cut was replayed.
    pub evidence: Option<String>,
    /// How long it took.
    pub duration: Duration,
}

/// The file that records are appended to.
#[derive(Clone, Debug)]
pub struct Sink {
    path: PathBuf,
}

impl Sink {
    /// Names the file; the first record makes it.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Appends a record.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be written.
    pub fn append(&self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(&line)
    }

    /// Reads all records; none where nothing was appended.
    ///
    /// # Errors
    ///
    /// Fails where a line is no record.
    pub fn read(path: &Path) -> io::Result<Vec<Record>> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_in_the_order_of_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let record = |outcome| Record {
            trial: "t".into(),
            outcome,
            strip: None,
            evidence: None,
            duration: Duration::ZERO,
        };
        let written = [
            record(Outcome::Judged(Verdict::violated("two\nlines"))),
            record(Outcome::Error(vec!["outer".into(), "inner".into()])),
        ];

        assert_eq!(Sink::read(&path).unwrap(), []);
        for record in &written {
            Sink::new(path.clone()).append(record).unwrap();
        }

        assert_eq!(Sink::read(&path).unwrap(), written);
    }

    #[test]
    fn half_a_line_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        std::fs::write(&path, "{\"trial\":").unwrap();

        assert!(Sink::read(&path).is_err());
    }
}
