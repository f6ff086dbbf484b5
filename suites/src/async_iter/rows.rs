//! What a stream gives: every row of its result, once, in order.

use dropproof::{
    contract::{Pool, Session, Statements},
    verdict::{Error, Level, Verdict},
};
use futures::{StreamExt, TryStreamExt};

use super::steps::{count, counted, difference, read};
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{EVERYWHERE, Original, Pair, Theirs, traces},
    trace::Fact,
};

/// None, one, more than a message holds, as many as one recursion gives, and many.
const LENGTHS: [usize; 6] = [0, 1, 2, 100, 1000, MANY];
/// As many as the original reads.
const MANY: usize = 3000;
/// So many of them are read at a time.
const PART: usize = 1000;

pub(super) const CHECKS: &[Check] = &[Check {
    id: IN_ORDER.check,
    level: Level::Must,
    requirement: "A stream MUST give every row of its result once and in the order of the \
        result, as fetching them all does, whether there is no row or there are thousands, and \
        however many are read at a time.",
    claims: &["iter-db-stream"],
    needs: &[],
    since: "0.1.0",
    background: "A stream is made of buffers, and rows are lost or given twice where one ends \
        and the next begins: at the last row of a message, of a page or of a channel.",
    catches: &[
        (Fault::StreamLosesLast, "gives 0 of 1 rows"),
        (Fault::StreamRepeats, "gives 2 of 1 rows"),
    ],
    run: |cell| cell.play_scenario(&IN_ORDER, rows_come_once_and_in_order),
}];

/// What the original does with a stream while another statement runs.
const fn under_a_stream(nth: usize) -> (Theirs, &'static str) {
    (
        ("stream_of_3000_with_another_statement_after_n_rows", nth),
        "a statement under an open stream does not compile (ui/examples/session_used_under_its_stream)",
    )
}

pub(super) const IN_ORDER: Scenario = Scenario {
    check: "async-iter/rows-come-once-and-in-order",
    originals: &[Original {
        claim: "iter-db-stream",
        traces: traces!("iter-db-stream"),
        pairs: &[
            Pair { theirs: ("stream_of_3000", 0), ours: "stream of 3000", on: EVERYWHERE },
            Pair { theirs: ("partitions_of_1000", 0), ours: "parts of 1000", on: EVERYWHERE },
        ],
        left_out: &[
            under_a_stream(0),
            under_a_stream(1),
            under_a_stream(2),
            under_a_stream(3),
            under_a_stream(4),
            under_a_stream(5),
            under_a_stream(6),
            under_a_stream(7),
            under_a_stream(8),
            (
                ("two_core_streams_on_one_session_read_alternately", 0),
                "the same; on two sessions they are judged by \
                async-iter/streams-side-by-side-keep-to-themselves",
            ),
            (
                ("plain_for_over_a_stream", 0),
                "the compiler says it (ui/examples/for_over_a_stream)",
            ),
            (
                ("async_for_over_an_executed_result", 0),
                "a result that was fetched is a vector here",
            ),
        ],
        deviations: &[],
    }],
};

async fn rows_come_once_and_in_order(subject: &Subject) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    for length in LENGTHS {
        let (statement, expected) = (count(0, length), counted(0, length));
        let streamed = read(&mut session, &statement).await?;
        let fetched = session.on().fetch(&statement).await?;
        let both = [("the stream", &streamed), ("fetching all", &fetched)];
        for (who, rows) in both {
            if let Some(difference) = difference(rows, &expected) {
                return Ok(Verdict::violated(format!("{who} gives {difference}")));
            }
        }
        if length == MANY {
            subject.trace.note("stream of 3000", "equal to fetching all");
            subject.trace.fact(Fact::Value, streamed == fetched);
        }
    }

    let statement = count(0, MANY);
    let mut on = session.on();
    let parts = on.rows(&statement).chunks(PART).map(|part| part.into_iter().collect());
    let parts: Vec<Vec<_>> = parts.try_collect().await?;
    let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
    subject.trace.note("parts of 1000", format_args!("{sizes:?}"));
    subject.trace.fact(Fact::Value, sizes);
    Ok(match difference(&parts.concat(), &counted(0, MANY)) {
        None => Verdict::Upheld,
        Some(difference) => Verdict::violated(format!("read in parts, it gives {difference}")),
    })
}
