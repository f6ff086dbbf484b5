//! Order: what stands behind an await runs after it, and others run meanwhile.

use std::{
    cell::Cell as Counter,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use dropproof::{
    contract::{Dialect, Op, Pool, Session, Statement, Value},
    verdict::{Error, Level, Verdict},
    wire::{Place, Wire},
};
use tokio::task::yield_now;

use crate::{Check, Fault, Subject};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "missing-await/answer-comes-when-the-server-has-given-it",
        level: Level::Must,
        requirement: "A statement that is awaited MUST NOT be done before its answer has come: \
            what follows the await MUST run after it, with the value that the server gave.",
        claims: &["await-value-and-order"],
        needs: &[],
        since: "0.1.0",
        background: "A layer that answers from a buffer, and writes behind the caller's back, is \
            fast until the server refuses: then the caller has gone on with what never was.",
        catches: &[(Fault::AnswersAhead, "before the server")],
        run: |cell| cell.play(answer_comes_after_the_server),
    },
    Check {
        id: "missing-await/others-run-while-an-answer-is-awaited",
        level: Level::Must,
        requirement: "While a statement waits for its answer, other tasks of the same runtime MUST \
            run.",
        claims: &["await-yields-control"],
        needs: &[],
        since: "0.1.0",
        background: "A blocking client behind an async face, or a loop that polls until it has its \
            answer, stops everything else on the thread: with one thread, also whoever would have \
            brought the answer.",
        catches: &[(Fault::BlocksRuntime, "no other task runs")],
        run: |cell| cell.play(others_run_meanwhile),
    },
];

async fn answer_comes_after_the_server(subject: &Subject) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let create = Op::CreateTask { title: Some("planted".to_owned()) };
    // Prepared once, so that what is held is the answer to the statement itself.
    session.run(&create).await?;
    let ended = subject.drop_at(Place::Sent(1), session.run(&create)).await;
    let is_held = subject.connections().is_some();
    match ended {
        None => {}
        Some(Ok(_)) if is_held => {
            return Ok(Verdict::violated(
                "a statement is done before the server has got what it is to do",
            ));
        }
        Some(done) => {
            done?;
            let rows = subject.rows("tasks").await?;
            if rows != 2 {
                return Ok(Verdict::violated(format!(
                    "a statement is done before the server: {rows} rows are there, not 2"
                )));
            }
        }
    }
    drop(session);
    let mut session = subject.pool.session().await?;
    let answer = session.run(&Op::Fetch(Statement::echo(subject.dialect(), 7))).await?.rows()?;
    Ok(match answer == [[Value::Int(7)]] {
        true => Verdict::Upheld,
        false => Verdict::violated(format!("the await gives {answer:?}, not 7")),
    })
}

/// So often another task has its turn while the answer is kept back.
const TURNS: usize = 100;

/// A question whose answer takes a moment where nobody can keep it back.
fn question(dialect: Dialect) -> Statement {
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) \
               SELECT COUNT(*) FROM n";
    match dialect {
        Dialect::Sqlite => Statement::new(sql, []),
        _ => Statement::echo(dialect, 200_000),
    }
}

async fn others_run_meanwhile(subject: &Subject) -> Result<Verdict, Error> {
    let question = Op::Fetch(question(subject.dialect()));
    let mut session = subject.pool.session().await?;
    session.run(&question).await?;
    subject.settle().await;
    let turns = Counter::new(0);
    let held = subject.hold(Place::Held(1));
    let mut answer = pin!(session.run(&question));
    let mut others = pin!(async {
        if let Some(wire) = &held {
            wire.held().await;
        }
        while turns.get() < TURNS {
            turns.set(turns.get() + 1);
            yield_now().await;
        }
        held.iter().for_each(Wire::release);
    });
    let mut over = false;
    let answer = poll_fn(|cx| {
        over = over || others.as_mut().poll(cx).is_ready();
        match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    let turns = turns.get();
    match answer {
        Ok(answer) if answer.clone().rows()? == [[Value::Int(200_000)]] => {}
        Ok(answer) => return Ok(Verdict::violated(format!("the answer is {answer:?}"))),
        Err(_) if turns < TURNS => {
            return Ok(Verdict::violated(format!(
                "no other task runs while an answer is awaited: {turns} turns, then an error"
            )));
        }
        Err(error) => return Err(error.into()),
    }
    let wanted = if held.is_some() { TURNS } else { 1 };
    Ok(if wanted <= turns {
        Verdict::Upheld
    } else {
        Verdict::violated(format!("no other task runs while an answer is awaited: {turns} turns"))
    })
}
