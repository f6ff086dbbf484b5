//! A database of a test's own: made before the test, gone after it.
//!
//! On a server it is cloned from a template that the owner of the run has made, or made from the
//! schema where there is none. SQLite gets a file, in memory where the system has such a place.

#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};

use super::{Address, Kind, Owned, ServerUrl};
use crate::witness::{self, Source, Witness, postgres};

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
    Server(Box<Owned>),
    #[cfg(feature = "sqlite")]
    File(tempfile::TempDir),
}

impl Fresh {
    pub(super) fn make(kind: Kind, server: Option<&Address>) -> Result<Self, witness::Error> {
        match (kind, server) {
            (Kind::Postgres, Some(server)) => Self::on_postgres(server),
            #[cfg(feature = "sqlite")]
            (Kind::Sqlite, None) => Self::in_file(),
            (kind, _) => Err(witness::Error::NoWitness { kind }),
        }
    }

    fn on_postgres(server: &Address) -> Result<Self, witness::Error> {
        let owned = Owned::make(server)?;
        let connection = postgres::Connection::open(owned.url())?;
        let witness = Witness::start(Source::Postgres(connection));
        Ok(Self { kind: Kind::Postgres, witness, place: Place::Server(Box::new(owned)) })
    }

    #[cfg(feature = "sqlite")]
    fn in_file() -> Result<Self, witness::Error> {
        let kind = Kind::Sqlite;
        let memory = Path::new("/dev/shm");
        let mut folder = tempfile::Builder::new();
        folder.prefix("dropproof-");
        let folder = if memory.is_dir() { folder.tempdir_in(memory) } else { folder.tempdir() }
            .map_err(|source| witness::Error::NoFolder { source })?;
        let mut source = Source::Sqlite(witness::sqlite::open(&file(folder.path()))?);
        source.ask(&crate::contract::schema(kind.dialect()))?;
        Ok(Self { kind, witness: Witness::start(source), place: Place::File(folder) })
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
            Place::Server(owned) => owned.url().expose().to_owned(),
            #[cfg(feature = "sqlite")]
            Place::File(folder) => format!("sqlite://{}", file(folder.path()).display()),
        }
    }

    /// The database on its server; `None` where it is embedded.
    #[must_use]
    pub fn server(&self) -> Option<&ServerUrl> {
        match &self.place {
            Place::Server(owned) => Some(owned.url()),
            #[cfg(feature = "sqlite")]
            Place::File(_) => None,
        }
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
        let fresh = Fresh::make(Kind::Sqlite, None).unwrap();
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
        let fresh = Fresh::make(Kind::Sqlite, None).unwrap();

        let error = fresh.witness().query_blocking("SELECT * FROM nowhere").unwrap_err();

        assert!(matches!(error, witness::Error::Sqlite { .. }), "{error}");
    }
}
