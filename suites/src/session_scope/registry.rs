//! Registries: a session for each task or each thread, and that nothing stays of what has ended.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use dropproof::{
    contract::{self, Capability, Class, Key, Registry, SharedUnit, Units},
    verdict::{Error, Level, Verdict},
};
use futures::{FutureExt, future::BoxFuture};
use tokio::{
    runtime, spawn,
    sync::{Barrier, mpsc as channel, oneshot},
    task::JoinHandle,
};

use super::steps::{all_are_back, empty, task, units};
use crate::{
    Check, Fault, Subject,
    cell::{SESSIONS_MAX, Scenario},
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

/// So many tasks end, and nothing grows.
const MANY: usize = 10_000;
/// A task that is on one thread by then will never be on another.
const WANDERED_MAX: Duration = Duration::from_secs(30);

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "session-scope/each-task-has-a-session-of-its-own",
        level: Level::Must,
        requirement: "A registry that is keyed by the task MUST give each task a session of its \
            own, the same whenever it asks, also when the task has moved to another thread; a \
            task that it spawns MUST NOT get it.",
        claims: &["scope-async-scoped-session", "scope-shared-session-tasks"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A task is on another thread after each await, perhaps. What is bound to \
            the task goes with it: a task-local slot around the task's future, which a spawned \
            child does not inherit.",
        catches: &[
            (Fault::RegistryByThread, "tasks share a session"),
            (Fault::RegistryShared, "tasks share a session"),
        ],
        run: |cell| cell.play(each_task_has_a_session_of_its_own),
    },
    Check {
        id: "session-scope/each-thread-has-a-session-of-its-own",
        level: Level::Must,
        requirement: "A registry that is keyed by the thread MUST give each thread a session of \
            its own, the same whenever it asks, and MUST forget it at the thread's end.",
        claims: &["scope-scoped-session-threads"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "Right where one thread is one unit of work. A thread-local value is \
            dropped at the end of its thread, and has to give its connection back then.",
        catches: &[(Fault::RegistryShared, "threads share a session")],
        run: |cell| cell.play(each_thread_has_a_session_of_its_own),
    },
    Check {
        id: "session-scope/tasks-share-the-session-of-their-thread",
        level: Level::Must,
        requirement: "Tasks on one thread MUST be seen to share the session of a registry that \
            is keyed by the thread: one's rollback discards the other's row, whose commit \
            reports success, and one's commit stores what the other rolls back.",
        claims: &["scope-scoped-session-asyncio", "scope-shared-session-tasks"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "This shows the hazard, as it was measured on the original system: the \
            notes take the thread-keyed registry for the remedy. Key it by the task, or pass \
            the session.",
        catches: &[(Fault::RegistryByTask, "do not share")],
        run: |cell| cell.play(tasks_share_the_session_of_their_thread),
    },
    Check {
        id: FORGETS.check,
        level: Level::Must,
        requirement: "A registry MUST forget the session of a task that has ended, was dropped \
            or has removed it, and the connection MUST come back; after many tasks nothing \
            MUST have grown.",
        claims: &["scope-registry-cleanup", "scope-async-scoped-session"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A map from tasks to sessions keeps both alive for ever: the original's \
            registry holds the task itself, so that the collector cannot help, and with the \
            pool's last connection the service stands still. An entry that lives in the task \
            goes with it.",
        catches: &[(Fault::RegistryLeaks, "does not forget")],
        run: |cell| cell.play_scenario(&FORGETS, registry_forgets_what_has_ended),
    },
];

/// What a registry gives, told apart from others.
fn identity(unit: &SharedUnit) -> usize {
    Arc::as_ptr(unit).addr()
}

/// Runs a future for each of some tasks, as tasks of the registry.
fn run(
    registry: &Arc<dyn Registry>,
    future: impl Future<Output = contract::Result<()>> + Send + 'static,
) -> JoinHandle<contract::Result<()>> {
    spawn(registry.run(future.boxed()))
}

async fn ended(task: JoinHandle<contract::Result<()>>) -> Result<(), Error> {
    match task.await {
        Ok(ended) => Ok(ended?),
        Err(panic) => Err(contract::Error::new(Class::Other, panic).into()),
    }
}

async fn each_task_has_a_session_of_its_own(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let tasks = SESSIONS_MAX as usize;
    let registry = units.registry(Key::Task);
    let together = Arc::new(Barrier::new(tasks));
    let (seen, mut sessions) = channel::unbounded_channel();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (registry, together, seen) =
                (Arc::clone(&registry), Arc::clone(&together), seen.clone());
            run(&Arc::clone(&registry), async move {
                let first = registry.unit()?;
                first.lock().await.execute(&contract::Statement::new("SELECT 1", [])).await?;
                // All have theirs at the same time.
                together.wait().await;
                let again = registry.unit()?;
                let asked = Arc::clone(&registry);
                let child = spawn(async move { asked.unit().ok().map(|unit| identity(&unit)) });
                let child = child.await.ok().flatten();
                seen.send((identity(&first), identity(&again), child)).ok();
                together.wait().await;
                Ok(())
            })
        })
        .collect();
    drop(seen);
    for task in running {
        ended(task).await?;
    }
    let mut distinct = BTreeSet::new();
    while let Some((first, again, child)) = sessions.recv().await {
        if first != again {
            return Ok(Verdict::violated("a task gets another session when it asks again"));
        }
        if child == Some(first) {
            return Ok(Verdict::violated(
                "a task and the one that it has spawned: tasks share a session",
            ));
        }
        distinct.insert(first);
    }
    if distinct.len() != tasks {
        return Ok(Verdict::violated(format!(
            "{tasks} tasks share a session: there are {}",
            distinct.len()
        )));
    }
    if registry.entries() != 0 || !all_are_back(subject).await? {
        return Ok(Verdict::violated("the sessions of tasks that have ended are still there"));
    }
    wandering_task_keeps_its_session(&units)
}

/// Asks for the session of a task on one thread and then on another.
fn wandering_task_keeps_its_session(units: &Arc<dyn Units>) -> Result<Verdict, Error> {
    let registry = units.registry(Key::Task);
    let wandering = thread::spawn(move || {
        let threads = runtime::Builder::new_multi_thread().worker_threads(2).build();
        let threads = threads.map_err(|error| contract::Error::new(Class::Other, error))?;
        threads.block_on(async move {
            let (said, heard) = mpsc::channel();
            let asked = Arc::clone(&registry);
            let task = run(&registry, async move {
                let (first, home) = (identity(&asked.unit()?), thread::current().id());
                let until = Instant::now() + WANDERED_MAX;
                while thread::current().id() == home && Instant::now() < until {
                    from_a_busy_thread().await;
                }
                let moved = thread::current().id() != home;
                said.send((moved, first == identity(&asked.unit()?))).ok();
                Ok(())
            });
            match task.await {
                Ok(ended) => ended?,
                Err(panic) => return Err(contract::Error::new(Class::Other, panic)),
            }
            heard.recv().map_err(|gone| contract::Error::new(Class::Other, gone))
        })
    });
    match wandering.join() {
        Ok(Ok((true, true))) => Ok(Verdict::Upheld),
        Ok(Ok((true, false))) => {
            Ok(Verdict::violated("a task gets another session when it has moved to another thread"))
        }
        Ok(Ok((false, _))) => {
            Err(Error::Vacuous { why: "the task has never moved to another thread".to_owned() })
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Ok(Verdict::violated("a task that has moved to another thread panics")),
    }
}

/// Waits while another task keeps this thread busy, so that whoever waits goes on on another.
async fn from_a_busy_thread() {
    let (go_on, waits) = oneshot::channel();
    let (done, busy) = mpsc::channel::<()>();
    spawn(async move {
        // Who is woken by a task of a thread goes on there; who is woken from outside, anywhere.
        thread::spawn(move || go_on.send(()).ok());
        busy.recv().ok();
    });
    waits.await.ok();
    drop(done);
}

async fn each_thread_has_a_session_of_its_own(subject: &Subject) -> Result<Verdict, Error> {
    let registry = units(subject)?.registry(Key::Thread);
    let together = Arc::new(std::sync::Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (registry, together) = (Arc::clone(&registry), Arc::clone(&together));
            thread::spawn(move || {
                let (first, again) = (registry.unit()?, registry.unit()?);
                together.wait();
                Ok::<_, contract::Error>((identity(&first), identity(&again)))
            })
        })
        .collect();
    let mut distinct = BTreeSet::new();
    for ended in threads {
        let Ok(ended) = ended.join() else {
            return Ok(Verdict::violated("a thread that asks for its session panics"));
        };
        let (first, again) = ended?;
        if first != again {
            return Ok(Verdict::violated("a thread gets another session when it asks again"));
        }
        distinct.insert(first);
    }
    Ok(match (distinct.len(), registry.entries()) {
        (4, 0) => Verdict::Upheld,
        (4, left) => Verdict::violated(format!("{left} sessions of threads that ended are there")),
        (different, _) => {
            Verdict::violated(format!("4 threads share a session: there are {different}"))
        }
    })
}

async fn tasks_share_the_session_of_their_thread(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    for (other_commits, step) in [(true, "B commits"), (false, "B rolls back")] {
        let registry = units.registry(Key::Thread);
        let asked = Arc::clone(&registry);
        let a = run(&registry, async move {
            let unit = asked.unit()?;
            let mut unit = unit.lock().await;
            unit.add(task("A's"));
            unit.flush().await
        });
        ended(a).await?;
        end(&registry, other_commits).await?;
        end(&registry, !other_commits).await?;
        subject.trace.note(step, "without an error");
        let rows = subject.rows("tasks").await?;
        let expected = usize::from(other_commits);
        if rows != expected {
            return Ok(Verdict::violated(format!(
                "the tasks of a thread do not share its session: after `{step}` {rows} rows are \
                 there, not {expected}"
            )));
        }
        registry.remove().await?;
        empty(subject).await?;
    }
    Ok(Verdict::Upheld)
}

/// Ends the transaction of the session that a task of its own is given.
async fn end(registry: &Arc<dyn Registry>, commits: bool) -> Result<(), Error> {
    let asked = Arc::clone(registry);
    let task = run(registry, async move {
        let unit = asked.unit()?;
        let mut unit = unit.lock().await;
        match commits {
            true => unit.commit().await,
            false => unit.rollback().await,
        }
    });
    ended(task).await
}

pub(super) const FORGETS: Scenario = Scenario {
    check: "session-scope/registry-forgets-what-has-ended",
    originals: &[Original {
        claim: "scope-registry-cleanup",
        traces: traces!("scope-registry-cleanup"),
        pairs: &[
            Pair { theirs: ("three_finished_tasks", 0), ours: "three removed", on: EVERYWHERE },
            Pair { theirs: ("three_finished_tasks", 1), ours: "three not removed", on: EVERYWHERE },
        ],
        left_out: &[
            (("a_fourth_task", 0), "the pool lends all its sessions, which is judged"),
            (("a_fourth_task", 1), "an entry goes with its task here, so there is no such wait"),
        ],
        deviations: &[
            Deviation {
                theirs: ("three_finished_tasks", 1),
                fact: Fact::ConnectionsOut,
                on: EVERYWHERE,
                ours: "0",
                because: "an entry goes with its task",
            },
            Deviation {
                theirs: ("three_finished_tasks", 1),
                fact: Fact::OpenTransactions,
                on: SERVERS,
                ours: "0",
                because: "an entry goes with its task",
            },
        ],
    }],
};

const SERVERS: &[dropproof::database::Kind] = &[
    dropproof::database::Kind::Postgres,
    dropproof::database::Kind::MySql,
    dropproof::database::Kind::MariaDb,
];

async fn registry_forgets_what_has_ended(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let registry = units.registry(Key::Task);
    for removes in [true, false] {
        for _ in 0..SESSIONS_MAX {
            ended(run(&registry, reads(&registry, removes))).await?;
        }
        subject.settle().await;
        let step = if removes { "three removed" } else { "three not removed" };
        subject.trace.note(step, format_args!("{} entries", registry.entries()));
        subject.open_transactions().await?;
        if !all_are_back(subject).await? || registry.entries() != 0 {
            return Ok(Verdict::violated(format!(
                "{step}: the registry does not forget the sessions of tasks that have ended: \
                 {} are there",
                registry.entries()
            )));
        }
    }
    for number in 0..MANY {
        let asked = Arc::clone(&registry);
        let task = run(&registry, async move { asked.unit().map(drop) });
        if number % 2 == 0 {
            task.abort();
            drop(task.await);
        } else {
            ended(task).await?;
        }
    }
    let connections = subject.connections().unwrap_or_default();
    Ok(match registry.entries() {
        0 if connections <= SESSIONS_MAX as usize => Verdict::Upheld,
        0 => Verdict::violated(format!("{connections} connections are open after {MANY} tasks")),
        left => Verdict::violated(format!(
            "the registry does not forget: {left} sessions are there after {MANY} tasks"
        )),
    })
}

/// Reads by the session of the task, and removes it or leaves it.
fn reads(registry: &Arc<dyn Registry>, removes: bool) -> BoxFuture<'static, contract::Result<()>> {
    let registry = Arc::clone(registry);
    async move {
        let unit = registry.unit()?;
        unit.lock().await.execute(&contract::Statement::new("SELECT 1", [])).await?;
        drop(unit);
        if removes { registry.remove().await } else { Ok(()) }
    }
    .boxed()
}
