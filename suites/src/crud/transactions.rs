//! What sessions see of each other's transactions.

use dropproof::{
    contract::{Answer, BoxedSession, Class, Ending, Gate, Op, Pool, Script, Session, Step},
    database::Kind,
    verdict::{Error, Verdict},
};

use super::{
    databases::{SecondRead, facts},
    interleave::{Under, play_to},
    steps::{create_task, done, is_usable, rename, run, task, tasks},
};
use crate::{
    Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

const SERVERS: &[Kind] = &[Kind::Postgres, Kind::MySql, Kind::MariaDb];

pub(super) const SEEN_AFTER_COMMIT: Scenario = Scenario {
    check: "crud/work-is-seen-only-after-commit",
    originals: &[Original {
        claim: "crud-create-user",
        traces: traces!("crud-create-user"),
        pairs: &[
            Pair { theirs: ("flush", 0), ours: "the writer creates a task", on: EVERYWHERE },
            Pair { theirs: ("commit", 0), ours: "the writer commits", on: EVERYWHERE },
            Pair { theirs: ("close", 0), ours: "both sessions are given back", on: EVERYWHERE },
        ],
        left_out: &[
            (("add", 0), "a pending object, which a client library has not"),
            (("refresh", 0), "an object that is read again, which a client library has not"),
            (("create_through_repository", 0), "hashing is the application's"),
        ],
        deviations: &[Deviation {
            theirs: ("commit", 0),
            fact: Fact::ConnectionsOut,
            on: EVERYWHERE,
            ours: "2",
            because: "the original's session gives its connection back at the commit, a lent \
                    one of a pool is kept until it is dropped; the reader has the second",
        }],
    }],
};

pub(super) async fn work_is_seen_only_after_commit(subject: &Subject) -> Result<Verdict, Error> {
    let trace = &subject.trace;
    let mut writer = subject.pool.session().await?;
    let mut reader = subject.pool.session().await?;
    let gate = Gate::default();
    let steps = [run(create_task("shared")), Step::Hold(gate.clone())];
    let (script, _) = Script::new(steps, Ending::Commit);

    subject.listen();
    let writing = writer.transact(script);
    let step = "the writer creates a task";
    let Under::Held(rest) = play_to(trace, step, writing, &gate).await? else {
        return Err(Error::Vacuous { why: "the transaction ended at once".to_owned() });
    };
    subject.verbs();
    let witnessed = subject.rows("tasks").await?;
    let open = subject.open_transactions().await?;
    let before = (tasks_seen(subject, &mut reader, "before").await?, witnessed, open);
    subject.listen();
    gate.open();
    trace.see("the writer commits", rest, done).await?;
    subject.verbs();
    let witnessed = subject.rows("tasks").await?;
    let open = subject.open_transactions().await?;
    subject.connections_out(2).await?;
    let after = (tasks_seen(subject, &mut reader, "after").await?, witnessed, open);
    subject.listen();
    drop((writer, reader));
    trace.note("both sessions are given back", "done");
    subject.open_transactions().await?;
    subject.verbs();
    subject.connections_out(0).await?;

    Ok(match (before, after) {
        ((0, 0, 1), (1, 1, 0)) => Verdict::Upheld,
        ((0, 0, 1), (reader, witness, open)) => Verdict::violated(format!(
            "after the commit the reader sees {reader} tasks and the witness {witness}, not 1, \
             and {open} transactions are open"
        )),
        ((reader, witness, open), _) => Verdict::violated(format!(
            "before the commit the reader sees {reader} tasks and the witness {witness}, not 0, \
             and {open} transactions are open"
        )),
    })
}

/// How many tasks another session sees.
async fn tasks_seen(
    subject: &Subject,
    reader: &mut BoxedSession,
    when: &str,
) -> Result<usize, Error> {
    let shown = |tasks: &Vec<_>| format!("{} tasks", tasks.len());
    let step = format!("the reader looks {when} the commit");
    Ok(subject.trace.see(&step, tasks(reader), shown).await?.len())
}

pub(super) const ISOLATION: Scenario = Scenario {
    check: "crud/transaction-reads-as-its-isolation-level-says",
    originals: &[Original {
        claim: "crud-refresh-reloads",
        traces: traces!("crud-refresh-reloads"),
        pairs: &[
            Pair {
                theirs: ("refresh_inside_a_transaction_that_has_read", 0),
                ours: "read again in the transaction",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("refresh_after_own_commit", 0),
                ours: "read after the transaction",
                on: SERVERS,
            },
        ],
        left_out: &[
            (("refresh_after_commit", 0), "an object that is read again, of a session"),
            (("refresh_after_commit", 1), "an object that is read again, of a session"),
            (("refresh_of_a_deleted_row", 0), "an object that is read again, of a session"),
            (("refresh_of_an_unsaved_object", 0), "an object that is read again, of a session"),
            (
                ("refresh_after_own_commit", 0),
                "on SQLite nothing was committed meanwhile, because the reader held it back",
            ),
        ],
        deviations: &[Deviation {
            theirs: ("refresh_inside_a_transaction_that_has_read", 0),
            fact: Fact::Value,
            on: &[Kind::Sqlite],
            ours: "false",
            because: "Python's driver begins no transaction for a SELECT, so that its read lock is \
                gone; here the reader is in one, and the other's commit is refused",
        }],
    }],
};

/// One reads in a transaction, another commits, the first reads again.
pub(super) async fn transaction_reads_as_its_isolation_level_says(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let facts = facts(subject.kind());
    let mut session = subject.pool.session().await?;
    let id = session.run(&create_task("old")).await?.id()?;
    drop(session);
    let seen = second_read(subject, id, ["old", "new"], None).await?;
    if seen != facts.second_read {
        return Ok(Verdict::violated(format!(
            "in one transaction: {seen:?}, and by default {:?}",
            facts.second_read
        )));
    }
    let Some(level) = facts.repeatable_read else { return Ok(Verdict::Upheld) };
    let seen = second_read(subject, id, ["new", "newer"], Some(level)).await?;
    Ok(Verdict::upheld_if(seen == SecondRead::SeesSnapshot, || {
        format!("in one transaction of REPEATABLE READ: {seen:?}")
    }))
}

async fn second_read(
    subject: &Subject,
    id: i64,
    [old, new]: [&str; 2],
    level: Option<&'static str>,
) -> Result<SecondRead, Error> {
    let trace = &subject.trace;
    let mut reader = subject.pool.session().await?;
    let mut writer = subject.pool.session().await?;
    if subject.kind() == Kind::Sqlite {
        // It is refused at once, and not after the time for which it would wait.
        writer.run(&Op::Text("PRAGMA busy_timeout = 0".into())).await?;
    }
    let gate = Gate::default();
    let level = level.map(|level| run(Op::Text(level.into())));
    let read = || run(Op::Task(id));
    let steps = level.into_iter().chain([read(), Step::Hold(gate.clone()), read()]);
    let (script, record) = Script::new(steps, Ending::Commit);

    let reading = reader.transact(script);
    let step = format!("read `{old}` in a transaction");
    let Under::Held(rest) = play_to(trace, &step, reading, &gate).await? else {
        return Err(Error::Vacuous { why: "the transaction ended at once".to_owned() });
    };
    let written = async { writer.run(&rename(id, new)).await?.changed() };
    let written = trace.see(&format!("another commits `{new}`"), written, done).await;
    gate.open();
    rest.await?;
    let titles = record.answers().into_iter().filter_map(|answer| match answer {
        Answer::Task(task) => Some(task.and_then(|task| task.title).unwrap_or_default()),
        _ => None,
    });
    let titles: Vec<String> = titles.collect();
    trace.note("read again in the transaction", titles.join(", then "));
    trace.fact(Fact::Value, titles.last().is_some_and(|title| title == new));
    let after = task(&mut reader, id).await?.and_then(|task| task.title).unwrap_or_default();
    trace.note("read after the transaction", &after);
    trace.fact(Fact::Value, after == new);

    match (written, titles.as_slice()) {
        (Ok(_), [first, second]) if first == old && second == new => Ok(SecondRead::SeesCommit),
        (Ok(_), [first, second]) if first == old && second == old => Ok(SecondRead::SeesSnapshot),
        (Err(error), _) if error.class() == Class::Conflict => Ok(SecondRead::CommitRefused),
        (Err(error), _) => Err(error.into()),
        (Ok(_), other) => Err(Error::Vacuous { why: format!("the transaction read {other:?}") }),
    }
}

pub(super) const STALE_WRITE: Scenario =
    Scenario { check: "crud/write-on-a-stale-read-follows-the-isolation-level", originals: &[] };

/// One reads in a transaction, another commits, the first writes on what it has read.
pub(super) async fn write_on_a_stale_read_follows_the_isolation_level(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let facts = facts(subject.kind());
    let trace = &subject.trace;
    let mut writer = subject.pool.session().await?;
    let mut other = subject.pool.session().await?;
    if subject.kind() == Kind::Sqlite {
        other.run(&Op::Text("PRAGMA busy_timeout = 0".into())).await?;
    }
    let id = writer.run(&create_task("old")).await?.id()?;
    let gate = Gate::default();
    let level = facts.repeatable_read.map(|level| run(Op::Text(level.into())));
    let steps = level.into_iter().chain([
        run(Op::Task(id)),
        Step::Hold(gate.clone()),
        run(rename(id, "mine")),
    ]);
    let (script, _) = Script::new(steps, Ending::Commit);

    let writing = writer.transact(script);
    let Under::Held(rest) = play_to(trace, "read in a transaction", writing, &gate).await? else {
        return Err(Error::Vacuous { why: "the transaction ended at once".to_owned() });
    };
    let theirs = async { other.run(&rename(id, "theirs")).await?.changed() };
    let theirs = trace.see("another commits", theirs, done).await.is_ok();
    gate.open();
    let mine = trace.see("write on what was read", rest, done).await;
    let usable = is_usable(&mut writer).await;
    let now = task(&mut other, id).await?.and_then(|task| task.title).unwrap_or_default();
    trace.note("another reads", &now);

    let waits = facts.second_read == SecondRead::CommitRefused;
    if theirs == waits {
        let done = if theirs { "was done" } else { "was refused" };
        return Ok(Verdict::violated(format!("the other's commit {done}")));
    }
    let class = mine.as_ref().err().map(dropproof::contract::Error::class);
    let expected = match (waits, facts.writes_on_stale_reads) {
        (false, false) => (Some(Class::Conflict), "theirs"),
        (true, _) | (_, true) => (None, "mine"),
    };
    Ok(Verdict::upheld_if((class, now.as_str()) == expected && usable, || {
        format!(
            "a write on what has changed since: the error is {class:?} and `{now}` is stored, not \
             {expected:?}; session usable: {usable}"
        )
    }))
}
