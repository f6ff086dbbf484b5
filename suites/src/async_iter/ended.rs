//! The end of a stream, and that it stays one.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
};

use dropproof::{
    contract::{self, Pool, Row, Session, Statements, Value},
    verdict::{Error, Level, Verdict},
};
use futures::{FutureExt, Stream, StreamExt};

use super::steps::count;
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const CHECKS: &[Check] = &[Check {
    id: STAYS_ENDED.check,
    level: Level::Should,
    requirement: "A stream that has ended SHOULD say so again whenever it is asked: with no \
        row, no error, no panic, and without waiting for ever.",
    claims: &["iter-async-for-protocol"],
    needs: &[],
    since: "0.1.0",
    background: "`Stream` leaves open what comes after `None`, and lets it be a panic. A \
        reader in a `select!` asks again as a matter of course, so who gives streams to others \
        fuses them: a state that is taken out is `None` from then on, and a generator is \
        wrapped.",
    catches: &[(Fault::StreamAfterEnd, "after its end")],
    run: |cell| cell.play_scenario(&STAYS_ENDED, ended_stream_stays_ended),
}];

const END_IS_NO_ERROR: &str = "the end is `None`, and no error";

pub(super) const STAYS_ENDED: Scenario = Scenario {
    check: "async-iter/ended-stream-stays-ended",
    originals: &[Original {
        claim: "iter-async-for-protocol",
        traces: traces!("iter-async-for-protocol", none),
        pairs: &[
            Pair { theirs: ("async_for", 0), ours: "every row", on: EVERYWHERE },
            Pair { theirs: ("manual_step", 0), ours: "one step", on: EVERYWHERE },
            Pair { theirs: ("manual_step", 1), ours: "three rows: the end", on: EVERYWHERE },
            Pair {
                theirs: ("manual_step_after_end", 0),
                ours: "three rows: after its end",
                on: EVERYWHERE,
            },
            Pair { theirs: ("empty", 0), ours: "no row: the end", on: EVERYWHERE },
        ],
        left_out: &[
            (("missing___anext__", 0), "a type that is no `Stream` has no `next`: the compiler"),
            (("missing___aiter__", 0), "the same"),
            (("plain_iterator", 0), "the same"),
            (
                ("plain_for_over_async_iterator", 0),
                "the compiler says it (ui/examples/for_over_a_stream)",
            ),
        ],
        deviations: &[
            Deviation {
                theirs: ("manual_step", 1),
                fact: Fact::Error,
                on: EVERYWHERE,
                ours: "null",
                because: END_IS_NO_ERROR,
            },
            Deviation {
                theirs: ("manual_step_after_end", 0),
                fact: Fact::Error,
                on: EVERYWHERE,
                ours: "null",
                because: END_IS_NO_ERROR,
            },
        ],
    }],
};

async fn ended_stream_stays_ended(subject: &Subject) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    for (name, length) in [("three rows", 3), ("no row", 0)] {
        let (mut on, statement) = (session.on(), count(0, length));
        let mut rows = pin!(on.rows(&statement));
        let mut items = Vec::new();
        while items.len() < length {
            match step(subject, &mut rows).await? {
                Step::Gives(row) => items.extend(row),
                other => return Ok(Verdict::violated(format!("{name}: a row is due, it {other}"))),
            }
        }
        if let [first, ..] = numbers(&items)[..] {
            subject.trace.note("every row", format_args!("{:?}", numbers(&items)));
            subject.trace.fact(Fact::Value, numbers(&items));
            subject.trace.note("one step", first);
            subject.trace.fact(Fact::Value, first);
        }
        for place in ["the end", "after its end", "long after its end"] {
            match step(subject, &mut rows).await? {
                Step::Ends => subject.trace.note(&format!("{name}: {place}"), "no more"),
                other => return Ok(Verdict::violated(format!("{name}: {place}, it {other}"))),
            }
        }
    }
    Ok(Verdict::Upheld)
}

fn numbers(items: &[Value]) -> Vec<i64> {
    let number = |item: &Value| match item {
        Value::Int(number) => Some(*number),
        Value::Null | Value::Text(_) => None,
    };
    items.iter().filter_map(number).collect()
}

/// What a stream does when it is asked for the next row.
#[derive(Debug)]
pub(super) enum Step {
    Gives(Row),
    Fails(contract::Error),
    Ends,
    Panics,
    /// It can never answer.
    Waits,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Gives(row) => write!(f, "gives {row:?}"),
            Step::Fails(error) => write!(f, "fails with class `{}`", error.class()),
            Step::Ends => f.pad("ends"),
            Step::Panics => f.pad("panics"),
            Step::Waits => f.pad("waits for ever"),
        }
    }
}

/// Asks a stream for the next row.
pub(super) async fn step(
    subject: &Subject,
    rows: &mut Pin<&mut impl Stream<Item = contract::Result<Row>>>,
) -> Result<Step, Error> {
    let next = AssertUnwindSafe(rows.next()).catch_unwind();
    Ok(match subject.unless_stuck(next).await {
        None => Step::Waits,
        Some(Err(_)) => Step::Panics,
        Some(Ok(None)) => Step::Ends,
        Some(Ok(Some(Ok(row)))) => Step::Gives(row),
        Some(Ok(Some(Err(error)))) => Step::Fails(error),
    })
}
