//! The run file: what the owner of a run tells the test processes.
//!
//! One file and one variable ([`VARIABLE`]) carry the addresses of the servers, what may be judged
//! and where verdicts go, so that nothing of it is on a command line. The file holds passwords: it
//! is readable by its owner only, and gone after the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    database::{Address, Kind},
    owner,
    sweep::Depth,
};

/// The environment variable that names the run file.
pub const VARIABLE: &str = "DROPPROOF_RUN";

/// What the owner of a run tells the test processes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Where the servers are.
    pub addresses: BTreeMap<Kind, Address>,
    /// Why a database is not to be had.
    pub blocked: BTreeMap<Kind, String>,
    /// The names of the trials to run; all, where it is `None`.
    pub trials: Option<BTreeSet<String>>,
    /// The seed of properties.
    pub seed: u64,
    /// How many random cases a property tries; its own number, where it is `None`.
    pub cases: Option<u32>,
    /// How many of the cuts of a sweep are visited.
    #[serde(default)]
    pub depth: Depth,
    /// The one cut to be visited, by its number; zero is the run without a cut.
    pub replay: Option<usize>,
    /// The file to which each trial appends its verdict.
    pub records: Option<PathBuf>,
    /// The socket of the owner, which a test process holds and ends with.
    pub owner: Option<PathBuf>,
    /// The folder for files of test processes, which goes with the run.
    pub scratch: Option<PathBuf>,
}

/// The reason the run file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file, or it is no run file.
    #[error("the run file {} cannot be read; {VARIABLE} is set for a run, unset it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The run has ended.
    #[error("nobody answers at {}; the run that set {VARIABLE} has ended, unset it", path.display())]
    OwnerGone {
        /// The socket of the owner.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Run {
    /// Reads the run file that the environment names, `None` where it names none, and makes this
    /// process a part of the run: from now on it ends when the owner of the run does.
    ///
    /// # Errors
    ///
    /// Fails where the file is not there or is no run file, and where the run has ended.
    pub fn from_env() -> Result<Option<Self>, Error> {
        let run = Self::peek()?;
        if let Some(socket) = run.as_ref().and_then(|run| run.owner.as_deref()) {
            owner::hold(socket)
                .map_err(|source| Error::OwnerGone { path: socket.to_owned(), source })?;
        }
        Ok(run)
    }

    /// Reads the run file that the environment names, and leaves this process as it is.
    ///
    /// # Errors
    ///
    /// Fails where the file is not there or is no run file.
    pub fn peek() -> Result<Option<Self>, Error> {
        env::var_os(VARIABLE).map(|path| Self::read(Path::new(&path))).transpose()
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let read = || Ok(serde_json::from_str(&fs::read_to_string(path)?)?);
        read().map_err(|source| Error::Unreadable { path: path.to_owned(), source })
    }

    /// Writes the run file, readable by its owner only.
    ///
    /// # Errors
    ///
    /// Fails where the file exists or cannot be made.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        serde_json::to_writer_pretty(options.open(path)?, self)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::ServerUrl;

    #[test]
    fn a_run_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let url = ServerUrl::parse(Kind::Postgres, "postgres://u:pw@127.0.0.1:1/d").unwrap();
        let address = Address { template: Some("t".into()), ..Address::given(url) };
        let addresses = [(Kind::Postgres, address)].into();
        let run = Run { addresses, seed: 7, ..Run::default() };

        run.write(&path).unwrap();

        let read = Run::read(&path).unwrap();
        assert_eq!((read.seed, &read.addresses), (7, &run.addresses));
        assert!(run.write(&path).is_err(), "a run file of another run is never overwritten");
    }

    #[test]
    fn corrupt_run_file_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        fs::write(&path, "{").unwrap();

        let message = Run::read(&path).unwrap_err().to_string();

        assert!(message.contains("run.json") && message.contains("unset it"), "{message}");
    }
}
