//! Statements, their parameters and their rows, in the few types that every database has.

use std::borrow::Cow;

/// The SQL that a database understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL: parameters are `$1`, `$2`.
    Postgres,
    /// That of MySQL and MariaDB: parameters are `?`.
    MySql,
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
            Dialect::MySql | Dialect::Sqlite => true,
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

    /// Asks for a number, to which only that number is the answer.
    #[must_use]
    pub fn echo(dialect: Dialect, number: i64) -> Self {
        let sql = match dialect {
            Dialect::Postgres | Dialect::Sqlite => "SELECT CAST(? AS BIGINT)",
            Dialect::MySql => "SELECT CAST(? AS SIGNED)",
        };
        Self::new(sql, [number.into()])
    }

    /// Writes the SQL with the dialect's own parameter marks.
    #[must_use]
    pub fn sql(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::MySql | Dialect::Sqlite => self.sql.clone().into_owned(),
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

    /// The same INSERT, returning the id of the row.
    pub(super) fn returning_id(&self) -> Self {
        let Self { sql, parameters } = self;
        Self { sql: format!("{sql} RETURNING id").into(), parameters: parameters.clone() }
    }

    /// The parameters, from left to right.
    #[must_use]
    pub fn parameters(&self) -> &[Value] {
        &self.parameters
    }
}
