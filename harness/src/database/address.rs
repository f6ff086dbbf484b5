//! Where a server is, and what the owner of a run has prepared on it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Kind, Owned, ServerUrl};
use crate::witness::{Connection, Error};

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

/// A server that is prepared for a run: databases can be made on it, under names of the run's own,
/// from a template where the server has such.
///
/// Dropping the value drops every database that the run has made on the server, and blocks while it
/// does so.
#[derive(Debug)]
pub struct Prepared {
    address: Address,
    cleared: bool,
}

impl Prepared {
    /// Prepares a server for the run of this id, blocking.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer or refuses, and leaves nothing behind then.
    pub fn on(url: ServerUrl, run: &str) -> Result<Self, Error> {
        let address = Address { prefix: Self::prefix(run), ..Address::given(url) };
        let made = Owned::make(&address)?;
        let template = match address.url.kind() {
            Kind::Postgres => Some(made.keep()),
            // They have no templates; now it is known that databases can be made.
            Kind::MySql | Kind::MariaDb | Kind::Sqlite => None,
        };
        Ok(Self { address: Address { template, ..address }, cleared: false })
    }

    /// What the names of the databases begin with that a run of this id makes.
    #[must_use]
    pub fn prefix(run: &str) -> String {
        format!("{PREFIX}{run}_")
    }

    /// A server that a run has prepared which is gone, to be cleared in its place.
    #[must_use]
    pub fn left(url: ServerUrl, run: &str) -> Self {
        let address = Address { prefix: Self::prefix(run), ..Address::given(url) };
        Self { address, cleared: false }
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

    /// Leaves the databases to the server, which goes with all that is on it.
    pub fn forget(mut self) {
        self.cleared = true;
    }

    fn drop_databases(&self) -> Result<(), Error> {
        let Address { url, prefix, .. } = &self.address;
        Connection::open(url)?.drop_databases(prefix)
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
