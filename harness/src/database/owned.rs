//! A database that we made on a server, dropped with the value.

use super::{Address, Kind, ServerUrl};
use crate::{
    contract,
    witness::{Error, postgres::Connection},
};

/// A database that we made on a server, with the schema of the entities in it.
///
/// Dropping the value ends what is connected to the database and drops it.
#[derive(Debug)]
pub(super) struct Owned {
    url: ServerUrl,
    server: Option<ServerUrl>,
}

impl Owned {
    /// Makes a database as the server's address says.
    pub(super) fn make(server: &Address) -> Result<Self, Error> {
        match &server.template {
            // The files of a few megabytes are cheaper to copy than to log.
            Some(template) => {
                Self::create(server, &format!("TEMPLATE {template} STRATEGY file_copy"))
            }
            None => Self::from_schema(server),
        }
    }

    /// Makes a database from the schema.
    pub(super) fn from_schema(server: &Address) -> Result<Self, Error> {
        let owned = Self::create(server, "")?;
        let mut connection = Connection::open(&owned.url)?;
        connection.query(&contract::schema(server.url.kind().dialect()))?;
        Ok(owned)
    }

    fn create(server: &Address, options: &str) -> Result<Self, Error> {
        let random = getrandom::u64().expect("random numbers are there");
        let name = format!("{}{random:016x}", server.prefix);
        match server.url.kind() {
            Kind::Postgres => {
                let mut admin = Connection::open_as(&server.url, &server.prefix)?;
                admin.query(&format!("CREATE DATABASE {name} {options}"))?;
            }
            kind @ Kind::Sqlite => return Err(Error::NoWitness { kind }),
        }
        Ok(Self { url: server.url.with_database(&name), server: Some(server.url.clone()) })
    }

    /// The URL of the database.
    pub(super) fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Leaves the database where it is and returns its name.
    pub(super) fn keep(mut self) -> String {
        self.server = None;
        self.url.database()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Some(server) = &self.server else { return };
        let name = self.url.database();
        let dropped = Connection::open(server).and_then(|mut admin| admin.drop_database(&name));
        // A server that is gone has taken the database with it; one that refuses must be heard of.
        if let Err(Error::Refused { code, message }) = dropped {
            warn(&format!("the database {name} is left behind: {message} ({code})"));
        }
    }
}

#[expect(clippy::print_stderr, reason = "a value that is dropped can say it in no other way")]
fn warn(message: &str) {
    eprintln!("dropproof: {message}");
}
