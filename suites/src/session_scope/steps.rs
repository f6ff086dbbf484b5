//! Steps that several checks of this suite take.

use std::{fmt, sync::Arc};

use dropproof::{
    contract::{
        self, Handle, New, Op, Pool, Row, Session, Statement, Unit, UnitOptions, Units, Value,
    },
    verdict::Error,
};

use crate::Subject;

/// As the notes make their sessions.
pub(super) const OPTIONS: UnitOptions = UnitOptions { autoflush: false, expire_on_commit: true };

/// The session maker of a subject.
pub(crate) fn units(subject: &Subject) -> contract::Result<Arc<dyn Units>> {
    subject.pool.units(OPTIONS)
}

pub(super) fn user() -> New {
    New::User {
        email: "a@example.org".to_owned(),
        password: "first".to_owned(),
        full_name: Some("A".to_owned()),
    }
}

pub(crate) fn task(title: &str) -> New {
    New::Task { title: Some(title.to_owned()) }
}

/// The id of an object, which is readable.
pub(super) fn id(object: &Handle) -> contract::Result<i64> {
    match object.read()?.first() {
        Some(Value::Int(id)) => Ok(*id),
        _ => Err(contract::Error::new(contract::Class::Data, "an object has no id")),
    }
}

/// What ends the transaction of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Rollback,
    Close,
    Commit,
}

impl End {
    pub(super) const ALL: [End; 3] = [End::Rollback, End::Close, End::Commit];

    /// Ends the transaction of a unit.
    pub(super) async fn of(self, unit: &mut dyn Unit) -> contract::Result<()> {
        match self {
            End::Rollback => unit.rollback().await,
            End::Close => unit.close().await,
            End::Commit => unit.commit().await,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            End::Rollback => "rollback",
            End::Close => "close",
            End::Commit => "commit",
        })
    }
}

/// Asks a unit for a number, to which only that number is the answer.
pub(crate) async fn echoes(
    subject: &Subject,
    unit: &mut dyn Unit,
    number: i64,
) -> contract::Result<bool> {
    let rows = unit.execute(&Statement::echo(subject.dialect(), number)).await?;
    Ok(rows == [[Value::Int(number)]])
}

/// How many tasks a unit sees.
pub(super) async fn count(unit: &mut dyn Unit) -> contract::Result<usize> {
    Ok(unit.execute(&Statement::new("SELECT id FROM tasks", [])).await?.len())
}

/// Whether no session of the pool is out, which is a fact of the last event.
pub(crate) async fn all_are_back(subject: &Subject) -> Result<bool, Error> {
    let lent = subject.unless_stuck(subject.connections_out(0)).await;
    Ok(lent.transpose()?.is_some())
}

/// Writes as somebody else, on a session of its own.
pub(super) async fn from_outside(
    subject: &Subject,
    sql: &'static str,
    parameters: impl IntoIterator<Item = Value>,
) -> Result<(), Error> {
    let mut session = subject.pool.session().await?;
    session.run(&Op::Change(Statement::new(sql, parameters))).await?;
    Ok(())
}

/// Empties the table of the tasks.
pub(crate) async fn empty(subject: &Subject) -> Result<(), Error> {
    from_outside(subject, "DELETE FROM tasks", []).await
}

/// The columns of a row behind the id.
pub(super) fn columns(row: &Row) -> &[Value] {
    row.get(1..).unwrap_or_default()
}
