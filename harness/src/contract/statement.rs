//! Statements, their parameters and their rows, in the few types that every database has.

use std::borrow::Cow;

/// The SQL that a database understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL: parameters are `$1`, `$2`.
    Postgres,
    /// SQLite: parameters are `?`.
    Sqlite,
}

impl Dialect {
    /// Whether text may hold NUL; a server where it may not refuses it with an error of class
    /// [`Data`](super::Class::Data).
    ///
    /// Postgres says so: <https://www.postgresql.org/docs/18/datatype-character.html>.
    #[must_use]
    pub const fn keeps_nul(self) -> bool {
        match self {
            Dialect::Postgres => false,
            Dialect::Sqlite => true,
        }
    }

    /// Asks a session what it carries beyond a fresh one: isolation, the settings that change what
    /// statements mean, temporary tables.
    ///
    /// Postgres has a view of every setting, which takes longer than all else that is asked after a
    /// cut.
    #[must_use]
    pub const fn session_state(self) -> &'static str {
        match self {
            Dialect::Postgres => {
                "SELECT current_setting('transaction_isolation'), \
                 current_setting('transaction_read_only'), \
                 current_setting('default_transaction_isolation'), \
                 current_setting('search_path'), current_setting('role'), \
                 current_setting('TimeZone'), current_setting('DateStyle'), \
                 current_setting('statement_timeout'), current_setting('lock_timeout'), \
                 current_setting('application_name'), \
                 CASE WHEN pg_my_temp_schema() <> 0 THEN (SELECT string_agg(relname, ' ' \
                 ORDER BY relname) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) END"
            }
            Dialect::Sqlite => {
                "SELECT 'temporary ' || name FROM sqlite_temp_master WHERE type = 'table' \
                 UNION ALL SELECT 'foreign keys ' || foreign_keys FROM pragma_foreign_keys ORDER BY 1"
            }
        }
    }
}

/// A parameter or a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

/// A row, as its columns from left to right.
pub type Row = Vec<Value>;

/// SQL with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    sql: Cow<'static, str>,
    parameters: Vec<Value>,
}

impl Statement {
    /// Makes a statement from SQL in which every `?` is a parameter.
    ///
    /// ```
    /// use dropproof::contract::{Dialect, Statement};
    ///
    /// let statement = Statement::new("SELECT ? + ?", [1.into(), 2.into()]);
    /// assert_eq!(statement.sql(Dialect::Postgres), "SELECT $1 + $2");
    /// ```
    pub fn new(
        sql: impl Into<Cow<'static, str>>,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Self {
        Self { sql: sql.into(), parameters: parameters.into_iter().collect() }
    }

    /// Writes the SQL with the dialect's own parameter marks.
    #[must_use]
    pub fn sql(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Sqlite => self.sql.clone().into_owned(),
            Dialect::Postgres => {
                let mut pieces = self.sql.split('?');
                let mut sql = pieces.next().unwrap_or_default().to_owned();
                for (piece, number) in pieces.zip(1..) {
                    sql.push_str(&format!("${number}{piece}"));
                }
                sql
            }
        }
    }

    /// The parameters, from left to right.
    #[must_use]
    pub fn parameters(&self) -> &[Value] {
        &self.parameters
    }
}
