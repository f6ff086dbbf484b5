//! A database of a test's own: made before the test, gone after it.
//!
//! On a server it is leased from the owner of the run, who keeps a stock of them, or made where there
//! is no run. SQLite gets a file, in memory where the system has such a place.

use std::path::Path;
#[cfg(feature = "sqlite")]
use std::path::PathBuf;

use super::{Address, Database, Kind, Owned, ServerUrl};
use crate::{
    owner::Lease,
    witness::{self, Connection, Source, Witness},
};

/// A database of the caller's own, with the schema of the entities in it.
#[derive(Debug)]
pub struct Fresh {
    kind: Kind,
    // Declared before the place, so that the witness hangs up before its database goes.
    witness: Witness,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Owned(Box<Owned>),
    Leased {
        url: Box<ServerUrl>,
        _lease: Lease,
    },
    #[cfg(feature = "sqlite")]
    File(tempfile::TempDir),
}

impl Place {
    fn server(&self) -> Option<&ServerUrl> {
        match self {
            Place::Owned(owned) => Some(owned.url()),
            Place::Leased { url, .. } => Some(url),
            #[cfg(feature = "sqlite")]
            Place::File(_) => None,
        }
    }
}

impl Fresh {
    pub(super) fn make(database: &Database) -> Result<Self, witness::Error> {
        match (database.kind, &database.server) {
            (_, Some(server)) => Self::on_server(server, database.owner.as_deref()),
            #[cfg(feature = "sqlite")]
            (Kind::Sqlite, None) => Self::in_file(database.scratch.as_deref()),
            (kind, None) => Err(witness::Error::NoWitness { kind }),
        }
    }

    fn on_server(server: &Address, owner: Option<&Path>) -> Result<Self, witness::Error> {
        let kind = server.url.kind();
        let place = match owner {
            Some(socket) => {
                let lease = Lease::take(socket, kind)
                    .map_err(|source| witness::Error::NotLent { source })?;
                let url = Box::new(server.url.with_database(&lease.name));
                Place::Leased { url, _lease: lease }
            }
            None => Place::Owned(Box::new(Owned::make(server)?)),
        };
        let url = place.server().expect("it is on a server").clone();
        let witness = Witness::start(move || Connection::open(&url).map(Source::Server));
        Ok(Self { kind, witness, place })
    }

    #[cfg(feature = "sqlite")]
    fn in_file(scratch: Option<&Path>) -> Result<Self, witness::Error> {
        let kind = Kind::Sqlite;
        let memory = Path::new("/dev/shm");
        let mut folder = tempfile::Builder::new();
        folder.prefix("dropproof-");
        let folder = match scratch {
            // It goes with the run, also where this process is killed.
            Some(scratch) => folder.tempdir_in(scratch),
            None if memory.is_dir() => folder.tempdir_in(memory),
            None => folder.tempdir(),
        }
        .map_err(|source| witness::Error::NoFolder { source })?;
        let mut source = Source::Sqlite(witness::sqlite::open(&file(folder.path()))?);
        source.ask(&crate::contract::schema(kind.dialect()))?;
        Ok(Self { kind, witness: Witness::start(move || Ok(source)), place: Place::File(folder) })
    }

    /// The kind of database.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The URL for a client, with its password.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Owned(owned) => owned.url().expose(),
            Place::Leased { url, .. } => url.expose(),
            #[cfg(feature = "sqlite")]
            Place::File(folder) => format!("sqlite://{}", file(folder.path()).display()),
        }
    }

    /// The database on its server; `None` where it is embedded.
    #[must_use]
    pub fn server(&self) -> Option<&ServerUrl> {
        self.place.server()
    }

    /// The witness of this database.
    #[must_use]
    pub fn witness(&self) -> &Witness {
        &self.witness
    }
}

#[cfg(feature = "sqlite")]
fn file(folder: &Path) -> PathBuf {
    folder.join("dropproof.sqlite")
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::contract::Value;

    #[test]
    fn sqlite_file_has_the_schema_and_goes_with_the_value() {
        let fresh = Database::from_env(Kind::Sqlite).unwrap().fresh().unwrap();
        let file = PathBuf::from(fresh.url().trim_start_matches("sqlite://"));

        let witness = fresh.witness();
        witness.query_blocking("INSERT INTO tasks (title) VALUES ('a')").unwrap();
        let rows = witness.query_blocking("SELECT id, title FROM tasks; SELECT 7").unwrap();
        witness.empty_tables().unwrap();
        let left = witness.query_blocking("SELECT * FROM tasks").unwrap();

        assert_eq!(rows, [vec![Value::Int(1), "a".into()], vec![Value::Int(7)]]);
        assert!(left.is_empty() && file.exists());
        drop(fresh);
        assert!(!file.parent().unwrap().exists());
    }

    #[test]
    fn witness_repeats_what_the_server_refuses() {
        let fresh = Database::from_env(Kind::Sqlite).unwrap().fresh().unwrap();

        let error = fresh.witness().query_blocking("SELECT * FROM nowhere").unwrap_err();

        assert!(matches!(error, witness::Error::Sqlite { .. }), "{error}");
    }
}
