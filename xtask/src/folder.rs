//! The folder that a round writes to.
//!
//! It becomes the folder of the report as a whole when the round is done, so that a round that fails
//! leaves no half of one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dropproof_databases::{Estate, Held};
use miette::{IntoDiagnostic, WrapErr};

/// The folder of a round that is under way; it goes when the round fails.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    latest: PathBuf,
    held: Held,
}

impl Folder {
    /// Makes the folder beside the one of the report, and takes the report of an earlier round away.
    pub(crate) fn make(latest: &Path, estate: &Estate) -> miette::Result<Self> {
        let latest = std::path::absolute(latest).into_diagnostic()?;
        let beside = latest.parent().unwrap_or(&latest);
        let make = || {
            fs::create_dir_all(beside)?;
            // A report of an earlier round must not be taken for this one's.
            remove(&latest)?;
            tempfile::Builder::new().prefix("round-").tempdir_in(beside)
        };
        let folder = make()
            .into_diagnostic()
            .wrap_err_with(|| format!("{} cannot be written", beside.display()))?;
        let held = estate.hold_folder(folder.path());
        Ok(Self { folder, latest, held })
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) -> miette::Result<()> {
        let written = fs::write(self.path(name), text).into_diagnostic();
        written.wrap_err_with(|| format!("{name} cannot be written"))
    }

    /// Puts the folder where reports are looked for.
    pub(crate) fn publish(self) -> miette::Result<PathBuf> {
        let Self { folder, latest, mut held } = self;
        fs::remove_file(folder.path().join("records.jsonl"))
            .or_else(absent_is_well)
            .into_diagnostic()?;
        let publish = || {
            // Another run may publish at the same time; the later one has the name.
            let turn = fs::File::open(latest.parent().unwrap_or(&latest))?;
            turn.lock()?;
            remove(&latest)?;
            fs::rename(folder.path(), &latest)
        };
        publish()
            .into_diagnostic()
            .wrap_err_with(|| format!("{} cannot be written", latest.display()))?;
        // It has moved: there is nothing left to remove.
        drop(folder.keep());
        held.gone();
        Ok(latest)
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    fs::remove_dir_all(folder).or_else(absent_is_well)
}

fn absent_is_well(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
