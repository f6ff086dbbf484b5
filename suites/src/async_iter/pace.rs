//! When rows are asked for, and how far ahead of their reader they come.

use std::{future::ready, pin::pin};

use dropproof::{
    contract::{Capability, Pool, Session, Statements},
    verdict::{Error, Level, Verdict},
    wire::{Event, Place, Proxy},
};
use futures::{StreamExt, TryStreamExt};

use super::{
    ended::{Step, step},
    steps::{count, counted, echoes, read, wide},
};
use crate::{Check, Fault, Subject};

/// So many rows a slow reader could read.
const ROWS: usize = 100_000;
/// So wide is each: fifty megabytes in all, of which the buffers below hold a third at the most.
const LETTERS: usize = 500;
/// So much may a row take beside its letters.
const HEAD_MAX: u64 = 32;
/// After so many rows the reader stops and looks.
const STOPS: [u64; 3] = [1, 100, 1000];
/// So many bytes may lie between the proxy and a reader who does not read: in the send buffer of the
/// one socket and the receive buffer of the other, which Linux lets grow to 4 and 6 MiB (`tcp_wmem` and
/// `tcp_rmem` in tcp(7)), and in a buffer of the library's.
const AHEAD_MAX: u64 = 16 << 20;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "async-iter/stream-that-is-not-polled-sends-nothing",
        level: Level::Must,
        requirement: "A stream that is made and not polled MUST NOT send a byte, and where it is \
            dropped so, its session MUST be as before.",
        claims: &["iter-db-stream"],
        needs: &[Capability::Connection],
        since: "0.1.0",
        background: "A stream is inert until it is polled, as a future is. What asks at once \
            asks also where the stream is thrown away, and by then nobody knows that an answer \
            is due.",
        catches: &[(Fault::StreamStartsEarly, "bytes")],
        run: |cell| cell.play(stream_that_is_not_polled_sends_nothing),
    },
    Check {
        id: "async-iter/rows-come-as-they-arrive",
        level: Level::Must,
        requirement: "A stream MUST give each row when it is there, whatever the server keeps back \
            after it, and other tasks MUST run while it waits.",
        claims: &["iter-db-stream", "iter-async-for-protocol"],
        needs: &[Capability::Connection],
        since: "0.1.0",
        background: "A stream over a vector that was fetched gives its first row when the last \
            has come, and costs what it was meant to save.",
        catches: &[(Fault::StreamFetchesAll, "while the next row is kept back")],
        run: |cell| cell.play(rows_come_as_they_arrive),
    },
    Check {
        id: "async-iter/slow-reader-holds-the-server-back",
        level: Level::Should,
        requirement: "Of a result that does not fit into the buffers of sockets, a stream SHOULD \
            take no more from the server than its reader has read and these buffers hold.",
        claims: &["iter-db-stream"],
        needs: &[Capability::Connection],
        since: "0.1.0",
        background: "Who streams has more rows than memory. A library that reads all of them at \
            the first step, or whose own task goes on reading into a channel without a bound, \
            has the whole result in memory, whatever its stream looks like.",
        catches: &[(Fault::StreamFetchesAll, "has taken more than")],
        run: |cell| cell.play(slow_reader_holds_the_server_back),
    },
];

async fn stream_that_is_not_polled_sends_nothing(subject: &Subject) -> Result<Verdict, Error> {
    let statement = count(0, 3);
    let mut session = subject.pool.session().await?;
    subject.settle().await;
    let before = subject.forwarded();
    let mut on = session.on();
    let rows = on.rows(&statement);
    subject.settle().await;
    let made = subject.forwarded() - before;
    drop(rows);
    drop(on);
    subject.settle().await;
    let dropped = subject.forwarded() - before;
    if (made, dropped) != (0, 0) {
        return Ok(Verdict::violated(format!(
            "a stream that is not polled has moved {made} bytes, and {dropped} when it is dropped"
        )));
    }
    if !echoes(&mut session, subject.dialect(), 1).await? {
        return Ok(Verdict::violated("after a stream that is not polled another answer comes"));
    }
    // Or nobody would have seen a byte that moves.
    if subject.forwarded() == before {
        return Err(Error::Vacuous { why: "a question has moved no byte".to_owned() });
    }
    Ok(Verdict::Upheld)
}

async fn rows_come_as_they_arrive(subject: &Subject) -> Result<Verdict, Error> {
    let (statement, expected) = (count(0, 3), counted(0, 3));
    let mut session = subject.pool.session().await?;
    // Once to prepare it, and once to see where its rows are.
    read(&mut session, &statement).await?;
    subject.settle().await;
    subject.listen();
    read(&mut session, &statement).await?;
    subject.settle().await;
    let Some(wire) = subject.proxy.as_ref().map(Proxy::wire) else {
        return Err(Error::Vacuous { why: "there is no wire".to_owned() });
    };
    let trace = wire.trace();
    let rows = trace.events().iter().filter(|event| is_row(event));
    let places: Vec<u64> = rows.filter_map(|event| event.number).collect();
    if places.len() != expected.len() {
        return Err(Error::Vacuous { why: format!("the wire has {} rows", places.len()) });
    }

    let mut on = session.on();
    for (given, place) in places.into_iter().enumerate() {
        wire.arm(Place::Held(place));
        let mut rows = pin!(on.rows(&statement));
        for due in &expected[..given] {
            match step(subject, &mut rows).await? {
                Step::Gives(row) if row == *due => {}
                other => {
                    return Ok(Verdict::violated(format!(
                        "{due:?} is due, and while the next row is kept back, it {other}"
                    )));
                }
            }
        }
        let other = tokio::spawn(ready(7));
        let next = subject.unless_seen_stuck(false, rows.next()).await;
        if !wire.is_held() || next.is_some() {
            return Err(Error::Vacuous { why: "the next row was not kept back".to_owned() });
        }
        if !other.is_finished() {
            return Ok(Verdict::violated("no other task runs while the next row is kept back"));
        }
        wire.release();
        let rest: Vec<_> = rows.try_collect().await?;
        if rest != expected[given..] {
            return Ok(Verdict::violated(format!("after row {given} was late, {rest:?} come")));
        }
        subject.settle().await;
    }
    Ok(Verdict::Upheld)
}

fn is_row(event: &Event) -> bool {
    ["DataRow", "Row "].iter().any(|name| event.name.starts_with(name))
}

async fn slow_reader_holds_the_server_back(subject: &Subject) -> Result<Verdict, Error> {
    let statement = wide(subject.dialect(), ROWS, LETTERS);
    let row_max = LETTERS as u64 + HEAD_MAX;
    let mut session = subject.pool.session().await?;
    subject.settle().await;
    let before = subject.delivered();
    let mut on = session.on();
    let mut rows = pin!(on.rows(&statement));
    let mut read = 0;
    for stop in STOPS {
        while read < stop {
            if rows.next().await.transpose()?.is_none() {
                return Ok(Verdict::violated(format!("it ends after {read} of {ROWS} rows")));
            }
            read += 1;
        }
        subject.settle().await;
        let ahead = (subject.delivered() - before).saturating_sub(read * row_max);
        if AHEAD_MAX < ahead {
            return Ok(Verdict::violated(format!(
                "after {read} of {ROWS} rows the client has taken more than {} MiB that nobody has \
                 read",
                AHEAD_MAX >> 20
            )));
        }
    }
    Ok(Verdict::Upheld)
}
