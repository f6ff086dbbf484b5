//! Objects: what a session knows of rows, and when it asks for them.

use dropproof::{
    contract::{Capability, Class, Pool, UnitOptions, Value},
    database::Kind,
    verdict::{Error, Level, Verdict},
};

use super::steps::{OPTIONS, all_are_back, columns, count, from_outside, id, task, units, user};
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: CREATED.check,
        level: Level::Must,
        requirement: "What is added to a session MUST NOT reach the server before a flush, nor \
            be seen by others before the commit; a session MUST take its connection with its \
            first statement and give it back at the end of its transaction.",
        claims: &["crud-create-user", "scope-orm-session-vs-db-session"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "An `add` that talks to the server would have to be awaited, and a session \
            that holds a connection from its making keeps it while its user does something \
            else. A refresh after the commit opens another transaction, which stays open until \
            the close.",
        catches: &[
            (Fault::CommitForgotten, "after the commit"),
            (Fault::RefreshBeforeCommit, "after the commit"),
            (Fault::BeginsUnasked, "after the commit"),
        ],
        run: |cell| cell.play_scenario(&CREATED, added_row_is_stored_by_the_commit),
    },
    Check {
        id: REFRESHED.check,
        level: Level::Must,
        requirement: "A refresh MUST read every column as it is in the database now, in place \
            of what was changed and not flushed, and MUST fail where there is no row.",
        claims: &["crud-refresh-reloads"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A refresh that looks into a cache, or keeps what is not flushed, gives \
            back a mixture that was never in the database.",
        catches: &[(Fault::StaleRead, "the refresh gives")],
        run: |cell| cell.play_scenario(&REFRESHED, refresh_reads_what_is_there),
    },
    Check {
        id: EXPIRED.check,
        level: Level::Must,
        requirement: "An object that a commit has expired MUST have no readable columns until \
            it is refreshed, MUST say so by an error, and MUST NOT ask the server for them; \
            where nothing expires it MUST be readable.",
        claims: &["crud-expire-on-commit", "driver-lazy-load"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "Reading a field is no await, so it cannot ask. A layer that asks all the \
            same blocks the thread; one that answers with what it knew lies as soon as \
            somebody else has written.",
        catches: &[(Fault::ReadsExpired, "is readable")],
        run: |cell| cell.play_scenario(&EXPIRED, expired_object_is_an_error),
    },
    Check {
        id: AUTOFLUSH.check,
        level: Level::Must,
        requirement: "With autoflush off a query MUST NOT send what is pending, with autoflush \
            on it MUST; in both cases nothing MUST be seen by others before the commit, and a \
            close without one MUST leave nothing.",
        claims: &["crud-autoflush-off", "scope-sessionmaker-options"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "An autoflush writes at a place where the code only reads, and takes locks \
            there. That is why the notes have it off; then it must be off.",
        catches: &[(Fault::FlushesAlways, "with autoflush off")],
        run: |cell| cell.play_scenario(&AUTOFLUSH, autoflush_is_a_switch),
    },
];

pub(super) const CREATED: Scenario = Scenario {
    check: "session-scope/added-row-is-stored-by-the-commit",
    originals: &[Original {
        claim: "crud-create-user",
        traces: traces!("crud-create-user"),
        pairs: &[
            Pair { theirs: ("add", 0), ours: "add", on: EVERYWHERE },
            Pair { theirs: ("flush", 0), ours: "flush", on: EVERYWHERE },
            Pair { theirs: ("commit", 0), ours: "commit", on: EVERYWHERE },
            Pair { theirs: ("refresh", 0), ours: "refresh", on: EVERYWHERE },
            Pair { theirs: ("close", 0), ours: "close", on: EVERYWHERE },
        ],
        left_out: &[(
            ("create_through_repository", 0),
            "the hash is judged by session-scope/password-is-stored-as-its-hash",
        )],
        deviations: &[],
    }],
};

async fn added_row_is_stored_by_the_commit(subject: &Subject) -> Result<Verdict, Error> {
    let mut unit = units(subject)?.unit();
    let trace = &subject.trace;
    let done = |(): &()| "done".to_owned();
    subject.listen();
    let object = unit.add(user());
    trace.note("add", "done");
    let steps: [(_, _); 5] = [
        ("add", (0, 0)),
        ("flush", (0, 1)),
        ("commit", (1, 0)),
        ("refresh", (1, 1)),
        ("close", (1, 0)),
    ];
    for (step, expected) in steps {
        subject.listen();
        match step {
            "flush" => trace.see(step, unit.flush(), done).await?,
            "commit" => trace.see(step, unit.commit(), done).await?,
            "refresh" => trace.see(step, unit.refresh(&object), done).await?,
            "close" => trace.see(step, unit.close(), done).await?,
            _ => {}
        }
        if let Some(verdict) = differs(subject, step, expected).await? {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Upheld)
}

/// Whether other rows are there, other transactions open or other connections out than there are to
/// be after a step.
async fn differs(
    subject: &Subject,
    step: &str,
    (rows, open): (usize, usize),
) -> Result<Option<Verdict>, Error> {
    subject.verbs();
    let seen = (subject.rows("users").await?, subject.open_transactions().await?);
    // A read takes no lock there that the witness could see.
    let hidden = step == "refresh" && subject.connections().is_none();
    let lent = u32::try_from(open).unwrap_or_default();
    let others = subject.unless_stuck(subject.connections_out(lent)).await.transpose()?;
    let seen = if hidden { (seen.0, open) } else { seen };
    if seen == (rows, open) && others.is_some() {
        return Ok(None);
    }
    let lends = if others.is_some() { "" } else { ", and a connection is not given back" };
    let (there, begun) = seen;
    Ok(Some(Verdict::violated(format!(
        "after the {step} {there} rows are there and {begun} transactions are open, not {rows} and \
         {open}{lends}"
    ))))
}

pub(super) const REFRESHED: Scenario = Scenario {
    check: "session-scope/refresh-reads-what-is-there",
    originals: &[Original {
        claim: "crud-refresh-reloads",
        traces: traces!("crud-refresh-reloads"),
        pairs: &[
            Pair {
                theirs: ("refresh_after_commit", 0),
                ours: "refresh with autoflush",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("refresh_after_commit", 1),
                ours: "refresh without autoflush",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("refresh_of_a_deleted_row", 0),
                ours: "refresh of a deleted row",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("refresh_of_an_unsaved_object", 0),
                ours: "refresh of an unsaved object",
                on: EVERYWHERE,
            },
        ],
        left_out: &[
            (
                ("refresh_inside_a_transaction_that_has_read", 0),
                "judged by crud/transaction-reads-as-its-isolation-level-says",
            ),
            (
                ("refresh_after_own_commit", 0),
                "judged by crud/transaction-reads-as-its-isolation-level-says",
            ),
        ],
        deviations: &[],
    }],
};

async fn refresh_reads_what_is_there(subject: &Subject) -> Result<Verdict, Error> {
    let trace = &subject.trace;
    for autoflush in [true, false] {
        let mut unit = subject.pool.units(UnitOptions { autoflush, ..OPTIONS })?.unit();
        let object = unit.add(user());
        unit.commit().await?;
        unit.refresh(&object).await?;
        let id = id(&object)?;
        unit.rollback().await?;
        from_outside(
            subject,
            "UPDATE users SET full_name = ? WHERE id = ?",
            ["outside".into(), id.into()],
        )
        .await?;
        unit.refresh(&object).await?;
        unit.rollback().await?;
        unit.refresh(&object).await?;
        object.write("email", Value::from("local"))?;
        subject.listen();
        let step = format!("refresh {} autoflush", if autoflush { "with" } else { "without" });
        trace.see(&step, unit.refresh(&object), |()| "done".to_owned()).await?;
        subject.verbs();
        let row = object.read()?;
        let (email, name) = (&columns(&row)[0], &columns(&row)[2]);
        trace.fact(Fact::Value, *name == Value::from("outside"));
        if (email, name) != (&Value::from("a@example.org"), &Value::from("outside")) {
            return Ok(Verdict::violated(format!(
                "the refresh gives {email:?} and {name:?}, and another has written `outside`"
            )));
        }
        unit.close().await?;
    }
    no_row_is_an_error(subject).await
}

async fn no_row_is_an_error(subject: &Subject) -> Result<Verdict, Error> {
    let trace = &subject.trace;
    let mut unit = units(subject)?.unit();
    let object = unit.add(user());
    unit.commit().await?;
    from_outside(subject, "DELETE FROM users", []).await?;
    let unsaved = unit.add(user());
    let gone = [("a deleted row", &object), ("an unsaved object", &unsaved)];
    for (what, object) in gone {
        let step = format!("refresh of {what}");
        let refreshed = trace.see(&step, unit.refresh(object), |()| "done".to_owned()).await;
        match refreshed.map_err(|error| error.class()) {
            Err(Class::NotFound) => {}
            other => {
                return Ok(Verdict::violated(format!("the refresh gives {other:?} for {what}")));
            }
        }
    }
    unit.close().await?;
    Ok(Verdict::Upheld)
}

pub(super) const EXPIRED: Scenario = Scenario {
    check: "session-scope/expired-object-is-an-error",
    originals: &[Original {
        claim: "crud-expire-on-commit",
        traces: traces!("crud-expire-on-commit"),
        pairs: &[
            Pair {
                theirs: ("read_id_after_commit", 0),
                ours: "read after a commit that expires",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("read_id_after_commit", 1),
                ours: "read after a commit that does not",
                on: EVERYWHERE,
            },
        ],
        left_out: &[
            (("read_title_after_commit", 0), "an object is expired as a whole here"),
            (("read_title_after_commit", 1), "an object is expired as a whole here"),
            (("session_usable_after", 0), "the refresh uses it"),
            (("session_usable_after", 1), "the refresh uses it"),
            (("read_after_refresh", 0), "judged by the check, not by the trace"),
            (("read_after_refresh", 1), "judged by the check, not by the trace"),
        ],
        deviations: &[
            Deviation {
                theirs: ("read_id_after_commit", 0),
                fact: Fact::Verbs,
                on: &[Kind::Postgres],
                ours: "[]",
                because: "the original's statement gets as far as its driver's hook before the error",
            },
            Deviation {
                theirs: ("read_id_after_commit", 0),
                fact: Fact::Error,
                on: &[Kind::MySql, Kind::MariaDb, Kind::Sqlite],
                ours: "\"expired\"",
                because: "with these drivers the original wraps the same error into one of a statement",
            },
        ],
    }],
};

async fn expired_object_is_an_error(subject: &Subject) -> Result<Verdict, Error> {
    for expire_on_commit in [true, false] {
        let mut unit = subject.pool.units(UnitOptions { expire_on_commit, ..OPTIONS })?.unit();
        let object = unit.add(task("a"));
        unit.commit().await?;
        subject.listen();
        let step = format!(
            "read after a commit that {}",
            if expire_on_commit { "expires" } else { "does not" }
        );
        let read = async { object.read() };
        let read = subject.trace.see(&step, read, |_| "readable".to_owned()).await;
        if read.is_ok() {
            subject.trace.fact(Fact::Value, true);
        }
        subject.settle().await;
        let verbs = subject.verbs().unwrap_or_default();
        subject.rows("tasks").await?;
        match (expire_on_commit, read.map_err(|error| error.class())) {
            (true, Err(Class::Expired)) | (false, Ok(_)) if verbs.is_empty() => {}
            (true, Ok(_)) => {
                return Ok(Verdict::violated("an object that has expired is readable"));
            }
            (_, read) => {
                return Ok(Verdict::violated(format!("the read gives {read:?} by {verbs:?}")));
            }
        }
        unit.refresh(&object).await?;
        if columns(&object.read()?) != [Value::from("a")] {
            return Ok(Verdict::violated("a refresh does not make the object readable"));
        }
        unit.close().await?;
        super::steps::empty(subject).await?;
    }
    Ok(Verdict::Upheld)
}

pub(super) const AUTOFLUSH: Scenario = Scenario {
    check: "session-scope/autoflush-is-a-switch",
    originals: &[Original {
        claim: "crud-autoflush-off",
        traces: traces!("crud-autoflush-off"),
        pairs: &[
            Pair { theirs: ("pending_row", 0), ours: "query without autoflush", on: EVERYWHERE },
            Pair { theirs: ("pending_row", 1), ours: "query with autoflush", on: EVERYWHERE },
            Pair {
                theirs: ("closed_without_commit", 0),
                ours: "close without autoflush",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("closed_without_commit", 1),
                ours: "close with autoflush",
                on: EVERYWHERE,
            },
        ],
        left_out: &[(("autocommit_true", 0), "there is no such option to be asked for")],
        deviations: &[],
    }],
};

async fn autoflush_is_a_switch(subject: &Subject) -> Result<Verdict, Error> {
    for autoflush in [false, true] {
        let how = if autoflush { "with" } else { "without" };
        let mut unit = subject.pool.units(UnitOptions { autoflush, ..OPTIONS })?.unit();
        unit.add(task("pending"));
        let seen = count(&mut *unit).await?;
        subject.trace.note(&format!("query {how} autoflush"), format_args!("{seen} rows"));
        subject.trace.fact(Fact::Value, seen);
        subject.rows("tasks").await?;
        if seen != usize::from(autoflush) {
            let switch = if autoflush { "on" } else { "off" };
            return Ok(Verdict::violated(format!(
                "with autoflush {switch} a query sees {seen} rows that are pending"
            )));
        }
        unit.flush().await?;
        let seen = count(&mut *unit).await?;
        if seen != 1 {
            return Ok(Verdict::violated(format!("after the flush {seen} rows are seen")));
        }
        unit.close().await?;
        subject.trace.note(&format!("close {how} autoflush"), "done");
        let rows = subject.rows("tasks").await?;
        if rows != 0 || !all_are_back(subject).await? {
            return Ok(Verdict::violated(format!("a close without a commit leaves {rows} rows")));
        }
    }
    Ok(Verdict::Upheld)
}
