//! Where a server is, and what the owner of a run has prepared on it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Kind, Owned, ServerUrl};
use crate::{
    contract::Value,
    witness::{Error, postgres::Connection},
};

/// Databases that we make have names that begin with this, or with this and the run's own part.
const PREFIX: &str = "dropproof_";

/// A server, with what its owner has prepared on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Its URL, with the password.
    #[serde(serialize_with = "expose", deserialize_with = "parse")]
    pub url: ServerUrl,
    /// What the names of the databases begin with that are made on it.
    pub prefix: String,
    /// The database that others are cloned from; where it is `None`, they are made from the schema.
    pub template: Option<String>,
}

impl Address {
    /// A server that nobody has prepared.
    #[must_use]
    pub fn given(url: ServerUrl) -> Self {
        Self { url, prefix: PREFIX.to_owned(), template: None }
    }
}

/// A server that is prepared for a run: it has a template, under names of the run's own.
///
/// Dropping the value drops every database that the run has made on the server, and blocks while it
/// does so.
#[derive(Debug)]
pub struct Prepared {
    address: Address,
    cleared: bool,
}

impl Prepared {
    /// Prepares a server, blocking.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer or refuses, and leaves nothing behind then.
    pub fn on(url: ServerUrl) -> Result<Self, Error> {
        let random = getrandom::u32().expect("random numbers are there");
        let address = Address { prefix: format!("{PREFIX}{random:08x}_"), ..Address::given(url) };
        let template = Owned::from_schema(&address)?.keep();
        let address = Address { template: Some(template), ..address };
        Ok(Self { address, cleared: false })
    }

    /// What the tests of the run are told.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Drops every database that the run has made on the server, blocking.
    ///
    /// Tests drop their own; this drops the template, and what a test left that was killed.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer or refuses.
    pub fn clear(mut self) -> Result<(), Error> {
        self.cleared = true;
        self.drop_databases()
    }

    fn drop_databases(&self) -> Result<(), Error> {
        let Address { url, prefix, .. } = &self.address;
        let mut admin = Connection::open(url)?;
        // The server goes on with what a test asked for that was killed: it could make a database
        // after we have looked.
        let wait_max = 5000;
        admin.query(&format!(
            "SELECT pg_terminate_backend(pid, {wait_max}) FROM pg_stat_activity \
             WHERE application_name = '{prefix}'"
        ))?;
        let ours = admin.query(&format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{prefix}') ORDER BY datname"
        ))?;
        for name in ours.iter().flatten() {
            if let Value::Text(name) = name {
                admin.drop_database(name)?;
            }
        }
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.cleared {
            // Whoever wants to hear that it failed calls `clear`.
            self.drop_databases().ok();
        }
    }
}

fn expose<S: Serializer>(url: &ServerUrl, serializer: S) -> Result<S::Ok, S::Error> {
    (url.kind(), url.expose()).serialize(serializer)
}

fn parse<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServerUrl, D::Error> {
    let (kind, text) = <(Kind, String)>::deserialize(deserializer)?;
    ServerUrl::parse(kind, &text).map_err(de::Error::custom)
}
