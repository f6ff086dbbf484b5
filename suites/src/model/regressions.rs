//! Cases that have failed before, kept as lines of JSON and replayed before anything is searched.
//!
//! Each cell has a file of its own, so that what is replayed there does not depend on which cell was
//! done first. The cases of `every-cell.jsonl` are replayed on all of them, and are written by people
//! alone: a line that is worth it is moved there. Where `CI` is set nothing is written.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use dropproof::verdict::Error;
use serde::{Deserialize, Serialize};

use super::{
    case::{Case, Operation, SESSIONS_MAX},
    rules::Rules,
    worlds::applied,
};

/// The folder of the cases that have failed before.
#[derive(Clone, Debug)]
pub(crate) struct Regressions {
    folder: PathBuf,
    writes: bool,
}

/// The files of one check on one cell.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    own: PathBuf,
    shared: PathBuf,
    writes: bool,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// For the reader: what was seen when it failed.
    seen: String,
    sessions: u8,
    operations: Vec<Operation>,
}

impl Regressions {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::of(folder, env::var("CI").ok().as_deref())
    }

    /// `ci` is what the variable of this name says: where it is set nothing is written.
    pub(super) fn of(folder: PathBuf, ci: Option<&str>) -> Self {
        let writes = matches!(ci, None | Some("" | "0" | "false"));
        Self { folder, writes }
    }

    /// Names the files of a check on a cell.
    pub(crate) fn files(&self, check: &str, cell: &str) -> Files {
        let folder = self.folder.join(check);
        Files {
            own: folder.join(format!("{cell}.jsonl")),
            shared: folder.join("every-cell.jsonl"),
            writes: self.writes,
        }
    }
}

impl Files {
    /// The cases to be replayed, those of all cells first.
    pub(super) fn read(&self, rules: Rules) -> Result<Vec<Case>, Error> {
        let mut cases = read(&self.shared, |_| true)?;
        // What was found on this cell meant something to its last word.
        cases.extend(read(&self.own, |case| applied(case, rules) == *case)?);
        Ok(cases)
    }

    /// Keeps a case, unless it is kept already or nothing may be written.
    pub(super) fn keep(&self, case: &Case, seen: &str) -> Result<(), Error> {
        if !self.writes || read(&self.own, |_| true)?.contains(case) {
            return Ok(());
        }
        let appended = || {
            fs::create_dir_all(self.own.parent().unwrap_or(Path::new(".")))?;
            let file = OpenOptions::new().create(true).append(true).open(&self.own);
            file?.write_all(line(case, seen)?.as_bytes())
        };
        appended().map_err(|error: io::Error| unusable(&self.own, format!("{error}")))
    }
}

/// A case as a line of the file.
pub(super) fn line(case: &Case, seen: &str) -> Result<String, serde_json::Error> {
    let Case { sessions, operations } = case.clone();
    let line = Line { seen: seen.to_owned(), sessions, operations };
    serde_json::to_string(&line).map(|line| line + "\n")
}

fn read(path: &Path, means_something: impl Fn(&Case) -> bool) -> Result<Vec<Case>, Error> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| unusable(path, format!("{error}")))?,
    };
    let mut cases = Vec::new();
    let mut known = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let problem = |what: String| unusable(path, format!("line {number}: {what}"));
        let Line { sessions, operations, .. } =
            serde_json::from_str(line).map_err(|error| problem(format!("{error}")))?;
        let case = Case { sessions, operations };
        if !is_whole(&case) || !means_something(&case) {
            return Err(problem(
                "the model of this version leaves out operations of it".to_owned(),
            ));
        }
        if known.insert(case.clone()) {
            cases.push(case);
        }
    }
    Ok(cases)
}

fn is_whole(case: &Case) -> bool {
    let has_session = |operation: &Operation| (1..=case.sessions).contains(&operation.session);
    (1..=SESSIONS_MAX).contains(&case.sessions)
        && !case.operations.is_empty()
        && case.operations.iter().all(has_session)
}

fn unusable(path: &Path, problem: String) -> Error {
    Error::Regressions { path: path.to_owned(), problem }
}
