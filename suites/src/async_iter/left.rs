//! Readers that leave before the end.

use dropproof::{
    contract::{Op, Pool, Session, Statement, Statements},
    sweep::Operation,
    verdict::{Error, Level, Verdict},
};

use super::steps::{count, echoes, wide};
use crate::{
    Check, Fault, Subject,
    cell::{Named, Scenario},
    drop_guard::leave_after,
    oracle::{EVERYWHERE, Original, Pair, traces},
    session_scope::steps::all_are_back,
    trace::Fact,
};

/// As many rows as the original leaves early.
const ROWS: usize = 2000;
/// After each number of rows up to this one the stream is left: more than a message of any library
/// holds of so small rows is not needed, because what is beyond is left as well.
const PAGE: usize = 64;
/// Beyond a page: a hundred and one less, half, the last row and the end.
const BEYOND: [usize; 6] = [99, 100, 999, 1000, ROWS - 1, ROWS];

/// More letters than a library reads from a socket at a time.
const LETTERS: usize = 20_000;
/// So many rows of them.
const WIDE_ROWS: usize = 3;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: ANY_ROW.check,
        level: Level::Must,
        requirement: "A stream MAY be left after any of its rows: the next statement on its \
            session MUST have its own answer, and the connection MUST come back with its \
            session, also where nothing was asked after the stream was left.",
        claims: &["iter-early-break"],
        needs: &[],
        since: "0.1.0",
        background: "What a stream leaves unread depends on the row at which it is left: \
            nothing, a part of a buffer, or what the server has not sent. The drop cannot \
            await, so who comes next reads the rest, or the connection is closed.",
        catches: &[
            (Fault::AnswersLate, "has another answer"),
            (Fault::LeaksAsked, "does not come back"),
        ],
        run: |cell| cell.play_scenario(&ANY_ROW, stream_may_be_left_after_any_row),
    },
    Check {
        id: "async-iter/dropped-reader-of-wide-rows-leaves-a-sound-pool",
        level: Level::Must,
        requirement: "A reader that takes some rows, each wider than a buffer, leaves and asks \
            its next question MUST leave a sound pool wherever it is dropped.",
        claims: &["iter-early-break"],
        needs: &[],
        since: "0.1.0",
        background: "A row that does not fit into a buffer is read in pieces, so a reader can \
            be dropped within it, and again while the next statement throws away what it \
            does not want.",
        catches: &[(Fault::AnswersLate, "desynced at"), (Fault::LeaksAsked, "stuck at")],
        run: |cell| cell.sweep_each(readers()),
    },
];

pub(super) const ANY_ROW: Scenario = Scenario {
    check: "async-iter/stream-may-be-left-after-any-row",
    originals: &[Original {
        claim: "iter-early-break",
        traces: traces!("iter-early-break"),
        pairs: &[
            Pair {
                theirs: ("break_after_three_of_2000", 0),
                ours: "left after three",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("next_statement_after_closing_the_stream", 0),
                ours: "next statement",
                on: EVERYWHERE,
            },
            Pair { theirs: ("session_closed", 0), ours: "session dropped", on: EVERYWHERE },
            Pair {
                theirs: ("session_closed_with_open_stream", 0),
                ours: "session dropped with the stream",
                on: EVERYWHERE,
            },
            Pair {
                theirs: ("next_session_gets_its_own_answer", 0),
                ours: "next session",
                on: EVERYWHERE,
            },
        ],
        left_out: &[
            (
                ("next_statement_on_the_same_session_stream_open", 0),
                "it does not compile (ui/examples/session_used_under_its_stream)",
            ),
            (("stream_goes_on", 0), "the same"),
            (("close_stream", 0), "a stream is closed by its drop, which gives nothing"),
        ],
        deviations: &[],
    }],
};

async fn stream_may_be_left_after_any_row(subject: &Subject) -> Result<Verdict, Error> {
    let (dialect, rows) = (subject.dialect(), count(0, ROWS));
    let mut session = subject.pool.session().await?;
    for (take, number) in (0..=PAGE).chain(BEYOND).zip(100..) {
        let read = leave_after(&mut session, rows.clone(), take).await?;
        if read != take {
            return Ok(Verdict::violated(format!("{read} rows come where {take} are wanted")));
        }
        let next = subject.unless_stuck(echoes(&mut session, dialect, number)).await;
        match next.transpose()? {
            Some(true) => {}
            Some(false) => return Ok(Verdict::violated(left(take, "has another answer"))),
            None => return Ok(Verdict::violated(left(take, "is never answered"))),
        }
    }

    let read = leave_after(&mut session, rows.clone(), 3).await?;
    subject.trace.note("left after three", format_args!("{read} rows"));
    subject.trace.fact(Fact::Value, read);
    subject.connections_out(1).await?;
    let own = echoes(&mut session, dialect, 8).await?;
    answered(subject, ("next statement", 8), own);
    drop(session);
    subject.settle().await;
    subject.trace.note("session dropped", "done");
    if !own || !all_are_back(subject).await? {
        return Ok(Verdict::violated(left(
            3,
            "is not answered, or its connection does not come back",
        )));
    }
    let open = subject.open_transactions().await?;

    let mut session = subject.pool.session().await?;
    leave_after(&mut session, rows.clone(), 3).await?;
    drop(session);
    subject.trace.note("session dropped with the stream", "done");
    if !all_are_back(subject).await? {
        return Ok(Verdict::violated(
            "a session that is dropped with its stream does not come back",
        ));
    }
    let mut session = subject.pool.session().await?;
    let next = echoes(&mut session, dialect, 9).await?;
    answered(subject, ("next session", 9), next);
    Ok(match (next, open) {
        (true, 0) => Verdict::Upheld,
        (false, _) => Verdict::violated("the next session has another answer than its own"),
        (true, open) => Verdict::violated(format!("{open} transactions are open")),
    })
}

fn left(take: usize, what: &str) -> String {
    format!("left after {take} of {ROWS} rows, the next statement {what}")
}

fn answered(subject: &Subject, (step, number): (&str, i64), own: bool) {
    subject.trace.note(step, if own { "its own answer" } else { "another answer" });
    subject.trace.fact(Fact::Value, if own { number } else { 0 });
}

/// Readers of rows that fit into no buffer, by how many they take.
fn readers() -> Named {
    let reader = |take: usize| {
        Operation::new(move |_, mut session| async move {
            let dialect = session.on().dialect();
            leave_after(&mut session, wide(dialect, WIDE_ROWS, LETTERS), take).await?;
            // Another question than those of the next borrower, so that it is known whose it is.
            session.run(&Op::Fetch(Statement::new("SELECT 7", []))).await.map(drop)
        })
    };
    (1..WIDE_ROWS).map(|take| (format!("left after {take}"), reader(take))).collect()
}
