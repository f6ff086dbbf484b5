//! Results that are read bit by bit, and left early.

use std::pin::pin;

use dropproof::{
    contract::{
        Answer, Capability, Dialect, Ending, Op, Pool, Result as LayerResult, Script, Session,
        Statement, Statements, Step, Value,
    },
    sweep::Operation,
    verdict::{Error, Level, Verdict},
};
use futures::StreamExt;

use super::{create, statements::own_or_written_down};
use crate::{Check, Fault, Subject, cell::Named};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/dropped-stream-leaves-its-session-usable",
        level: Level::Must,
        requirement: "A stream of rows that is dropped at any place, before its first row, \
            after some or at its end, MUST leave its session and the pool usable, and what \
            is committed after it MUST be there.",
        claims: &["guard-cancel-mid-query", "guard-finally-no-leak"],
        needs: &[],
        since: "0.1.0",
        background: "The rows that nobody wants are still sent. They have to be read and \
            thrown away before the next answer, by whoever uses the connection next or by a \
            task of the client's.",
        catches: &[(Fault::AnswersLate, "desynced at"), (Fault::LeaksAsked, "stuck at")],
        run: |cell| cell.sweep_each(streams()),
    },
    Check {
        id: "drop-guard/long-stream-is-left-early",
        level: Level::Must,
        requirement: "A stream of more rows than fit into any buffer, left after some of them, \
            MUST leave its session able to answer the next question by its own answer.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "As long as all rows lie in a buffer, leaving early is easy. Where they do \
            not, the server is still sending when the stream is dropped, and whoever comes \
            next has to read megabytes that are not meant for it.",
        catches: &[(Fault::AnswersLate, "the next question is answered by")],
        run: |cell| cell.play(long_stream_is_left_early),
    },
    Check {
        id: "drop-guard/dropped-copy-in-is-all-or-nothing",
        level: Level::Must,
        requirement: "A COPY into a table that is dropped at any place MUST leave all of its \
            rows or none, and a session that is not in copy mode.",
        claims: &["guard-cancel-mid-query"],
        needs: &[Capability::BulkLoad],
        since: "0.1.0",
        background: "In copy mode the server takes every message for data until it is told \
            that it ends or fails. A client whose writer is dropped owes a CopyFail, and has \
            to know that it owes it from the first byte of the COPY on, not only from the \
            server's answer.",
        catches: &[(Fault::CopyIsSplit, "torn at")],
        run: |cell| cell.sweep(copy_in().changing()),
    },
    Check {
        id: "drop-guard/dropped-copy-out-leaves-its-session-usable",
        level: Level::Must,
        requirement: "A COPY out of a table that is dropped at any place, or left early, MUST \
            leave its session and the pool usable.",
        claims: &["guard-cancel-mid-query"],
        needs: &[Capability::BulkLoad],
        since: "0.1.0",
        background: "Data that is not fetched any more still comes, as the rows of a stream \
            do, in messages of their own kind: who throws away the rest has to know those \
            too.",
        catches: &[(Fault::AnswersLate, "desynced at"), (Fault::LeaksAsked, "stuck at")],
        run: |cell| cell.sweep_each(copies_out()),
    },
    Check {
        id: "drop-guard/dropped-copy-goes-with-its-transaction",
        level: Level::Must,
        requirement: "A transaction with a COPY in it, in or out, that is dropped at any place \
            MUST leave no transaction, a session that is not in copy mode, and all of its work \
            or none.",
        claims: &["guard-cancel-mid-query", "guard-uncommitted-rolled-back"],
        needs: &[Capability::BulkLoad, Capability::DroppedGuard],
        since: "0.1.0",
        background: "The rollback of a dropped guard is one more request. In copy mode the \
            server takes it for data, so the COPY has to be ended first, and by then nobody is \
            left who knows of it.",
        catches: &[(Fault::BeginsByHand, "poisoned at"), (Fault::CommitForgotten, "lost at")],
        run: |cell| cell.sweep_each(copies_in_transactions()),
    },
    Check {
        id: "drop-guard/open-cursor-goes-with-its-transaction",
        level: Level::Must,
        requirement: "A transaction with an open cursor that is dropped at any place MUST \
            leave no cursor, no transaction, and all of its work or none.",
        claims: &["guard-cancel-mid-query", "guard-uncommitted-rolled-back"],
        needs: &[Capability::Cursors, Capability::DroppedGuard],
        since: "0.1.0",
        background: "A cursor lives as long as its transaction, so one that is left open shows \
            that nobody has rolled back.",
        catches: &[(Fault::BeginsByHand, "poisoned at"), (Fault::CommitForgotten, "lost at")],
        run: |cell| cell.sweep_each(cursors()),
    },
];

fn four_rows() -> Statement {
    Statement::new("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4", [])
}

/// Streams that are left after some rows, outside of a transaction and inside of one.
fn streams() -> Named {
    let outside = |take: usize| {
        Operation::new(move |_, mut session| async move {
            leave_after(&mut session, four_rows(), take).await?;
            session.run(&Op::Tasks).await.map(drop)
        })
    };
    let inside = Operation::transact(|| {
        let rows = Step::Rows { statement: four_rows(), take: 1 };
        Script::new([rows, create()], Ending::Commit).0
    })
    .changing();
    vec![
        ("no row".to_owned(), outside(0)),
        ("one row".to_owned(), outside(1)),
        ("every row".to_owned(), outside(usize::MAX)),
        ("in a transaction".to_owned(), inside),
    ]
}

/// Reads so many rows, drops the stream, and says how many there were.
pub(crate) async fn leave_after<S: Session>(
    session: &mut S,
    statement: Statement,
    take: usize,
) -> LayerResult<usize> {
    let mut on = session.on();
    let mut rows = pin!(on.rows(&statement).take(take));
    let mut read = 0;
    while let Some(row) = rows.next().await {
        row?;
        read += 1;
    }
    Ok(read)
}

/// So many rows of four kilobytes fit into no buffer of a socket.
const MANY: usize = 1000;

fn many_rows(dialect: Dialect) -> Statement {
    let wide = match dialect {
        Dialect::Sqlite => "HEX(ZEROBLOB(2000))",
        _ => "REPEAT('x', 4000)",
    };
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) \
         SELECT {wide} FROM n"
    );
    Statement::new(sql, [])
}

async fn long_stream_is_left_early(subject: &Subject) -> Result<Verdict, Error> {
    for (take, asked) in [0, 1, MANY / 2, MANY].into_iter().zip(1..) {
        let mut session = subject.pool.session().await?;
        let read = leave_after(&mut session, many_rows(subject.dialect()), take).await?;
        let question = Op::Fetch(Statement::echo(subject.dialect(), asked));
        let Some(answer) = subject.unless_stuck(session.run(&question)).await else {
            return Ok(Verdict::violated(format!(
                "after {take} of {MANY} rows the next question is never answered"
            )));
        };
        let answer = answer?.rows()?;

        if read != take {
            return Ok(Verdict::violated(format!("{read} rows came where {take} were wanted")));
        }
        if answer != [[Value::Int(asked)]] {
            return Ok(Verdict::violated(format!(
                "after {take} of {MANY} rows the next question is answered by {} other rows",
                answer.len()
            )));
        }
    }
    Ok(Verdict::Upheld)
}

const COPY_TASKS: &str = "COPY tasks (title) FROM STDIN";

fn copy_in() -> Operation {
    Operation::new(|_, mut session| async move {
        let pieces = ["a\n", "b\n", "c\n"];
        session.on().copy_in(COPY_TASKS, &pieces).await.map(drop)
    })
}

fn copies_out() -> Named {
    let out = |take: usize| {
        Operation::new(move |pool, mut session| async move {
            let sql = "COPY (SELECT generate_series(1, 4)) TO STDOUT";
            session.on().copy_out(sql, take).await?;
            let question = Statement::echo(session.on().dialect(), 1);
            let answer = session.run(&Op::Fetch(question)).await.and_then(Answer::rows);
            drop(session);
            own_or_written_down(&pool, 1, answer).await
        })
        .with_sessions(2)
        .on_fresh_pools()
    };
    vec![("one piece".to_owned(), out(1)), ("every piece".to_owned(), out(usize::MAX))]
}

fn copies_in_transactions() -> Named {
    let copying = |ending: Ending| {
        Operation::transact(move || {
            let out = "COPY (SELECT generate_series(1, 4)) TO STDOUT";
            let steps = [
                Step::CopyIn { sql: COPY_TASKS.into(), pieces: &["a\n", "b\n"] },
                Step::CopyOut { sql: out.into(), take: usize::MAX },
                create(),
            ];
            Script::new(steps, ending).0
        })
    };
    vec![
        ("left".to_owned(), copying(Ending::Leave)),
        ("committed".to_owned(), copying(Ending::Commit).changing()),
    ]
}

fn cursors() -> Named {
    let reading = |ending: Ending| {
        Operation::transact(move || {
            let open = "DECLARE planted CURSOR FOR SELECT 1 UNION ALL SELECT 2";
            let steps = [
                Step::Run(Op::Text(open.into())),
                Step::Run(Op::Fetch(Statement::new("FETCH 1 FROM planted", []))),
                create(),
            ];
            Script::new(steps, ending).0
        })
    };
    vec![
        ("left".to_owned(), reading(Ending::Leave)),
        ("committed".to_owned(), reading(Ending::Commit).changing()),
    ]
}
