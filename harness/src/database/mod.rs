//! Databases: which kinds there are, where one is, and a database of a test's own on it.
//!
//! A [`Database`] is a server that somebody gave us by URL or started for us, or SQLite, which is
//! always there. A test never works in the database that the URL names: that one is used only to
//! log in. It works in a [`Fresh`] one, which is gone when the value is dropped.
//!
//! Starting servers is not done here: `dropproof-databases` does it and exports the addresses.

mod address;
mod fresh;
mod owned;
mod server_url;
mod stock;

use std::{env, fmt, path::PathBuf, str::FromStr};

pub use address::{Address, Prepared};
pub use fresh::Fresh;
use owned::Owned;
use serde::{Deserialize, Serialize};
pub use server_url::{BadUrl, ServerUrl};
pub use stock::{Leased, Stock};

use crate::{
    contract::{Dialect, Value},
    run,
    wire::Protocol,
    witness,
};

/// The kinds of database that adapters are judged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A PostgreSQL server.
    Postgres,
    /// A MySQL server.
    MySql,
    /// A MariaDB server.
    MariaDb,
    /// SQLite, embedded in the process.
    Sqlite,
}

impl Kind {
    /// Every kind, in report order.
    pub const ALL: [Kind; 4] = [Kind::Postgres, Kind::MySql, Kind::MariaDb, Kind::Sqlite];

    /// The name in reports, on command lines and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Postgres => "postgres",
            Kind::MySql => "mysql",
            Kind::MariaDb => "mariadb",
            Kind::Sqlite => "sqlite",
        }
    }

    /// The SQL that it understands.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        match self {
            Kind::Postgres => Dialect::Postgres,
            Kind::MySql | Kind::MariaDb => Dialect::MySql,
            Kind::Sqlite => Dialect::Sqlite,
        }
    }

    /// What clients speak with it, `None` where there is no server.
    #[must_use]
    pub const fn protocol(self) -> Option<Protocol> {
        match self {
            Kind::Postgres => Some(Protocol::Postgres),
            Kind::MySql | Kind::MariaDb => Some(Protocol::MySql),
            Kind::Sqlite => None,
        }
    }

    /// The version of a database that is embedded in this binary; `None` where it is a server, which
    /// only itself can say.
    #[must_use]
    pub fn embedded_version(self) -> Option<&'static str> {
        match self {
            Kind::Postgres | Kind::MySql | Kind::MariaDb => None,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite => Some(rusqlite::version()),
            #[cfg(not(feature = "sqlite"))]
            Kind::Sqlite => None,
        }
    }

    /// The environment variable that gives a server of this kind, `None` where there is no server.
    #[must_use]
    pub const fn url_variable(self) -> Option<&'static str> {
        match self {
            Kind::Postgres => Some("DROPPROOF_POSTGRES_URL"),
            Kind::MySql => Some("DROPPROOF_MYSQL_URL"),
            Kind::MariaDb => Some("DROPPROOF_MARIADB_URL"),
            Kind::Sqlite => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no database has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a database")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// A server to work on, or SQLite.
#[derive(Clone, Debug)]
pub struct Database {
    kind: Kind,
    server: Option<Address>,
    /// The socket of the owner of the run, who has a stock of databases.
    owner: Option<PathBuf>,
    /// The folder for files of the run that we are part of.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only files need a folder"))]
    scratch: Option<PathBuf>,
}

/// The reason there is no database to work on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// Nobody gave or started a server: a question that nobody could ask, and no error.
    #[error("{reason}")]
    Blocked {
        /// Why, and the way out.
        reason: String,
    },
    /// The URL in the environment cannot be used.
    #[error("{variable} cannot be used")]
    BadUrl {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        source: BadUrl,
    },
    /// The run file cannot be read.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// A database of the test's own could not be made.
    #[error("a database of the test's own could not be made on {kind}")]
    Fresh {
        /// The kind of database.
        kind: Kind,
        /// What the server or the system said.
        source: witness::Error,
    },
}

impl Database {
    /// Finds the server of a kind: as the run that we are part of says, else by its URL variable.
    ///
    /// # Errors
    ///
    /// Says [`Unavailable::Blocked`] where nobody gave or started a server.
    pub fn from_env(kind: Kind) -> Result<Self, Unavailable> {
        match run::Run::from_env()? {
            Some(run) => Self::of_run(kind, &run),
            None => Self::of_url(kind, |variable| env::var(variable).ok()),
        }
    }

    fn of_run(kind: Kind, run: &run::Run) -> Result<Self, Unavailable> {
        let server = run.addresses.get(&kind).cloned();
        if server.is_some() || kind.url_variable().is_none() {
            let (owner, scratch) = (run.owner.clone(), run.scratch.clone());
            return Ok(Self { kind, server, owner, scratch });
        }
        let reason = run.blocked.get(&kind).cloned();
        Err(Unavailable::Blocked {
            reason: reason.unwrap_or_else(|| format!("this run has no {kind}")),
        })
    }

    fn of_url(
        kind: Kind,
        variable_value: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Self, Unavailable> {
        let Some(variable) = kind.url_variable() else {
            return Ok(Self { kind, server: None, owner: None, scratch: None });
        };
        // An empty variable is how a shell says that it is not set.
        let Some(text) = variable_value(variable).filter(|text| !text.is_empty()) else {
            return Err(Unavailable::Blocked {
                reason: format!(
                    "no {kind} server; set {variable}, or run it by `dropproof-databases run -- …`"
                ),
            });
        };
        let url = ServerUrl::parse(kind, &text)
            .map_err(|source| Unavailable::BadUrl { variable, source })?;
        Ok(Self::on(Address::given(url)))
    }

    /// A server of which nobody keeps a stock of databases.
    #[must_use]
    pub fn on(server: Address) -> Self {
        Self { kind: server.url.kind(), server: Some(server), owner: None, scratch: None }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The version that the server says, or that is embedded, as far as it is numbers; `None` where
    /// the server does not say it. It blocks.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let Some(server) = &self.server else {
            return self.kind.embedded_version().map(str::to_owned);
        };
        let query = match self.kind.dialect() {
            Dialect::Postgres => "SHOW server_version",
            Dialect::MySql => "SELECT VERSION()",
            Dialect::Sqlite => return None,
        };
        let rows =
            witness::Connection::open(&server.url).and_then(|mut it| it.query(query)).ok()?;
        match rows.first()?.first()? {
            Value::Text(said) => Some(version_numbers(said).to_owned()),
            Value::Int(_) | Value::Null => None,
        }
    }

    /// Takes a database out of the stock of the run that we are part of, or makes one, with the
    /// schema of the entities in it.
    ///
    /// It blocks, for a fraction of a millisecond out of a stock and for some milliseconds without,
    /// and is for code outside of a runtime.
    ///
    /// # Errors
    ///
    /// Fails where the server does not answer or refuses, for want of the right to make databases
    /// above all.
    pub fn fresh(&self) -> Result<Fresh, Unavailable> {
        Fresh::make(self).map_err(|source| Unavailable::Fresh { kind: self.kind, source })
    }
}

/// Cuts "11.8.6-MariaDB-0+deb13u1 from Debian" down to its numbers.
#[must_use]
pub fn version_numbers(version: &str) -> &str {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    &version[..end]
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use rstest::rstest;

    use super::*;

    #[test]
    fn no_server_blocks_with_the_way_out() {
        let blocked = Database::of_url(Kind::Postgres, |_| None).unwrap_err();

        assert_eq!(
            blocked.to_string(),
            "no postgres server; set DROPPROOF_POSTGRES_URL, \
             or run it by `dropproof-databases run -- …`"
        );
    }

    #[test]
    fn empty_variable_means_unset() {
        let blocked = Database::of_url(Kind::Postgres, |_| Some(String::new())).unwrap_err();

        assert!(matches!(blocked, Unavailable::Blocked { .. }), "{blocked}");
    }

    #[test]
    fn bad_url_is_no_missing_server() {
        let bad = Database::of_url(Kind::Postgres, |_| Some("mysql://127.0.0.1/d".into()));

        let error = bad.unwrap_err();
        assert_eq!(error.to_string(), "DROPPROOF_POSTGRES_URL cannot be used");
        assert!(error.source().unwrap().to_string().contains("`mysql`"));
    }

    #[rstest]
    #[case::postgres("18.6 (Debian 18.6-3)", "18.6")]
    #[case::mysql("9.7.4-2", "9.7.4")]
    #[case::mariadb("11.8.6-MariaDB-0+deb13u1 from Debian", "11.8.6")]
    #[case::bare("17.2", "17.2")]
    fn version_is_cut_down_to_its_numbers(#[case] said: &str, #[case] expected: &str) {
        assert_eq!(version_numbers(said), expected);
    }

    #[test]
    fn sqlite_is_always_there() {
        let database = Database::of_url(Kind::Sqlite, |_| None).unwrap();

        assert_eq!(database.kind(), Kind::Sqlite);
    }
}
