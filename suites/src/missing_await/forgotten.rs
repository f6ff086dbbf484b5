//! Forgotten: a commit, a refresh or a close of a unit of work that nobody waits for.

use std::marker::PhantomData;

use dropproof::{
    contract::{Capability, Class, Pool, Unit, UnitOptions},
    database::Kind,
    verdict::{Error, Level, Verdict},
};

use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    session_scope::{echoes, empty, task},
    trace::Fact,
};

/// The checks, for one type of pool.
pub(super) struct Forgotten<P>(PhantomData<P>);

impl<P: Pool> Forgotten<P> {
    pub(super) const CHECKS: &'static [Check<P>] = &[
        Check {
            id: COMMIT.check,
            level: Level::Must,
            requirement: "After a commit that nobody has waited for nothing MUST be stored, and the \
                refresh of what was added MUST be an error.",
            claims: &["await-missing-commit-only"],
            needs: &[Capability::UnitOfWork],
            since: "0.1.0",
            background: "The commit that was forgotten never comes, not even late. Whoever waits for \
                the refresh behind it learns of it there, unless the refresh makes up for it.",
            catches: &[(Fault::RefreshFlushes, "the refresh gives")],
            run: |cell| cell.play_scenario(&COMMIT, forgotten_commit),
        },
        Check {
            id: REFRESH.check,
            level: Level::Must,
            requirement: "An object whose refresh nobody has waited for MUST NOT be readable where the \
                commit has expired it; the row MUST be stored once for each time that it was added.",
            claims: &["await-missing-refresh-only"],
            needs: &[Capability::UnitOfWork],
            since: "0.1.0",
            background: "The caller is told of a failure, and the row is there: one who tries again \
                makes a second. That cannot be mended here, but it must not be hidden behind values \
                that nobody has read.",
            catches: &[(Fault::ReadsExpired, "is readable")],
            run: |cell| cell.play_scenario(&REFRESH, forgotten_refresh),
        },
        Check {
            id: CLOSE.check,
            level: Level::Must,
            requirement: "A unit of work whose close nobody has waited for MUST keep its connection no \
                longer than it lives: when it is dropped its transaction is rolled back, and its \
                connection is back or replaced.",
            claims: &["await-missing-close"],
            needs: &[Capability::UnitOfWork],
            since: "0.1.0",
            background: "In Rust the session is dropped at the end of its scope, and not when somebody \
                collects it. So a forgotten close costs nothing, as long as the drop does all that the \
                close would have done.",
            catches: &[(Fault::LeaksUnclosed, "are not back")],
            run: |cell| cell.play_scenario(&CLOSE, forgotten_close),
        },
    ];
}

pub(super) const COMMIT: Scenario = Scenario {
    check: "missing-await/forgotten-commit-stores-nothing",
    originals: &[Original {
        claim: "await-missing-commit-only",
        traces: traces!("await-missing-commit-only"),
        pairs: &[
            Pair { theirs: ("post", 0), ours: "refresh with expiry", on: EVERYWHERE },
            Pair { theirs: ("database", 0), ours: "database with expiry", on: EVERYWHERE },
            Pair { theirs: ("post", 1), ours: "refresh without expiry", on: EVERYWHERE },
            Pair { theirs: ("database", 1), ours: "database without expiry", on: EVERYWHERE },
        ],
        left_out: &[],
        deviations: &[],
    }],
};

const fn expired(theirs: (&'static str, usize)) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Error,
        on: EVERYWHERE,
        ours: "\"expired\"",
        because: "there it is the answer of the service that cannot be made of the object",
    }
}

const fn no_attempt(theirs: (&'static str, usize)) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Verbs,
        on: &[Kind::Postgres],
        ours: "[\"INSERT\"]",
        because: "there the attribute is read by a hidden query, which dies in the driver",
    }
}

pub(super) const REFRESH: Scenario = Scenario {
    check: "missing-await/forgotten-refresh-leaves-nothing-to-read",
    originals: &[Original {
        claim: "await-missing-refresh-only",
        traces: traces!("await-missing-refresh-only"),
        pairs: &[
            Pair { theirs: ("post", 0), ours: "read with expiry", on: EVERYWHERE },
            Pair { theirs: ("database", 0), ours: "database with expiry", on: EVERYWHERE },
            Pair { theirs: ("client_tries_again", 0), ours: "again with expiry", on: EVERYWHERE },
            Pair { theirs: ("database", 1), ours: "database again with expiry", on: EVERYWHERE },
            Pair { theirs: ("post", 1), ours: "read without expiry", on: EVERYWHERE },
            Pair { theirs: ("database", 2), ours: "database without expiry", on: EVERYWHERE },
            Pair {
                theirs: ("client_tries_again", 1),
                ours: "again without expiry",
                on: EVERYWHERE,
            },
            Pair { theirs: ("database", 3), ours: "database again without expiry", on: EVERYWHERE },
        ],
        left_out: &[],
        deviations: &[
            expired(("post", 0)),
            expired(("client_tries_again", 0)),
            no_attempt(("database", 0)),
            no_attempt(("database", 1)),
        ],
    }],
};

pub(super) const CLOSE: Scenario = Scenario {
    check: "missing-await/forgotten-close-ends-with-its-session",
    originals: &[Original {
        claim: "await-missing-close",
        traces: traces!("await-missing-close"),
        pairs: &[
            Pair { theirs: ("dependency_ended", 0), ours: "awaited: close", on: EVERYWHERE },
            Pair { theirs: ("session_collected", 0), ours: "awaited: drop", on: EVERYWHERE },
            Pair {
                theirs: ("next_user_after_collection", 0),
                ours: "awaited: next",
                on: EVERYWHERE,
            },
            Pair { theirs: ("rows", 0), ours: "awaited: rows", on: EVERYWHERE },
            Pair { theirs: ("dependency_ended", 1), ours: "forgotten: close", on: EVERYWHERE },
            Pair { theirs: ("session_collected", 1), ours: "forgotten: drop", on: EVERYWHERE },
            Pair {
                theirs: ("next_user_after_collection", 1),
                ours: "forgotten: next",
                on: EVERYWHERE,
            },
            Pair { theirs: ("rows", 1), ours: "forgotten: rows", on: EVERYWHERE },
        ],
        left_out: &[
            (("next_user_while_session_is_referenced", 0), "the pool has more than one here"),
            (("next_user_while_session_is_referenced", 1), "the pool has more than one here"),
        ],
        deviations: &[],
    }],
};

/// With and without an expiry by the commit.
const EXPIRIES: [(bool, &str); 2] = [(true, "with expiry"), (false, "without expiry")];

fn unit<P: Pool>(subject: &Subject<P>, expire_on_commit: bool) -> Result<Box<dyn Unit>, Error> {
    let options = UnitOptions { autoflush: false, expire_on_commit };
    Ok(subject.pool.units(options)?.unit())
}

/// What is in the database, as an event of its own.
async fn database<P: Pool>(
    subject: &Subject<P>,
    step: &str,
    rows: usize,
) -> Result<Option<Verdict>, Error> {
    subject.settle().await;
    subject.trace.note(step, "looked at");
    subject.verbs();
    let seen = (subject.rows("tasks").await?, subject.open_transactions().await?);
    subject.connections_out(0).await?;
    Ok((seen != (rows, 0)).then(|| {
        let (there, open) = seen;
        Verdict::violated(format!("{step}: {there} rows and {open} transactions, not {rows} and 0"))
    }))
}

async fn forgotten_commit<P: Pool>(subject: &Subject<P>) -> Result<Verdict, Error> {
    for (expires, how) in EXPIRIES {
        let mut unit = unit(subject, expires)?;
        let object = unit.add(task("new"));
        subject.listen();
        drop(unit.commit());
        let step = format!("refresh {how}");
        let refreshed =
            subject.trace.see(&step, unit.refresh(&object), |()| "done".to_owned()).await;
        match refreshed.map_err(|error| error.class()) {
            Err(Class::NotFound) => {}
            other => {
                let words = format!("the refresh gives {other:?} for what was never stored");
                return Ok(Verdict::violated(words));
            }
        }
        unit.close().await?;
        if let Some(verdict) = database(subject, &format!("database {how}"), 0).await? {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Upheld)
}

async fn forgotten_refresh<P: Pool>(subject: &Subject<P>) -> Result<Verdict, Error> {
    // What a new connection says first is no part of it.
    subject.connections_out(0).await?;
    let mut rows = 0;
    for (expires, how) in EXPIRIES {
        for (read, looked) in [("read", "database"), ("again", "database again")] {
            let mut unit = unit(subject, expires)?;
            let object = unit.add(task("new"));
            subject.listen();
            unit.commit().await?;
            rows += 1;
            drop(unit.refresh(&object));
            let step = format!("{read} {how}");
            let known = async { object.read() };
            let known = subject.trace.see(&step, known, |_| "readable".to_owned()).await;
            if known.is_ok() == expires {
                let words = if expires { "is readable" } else { "is not readable" };
                return Ok(Verdict::violated(format!("{step}: the object {words}")));
            }
            unit.close().await?;
            if let Some(verdict) = database(subject, &format!("{looked} {how}"), rows).await? {
                return Ok(verdict);
            }
        }
        empty(subject).await?;
        rows = 0;
    }
    Ok(Verdict::Upheld)
}

async fn forgotten_close<P: Pool>(subject: &Subject<P>) -> Result<Verdict, Error> {
    for (awaited, how) in [(true, "awaited"), (false, "forgotten")] {
        let mut used = unit(subject, true)?;
        used.add(task("new"));
        used.flush().await?;
        if awaited {
            used.close().await?;
        } else {
            drop(used.close());
        }
        let lent = u32::from(!awaited);
        if let Some(verdict) = held(subject, &format!("{how}: close"), lent).await? {
            return Ok(verdict);
        }
        drop(used);
        if let Some(verdict) = held(subject, &format!("{how}: drop"), 0).await? {
            return Ok(verdict);
        }
        let mut next = unit(subject, true)?;
        let answers = echoes(subject, &mut *next, 7).await?;
        subject.trace.note(&format!("{how}: next"), if answers { "7" } else { "another" });
        subject.trace.fact(Fact::Value, 7);
        next.close().await?;
        subject.trace.note(&format!("{how}: rows"), "looked at");
        let rows = subject.rows("tasks").await?;
        if rows != 0 || !answers {
            return Ok(Verdict::violated(format!("{how}: {rows} rows are there, not 0")));
        }
    }
    Ok(Verdict::Upheld)
}

/// Whether so many connections are out, each in its transaction.
async fn held<P: Pool>(
    subject: &Subject<P>,
    step: &str,
    lent: u32,
) -> Result<Option<Verdict>, Error> {
    subject.settle().await;
    subject.trace.note(step, "looked at");
    // The place of a connection that was dropped at work is lent again when it is gone, and not before.
    let others = subject.unless_stuck(subject.connections_out(lent)).await.transpose()?;
    let open = subject.open_transactions().await?;
    if others.is_some() && open == lent as usize {
        return Ok(None);
    }
    let back = if others.is_some() { "back" } else { "not back" };
    Ok(Some(Verdict::violated(format!(
        "{step}: {open} transactions are open, not {lent}, and the connections are {back}"
    ))))
}
