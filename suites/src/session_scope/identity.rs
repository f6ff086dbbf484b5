//! Identity: that a row is one object in a session, and what a session keeps of objects.

use dropproof::{
    contract::{self, Capability, Class, Entity, Handle, Pending, Statement, Unit, Value},
    verdict::{Error, Level, Verdict},
};

use futures::FutureExt;

use super::steps::{columns, echoes, id, task, units};
use crate::{Check, Fault, Subject};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "session-scope/same-row-is-the-same-object",
        level: Level::Must,
        requirement: "The object of a row that a session has loaded MUST be the same one \
            whenever it is asked for, without a statement, and MUST NOT be that of another \
            session.",
        claims: &["scope-session-unit-of-work"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "Two objects of one row overwrite each other's changes. An identity map \
            that outlives its session, or is shared for the sake of speed, hands one user's \
            unsaved changes to another.",
        catches: &[
            (Fault::LosesIdentity, "is another object"),
            (Fault::SharesIdentity, "is that of another session"),
        ],
        run: |cell| cell.play(same_row_is_the_same_object),
    },
    Check {
        id: "session-scope/session-keeps-what-is-pending",
        level: Level::Must,
        requirement: "A session MUST know which of its objects are new, changed and deleted, \
            MUST write them with the flush, and a rollback MUST undo it: what was added is \
            expelled, what was deleted is there again.",
        claims: &["scope-session-unit-of-work"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A rollback that undoes the database and not the objects leaves a session \
            that believes in rows which are not there; its next flush writes the wrong thing.",
        catches: &[
            (Fault::RollbackForgotten, "after the rollback"),
            (Fault::FlushForgotten, "after the flush"),
        ],
        run: |cell| cell.play(session_keeps_what_is_pending),
    },
    Check {
        id: "session-scope/only-what-asks-the-server-waits",
        level: Level::Must,
        requirement: "A call of a session MUST wait where it has to ask the server, and MUST be \
            ready at once where there is nothing to ask: a commit of nothing, an object that \
            is there already, a close after a rollback.",
        claims: &["await-commit-refresh-are-async"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "Async says that a call may wait, not that it does. A commit of nothing \
            that takes a connection to say nothing costs a round trip for each request.",
        catches: &[(Fault::BeginsUnasked, "waits for the server")],
        run: |cell| cell.play(only_what_asks_the_server_waits),
    },
];

async fn same_row_is_the_same_object(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let mut unit = units.unit();
    let added = unit.add(task("a"));
    unit.commit().await?;
    unit.refresh(&added).await?;
    let id = id(&added)?;
    subject.listen();
    for _ in 0..2 {
        let again = loaded(&mut *unit, id).await?;
        if again.identity() != added.identity() {
            return Ok(Verdict::violated("a row that was loaded before is another object"));
        }
    }
    if let Some(verbs) = subject.verbs().filter(|verbs| !verbs.is_empty()) {
        let message = format!("a row that is loaded is asked for by {verbs:?}");
        return Ok(Verdict::violated(message));
    }

    let mut other = units.unit();
    let theirs = loaded(&mut *other, id).await?;
    if theirs.identity() == added.identity() {
        return Ok(Verdict::violated("the object of a session is that of another session"));
    }
    unit.close().await?;
    other.close().await?;
    Ok(Verdict::Upheld)
}

async fn loaded(unit: &mut dyn Unit, id: i64) -> Result<Handle, Error> {
    let found = unit.get(Entity::Task, id).await?;
    found.ok_or_else(|| Error::Vacuous { why: "a row that was stored is not found".to_owned() })
}

async fn session_keeps_what_is_pending(subject: &Subject) -> Result<Verdict, Error> {
    let mut unit = units(subject)?.unit();
    let [kept, gone] = {
        let both = [unit.add(task("kept")), unit.add(task("gone"))];
        unit.commit().await?;
        both
    };
    unit.refresh(&kept).await?;
    unit.refresh(&gone).await?;
    let gone_id = id(&gone)?;
    let added = unit.add(task("added"));
    kept.write("title", Value::from("changed"))?;
    unit.delete(&gone);
    let before = unit.pending();
    if before != (Pending { new: 1, dirty: 1, deleted: 1 }) {
        return Ok(Verdict::violated(format!("before the flush it keeps {before:?}")));
    }

    unit.flush().await?;
    let seen = titles(&mut *unit).await?;
    if (unit.pending(), seen.as_slice())
        != (Pending::default(), &["added".to_owned(), "changed".to_owned()])
    {
        return Ok(Verdict::violated(format!(
            "after the flush it keeps {:?} and sees {seen:?}",
            unit.pending()
        )));
    }

    unit.rollback().await?;
    let (witnessed, seen) = (subject.rows("tasks").await?, titles(&mut *unit).await?);
    let back = unit.get(Entity::Task, gone_id).await?.is_some();
    let expelled = unit.refresh(&added).await.map_err(|error| error.class());
    unit.refresh(&kept).await?;
    let title = kept.read()?;
    unit.close().await?;
    let undone = witnessed == 2
        && seen == ["gone", "kept"]
        && back
        && matches!(expelled, Err(Class::NotFound | Class::Expired))
        && columns(&title) == [Value::from("kept")];
    Ok(if undone {
        Verdict::Upheld
    } else {
        Verdict::violated(format!(
            "after the rollback there are {seen:?}; the deleted one is {}, the added one gives \
             {expelled:?}",
            if back { "there" } else { "not there" }
        ))
    })
}

/// The titles that a unit reads, in order.
async fn titles(unit: &mut dyn Unit) -> contract::Result<Vec<String>> {
    let rows = unit.execute(&Statement::new("SELECT title FROM tasks ORDER BY title", [])).await?;
    let title = |row: Vec<Value>| match row.into_iter().next() {
        Some(Value::Text(title)) => title,
        other => format!("{other:?}"),
    };
    Ok(rows.into_iter().map(title).collect())
}

async fn only_what_asks_the_server_waits(subject: &Subject) -> Result<Verdict, Error> {
    let mut unit = units(subject)?.unit();
    let mut waits = Vec::new();
    waits.push(("a commit of nothing", false, waited(unit.commit()).await?));
    let object = unit.add(task("a"));
    waits.push(("a flush", true, waited(unit.flush()).await?));
    waits.push(("a commit", true, waited(unit.commit()).await?));
    waits.push(("a refresh", true, waited(unit.refresh(&object)).await?));
    let id = id(&object)?;
    let there = async { unit.get(Entity::Task, id).await.map(drop) };
    waits.push(("an object that is there", false, waited(there).await?));
    let number = async { echoes(subject, &mut *unit, 7).await.map(drop) };
    waits.push(("a statement", true, waited(number).await?));
    waits.push(("a rollback", true, waited(unit.rollback()).await?));
    waits.push(("a commit after the rollback", false, waited(unit.commit()).await?));
    waits.push(("a close after the rollback", false, waited(unit.close()).await?));
    // Where a thread answers, it may have done so before anybody looks.
    let is_seen = subject.connections().is_some();
    let wrong = |(_, expected, seen): &(_, bool, bool)| expected != seen && (is_seen || *seen);
    let wrong = waits.into_iter().find(wrong);
    Ok(match wrong {
        None => Verdict::Upheld,
        Some((call, true, _)) => Verdict::violated(format!("{call} is ready at once")),
        Some((call, false, _)) => Verdict::violated(format!("{call} waits for the server")),
    })
}

/// Runs a call to its end, and says whether it had to wait.
async fn waited(call: impl Future<Output = contract::Result<()>>) -> contract::Result<bool> {
    let mut call = Box::pin(call);
    match (&mut call).now_or_never() {
        Some(ended) => ended.map(|()| false),
        None => call.await.map(|()| true),
    }
}
