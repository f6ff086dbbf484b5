//! The folder of a run's reports, and the folder in which a run works until they are whole.
//!
//! A person chooses the folder of the reports. So a run removes only the files that it writes there
//! itself, by name, and refuses a folder that holds anything else. The check comes before anything
//! is built or started. Then the old report goes, so that a run that fails early leaves none.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{self, Path, PathBuf},
};

use dropproof_databases::{Estate, Held};
use miette::{IntoDiagnostic, Report, WrapErr, miette};

/// The files of a report. The first one says that the report is there, so it comes last and goes first.
const FILES: [&str; 4] = [REPORT, "junit.xml", "timings.json", "run.log"];
/// The report for machines.
pub(crate) const REPORT: &str = "report.json";
/// An error names so many strange files at most.
const NAMED_MAX: usize = 3;

/// A folder that holds nothing but reports, or is not there yet.
#[derive(Debug)]
pub(crate) struct Reports {
    folder: PathBuf,
}

/// A folder in which a run works; it goes with the run, however that ends.
pub(crate) struct Workplace {
    folder: tempfile::TempDir,
    held: Held,
}

impl Reports {
    /// Checks a folder, and leaves it as it is.
    ///
    /// # Errors
    ///
    /// Fails if the folder is a symbolic link or a file, or if it holds anything but a report.
    pub(crate) fn at(folder: &Path) -> miette::Result<Self> {
        let shown = folder.display();
        let absolute = path::absolute(folder).into_diagnostic();
        let absolute = absolute.wrap_err_with(|| format!("`{shown}` is no folder"))?;
        // A slash at the end would hide a symbolic link.
        let folder: PathBuf = absolute.components().collect();
        match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() => refuse_strange(&folder)?,
            Ok(found) => {
                let what = if found.is_symlink() { "a symbolic link" } else { "a file" };
                return Err(refused(&folder, &format!("it is {what}")));
            }
            Err(error) if is_absence(&error) => refuse_unmakeable(&folder)?,
            Err(error) => return Err(refused(&folder, &error.to_string())),
        }
        Ok(Self { folder })
    }

    /// Removes the report of an earlier run, so that nobody takes it for the report of this run.
    pub(crate) fn clear(&self) -> miette::Result<()> {
        let cleared = lock(&self.folder).and_then(|_turn| self.remove());
        cleared.or_else(absent_is_well).map_err(|error| unwritten(&self.folder, error))
    }

    /// Puts the files of a workplace into the folder. A run that publishes later replaces them all.
    pub(crate) fn publish(&self, workplace: Workplace) -> miette::Result<()> {
        let publish = || {
            fs::create_dir_all(&self.folder)?;
            let _turn = lock(&self.folder)?;
            self.remove()?;
            let put = |name| put(&workplace.path(name), &self.folder.join(name));
            FILES.into_iter().rev().try_for_each(put)
        };
        publish().map_err(|error| unwritten(&self.folder, error))
    }

    /// The path of a file of the report.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder in which the folder of the reports lies.
    pub(crate) fn parent(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    fn remove(&self) -> io::Result<()> {
        FILES.iter().try_for_each(|name| fs::remove_file(self.path(name)).or_else(absent_is_well))
    }
}

impl Workplace {
    /// Makes the folder in another one.
    pub(crate) fn make(parent: &Path, estate: &Estate) -> miette::Result<Self> {
        let make = || {
            fs::create_dir_all(parent)?;
            tempfile::Builder::new().prefix("round-").tempdir_in(parent)
        };
        let folder = make().map_err(|error| unwritten(parent, error))?;
        let held = estate.hold_folder(folder.path());
        Ok(Self { folder, held })
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
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What cannot be removed stays a part of the estate, which is cleared at the end of the run.
        if fs::remove_dir_all(self.folder.path()).is_ok() {
            self.held.gone();
        }
    }
}

/// Waits for the turn to change a folder: another run may publish there at the same time.
fn lock(folder: &Path) -> io::Result<File> {
    let turn = File::open(folder)?;
    turn.lock()?;
    Ok(turn)
}

/// Moves a file to a place that has none; one that was never made is left out.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to).or_else(absent_is_well) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to),
        moved => moved,
    }
}

/// Copies a file to another file system, where it appears as a whole.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(to);
    let permissions = Permissions::from_mode(0o666);
    let mut whole = tempfile::Builder::new().permissions(permissions).tempfile_in(folder)?;
    io::copy(&mut File::open(from)?, &mut whole)?;
    whole.persist(to)?;
    Ok(())
}

/// Refuses a folder that holds anything but the files of a report.
fn refuse_strange(folder: &Path) -> miette::Result<()> {
    let strange = strange(folder).map_err(|error| refused(folder, &error.to_string()))?;
    if strange.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = strange.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = match strange.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(refused(folder, &format!("it holds {}{more}", named.join(", "))))
}

/// The names of what is no file of a report.
fn strange(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !(FILES.iter().any(|ours| name == *ours) && entry.file_type()?.is_file()) {
            names.insert(name.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Refuses a path below a file, where no folder can be made.
fn refuse_unmakeable(folder: &Path) -> miette::Result<()> {
    let there = folder.ancestors().skip(1).find_map(|above| Some((above, above.metadata().ok()?)));
    match there {
        Some((above, found)) if !found.is_dir() => {
            Err(refused(folder, &format!("{} is a file", above.display())))
        }
        _ => Ok(()),
    }
}

fn refused(folder: &Path, why: &str) -> Report {
    miette!(
        help = format!(
            "give a new or an empty folder with `--output`; a run replaces only its own {}",
            FILES.join(", ")
        ),
        "reports cannot go to {}: {why}",
        folder.display()
    )
}

fn unwritten(folder: &Path, error: io::Error) -> Report {
    Report::msg(error).wrap_err(format!("{} cannot be written", folder.display()))
}

/// Whether there is nothing at a path, or a file above it.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn absent_is_well(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests;
