//! Success: what is reported as done must be what another connection reads.
//!
//! The functions are those of the notes: each takes a unit of work, and reports what it knows then. An await
//! that is forgotten in them is a future that is dropped where it is made.

use std::marker::PhantomData;

use dropproof::{
    contract::{
        self, Answer, Capability, Class, Entity, Handle, Op, Pool, Session, Unit, UnitOptions,
        Value,
    },
    database::Kind,
    verdict::{Error, Level, Verdict},
};

use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, Theirs, traces},
    session_scope::{empty, task},
    trace::Fact,
};

/// The checks, for one type of pool.
pub(super) struct Success<P>(PhantomData<P>);

impl<P: Pool> Success<P> {
    pub(super) const CHECKS: &'static [Check<P>] = &[Check {
        id: STORED.check,
        level: Level::Must,
        requirement: "A create, an update and a delete whose calls are all awaited MUST report what \
            another connection reads afterwards; where the commit is forgotten nothing MUST be stored, \
            and where the refresh is, nothing that has expired MUST be reported.",
        claims: &["await-missing-update", "await-missing-delete", "await-missing-crud-both"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "An update without its commit and its refresh reports the new title, and stores \
            nothing: no error comes, at no time. Nobody sees it but who asks another connection after \
            each success.",
        catches: &[(Fault::CommitForgotten, "is stored"), (Fault::ReadsExpired, "it reports")],
        run: |cell| cell.play_scenario(&STORED, success_equals_what_is_stored),
    }];
}

/// Which awaits are forgotten, and what must come of it.
struct Case {
    /// What is done, and what is forgotten.
    step: &'static str,
    commit: bool,
    refresh: bool,
    expire_on_commit: bool,
    /// What is reported; `None` for an error.
    reports: Option<&'static str>,
    /// What another connection reads then.
    stored: &'static str,
}

impl Case {
    /// Nothing is forgotten.
    const fn whole(step: &'static str, told: &'static str) -> Self {
        let (commit, refresh, expire_on_commit) = (true, true, true);
        Self { step, commit, refresh, expire_on_commit, reports: Some(told), stored: told }
    }
}

/// A row that is not there.
const GONE: &str = "nothing";

const CREATES: [Case; 3] = [
    Case::whole("create", "changed"),
    Case {
        commit: false,
        refresh: false,
        reports: None,
        stored: GONE,
        ..Case::whole("create without commit and refresh", "")
    },
    Case {
        commit: false,
        refresh: false,
        expire_on_commit: false,
        reports: None,
        stored: GONE,
        ..Case::whole("create without commit, refresh and expiry", "")
    },
];

const UPDATES: [Case; 5] = [
    Case::whole("update", "changed"),
    Case { commit: false, ..Case::whole("update without commit", "t0") },
    Case { refresh: false, reports: None, ..Case::whole("update without refresh", "changed") },
    Case {
        commit: false,
        refresh: false,
        stored: "t0",
        ..Case::whole("update without commit and refresh", "changed")
    },
    Case {
        commit: false,
        refresh: false,
        expire_on_commit: false,
        stored: "t0",
        ..Case::whole("update without commit, refresh and expiry", "changed")
    },
];

const DELETES: [Case; 2] = [
    Case::whole("delete", GONE),
    Case { commit: false, stored: "t0", ..Case::whole("delete without commit", GONE) },
];

const fn pair(theirs: Theirs, ours: &'static str) -> Pair {
    Pair { theirs, ours, on: EVERYWHERE }
}

const fn unreadable(theirs: Theirs) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Error,
        on: EVERYWHERE,
        ours: "\"expired\"",
        because: "there it is the answer of the service that cannot be made of the object",
    }
}

const fn says(theirs: Theirs, on: &'static [Kind], ours: &'static str) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Verbs,
        on,
        ours,
        because: "there a read of what is not known, or of what refers to a row, asks by itself",
    }
}

const NO_HANDLER: &str = "a handler that returns the future does not compile";

pub(super) const STORED: Scenario = Scenario {
    check: "missing-await/success-equals-what-is-stored",
    originals: &[
        Original {
            claim: "await-missing-crud-both",
            traces: traces!("await-missing-crud-both"),
            pairs: &[
                pair(("post", 0), "create without commit and refresh"),
                pair(("database", 0), "after create without commit and refresh"),
                pair(("post", 1), "create without commit, refresh and expiry"),
                pair(("database", 1), "after create without commit, refresh and expiry"),
            ],
            left_out: &[],
            deviations: &[unreadable(("post", 0)), unreadable(("post", 1))],
        },
        Original {
            claim: "await-missing-update",
            traces: traces!("await-missing-update"),
            pairs: &[
                pair(("put", 0), "update"),
                pair(("database", 0), "after update"),
                pair(("put", 1), "update without commit"),
                pair(("database", 1), "after update without commit"),
                pair(("put", 2), "update without refresh"),
                pair(("database", 2), "after update without refresh"),
                pair(("put", 3), "update without commit and refresh"),
                pair(("database", 3), "after update without commit and refresh"),
                pair(("put", 5), "update without commit, refresh and expiry"),
                pair(("database", 5), "after update without commit, refresh and expiry"),
            ],
            left_out: &[(("put", 4), NO_HANDLER), (("database", 4), NO_HANDLER)],
            deviations: &[
                unreadable(("put", 2)),
                says(("database", 2), &[Kind::Postgres], "[\"SELECT\",\"UPDATE\"]"),
            ],
        },
        Original {
            claim: "await-missing-delete",
            traces: traces!("await-missing-delete"),
            pairs: &[
                pair(("delete", 0), "delete"),
                pair(("database", 0), "after delete"),
                pair(("delete", 2), "delete without commit"),
                pair(("database", 2), "after delete without commit"),
            ],
            left_out: &[
                (("delete", 1), "a delete is a plain call here, which cannot be awaited"),
                (("database", 1), "a delete is a plain call here, which cannot be awaited"),
                (("delete", 3), "a delete is a plain call here, which cannot be awaited"),
                (("database", 3), "a delete is a plain call here, which cannot be awaited"),
                (("delete", 4), NO_HANDLER),
                (("database", 4), NO_HANDLER),
            ],
            deviations: &[
                says(("database", 0), EVERYWHERE, "[\"SELECT\",\"DELETE\"]"),
                says(("database", 2), EVERYWHERE, "[\"SELECT\"]"),
            ],
        },
    ],
};

async fn success_equals_what_is_stored<P: Pool>(subject: &Subject<P>) -> Result<Verdict, Error> {
    // What a new connection says first is no part of it.
    subject.connections_out(0).await?;
    for case in CREATES.iter().chain(&UPDATES).chain(&DELETES) {
        let known =
            if case.step.starts_with("create") { None } else { Some(stored(subject).await?) };
        let options = UnitOptions { autoflush: false, expire_on_commit: case.expire_on_commit };
        let mut unit = subject.pool.units(options)?.unit();
        subject.listen();
        let worked = work(&mut *unit, case, known);
        let reported = subject.trace.see(case.step, worked, |told| format!("reports {told}")).await;
        unit.close().await?;
        subject.settle().await;
        let reads = title(subject).await?;
        subject.trace.note(&format!("after {}", case.step), format_args!("{reads} is stored"));
        subject.verbs();
        subject.rows("tasks").await?;
        subject.open_transactions().await?;
        subject.connections_out(0).await?;
        if reported.as_deref().ok() != case.reports || reads != case.stored {
            return Ok(Verdict::violated(format!(
                "after the {} it reports {}, and {reads} is stored, where that is to be {} and {}",
                case.step,
                reported.as_deref().unwrap_or("an error"),
                case.reports.unwrap_or("an error"),
                case.stored
            )));
        }
        empty(subject).await?;
    }
    Ok(Verdict::Upheld)
}

/// Stores a task as somebody else, and gives its id.
async fn stored<P: Pool>(subject: &Subject<P>) -> Result<i64, Error> {
    let create = Op::CreateTask { title: Some("t0".to_owned()) };
    match subject.pool.session().await?.run(&create).await? {
        Answer::Id(id) => Ok(id),
        other => {
            let words = format!("a create answers {other:?}");
            Err(contract::Error::new(Class::Data, words).into())
        }
    }
}

/// What another connection reads.
async fn title<P: Pool>(subject: &Subject<P>) -> Result<String, Error> {
    let rows = subject.witness().rows("tasks").await?;
    Ok(match rows.first().and_then(|row| row.get(1)) {
        Some(Value::Text(title)) => title.clone(),
        _ => GONE.to_owned(),
    })
}

/// Creates, updates or deletes as a case says, and reports what it knows then.
async fn work(unit: &mut dyn Unit, case: &Case, known: Option<i64>) -> contract::Result<String> {
    let deletes = case.step.starts_with("delete");
    let object = match known {
        None => unit.add(task("changed")),
        Some(id) => {
            let found = unit.get(Entity::Task, id).await?.expect("it was stored before");
            if deletes {
                unit.delete(&found);
            } else {
                found.write("title", Value::from("changed"))?;
            }
            found
        }
    };
    if case.commit {
        unit.commit().await?;
    } else {
        drop(unit.commit());
    }
    if deletes {
        return Ok(GONE.to_owned());
    }
    if case.refresh {
        unit.refresh(&object).await?;
    } else {
        drop(unit.refresh(&object));
    }
    reported(&object)
}

fn reported(object: &Handle) -> contract::Result<String> {
    match object.read()?.get(1) {
        Some(Value::Text(title)) => Ok(title.clone()),
        other => Ok(format!("{other:?}")),
    }
}
