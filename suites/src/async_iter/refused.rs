//! A row that the server cannot compute, in the midst of a result.

use std::pin::pin;

use dropproof::{
    contract::{BoxedSession, Class, Dialect, Pool, Row, Session, Statement, Statements, Value},
    database::Kind,
    verdict::{Error, Level, Verdict},
};

use super::{
    ended::{Step, step},
    steps::echoes,
};
use crate::{
    Check, Fault, Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

/// So many rows a result has.
const ROWS: i64 = 10;
/// This one is refused.
const REFUSED: i64 = 5;

pub(super) const CHECKS: &[Check] = &[Check {
    id: ENDS.check,
    level: Level::Must,
    requirement: "Where the server refuses a row in the midst of a result, the stream MUST give \
        rows from the first one on and without a gap, then the error, once and with its class, \
        then its end; and the session MUST answer the next question by its own answer, or have \
        been discarded.",
    claims: &["iter-error-midway"],
    needs: &[],
    since: "0.1.0",
    background: "How many rows come before the error is up to the buffers of both sides: \
        Postgres sends what it has when its buffer is full, and drops what is in it at an \
        error. A reader who takes the end for success must not be able to take this for the \
        end.",
    catches: &[
        (Fault::StreamHidesError, "ends without an error"),
        (Fault::ClassLost, "with class `other`"),
        (Fault::StreamAfterEnd, "after its error"),
    ],
    run: |cell| cell.play_scenario(&ENDS, refused_row_ends_the_stream),
}];

const NO_CODE: &str = "the original keeps no code of this error";

const fn is_data(theirs: &'static str, on: &'static [Kind]) -> Deviation {
    Deviation { theirs: (theirs, 0), fact: Fact::Error, on, ours: "\"data\"", because: NO_CODE }
}

const POSTGRES: &[Kind] = &[Kind::Postgres];
const MYSQL: &[Kind] = &[Kind::MySql, Kind::MariaDb];
const SERVERS: &[Kind] = &[Kind::Postgres, Kind::MySql, Kind::MariaDb];
const ONLY_SQLITE: &[Kind] = &[Kind::Sqlite];

pub(super) const ENDS: Scenario = Scenario {
    check: "async-iter/refused-row-ends-the-stream",
    originals: &[Original {
        claim: "iter-error-midway",
        traces: traces!("iter-error-midway"),
        pairs: &[
            Pair { theirs: ("error_in_row_5_of_10", 0), ours: "row is refused", on: SERVERS },
            // SQLite has no error for the statement of the original, which divides by zero.
            Pair {
                theirs: ("error_in_row_5_of_10", 0),
                ours: "row is divided by zero",
                on: ONLY_SQLITE,
            },
            Pair {
                theirs: ("division_by_zero_in_row_5_of_10", 0),
                ours: "row is divided by zero",
                on: MYSQL,
            },
            Pair {
                theirs: ("same_statement_without_streaming", 0),
                ours: "fetched whole",
                on: SERVERS,
            },
            Pair {
                theirs: ("session_usable_after_rollback", 0),
                ours: "afterwards",
                on: EVERYWHERE,
            },
        ],
        left_out: &[(
            ("same_statement_without_streaming", 0),
            "on SQLite it has no error there: another statement is refused here",
        )],
        deviations: &[
            is_data("error_in_row_5_of_10", POSTGRES),
            is_data("same_statement_without_streaming", SERVERS),
        ],
    }],
};

/// Ten rows, of which the server cannot compute the fifth, whatever database it is.
fn refused(dialect: Dialect) -> Statement {
    ten(match dialect {
        Dialect::MySql => "CASE i WHEN 5 THEN 9223372036854775807 + i ELSE i END",
        Dialect::Sqlite => "LENGTH(ZEROBLOB(CASE i WHEN 5 THEN 2147483647 ELSE i END))",
        _ => "CASE i WHEN 5 THEN 2147483647 + i ELSE i END",
    })
}

/// Ten rows, of which the fifth is divided by zero.
fn divided(dialect: Dialect) -> Statement {
    ten(match dialect {
        Dialect::MySql => "10 DIV (5 - i)",
        _ => "10 / (5 - i)",
    })
}

fn ten(column: &str) -> Statement {
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
         SELECT i, {column} FROM n"
    );
    Statement::new(sql, [])
}

async fn refused_row_ends_the_stream(subject: &Subject) -> Result<Verdict, Error> {
    let dialect = subject.dialect();
    let mut session = subject.pool.session().await?;
    let first = streamed(subject, &mut session, ("row is refused", refused(dialect))).await?;
    if let Some(wrong) = first.wrong().or_else(|| first.has_no_error()) {
        return Ok(Verdict::violated(format!("a row is refused: {wrong}")));
    }
    let own = match subject.unless_stuck(echoes(&mut session, dialect, 7)).await {
        None => return Ok(Verdict::violated("after the error the session never answers")),
        Some(Err(error)) if error.class() == Class::Connection => {
            // It was discarded, so another one is asked.
            drop(session);
            session = subject.pool.session().await?;
            echoes(&mut session, dialect, 7).await?
        }
        Some(answered) => answered?,
    };
    if !own {
        return Ok(Verdict::violated("after the error the next question has another answer"));
    }
    subject.trace.note("afterwards", "the next question has its answer");
    subject.trace.fact(Fact::Value, 7);

    // Not every database takes this for an error.
    let second = ("row is divided by zero", divided(dialect));
    if let Some(wrong) = streamed(subject, &mut session, second).await?.wrong() {
        return Ok(Verdict::violated(format!("a row is divided by zero: {wrong}")));
    }
    let refused = refused(dialect);
    let fetched = session.on().fetch(&refused).await;
    match fetched {
        Ok(rows) => Ok(Verdict::violated(format!("fetched whole, it gives {} rows", rows.len()))),
        Err(error) => {
            let class = error.class();
            subject.trace.note("fetched whole", format_args!("error {class}"));
            subject.trace.fact(Fact::Error, class.name());
            Ok(match class {
                Class::Data => Verdict::Upheld,
                class => Verdict::violated(format!("fetched whole, it fails with class `{class}`")),
            })
        }
    }
}

/// What came out of a stream.
struct Streamed {
    rows: Vec<Row>,
    /// What came instead of a row, and each time that it was asked again.
    then: [Step; 3],
}

/// Reads a stream until no row comes, and twice more.
async fn streamed(
    subject: &Subject,
    session: &mut BoxedSession,
    (name, statement): (&str, Statement),
) -> Result<Streamed, Error> {
    let mut on = session.on();
    let mut stream = pin!(on.rows(&statement));
    let mut rows = Vec::new();
    let last = loop {
        match step(subject, &mut stream).await? {
            Step::Gives(row) if rows.len() <= usize::try_from(ROWS).expect("it is small") => {
                rows.push(row);
            }
            other => break other,
        }
    };
    let nulls = rows.iter().filter(|row| row.contains(&Value::Null)).count();
    match &last {
        Step::Fails(error) => {
            subject.trace.note(name, format_args!("error {}", error.class()));
            subject.trace.fact(Fact::Error, error.class().name());
        }
        other => {
            subject.trace.note(name, format_args!("{} rows, {nulls} NULL, {other}", rows.len()))
        }
    }
    subject.trace.fact(Fact::Value, nulls);
    let then = [last, step(subject, &mut stream).await?, step(subject, &mut stream).await?];
    Ok(Streamed { rows, then })
}

impl Streamed {
    /// What is wrong with it, whether there was an error or not.
    fn wrong(&self) -> Option<String> {
        let numbers = self.rows.iter().map(|row| row.first().cloned());
        if !numbers.eq((1..).map(|number| Some(Value::Int(number))).take(self.rows.len())) {
            return Some(format!("it gives {:?}", self.rows));
        }
        match &self.then {
            [Step::Fails(error), ..] if error.class() != Class::Data => {
                Some(format!("it fails with class `{}`", error.class()))
            }
            [Step::Fails(_), Step::Ends, Step::Ends] => None,
            [Step::Ends, Step::Ends, Step::Ends] => {
                (self.rows.len() != 10).then(|| "it ends without an error".to_owned())
            }
            [Step::Fails(_), Step::Ends, other] | [Step::Fails(_), other, _] => {
                Some(format!("after its error, it {other}"))
            }
            [other, ..] => Some(format!("after {} rows, it {other}", self.rows.len())),
        }
    }

    /// Where there had to be one.
    fn has_no_error(&self) -> Option<String> {
        let before = i64::try_from(self.rows.len()).unwrap_or(i64::MAX);
        let fails = matches!(self.then[0], Step::Fails(_)) && before < REFUSED;
        (!fails).then(|| "it ends without an error".to_owned())
    }
}
