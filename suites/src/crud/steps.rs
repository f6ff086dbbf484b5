//! Steps that several checks of this suite take.

use dropproof::{
    contract::{
        self, BoxedSession, Class, NewUser, Op, Row, Session, Statement, Statements, Step, Task,
        User, Value,
    },
    verdict::{Error, Verdict},
};

use crate::{Subject, trace::Fact};

/// A hash as an application stores it; no check depends on what is hashed.
pub(super) const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA";

pub(super) fn new_user(email: &str) -> NewUser {
    NewUser { email: email.to_owned(), hashed_password: HASH.to_owned(), full_name: None }
}

pub(super) fn create_task(title: &str) -> Op {
    Op::CreateTask { title: Some(title.to_owned()) }
}

pub(super) fn rename(id: i64, title: &str) -> Op {
    Op::RenameTask { id, title: Some(title.to_owned()) }
}

pub(super) fn run(op: Op) -> Step {
    Step::Run(op)
}

pub(super) async fn lookup<S: Session>(
    session: &mut S,
    email: &str,
) -> contract::Result<Option<User>> {
    session.run(&Op::UserByEmail(email.to_owned())).await?.user()
}

pub(super) async fn task<S: Session>(session: &mut S, id: i64) -> contract::Result<Option<Task>> {
    session.run(&Op::Task(id)).await?.task()
}

pub(super) async fn tasks<S: Session>(session: &mut S) -> contract::Result<Vec<Task>> {
    session.run(&Op::Tasks).await?.tasks()
}

pub(super) async fn changed<S: Session>(session: &mut S, op: &Op) -> contract::Result<u64> {
    session.run(op).await?.changed()
}

/// Runs a change as a step of the trace; how many rows it changed is a fact.
pub(super) async fn see_change(
    subject: &Subject,
    session: &mut BoxedSession,
    step: &str,
    op: &Op,
) -> contract::Result<u64> {
    let changed = subject.trace.see(step, changed(session, op), counted).await?;
    subject.trace.fact(Fact::Changed, changed);
    Ok(changed)
}

/// How a trace shows a number of rows.
pub(super) fn counted(rows: &u64) -> String {
    match rows {
        1 => "1 row changed".to_owned(),
        rows => format!("{rows} rows changed"),
    }
}

/// A step that must be done, and gives nothing to show.
pub(super) fn done<T>(_: &T) -> String {
    "done".to_owned()
}

/// The verdict on a step that had to fail, where it did not fail as it had to.
pub(super) fn broken_failure<T>(
    step: &str,
    result: contract::Result<T>,
    class: Class,
) -> Option<Verdict> {
    match result {
        Ok(_) => Some(Verdict::violated(format!("{step}: gave no error"))),
        Err(error) if error.class() == class => None,
        Err(error) => Some(Verdict::violated(format!(
            "{step}: the error is of class `{}` and not `{class}`",
            error.class()
        ))),
    }
}

/// Asks a question with one answer, as a step of the trace.
pub(super) async fn sees_seven(subject: &Subject, session: &mut BoxedSession) -> bool {
    sees_seven_at(subject, session, "select 7").await
}

/// Asks a question with one answer, as a step of that name.
pub(super) async fn sees_seven_at(
    subject: &Subject,
    session: &mut BoxedSession,
    step: &str,
) -> bool {
    let shown = |rows: &Vec<_>| format!("{rows:?}");
    let rows = subject.trace.see(step, seven(session), shown).await;
    let seven = rows.is_ok_and(|rows| rows == [[Value::Int(7)]]);
    if seven {
        subject.trace.fact(Fact::Value, 7);
    }
    seven
}

pub(super) async fn is_usable<S: Session>(session: &mut S) -> bool {
    seven(session).await.is_ok_and(|rows| rows == [[Value::Int(7)]])
}

async fn seven<S: Session>(session: &mut S) -> contract::Result<Vec<Row>> {
    let dialect = session.on().dialect();
    session.run(&Op::Fetch(Statement::echo(dialect, 7))).await?.rows()
}

/// The first column of the rows that the witness is asked for.
pub(super) async fn column(subject: &Subject, sql: &'static str) -> Result<Vec<Value>, Error> {
    let rows = subject.witness().query(sql).await?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
}
