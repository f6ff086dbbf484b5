//! Statements as an application writes them: their parameters, their failures, their commit.

use dropproof::{
    contract::{Class, Ending, Gate, Op, Pool, Script, Session, Statement, Step, Value},
    database::Kind,
    verdict::{Error, Verdict},
};

use super::{
    interleave::{Under, play_to},
    steps::{
        broken_failure, changed, column, done, is_usable, new_user, run, see_change, sees_seven,
        sees_seven_at,
    },
};
use crate::{
    Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const FAILED: Scenario =
    Scenario { check: "crud/failed-statement-leaves-the-session-usable", originals: &[] };

pub(super) async fn failed_statement_leaves_the_session_usable(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let nowhere = Op::Fetch(Statement::new("SELECT * FROM nowhere", []));
    let failures = [
        ("mark a task that is not there", Op::Mark(1), Class::Constraint),
        ("read a table that is not there", nowhere, Class::Statement),
    ];
    for (step, op, class) in failures {
        let failed = subject.trace.see(step, session.run(&op), |_| "done".to_owned()).await;
        if let Some(broken) = broken_failure(step, failed, class) {
            return Ok(broken);
        }
        if !sees_seven(subject, &mut session).await {
            return Ok(Verdict::violated(format!("the session is not usable after: {step}")));
        }
    }

    let step = "create a task and mark another in a transaction";
    let steps = [run(Op::CreateTask { title: None }), run(Op::Mark(99))];
    let (script, _) = Script::new(steps, Ending::Commit);
    let failed = subject.trace.see(step, session.transact(script), |()| "done".to_owned()).await;
    if let Some(broken) = broken_failure(step, failed, Class::Constraint) {
        return Ok(broken);
    }
    if !sees_seven(subject, &mut session).await {
        return Ok(Verdict::violated(format!("the session is not usable after: {step}")));
    }
    let left = subject.witness().rows("tasks").await?.len();
    subject.trace.note("the witness sees", format!("{left} tasks"));
    Ok(Verdict::upheld_if(left == 0, || {
        "the work of a transaction that failed is still there".to_owned()
    }))
}

pub(super) const PARAMETERS: Scenario = Scenario {
    check: "crud/wrong-number-of-parameters-is-refused",
    originals: &[Original {
        claim: "crud-bind-name-params",
        traces: traces!("crud-bind-name-params"),
        pairs: &[
            Pair { theirs: ("no_extra_params", 0), ours: "read with one for one", on: EVERYWHERE },
            Pair {
                theirs: ("text_statement_without_its_parameter", 0),
                ours: "read with none for one",
                on: EVERYWHERE,
            },
            Pair { theirs: ("session_usable_after", 0), ours: "select 7 at last", on: EVERYWHERE },
        ],
        left_out: &[
            (("same_name_same_value", 0), "parameters have no names here, so none is given twice"),
            (("same_name_other_value", 0), "parameters have no names here"),
            (("unknown_name", 0), "parameters have no names here"),
        ],
        deviations: &[
            Deviation {
                theirs: ("text_statement_without_its_parameter", 0),
                fact: Fact::Error,
                on: ONLY_POSTGRES,
                ours: "\"other\"",
                because: "a driver keeps the kind of this error to itself, and says it in words",
            },
            Deviation {
                theirs: ("text_statement_without_its_parameter", 0),
                fact: Fact::Error,
                on: ONLY_POSTGRES,
                ours: "\"statement\"",
                because: "a session counts the parameters itself, as the original does",
            },
        ],
    }],
};

/// All are tried, so that one layer's several mistakes are named together.
pub(super) async fn wrong_number_of_parameters_is_refused(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let (read, read_back) =
        ("SELECT email FROM users WHERE email = ?", "SELECT email FROM users WHERE ? = email");
    let write = "INSERT INTO tasks (title) VALUES (?)";
    let a = || Value::from("a@x");
    let b = || Value::from("b@x");
    let fetch = |sql, given| Op::Fetch(Statement::new(sql, given));
    let change = |sql, given| Op::Change(Statement::new(sql, given));
    let mut session = subject.pool.session().await?;
    for email in ["a@x", "b@x"] {
        session.run(&Op::CreateUser(new_user(email))).await?;
    }

    let right = async { session.run(&fetch(read, vec![a()])).await?.rows() };
    let right = subject.trace.see("read with one for one", right, |rows| format!("{rows:?}"));
    let right = right.await?;
    subject.trace.fact(Fact::Value, right.iter().flat_map(|row| texts(row)).collect::<Vec<_>>());
    if right != [[a()]] {
        return Ok(Verdict::violated(format!("the parameter {:?} finds {right:?}", a())));
    }
    let mut findings = Vec::new();
    for (step, op) in [
        ("read with none for one", fetch(read_back, vec![])),
        ("read with two for one", fetch("SELECT ? AS given", vec![a(), b()])),
        ("write with none for one", change(write, vec![])),
    ] {
        subject.listen();
        let outcome = subject.trace.see(step, session.run(&op), done).await;
        subject.verbs();
        subject.reached();
        let written = subject.rows("tasks").await?;
        if outcome.is_ok() {
            findings.push(format!("{step}: gave no error"));
        } else if written != 0 {
            findings.push(format!("{step}: {written} rows are stored, and it gave an error"));
        }
        subject.witness().query("DELETE FROM tasks").await?;
        match subject.unless_stuck(sees_seven(subject, &mut session)).await {
            Some(true) => {}
            // It is closed, which costs no more than a connection; the pool makes another.
            Some(false) => {
                session = subject.pool.session().await?;
                if !is_usable(&mut session).await {
                    findings.push(format!("{step}: the next session is not usable"));
                }
            }
            // There is nothing more to be learnt from a layer that hangs.
            None => {
                findings.push(format!("{step}: the session never answers again"));
                return Ok(Verdict::violated(findings.join("; ")));
            }
        }
    }
    // The same session, or the one that has taken its place.
    if !sees_seven_at(subject, &mut session, "select 7 at last").await {
        findings.push("no session is usable at last".to_owned());
    }
    Ok(Verdict::upheld_if(findings.is_empty(), || findings.join("; ")))
}

pub(super) const RAW: Scenario = Scenario {
    check: "crud/statement-outside-of-a-transaction-is-committed-at-once",
    originals: &[Original {
        claim: "crud-raw-cursor-commit",
        traces: traces!("crud-raw-cursor-commit"),
        pairs: &[
            Pair { theirs: ("insert", 0), ours: "insert", on: BEGINS_BY_ITSELF },
            Pair { theirs: ("insert_without_transaction", 0), ours: "insert", on: ONLY_POSTGRES },
            Pair { theirs: ("update", 0), ours: "update in a transaction", on: EVERYWHERE },
            Pair { theirs: ("commit", 0), ours: "commit", on: ONLY_POSTGRES },
            Pair { theirs: ("commit", 1), ours: "commit", on: MYSQLS },
            Pair { theirs: ("select", 0), ours: "select", on: EVERYWHERE },
            Pair { theirs: ("closed_without_commit", 0), ours: "leave without", on: EVERYWHERE },
        ],
        left_out: &[
            (
                ("commit", 0),
                "where a driver begins a transaction by itself, this commits the insert",
            ),
            (
                ("update_to_the_same_value", 0),
                "the client asks whether matched or changed rows are counted, so that layers on \
                 one database differ; crud/write-is-read-back-at-once judges it",
            ),
        ],
        deviations: &[Deviation {
            theirs: ("insert", 0),
            fact: Fact::Rows,
            on: BEGINS_BY_ITSELF,
            ours: "1",
            because: "Python's drivers for MySQL and SQLite turn autocommit off; Rust's leave it \
                as the server has it, as asyncpg does",
        }],
    }],
};

const BEGINS_BY_ITSELF: &[Kind] = &[Kind::MySql, Kind::MariaDb, Kind::Sqlite];
const ONLY_POSTGRES: &[Kind] = &[Kind::Postgres];
const MYSQLS: &[Kind] = &[Kind::MySql, Kind::MariaDb];

/// The raw statements of the notes: insert, update and commit, select, leave.
pub(super) async fn statement_outside_of_a_transaction_is_committed_at_once(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let trace = &subject.trace;
    let mut session = subject.pool.session().await?;
    let sql = "INSERT INTO users (email, hashed_password) VALUES (?, ?)";
    let insert = Op::Change(Statement::new(sql, ["first".into(), "key".into()]));
    let sql = "UPDATE users SET email = ? WHERE hashed_password = ?";
    let update = Op::Change(Statement::new(sql, ["second".into(), "key".into()]));

    let told = see_change(subject, &mut session, "insert", &insert).await?;
    let seen = subject.rows("users").await?;
    if (told, seen) != (1, 1) {
        return Ok(Verdict::violated(format!(
            "an insert outside of a transaction changed {told} rows, and {seen} are seen"
        )));
    }
    let gate = Gate::default();
    let (script, record) = Script::new([run(update), Step::Hold(gate.clone())], Ending::Commit);
    let step = "update in a transaction";
    let Under::Held(rest) = play_to(trace, step, session.transact(script), &gate).await? else {
        return Err(Error::Vacuous { why: "the transaction ended at once".to_owned() });
    };
    let told = record.answers().into_iter().map(|answer| answer.changed()).next();
    let told = told.transpose()?.unwrap_or_default();
    trace.fact(Fact::Changed, told);
    let before = see_email(subject).await?;
    gate.open();
    trace.see("commit", rest, done).await?;
    let after = see_email(subject).await?;
    if (told, before.as_str(), after.as_str()) != (1, "first", "second") {
        return Ok(Verdict::violated(format!(
            "an update of {told} rows: `{before}` is seen before the commit, `{after}` after it"
        )));
    }

    let select = Op::Fetch(Statement::new("SELECT email, hashed_password FROM users", []));
    let rows = async { session.run(&select).await?.rows() };
    let rows = trace.see("select", rows, |rows| format!("{rows:?}")).await?;
    trace.fact(Fact::Value, rows.iter().map(|row| texts(row)).collect::<Vec<_>>());
    let (script, _) = Script::new([run(insert)], Ending::Leave);
    trace.see("leave without", session.transact(script), done).await?;
    drop(session);
    // The layer may clean up when it lends again, and only then.
    subject.connections_out(0).await?;
    let left = subject.rows("users").await?;
    let expected = [["second".into(), "key".into()]];
    Ok(Verdict::upheld_if(rows == expected && left == 1, || {
        format!(
            "{rows:?} was selected, and {left} rows are left after an insert that was not committed"
        )
    }))
}

/// The columns of a row that are text.
fn texts(row: &[Value]) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(_) | Value::Null => None,
    };
    row.iter().filter_map(text).collect()
}

/// The email of the only user, as another connection sees it.
async fn see_email(subject: &Subject) -> Result<String, Error> {
    let email = match column(subject, "SELECT email FROM users").await?.as_slice() {
        [Value::Text(email)] => email.clone(),
        other => format!("{other:?}"),
    };
    subject.trace.fact(Fact::Value, email.clone());
    Ok(email)
}

pub(super) const BULK: Scenario =
    Scenario { check: "crud/bulk-insert-is-stored-whole-or-not-at-all", originals: &[] };

/// More rows than fit in a page of most things that count to 256 or 1000.
const BULK_ROWS: i64 = 1003;

pub(super) async fn bulk_insert_is_stored_whole_or_not_at_all(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let insert = |keys: Vec<i64>| {
        let sql = format!(
            "INSERT INTO canaries (nonce) VALUES {}",
            ["(?)"].repeat(keys.len()).join(", ")
        );
        Op::Change(Statement::new(sql, keys.into_iter().map(Value::Int)))
    };

    let all = insert((1..=BULK_ROWS).collect());
    let told = see_change(subject, &mut session, "insert many at once", &all).await?;
    let stored = column(subject, "SELECT nonce FROM canaries ORDER BY nonce").await?;
    subject.trace.fact(Fact::Rows, stored.len());
    let expected: Vec<Value> = (1..=BULK_ROWS).map(Value::Int).collect();
    if stored != expected || told != BULK_ROWS.unsigned_abs() {
        return Ok(Verdict::violated(format!(
            "of {BULK_ROWS} rows {told} were reported, and {} are stored",
            stored.len()
        )));
    }
    let step = "insert some, of which the last is there";
    let some = insert(vec![BULK_ROWS + 1, BULK_ROWS + 2, 1]);
    let failed = subject.trace.see(step, changed(&mut session, &some), done).await;
    let left = subject.rows("canaries").await?;
    if let Some(broken) = broken_failure(step, failed, Class::Constraint) {
        return Ok(broken);
    }
    if left != expected.len() {
        let torn = left - expected.len();
        return Ok(Verdict::violated(format!(
            "{torn} rows of a bulk insert that failed are stored"
        )));
    }
    Ok(Verdict::upheld_if(sees_seven(subject, &mut session).await, || {
        "the session is not usable after a bulk insert that failed".to_owned()
    }))
}
