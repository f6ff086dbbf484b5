//! Statements whose rows are known beforehand, and how their streams are read.

use dropproof::contract::{
    BoxedPool, BoxedSession, Dialect, Op, Pool, Result as LayerResult, Row, Session, Statement,
    Statements, Value,
};
use futures::TryStreamExt;

/// MySQL lets a statement recurse so often, where nobody asks for more:
/// <https://dev.mysql.com/doc/refman/9.7/en/server-system-variables.html#sysvar_cte_max_recursion_depth>.
const RECURSION_MAX: usize = 1000;

/// What makes the numbers `i + j` from 1 to `upto`.
fn source(upto: usize) -> String {
    let thousands = upto.div_ceil(RECURSION_MAX).max(1);
    let steps = upto.clamp(1, RECURSION_MAX);
    format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {steps}), \
         k (j) AS (SELECT 0 UNION ALL SELECT j + {RECURSION_MAX} FROM k WHERE j + {RECURSION_MAX} \
         < {thousands} * {RECURSION_MAX})"
    )
}

/// Asks for so many numbers behind another, in their order.
pub(super) fn count(behind: usize, rows: usize) -> Statement {
    let source = source(rows);
    let sql = format!(
        "{source} SELECT {behind} + i + j AS number FROM k CROSS JOIN n WHERE i + j <= {rows} \
         ORDER BY number"
    );
    Statement::new(sql, [])
}

/// The answer to [`count`].
pub(super) fn counted(behind: usize, rows: usize) -> Vec<Row> {
    (behind + 1..=behind + rows).map(|number| vec![number_of(number)]).collect()
}

fn number_of(number: usize) -> Value {
    Value::Int(i64::try_from(number).expect("a number of rows is small"))
}

/// Asks for so many rows of so many letters, which the server makes while it sends them.
pub(super) fn wide(dialect: Dialect, rows: usize, letters: usize) -> Statement {
    let letters = match dialect {
        Dialect::Sqlite => format!("HEX(ZEROBLOB({}))", letters / 2),
        _ => format!("REPEAT('x', {letters})"),
    };
    let source = source(rows);
    let sql = format!("{source} SELECT {letters} FROM k CROSS JOIN n WHERE i + j <= {rows}");
    Statement::new(sql, [])
}

/// Reads a stream to its end.
pub(super) async fn read<S: Session>(
    session: &mut S,
    statement: &Statement,
) -> LayerResult<Vec<Row>> {
    session.on().rows(statement).try_collect().await
}

/// Asks for a number, and says whether that is the answer.
pub(super) async fn echoes<S: Session>(
    session: &mut S,
    dialect: Dialect,
    number: i64,
) -> LayerResult<bool> {
    let answer = session.run(&Op::Fetch(Statement::echo(dialect, number))).await?.rows()?;
    Ok(answer == [[Value::Int(number)]])
}

/// Leases so many sessions, in order.
pub(super) async fn lease(pool: &BoxedPool, sessions: u32) -> LayerResult<Vec<BoxedSession>> {
    let mut lent = Vec::new();
    for _ in 0..sessions {
        lent.push(pool.session().await?);
    }
    Ok(lent)
}

/// The first place at which rows differ from those that are expected, in words.
pub(super) fn difference(rows: &[Row], expected: &[Row]) -> Option<String> {
    if rows.len() != expected.len() {
        return Some(format!("{} of {} rows", rows.len(), expected.len()));
    }
    let place = rows.iter().zip(expected).position(|(row, expected)| row != expected)?;
    Some(format!("{:?} as row {place}, where {:?} is due", rows[place], expected[place]))
}
