//! A database that we made on a server, dropped with the value.

use super::{Address, ServerUrl};
use crate::{
    contract::{self, Dialect},
    witness::{Connection, Error},
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
    /// Makes a database as the server's address says: a copy of the template, or from the schema.
    pub(super) fn make(server: &Address) -> Result<Self, Error> {
        Self::make_by(&mut Connection::open_as(&server.url, &server.prefix)?, server)
    }

    /// Makes a database over a connection that [`Connection::open_as`] has opened.
    pub(super) fn make_by(admin: &mut Connection, server: &Address) -> Result<Self, Error> {
        let random = getrandom::u64().expect("random numbers are there");
        let name = format!("{}{random:016x}", server.prefix);
        let owned =
            || Self { url: server.url.with_database(&name), server: Some(server.url.clone()) };
        if let Some(template) = &server.template {
            // The files of a few megabytes are cheaper to copy than to log.
            let copy = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
            return admin.query(&copy).map(|_| owned());
        }
        admin.query(&format!("CREATE DATABASE {name}"))?;
        let owned = owned();
        let dialect = server.url.kind().dialect();
        let schema = contract::schema(dialect);
        match dialect {
            Dialect::MySql => {
                // Whoever stays in the database is ended with those that are connected to it.
                admin.query(&format!("USE {name}; {schema} USE information_schema"))?
            }
            Dialect::Postgres | Dialect::Sqlite => Connection::open(&owned.url)?.query(&schema)?,
        };
        Ok(owned)
    }

    /// The URL of the database.
    pub(super) fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Leaves the database where it is and returns its name.
    pub(super) fn keep(mut self) -> String {
        self.server = None;
        self.url.database().to_owned()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Some(server) = &self.server else { return };
        let name = self.url.database();
        let dropped = Connection::open(server).and_then(|mut admin| admin.drop_database(name));
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
