//! The reason a sweep of an application's function came to no answer, as its author reads it.
//!
//! A test that returns it shows it by `Debug`, so that is written for a person: what failed, why, and
//! the way out.

use std::{error, fmt};

use crate::{
    contract,
    database::Unavailable,
    sweep::{self, CUT_VARIABLE},
    verdict::chain,
    witness,
};

/// The result of what an application's test calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason a sweep of an application's function came to no answer.
///
/// That the function is not safe to drop is no error: [`Judgement`](crate::Judgement) says it.
///
/// ```
/// use dropproof::{Database, Kind, Sweep};
///
/// let database = Database::from_env(Kind::Sqlite)?;
/// let sweep = Sweep::new("nothing").open(async |_| Ok::<_, &str>(())).act(async |()| Err::<(), _>("no"));
/// let error = sweep.schema("CREATE TABLE a (b)").run(&database).unwrap_err();
///
/// assert_eq!(format!("{error:?}"), "the function failed where nothing was cut\n  because no");
/// # Ok::<(), dropproof::Error>(())
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no database to work on.
    #[error("there is no database to work on")]
    Database {
        /// Why.
        #[from]
        source: Unavailable,
    },
    /// The database refuses the schema.
    #[error("the schema is refused")]
    Schema {
        /// What it said.
        source: witness::Error,
    },
    /// The database refuses the rows.
    #[error("the rows are refused")]
    Rows {
        /// What it said.
        source: witness::Error,
    },
    /// There is no table to compare.
    #[error("there is no table to compare")]
    NoTable,
    /// What is to be ignored is not there.
    #[error("`{name}` is to be ignored, and there is no such table or column; there are: {}",
        there.join(", "))]
    UnknownColumn {
        /// What is to be ignored.
        name: String,
        /// Every column that there is.
        there: Vec<String>,
    },
    /// The variable names no cut.
    #[error("{CUT_VARIABLE} is `{value}`, which is not the number of a cut")]
    BadCut {
        /// Its value.
        value: String,
    },
    /// The variable names a cut of a sweep whose cuts have no numbers.
    #[error("{CUT_VARIABLE} is set, and the cuts of SQLite have no numbers")]
    NoNumbers,
    /// The client could not be opened, or the function failed where nothing was cut.
    #[error("{what}")]
    Failed {
        /// What failed.
        what: &'static str,
        /// What it said.
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// The function changes no table, so that nothing is known of its atomicity.
    #[error("the function changes nothing that is compared, so nothing could be torn")]
    Unchanged,
    /// The function changes tables, and was said to read only.
    #[error("the function changes tables, and is said to read only")]
    Changed,
    /// The sweep came to no end.
    #[error(transparent)]
    Sweep(sweep::Error),
}

impl Error {
    /// The way out, where there is one to be told.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Error::NoTable => Some("give the tables with `.schema(\"CREATE TABLE …\")`"),
            Error::BadCut { .. } | Error::Sweep(sweep::Error::NoSuchCut { .. }) => {
                Some("take a number that the sweep has printed, or unset it")
            }
            Error::NoNumbers => Some("unset it: a broken cut is printed with its evidence anyway"),
            Error::Unchanged => Some(
                "give it `.rows(…)` to work on, compare what is ignored, or say `.reading_only()`",
            ),
            Error::Changed => Some("leave out `.reading_only()`"),
            Error::Sweep(sweep::Error::Unrepeatable { .. }) => {
                Some("name what differs by nature, a clock or a random token, in `.ignoring(…)`")
            }
            Error::Sweep(sweep::Error::Missed { .. }) => Some(
                "where what the client says depends on earlier runs, say `.on_fresh_clients()`",
            ),
            _ => None,
        }
    }
}

impl From<sweep::Error> for Error {
    fn from(error: sweep::Error) -> Self {
        match error {
            sweep::Error::Layer { source } => {
                let what = match source.class() {
                    contract::Class::Connection => "the client could not be opened",
                    _ => "the function failed where nothing was cut",
                };
                Error::Failed { what, source: source.into_source() }
            }
            error => Error::Sweep(error),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self).join("\n  because "))?;
        self.help().map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}
