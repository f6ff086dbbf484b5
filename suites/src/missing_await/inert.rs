//! Inert: a call that nobody waits for does nothing at all.

use dropproof::{
    contract::{
        BoxedSession, Ending, Entity, Op, Pool, Script, Session, Statement, Statements, Step,
        UnitOptions, Value,
    },
    verdict::{Error, Level, Verdict},
};

use crate::{Check, Fault, Subject, cell::SESSIONS_MAX, session_scope::task};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "missing-await/call-that-is-not-awaited-does-nothing",
    level: Level::Must,
    requirement: "A call whose future is dropped before it was polled MUST send nothing, store \
        nothing, begin nothing and take no session: a lease, a statement of each kind, a \
        stream, a transaction by each entry point, and the end of a unit of work.",
    claims: &["await-bare-call-inert", "await-missing-execute"],
    needs: &[],
    since: "0.1.0",
    background: "A future does nothing until it is polled, and callers build on that: they make \
        it, and decide later whether they want it. Work that is done in the call itself, before \
        the `async` block, or that is spawned there, runs for callers who never asked.",
    catches: &[
        (Fault::StartsUnawaited, "does something without an await"),
        (Fault::LeasesUnawaited, "takes a session without an await"),
    ],
    run: |cell| {
        let (entries, pool_entries) = (cell.entries().count(), cell.pool_entries().count());
        cell.play(async move |subject: &Subject| {
            nothing_is_done(subject, entries, pool_entries).await
        })
    },
}];

/// A call that is made, and whose future is dropped.
type Forgotten<S> = (&'static str, fn(&mut S));

fn insert() -> Statement {
    Statement::new("INSERT INTO tasks (title) VALUES (?)", [Value::from("planted")])
}

fn create() -> Op {
    Op::CreateTask { title: Some("planted".to_owned()) }
}

fn script() -> Script {
    Script::new([Step::Run(create())], Ending::Commit).0
}

/// Each call of a session's statements.
fn calls<S: Session>() -> [Forgotten<S>; 9] {
    [
        ("change", |session| drop(session.on().change(&insert()))),
        ("fetch", |session| drop(session.on().fetch(&insert()))),
        ("text", |session| {
            drop(session.on().text("INSERT INTO tasks (title) VALUES ('planted')"));
        }),
        ("insert", |session| drop(session.on().insert(&insert()))),
        ("stream of rows", |session| drop(session.on().rows(&insert()))),
        ("savepoint", |session| drop(session.on().nested(script()))),
        ("COPY", |session| drop(session.on().copy_in("COPY tasks (title) FROM STDIN", &["a\n"]))),
        ("operation", |session| drop(session.on().run(&create()))),
        ("operation of a session", |session| drop(session.run(&create()))),
    ]
}

async fn nothing_is_done(
    subject: &Subject,
    entries: usize,
    pool_entries: usize,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    // What a session says first is no part of a call, nor what it prepares.
    session.run(&Op::Tasks).await?;
    for (name, forget) in calls() {
        subject.settle().await;
        subject.listen();
        forget(&mut session);
        if let Some(verdict) = something(subject, name, &mut session).await? {
            return Ok(verdict);
        }
    }
    for entry in 0..entries {
        subject.listen();
        drop(session.transact_by(entry, script()));
        if let Some(verdict) = something(subject, "transaction", &mut session).await? {
            return Ok(verdict);
        }
    }
    subject.listen();
    drop(session.lock(1, Ending::Commit));
    for entry in 0..pool_entries {
        drop(subject.pool.transact_by(entry, script()));
    }
    drop(subject.pool.listen("planted"));
    if let Some(verdict) = something(subject, "call of the pool", &mut session).await? {
        return Ok(verdict);
    }
    if let Some(verdict) = units_do_nothing(subject, &mut session).await? {
        return Ok(verdict);
    }
    for _ in 0..SESSIONS_MAX {
        drop(subject.pool.session());
    }
    subject.settle().await;
    let lent = subject.unless_stuck(subject.connections_out(1)).await.transpose()?;
    Ok(match lent {
        Some(()) => Verdict::Upheld,
        None => Verdict::violated("a lease takes a session without an await"),
    })
}

/// The same of a unit of work, where the layer has one.
async fn units_do_nothing(
    subject: &Subject,
    session: &mut BoxedSession,
) -> Result<Option<Verdict>, Error> {
    let options = UnitOptions { autoflush: true, expire_on_commit: true };
    let Ok(units) = subject.pool.units(options) else { return Ok(None) };
    let mut unit = units.unit();
    let object = unit.add(task("planted"));
    subject.settle().await;
    subject.listen();
    drop(unit.flush());
    drop(unit.commit());
    drop(unit.refresh(&object));
    drop(unit.get(Entity::Task, 1));
    drop(unit.execute(&insert()));
    drop(unit.rollback());
    drop(unit.close());
    let seen = something(subject, "end of a unit of work", session).await?;
    unit.close().await?;
    Ok(seen)
}

/// What was said, stored or begun since it was listened.
async fn something(
    subject: &Subject,
    call: &str,
    session: &mut BoxedSession,
) -> Result<Option<Verdict>, Error> {
    subject.settle().await;
    let does = |what: String| {
        Ok(Some(Verdict::violated(format!("the {call} does something without an await: {what}"))))
    };
    let said = subject.said();
    if said != 0 {
        return does(format!("{said} messages are sent"));
    }
    // Where another thread works on the database, it comes to this after all that it was told before.
    let stored = session.run(&Op::Tasks).await?.tasks()?.len();
    let seen = (subject.rows("tasks").await?.max(stored), subject.open_transactions().await?);
    match seen {
        (0, 0) => Ok(None),
        (rows, open) => does(format!("{rows} rows are there, and {open} transactions are open")),
    }
}
