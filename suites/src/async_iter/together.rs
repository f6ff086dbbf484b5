//! Streams that are read at the same time, and results of a session that several tasks share.

use std::{
    pin::{Pin, pin},
    sync::Arc,
};

use dropproof::{
    contract::{self, BoxedSession, Capability, Session, SharedUnit, Statements},
    verdict::{Error, Level, Verdict},
};
use futures::{
    Stream, StreamExt,
    future::{join_all, try_join_all},
};
use tokio::sync::{Barrier, Mutex};

use super::steps::{count, counted, difference, echoes, lease, read};
use crate::{Check, Fault, Subject, cell::SESSIONS_MAX, session_scope::steps::units};

/// So many rows each of two streams has.
const ROWS: usize = 300;
/// So many rows of one stream are read before some of the other.
const TURNS: [usize; 4] = [1, 7, 2, 100];
/// So many rows each task wants of a session that it shares.
const MANY: usize = 3000;
/// So many tasks share it.
const TASKS: usize = 4;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "async-iter/streams-side-by-side-keep-to-themselves",
        level: Level::Must,
        requirement: "Streams that are read in turns on sessions of one pool MUST each give all of \
            their own rows, in order, also where another session is asked meanwhile; and sessions \
            that are read at the same time MUST each give their own rows, in the order of the \
            arguments.",
        claims: &["iter-db-stream", "iter-as-completed-order"],
        needs: &[],
        since: "0.1.0",
        background: "A stream borrows its session, so the compiler keeps statements of one session \
            apart, and what is left to get wrong are buffers that sessions share.",
        catches: &[(Fault::StreamsCrossed, "stream 1 gives")],
        run: |cell| cell.play(streams_side_by_side),
    },
    Check {
        id: "async-iter/shared-session-gives-whole-results",
        level: Level::Must,
        requirement: "Tasks that read long results on a session that they share MUST each get all \
            rows of their own, or an error, and never fewer.",
        claims: &["iter-db-stream"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "A statement that is sent while the rows of another are still read ends them \
            early in some drivers, without an error. `&mut self` behind a lock leaves one at a \
            time.",
        catches: &[(Fault::StreamLosesLast, "2999 of 3000 rows"), (Fault::AnswersCrossed, "where")],
        run: |cell| cell.play(shared_session_gives_whole_results),
    },
];

async fn streams_side_by_side(subject: &Subject) -> Result<Verdict, Error> {
    let mut sessions = lease(&subject.pool, SESSIONS_MAX).await?;
    if let Some(wrong) = in_turns(subject, &mut sessions).await? {
        return Ok(Verdict::violated(wrong));
    }
    let statements: Vec<_> = (0..sessions.len()).map(|place| count(place * ROWS, ROWS)).collect();
    let reads = sessions.iter_mut().zip(&statements).map(|(session, all)| read(session, all));
    for (place, rows) in join_all(reads).await.into_iter().enumerate() {
        if let Some(difference) = difference(&rows?, &counted(place * ROWS, ROWS)) {
            return Ok(Verdict::violated(format!("joined read {} gives {difference}", place + 1)));
        }
    }
    Ok(Verdict::Upheld)
}

/// Reads two streams in turns, and asks a third session in between; `None` where all is as it must be.
async fn in_turns(
    subject: &Subject,
    sessions: &mut [BoxedSession],
) -> Result<Option<String>, Error> {
    let [one, other, third] = sessions else {
        return Err(Error::Vacuous { why: "there are no three sessions".to_owned() });
    };
    let (mut on_one, mut on_other) = (one.on(), other.on());
    let statements = [count(0, ROWS), count(ROWS, ROWS)];
    let mut first = pin!(on_one.rows(&statements[0]));
    let mut second = pin!(on_other.rows(&statements[1]));
    let (mut got_first, mut got_second) = (Vec::new(), Vec::new());
    for (turn, number) in TURNS.into_iter().cycle().take(4 * TURNS.len()).zip(1..) {
        take(&mut first, turn, &mut got_first).await?;
        take(&mut second, turn, &mut got_second).await?;
        if !echoes(third, subject.dialect(), number).await? {
            return Ok(Some("a session between two streams has another answer".to_owned()));
        }
    }
    let wrong = |place: usize, got: &[_]| {
        let difference = difference(got, &counted(place * ROWS, ROWS))?;
        Some(format!("stream {} gives {difference}", place + 1))
    };
    Ok(wrong(0, &got_first).or_else(|| wrong(1, &got_second)))
}

/// Takes so many rows, or those that are left.
async fn take<T, S>(stream: &mut Pin<&mut S>, rows: usize, got: &mut Vec<T>) -> contract::Result<()>
where
    S: Stream<Item = contract::Result<T>>,
{
    for _ in 0..rows {
        match stream.next().await.transpose()? {
            Some(row) => got.push(row),
            None => break,
        }
    }
    Ok(())
}

async fn shared_session_gives_whole_results(subject: &Subject) -> Result<Verdict, Error> {
    let shared: SharedUnit = Arc::new(Mutex::new(units(subject)?.unit()));
    let together = Arc::new(Barrier::new(TASKS));
    let asked = (0..TASKS).map(|task| {
        let (shared, together) = (Arc::clone(&shared), Arc::clone(&together));
        tokio::spawn(async move {
            together.wait().await;
            let mut unit = shared.lock().await;
            unit.execute(&count(task * MANY, MANY)).await
        })
    });
    let asked: Vec<_> = asked.collect();
    let answers = try_join_all(asked).await;
    let Ok(answers) = answers else {
        return Ok(Verdict::violated("a task that shares a session panics"));
    };
    for (task, rows) in answers.into_iter().enumerate() {
        // An error is an answer: what is not allowed is to be short.
        let Ok(rows) = rows else { continue };
        if let Some(difference) = difference(&rows, &counted(task * MANY, MANY)) {
            return Ok(Verdict::violated(format!("task {task} gets {difference}")));
        }
    }
    let closed = shared.lock().await.close().await;
    closed?;
    Ok(Verdict::Upheld)
}
