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

    /// Prepares a server for a run, blocking: makes the template, under names of the run's own.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer or refuses, and leaves nothing behind then.
    pub fn prepare(url: ServerUrl) -> Result<Self, Error> {
        let prefix =
            format!("{PREFIX}{:08x}_", getrandom::u32().expect("random numbers are there"));
        let made =
            Owned::from_schema(&Self { url: url.clone(), prefix: prefix.clone(), template: None })?;
        Ok(Self { url, prefix, template: Some(made.keep()) })
    }

    /// Drops every database that the run has made on the server, blocking.
    ///
    /// Tests drop their own; this drops the template, and what a test left that was killed.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer or refuses.
    pub fn clear(&self) -> Result<(), Error> {
        match self.url.kind() {
            Kind::Postgres => {}
            Kind::Sqlite => return Ok(()),
        }
        let mut admin = Connection::open(&self.url)?;
        let ours = admin.query(&format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{}') ORDER BY datname",
            self.prefix
        ))?;
        for name in ours.iter().flatten() {
            if let Value::Text(name) = name {
                admin.query(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
            }
        }
        Ok(())
    }
}

fn expose<S: Serializer>(url: &ServerUrl, serializer: S) -> Result<S::Ok, S::Error> {
    (url.kind(), url.expose()).serialize(serializer)
}

fn parse<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServerUrl, D::Error> {
    let (kind, text) = <(Kind, String)>::deserialize(deserializer)?;
    ServerUrl::parse(kind, &text).map_err(de::Error::custom)
}
