//! The run file: what the owner of a run tells the test processes.
//!
//! One file and one variable ([`VARIABLE`]) carry the addresses of the servers, what may be judged
//! and where verdicts go, so that nothing of it is on a command line. The file holds passwords: it
//! is readable by its owner only, and gone after the run.
//!
//! The program that writes it and the test binary that reads it may be of different versions. A field
//! that the reader does not know is ignored, and so is a kind of database. What an older reader must
//! not ignore raises [`SCHEMA`].

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};

use crate::{
    database::{Address, Kind},
    owner,
    sweep::Depth,
};

/// The environment variable that names the run file.
pub const VARIABLE: &str = "DROPPROOF_RUN";

/// The version of the run file: raised by a change that an older reader must not ignore.
pub const SCHEMA: u32 = 1;

/// What the owner of a run tells the test processes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// Where the servers are.
    #[serde(deserialize_with = "of_known_kinds")]
    pub addresses: BTreeMap<Kind, Address>,
    /// Why a database is not to be had.
    #[serde(deserialize_with = "of_known_kinds")]
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
    /// A program of another version wrote the run file.
    #[error(
        "the run file {} has schema {found}, and this program reads schema {SCHEMA}; update {older}",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The older of the two programs: the one to update.
        older: &'static str,
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
        let path = env::var_os(VARIABLE).filter(|path| !path.is_empty());
        path.map(|path| Self::read(Path::new(&path))).transpose()
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        // Read first, because the rest may have another form.
        let Schema { schema: found } =
            serde_json::from_str(&text).map_err(|error| unreadable(error.into()))?;
        if found != SCHEMA {
            let newer = SCHEMA < found;
            let older = if newer { "the crate `dropproof`" } else { "`dropproof-databases`" };
            return Err(Error::Schema { path: path.to_owned(), found, older });
        }
        serde_json::from_str(&text).map_err(|error| unreadable(error.into()))
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
        let versioned = Versioned { schema: SCHEMA, run: self };
        serde_json::to_writer_pretty(options.open(path)?, &versioned)?;
        Ok(())
    }
}

/// The part of a run file that every version reads.
#[derive(Deserialize)]
struct Schema {
    /// Files had none at first.
    #[serde(default)]
    schema: u32,
}

/// A run file as it is written.
#[derive(Serialize)]
struct Versioned<'a> {
    schema: u32,
    #[serde(flatten)]
    run: &'a Run,
}

/// Reads a map by kind of database, without the kinds that this version does not know.
fn of_known_kinds<'de, D, T>(deserializer: D) -> Result<BTreeMap<Kind, T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let all = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let known = all.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)));
    known
        .map(|(kind, value)| Ok((kind, serde_json::from_value(value).map_err(de::Error::custom)?)))
        .collect()
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

    #[test]
    fn run_file_of_a_newer_writer_is_read_without_what_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let text = r#"{"schema": 1, "addresses": {"oracle": {"url": 7}}, "blocked": {"sqlite": "b"},
            "seed": 7, "weather": "fine"}"#;
        fs::write(&path, text).unwrap();

        let run = Run::read(&path).unwrap();

        assert_eq!((run.seed, run.addresses.len()), (7, 0));
        assert_eq!(run.blocked[&Kind::Sqlite], "b");
    }

    #[test]
    fn run_file_of_another_schema_names_the_program_to_update() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let told = |text: &str| {
            fs::write(&path, text).unwrap();
            Run::read(&path).unwrap_err().to_string()
        };

        assert!(told(r#"{"schema": 2, "seed": []}"#).ends_with("update the crate `dropproof`"));
        assert!(told(r#"{"seed": 7}"#).ends_with("update `dropproof-databases`"));
    }
}
