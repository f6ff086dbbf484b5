//! Scopes: that each closes its session once, whichever way it is left.

use std::{
    fmt,
    future::{pending, ready},
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

use dropproof::{
    contract::{self, Body, Capability, Class, Form, PLANTED_PANIC, Pool, Units},
    sweep::Operation,
    verdict::{Error, Level, Verdict},
};
use futures::{
    FutureExt,
    future::{Either, select},
};
use tokio::{sync::oneshot, time::timeout};

use super::steps::{End, OPTIONS, all_are_back, empty, task, units};
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: CLOSES_ONCE.check,
        level: Level::Must,
        requirement: "A scope MUST close its session exactly once, roll back what was not \
            committed and give the connection back, when it is left by a return, an error, a \
            panic, a drop, an abort, a timeout or a lost `select!`; a function with a body and \
            a generator that yields once MUST do the same.",
        claims: &["scope-get-db-closes", "scope-get-db-async-with", "guard-finally-no-leak"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "Code after the body runs on a return and on an error; a panic, an abort, a \
            timeout and a lost `select!` never come to it. What closes on every way out is a \
            drop; what closes in the code too has to tell the drop that it is done.",
        catches: &[
            (Fault::ScopeClosesTwice, "closed 2 times"),
            (Fault::LeaksOnError, "error: the connection does not come back"),
            (Fault::LeaksOnPanic, "panic: the connection does not come back"),
            (Fault::LeaksSession, "drop: the connection does not come back"),
            (Fault::LeaksInTask, "abort: the connection does not come back"),
        ],
        run: |cell| cell.play_scenario(&CLOSES_ONCE, scope_closes_its_session_once),
    },
    Check {
        id: "session-scope/dropped-scope-leaves-nothing",
        level: Level::Must,
        requirement: "A scope that is dropped at any place of its body or of its close MUST \
            leave all or nothing of what it commits, no transaction and a sound pool.",
        claims: &["scope-get-db-closes", "guard-cancel-during-close"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A session that is dropped in the middle of a request does not know what \
            its connection is at. Arm the guard before the first await, and close what was \
            dropped at work instead of giving it back.",
        catches: &[(Fault::LeaksSession, "stuck at")],
        run: |cell| {
            let forms = [Form::Function, Form::Generator];
            cell.sweep_each(forms.map(|form| (form.to_string(), in_scope(form))).into())
        },
    },
    Check {
        id: "session-scope/runtime-shut-down-closes-the-scope",
        level: Level::Must,
        requirement: "A scope whose runtime is shut down, with it or before it, MUST be dropped \
            without a panic, and MUST leave all or nothing of what it commits, no connection \
            and nothing open.",
        claims: &["scope-get-db-closes", "guard-finally-no-leak"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "At the end of a service nobody polls any more, so a close that has to be \
            awaited, or spawned, never happens. What the drop can do by itself, without a \
            runtime, is to close the socket.",
        catches: &[(Fault::LeaksAfterRuntime, "lock is held")],
        run: |cell| cell.shut_down(in_scope(Form::Function)),
    },
    Check {
        id: "session-scope/dropped-end-of-a-session-leaves-nothing",
        level: Level::Must,
        requirement: "A flush, a commit, a rollback or a close of a session that is dropped at \
            any place MUST leave all or nothing of the work, no transaction and a sound pool.",
        claims: &["guard-cancel-during-close"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "The close stands in the way out, where a second cancellation hits it most \
            often, and Rust has no shield against it. It has to be safe by itself: what it has \
            not come to is done by the drop.",
        catches: &[(Fault::LeaksSession, "stuck at")],
        run: |cell| cell.sweep_each(End::ALL.map(|end| (end.to_string(), ended_by(end))).into()),
    },
    Check {
        id: "session-scope/nested-scopes-have-sessions-of-their-own",
        level: Level::Must,
        requirement: "A scope inside a scope MUST have a session of its own, whose commit \
            commits nothing of the outer one.",
        claims: &["scope-get-db-closes", "scope-orm-session-vs-db-session"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A scope that finds a session and reuses it commits what the caller has \
            only begun. Whoever wants one transaction passes the session on.",
        catches: &[(Fault::SharesPending, "rows are there")],
        run: |cell| cell.play(nested_scopes_have_sessions_of_their_own),
    },
];

/// A way to leave a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Return,
    Commit,
    Error,
    Drop,
    Panic,
    Abort,
    Timeout,
    Select,
}

impl Way {
    const ALL: [Way; 8] = [
        Way::Return,
        Way::Commit,
        Way::Error,
        Way::Drop,
        Way::Panic,
        Way::Abort,
        Way::Timeout,
        Way::Select,
    ];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Way::Return => "return",
            Way::Commit => "commit",
            Way::Error => "error",
            Way::Drop => "drop",
            Way::Panic => "panic",
            Way::Abort => "abort",
            Way::Timeout => "timeout",
            Way::Select => "select",
        })
    }
}

pub(super) const CLOSES_ONCE: Scenario = Scenario {
    check: "session-scope/scope-closes-its-session-once",
    originals: &[
        Original {
            claim: "scope-get-db-closes",
            traces: traces!("scope-get-db-closes"),
            pairs: &[
                Pair { theirs: ("scope", 0), ours: "generator: return", on: EVERYWHERE },
                Pair { theirs: ("scope", 1), ours: "generator: commit", on: EVERYWHERE },
                Pair { theirs: ("scope", 2), ours: "generator: error", on: EVERYWHERE },
                Pair { theirs: ("scope", 3), ours: "generator: drop", on: EVERYWHERE },
            ],
            left_out: &[],
            deviations: &[DROPPED],
        },
        Original {
            claim: "scope-get-db-async-with",
            traces: traces!("scope-get-db-async-with"),
            pairs: &[
                Pair { theirs: ("scope", 0), ours: "function: return", on: EVERYWHERE },
                Pair { theirs: ("scope", 1), ours: "function: commit", on: EVERYWHERE },
                Pair { theirs: ("scope", 2), ours: "function: error", on: EVERYWHERE },
                Pair { theirs: ("scope", 3), ours: "function: drop", on: EVERYWHERE },
            ],
            left_out: &[],
            deviations: &[DROPPED],
        },
    ],
};

const DROPPED: Deviation = Deviation {
    theirs: ("scope", 3),
    fact: Fact::Error,
    on: EVERYWHERE,
    ours: "null",
    because: "a cancellation is raised in the task as an error; a future that is dropped gives nothing",
};

async fn scope_closes_its_session_once(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    // What a new connection says first is no part of a scope.
    if !all_are_back(subject).await? {
        return Ok(Verdict::violated("the pool does not lend its sessions"));
    }
    for form in [Form::Function, Form::Generator] {
        for way in Way::ALL {
            let before = units.closed();
            subject.listen();
            let step = format!("{form}: {way}");
            let Some(left) = subject.unless_stuck(leave(&*units, form, way)).await else {
                return Ok(Verdict::violated(format!("{step}: the scope is never left")));
            };
            subject.settle().await;
            match left {
                Ok(how) => subject.trace.note(&step, how),
                Err(error) if error.class() == Class::Planted => {
                    subject.trace.note(&step, "error");
                    subject.trace.fact(Fact::Error, error.class().name());
                }
                Err(error) => return Err(error.into()),
            }
            subject.verbs();
            if !all_are_back(subject).await? {
                return Ok(Verdict::violated(format!("{step}: the connection does not come back")));
            }
            let (rows, open) = (subject.rows("tasks").await?, subject.open_transactions().await?);
            let closed = units.closed() - before;
            let expected = usize::from(way == Way::Commit);
            if (closed, rows, open) != (1, expected, 0) {
                return Ok(Verdict::violated(format!(
                    "{step}: closed {closed} times, {rows} rows are there and {open} transactions \
                     are open, not 1, {expected} and 0"
                )));
            }
            empty(subject).await?;
        }
    }
    Ok(Verdict::Upheld)
}

/// Stores a task in a scope and leaves it.
async fn leave(units: &dyn Units, form: Form, way: Way) -> contract::Result<&'static str> {
    let (body, stored) = body(way);
    let scope = units.scope(form, body);
    match way {
        Way::Return | Way::Commit | Way::Error => scope.await.map(|()| "returned"),
        Way::Panic => Ok(match AssertUnwindSafe(scope).catch_unwind().await {
            Err(_) => "panicked",
            Ok(_) => "returned",
        }),
        Way::Abort => {
            let task = tokio::spawn(scope);
            stored.await.ok();
            task.abort();
            Ok(if task.await.is_err() { "left" } else { "returned" })
        }
        Way::Drop | Way::Timeout | Way::Select => {
            let Either::Left((_, scope)) = select(stored, scope).await else {
                return Ok("returned");
            };
            let waits = match way {
                Way::Timeout => timeout(Duration::ZERO, scope).await.is_err(),
                Way::Select => matches!(select(ready(()), scope).await, Either::Left(_)),
                _ => {
                    drop(scope);
                    true
                }
            };
            Ok(if waits { "left" } else { "returned" })
        }
    }
}

/// The body of a scope that is left in such a way, and what tells that it has stored its task.
fn body(way: Way) -> (Body, oneshot::Receiver<()>) {
    let (said, stored) = oneshot::channel();
    let body: Body = Box::new(move |unit| {
        Box::pin(async move {
            unit.add(task("planted"));
            unit.flush().await?;
            match way {
                Way::Return => Ok(()),
                Way::Commit => unit.commit().await,
                Way::Error => {
                    Err(contract::Error::new(Class::Planted, "the body of the scope fails"))
                }
                Way::Panic => resume_unwind(Box::new(PLANTED_PANIC)),
                Way::Drop | Way::Abort | Way::Timeout | Way::Select => {
                    said.send(()).ok();
                    pending().await
                }
            }
        })
    });
    (body, stored)
}

/// Stores a task in a scope.
pub(super) fn in_scope(form: Form) -> Operation {
    let body = || -> Body {
        Box::new(|unit| {
            Box::pin(async move {
                unit.add(task("planted"));
                unit.commit().await
            })
        })
    };
    Operation::new(move |pool, lent| async move {
        drop(lent);
        pool.units(OPTIONS)?.scope(form, body()).await
    })
    .changing()
}

fn ended_by(end: End) -> Operation {
    let operation = Operation::new(move |pool, lent| async move {
        drop(lent);
        let mut unit = pool.units(OPTIONS)?.unit();
        unit.add(task("planted"));
        unit.flush().await?;
        end.of(&mut *unit).await
    });
    if end == End::Commit { operation.changing() } else { operation }
}

async fn nested_scopes_have_sessions_of_their_own(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let inner = Arc::clone(&units);
    let outer: Body = Box::new(move |unit| {
        Box::pin(async move {
            unit.add(task("outer"));
            let body: Body = Box::new(|unit| {
                Box::pin(async move {
                    unit.add(task("inner"));
                    unit.commit().await
                })
            });
            inner.scope(Form::Function, body).await
        })
    });
    units.scope(Form::Function, outer).await?;
    let (rows, closed) = (subject.rows("tasks").await?, units.closed());
    Ok(match (rows, closed) {
        (1, 2) => Verdict::Upheld,
        (1, closed) => {
            Verdict::violated(format!("two scopes have closed {closed} sessions, not 2"))
        }
        (rows, _) => Verdict::violated(format!(
            "{rows} rows are there, and the inner scope has committed 1 and the outer none"
        )),
    })
}
