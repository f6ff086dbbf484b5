//! Event traces compared with reviewed ones.
//!
//! One file serves every database and layer. A trace that differs is written beside it once, as a
//! pending snapshot, for `cargo insta review`; trials in parallel processes take turns by a lock.

use std::{
    fs::{self, File},
    io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

/// The folder of the reviewed traces.
#[derive(Clone, Debug)]
pub struct Snapshots {
    folder: PathBuf,
}

impl Snapshots {
    /// Names the folder; each suite has one of its own in it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Compares a trace with the reviewed one of a check.
    pub(crate) fn compare(&self, check: &str, trace: &str) -> Result<(), String> {
        let (suite, claim) = check.split_once('/').expect("an id has a suite");
        let folder = self.folder.join(suite);
        let held = lock(&self.folder);
        let _held = held.map_err(|error| {
            format!("the snapshots in {} cannot be locked: {error}", self.folder.display())
        })?;
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let compared = panic::catch_unwind(AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(claim, trace));
        }));
        compared.map_err(|_| {
            let reviewed = fs::read_to_string(folder.join(format!("{claim}.snap")));
            difference(check, &reviewed.unwrap_or_default(), trace)
        })
    }
}

/// Holds the lock until the file is dropped.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    file.lock()?;
    Ok(file)
}

/// Names the first line that differs.
fn difference(check: &str, reviewed: &str, trace: &str) -> String {
    // A snapshot's text comes after the second line of dashes.
    let reviewed = reviewed.splitn(3, "---\n").nth(2).unwrap_or_default();
    let mut pairs =
        reviewed.lines().map(Some).chain([None]).zip(trace.lines().map(Some).chain([None]));
    let first = pairs.find(|(reviewed, seen)| reviewed != seen);
    let shown = |line: Option<&str>| line.map_or("its end".to_owned(), |line| format!("`{line}`"));
    let (reviewed, seen) = first.unwrap_or_default();
    format!(
        "the trace differs from snapshots/{check}.snap: {} was reviewed, {} was seen; \
         `cargo insta review` shows both",
        shown(reviewed),
        shown(seen)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_that_differs_is_named() {
        let reviewed = "---\nsource: x\n---\na: 1\nb: 2\n";

        let message = difference("crud/x", reviewed, "a: 1\nb: 3\nc: 4\n");

        assert!(message.contains("`b: 2` was reviewed, `b: 3` was seen"), "{message}");
    }

    #[test]
    fn missing_snapshot_ends_at_once() {
        let message = difference("crud/x", "", "a: 1\n");

        assert!(message.contains("its end was reviewed, `a: 1` was seen"), "{message}");
    }
}
