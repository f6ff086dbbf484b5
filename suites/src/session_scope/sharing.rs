//! Sharing: a session for each request, and what comes of one that several tasks hold.

use std::sync::Arc;

use dropproof::{
    contract::{self, Body, Capability, Class, Form, Pool, SharedUnit, Statement, Units, Value},
    verdict::{Error, Level, Verdict},
};
use futures::future::{join_all, try_join_all};
use tokio::sync::{Barrier, Mutex};

use super::steps::{all_are_back, count, echoes, task, units};
use crate::{
    Check, Fault, Subject,
    cell::{SESSIONS_MAX, Scenario},
    oracle::{EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

/// So many requests are under way at the same time.
const REQUESTS: usize = 12;
/// So many tasks use one session.
const TASKS: i64 = 6;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: LEASED.check,
        level: Level::Must,
        requirement: "A session MUST NOT take a connection before its first statement, MUST \
            give it back at the end of its transaction for the next session to use, and MUST \
            be usable again after its close.",
        claims: &["scope-orm-session-vs-db-session", "scope-session-unit-of-work"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A session is made for each request, a connection is not. A session that \
            leases at its making holds a connection through everything that its user does \
            before and after the transaction.",
        catches: &[(Fault::BeginsUnasked, "is held after the commit")],
        run: |cell| cell.play_scenario(&LEASED, session_leases_when_it_has_to),
    },
    Check {
        id: "session-scope/each-request-has-a-session-of-its-own",
        level: Level::Must,
        requirement: "Requests that are under way at the same time, more than there are \
            connections, MUST each have a session that sees no uncommitted row of another, and \
            MUST give every connection back, those that fail too.",
        claims: &["scope-session-per-request"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A session made once, for the process, mixes the work of all requests. One \
            for each request costs nothing until it takes a connection.",
        catches: &[
            (Fault::SharesPending, "sees rows of another"),
            (Fault::LeaksOnError, "do not all come to an end"),
        ],
        run: |cell| cell.play(each_request_has_a_session_of_its_own),
    },
    Check {
        id: "session-scope/shared-session-is-serialised",
        level: Level::Must,
        requirement: "Tasks that share a session behind its lock MUST each get the answer to \
            their own question.",
        claims: &["scope-shared-session-tasks", "scope-shared-session-threads"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "Two requests at the same time on one connection need somebody who knows \
            which answer is whose. `&mut self` and a lock leave one at a time; the transaction \
            is still one for all of them.",
        catches: &[(Fault::AnswersCrossed, "by another answer")],
        run: |cell| cell.play(shared_session_is_serialised),
    },
];

pub(super) const LEASED: Scenario = Scenario {
    check: "session-scope/session-leases-when-it-has-to",
    originals: &[Original {
        claim: "scope-orm-session-vs-db-session",
        traces: traces!("scope-orm-session-vs-db-session"),
        pairs: &[
            Pair { theirs: ("three_sessions_made", 0), ours: "made", on: EVERYWHERE },
            Pair {
                theirs: ("closed_session_used_again", 0),
                ours: "used after its close",
                on: EVERYWHERE,
            },
        ],
        left_out: &[
            (("used_one_after_the_other", 0), "the check wants it, and counts on the wire"),
            (
                ("second_session_while_first_holds_the_connection", 0),
                "the time that a pool waits is the user's; that it waits is judged by \
                drop-guard/dropped-waiter-leaves-its-turn-to-the-others",
            ),
            (("after_rollback_of_the_first", 0), "the same"),
        ],
        deviations: &[],
    }],
};

async fn session_leases_when_it_has_to(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let before = subject.connections();
    let mut three = [units.unit(), units.unit(), units.unit()];
    subject.settle().await;
    subject.trace.note("made", "done");
    if subject.connections() != before {
        return Ok(Verdict::violated("a session that is made opens a connection"));
    }
    if !all_are_back(subject).await? {
        return Ok(Verdict::violated("a session that is made holds a connection"));
    }
    // One connection is enough for all of them, one after the other.
    let others = try_join_all((1..SESSIONS_MAX).map(|_| subject.pool.session())).await?;
    for (unit, number) in three.iter_mut().zip(1..) {
        let used = async {
            let echoed = echoes(subject, &mut **unit, number).await?;
            unit.commit().await?;
            Ok::<_, contract::Error>(echoed)
        };
        match subject.unless_stuck(used).await.transpose()? {
            None => return Ok(Verdict::violated("the connection is held after the commit")),
            Some(false) => {
                return Ok(Verdict::violated("a session is answered by another answer"));
            }
            Some(true) => {}
        }
    }
    drop(others);
    let [unit, ..] = &mut three;
    unit.close().await?;
    let again = echoes(subject, &mut **unit, 4).await?;
    subject.trace.note("used after its close", if again { "answers" } else { "fails" });
    subject.trace.fact(Fact::Value, again);
    for unit in &mut three {
        unit.close().await?;
    }
    Ok(match (again, all_are_back(subject).await?) {
        (true, true) => Verdict::Upheld,
        (false, _) => Verdict::violated("a session does not answer after its close"),
        (true, false) => Verdict::violated("a connection is held after the close"),
    })
}

async fn each_request_has_a_session_of_its_own(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = (0..REQUESTS).map(|number| {
        let seen = Arc::clone(&seen);
        let body: Body = Box::new(move |unit| {
            Box::pin(async move {
                unit.add(task("mine"));
                unit.flush().await?;
                let rows = count(unit).await?;
                seen.lock().await.push(rows);
                match number % 2 {
                    0 => Ok(()),
                    _ => Err(contract::Error::new(Class::Planted, "the request fails")),
                }
            })
        });
        units.scope(Form::Function, body)
    });
    let requests: Vec<_> = requests.map(tokio::spawn).collect();
    let Some(ended) = subject.unless_stuck(join_all(requests)).await else {
        return Ok(Verdict::violated(format!("{REQUESTS} requests do not all come to an end")));
    };
    for ended in ended {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.class() == Class::Planted => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(panic) => return Ok(Verdict::violated(format!("a request ends with {panic}"))),
        }
    }
    let seen = seen.lock().await.clone();
    let rows = subject.rows("tasks").await?;
    Ok(if seen != [1; REQUESTS] || rows != 0 {
        Verdict::violated(format!(
            "a request sees rows of another, or leaves its own: each saw {seen:?}, and {rows} are there"
        ))
    } else if units.closed() != REQUESTS {
        Verdict::violated(format!("{} of {REQUESTS} sessions were closed", units.closed()))
    } else if !all_are_back(subject).await? {
        Verdict::violated("the requests do not give all connections back")
    } else {
        Verdict::Upheld
    })
}

async fn shared_session_is_serialised(subject: &Subject) -> Result<Verdict, Error> {
    let units: Arc<dyn Units> = units(subject)?;
    let shared: SharedUnit = Arc::new(Mutex::new(units.unit()));
    let together = Arc::new(Barrier::new(usize::try_from(TASKS).expect("it is a small number")));
    let dialect = subject.dialect();
    let asked = (1..=TASKS).map(|number| {
        let (shared, together) = (Arc::clone(&shared), Arc::clone(&together));
        tokio::spawn(async move {
            together.wait().await;
            let mut unit = shared.lock().await;
            let rows = unit.execute(&Statement::echo(dialect, number)).await?;
            Ok::<_, contract::Error>((number, rows))
        })
    });
    for answered in join_all(asked.collect::<Vec<_>>()).await {
        let Ok(answered) = answered else {
            return Ok(Verdict::violated("a task that shares a session panics"));
        };
        let (number, rows) = answered?;
        if rows != [[Value::Int(number)]] {
            return Ok(Verdict::violated(format!(
                "{number} is answered by another answer: {rows:?}"
            )));
        }
    }
    let closed = shared.lock().await.close().await;
    closed?;
    Ok(Verdict::Upheld)
}
