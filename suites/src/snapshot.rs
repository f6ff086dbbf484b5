//! Event traces compared with reviewed ones.
//!
//! One file serves every database and layer. Where one really differs it has a file of its own,
//! `<claim>@<what differs>.snap`, and the fact is listed with the checks of its suite. A trace that
//! differs from its file is written beside it once, as a pending snapshot for `cargo insta review`,
//! with the cells that it was seen on; trials in parallel processes take turns by a lock.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use dropproof::verdict::Cell;

/// The folder of the reviewed traces.
#[derive(Clone, Debug)]
pub struct Snapshots {
    folder: PathBuf,
    /// The cell that is judged.
    cell: String,
    /// What may have a file of its own, from the cell to the database.
    variants: Vec<String>,
}

impl Snapshots {
    /// Names the folder; each suite has one of its own in it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), cell: String::new(), variants: Vec::new() }
    }

    /// The snapshots of a cell.
    pub(crate) fn of_cell(self, cell: &Cell) -> Self {
        let variants = [cell.name(), cell.adapter.clone(), cell.database.to_string()].into();
        Self { cell: cell.name(), variants, ..self }
    }

    /// Compares a trace with the reviewed one of a check.
    pub(crate) fn compare(&self, check: &str, trace: &str) -> Result<(), String> {
        let (suite, claim) = check.split_once('/').expect("an id has a suite");
        let folder = self.folder.join(suite);
        let _held = lock(&self.folder).map_err(|error| {
            format!("the snapshots in {} cannot be locked: {error}", self.folder.display())
        })?;
        let own = self.variants.iter().map(|variant| format!("{claim}@{variant}"));
        let names: Vec<String> = own.chain([claim.to_owned()]).collect();
        let has_file = |name: &&String| folder.join(format!("{name}.snap")).exists();
        let name = names.iter().find(has_file).map_or(claim, String::as_str);
        let file = folder.join(format!("{name}.snap"));
        let pending = file.with_extension("snap.new");
        let reviewed = body(&fs::read_to_string(&file).unwrap_or_default());
        let agrees = reviewed == trace;
        for other in names.iter().filter(|other| agrees || *other != name) {
            self.withdraw(&folder.join(format!("{other}.snap.new")));
        }
        if agrees {
            return Ok(());
        }
        self.pend(&folder, name, &pending, trace);
        Err(difference(&format!("{suite}/{name}"), &reviewed, trace))
    }

    /// Takes back what this cell said in an earlier run and does not say any more.
    fn withdraw(&self, pending: &Path) {
        let Some(mut cells) = Cells::of(pending).filter(|cells| cells.has(&self.cell)) else {
            return;
        };
        cells.strike(&self.cell);
        // Whoever reviews it may have taken it away meanwhile.
        if cells.seen.is_empty() {
            fs::remove_file(pending).ok();
        } else if let Ok(text) = fs::read_to_string(pending) {
            let line = |line: &str| match line.starts_with(DESCRIPTION) {
                true => format!("{DESCRIPTION}\"{cells}\"\n"),
                false => line.to_owned(),
            };
            fs::write(pending, text.split_inclusive('\n').map(line).collect::<String>()).ok();
        }
    }

    /// Writes the pending file, or adds the cell to the one that is there.
    ///
    /// A cell says one thing in a run. So a file that has another trace of the same cell comes from
    /// an earlier run, and is replaced; where another cell says another thing, the first stays.
    fn pend(&self, folder: &Path, name: &str, pending: &Path, trace: &str) {
        let written = body(&fs::read_to_string(pending).unwrap_or_default());
        let mut cells = Cells::of(pending).unwrap_or_default();
        let stale = cells.seen.is_empty() || cells.seen.contains(&self.cell);
        let mut shown = trace;
        if written != trace && stale {
            cells = Cells::default();
        } else if written != trace {
            shown = &written;
        }
        cells.strike(&self.cell);
        let named = if shown == trace { &mut cells.seen } else { &mut cells.otherwise };
        named.insert(self.cell.clone());
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(cells.to_string());
        // It panics because the trace differs; that it does is said by the verdict.
        let written = panic::catch_unwind(AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(name, shown));
        }));
        drop(written);
    }
}

/// The line of a snapshot file that says where it was seen; it stays when it is reviewed.
const DESCRIPTION: &str = "description: ";
const SEEN: &str = "seen on ";
const OTHERWISE: &str = "; another trace on ";

/// The cells that differ from what was reviewed, as a pending file names them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cells {
    /// Those with the trace in the file.
    seen: BTreeSet<String>,
    /// Those with another.
    otherwise: BTreeSet<String>,
}

impl Cells {
    /// Reads them, where there is a pending file of ours.
    fn of(pending: &Path) -> Option<Self> {
        let text = fs::read_to_string(pending).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(DESCRIPTION))?;
        let line = line.trim_matches('"').strip_prefix(SEEN)?;
        let (seen, otherwise) = line.split_once(OTHERWISE).unwrap_or((line, ""));
        let cells = |names: &str| {
            names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        Some(Self { seen: cells(seen), otherwise: cells(otherwise) })
    }

    fn has(&self, cell: &str) -> bool {
        self.seen.contains(cell) || self.otherwise.contains(cell)
    }

    fn strike(&mut self, cell: &str) {
        self.seen.remove(cell);
        self.otherwise.remove(cell);
    }
}

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |cells: &BTreeSet<String>| {
            cells.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        write!(f, "{SEEN}{}", names(&self.seen))?;
        match self.otherwise.is_empty() {
            true => Ok(()),
            false => write!(f, "{OTHERWISE}{}", names(&self.otherwise)),
        }
    }
}

/// Holds the lock until the file is dropped.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    file.lock()?;
    Ok(file)
}

/// The text of a snapshot file, which comes after the second line of dashes.
fn body(file: &str) -> String {
    file.splitn(3, "---\n").nth(2).unwrap_or_default().to_owned()
}

/// Names the first line that differs.
fn difference(name: &str, reviewed: &str, trace: &str) -> String {
    let mut pairs =
        reviewed.lines().map(Some).chain([None]).zip(trace.lines().map(Some).chain([None]));
    let first = pairs.find(|(reviewed, seen)| reviewed != seen);
    let shown = |line: Option<&str>| line.map_or("its end".to_owned(), |line| format!("`{line}`"));
    let (reviewed, seen) = first.unwrap_or_default();
    format!(
        "the trace differs from snapshots/{name}.snap: {} was reviewed, {} was seen; \
         `cargo insta review` shows both",
        shown(reviewed),
        shown(seen)
    )
}

#[cfg(test)]
pub(crate) mod tests;
