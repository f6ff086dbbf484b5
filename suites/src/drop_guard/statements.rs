//! Statements that are dropped, that fail, and that go on after a drop.

use std::sync::Arc;

use dropproof::{
    contract::{
        BoxedPool, BoxedSession, Capability, Class, Ending, Op, Pool, Result as LayerResult, Row,
        Script, Session, Statement, Statements as _, Step, Value,
    },
    sweep::Operation,
    verdict::Level,
};

use super::create;
use crate::{Check, Fault, cell::Named};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "drop-guard/dropped-changes-are-all-or-nothing",
        level: Level::Must,
        requirement: "Inserts, an update, a delete and a bulk insert in one transaction, \
            dropped at any place, MUST leave all of their effects or none.",
        claims: &["guard-cancel-mid-query", "guard-uncommitted-rolled-back"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "A statement that is dropped may still be carried out, after what its \
            caller does next. Whatever cleans up has to wait for its answer first, or the \
            ROLLBACK comes before the statement, which is then committed by itself.",
        catches: &[(Fault::CommitsEarly, "torn at"), (Fault::CommitForgotten, "lost at")],
        run: |cell| cell.sweep(Operation::transact(changes).changing()),
    },
    Check {
        id: "drop-guard/dropped-statement-is-all-or-nothing",
        level: Level::Must,
        requirement: "A statement outside of a transaction that is dropped at any place MUST \
            have all of its effect or none, and no other statement MUST be affected.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "One statement is atomic on every server. A layer breaks it by sending \
            several for one: row by row, or in batches of a size that it likes.",
        catches: &[
            (Fault::BulkIsSplit, "torn at bulk insert"),
            (Fault::AnswersLate, "desynced at"),
            (Fault::LeaksAsked, "stuck at"),
        ],
        run: |cell| cell.sweep_each(autocommitted()),
    },
    Check {
        id: "drop-guard/failed-statement-undoes-its-transaction",
        level: Level::Must,
        requirement: "A transaction that is left because a statement failed MUST leave no row \
            and no transaction.",
        claims: &["guard-uncommitted-rolled-back", "guard-async-with-error"],
        needs: &[Capability::DroppedGuard],
        since: "0.1.0",
        background: "An error leaves by `?`, so the guard's drop is all that is left. Where \
            text of several statements fails in the middle, the answers to the others are \
            still to come, or will never come: a client has to know which.",
        catches: &[(Fault::CommitsEarly, "torn at refused: uncut")],
        run: |cell| cell.uncut_each(failing()),
    },
    Check {
        id: "drop-guard/dropped-prepare-keeps-statements-apart",
        level: Level::Must,
        requirement: "A statement that is dropped while it is prepared MUST leave every later \
            statement its own text and its own rows, the same one included.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "A cache that is filled before the server has prepared the statement names \
            what is not there; one that is filled after it loses what the server keeps. The \
            name, or the number of MySQL, must not be used again for another text.",
        catches: &[(Fault::AnswersLate, "desynced at"), (Fault::LeaksAsked, "stuck at")],
        run: |cell| cell.sweep(read(7).on_fresh_pools()),
    },
    Check {
        id: "drop-guard/session-goes-on-after-a-dropped-statement",
        level: Level::Must,
        requirement: "A session that is kept when a statement on it is dropped at any place \
            MUST give the next statement its own answer, or an error.",
        claims: &["guard-cancel-mid-query"],
        needs: &[],
        since: "0.1.0",
        background: "A timeout around a statement keeps the connection, and asks it something \
            else. What was asked before is still answered: a client counts what it is owed, \
            reads it to its end first, or refuses to go on. One that \
            reads the next message for the answer gives one caller the rows of another.",
        catches: &[(Fault::AnswersLate, "desynced at")],
        run: |cell| cell.sweep(going_on()),
    },
];

fn changes() -> Script {
    let change = |sql: &'static str, parameters: Vec<Value>| {
        Step::Run(Op::Change(Statement::new(sql, parameters)))
    };
    let title = |title: &str| Step::Run(Op::CreateTask { title: Some(title.to_owned()) });
    let steps = [
        title("renamed"),
        title("deleted"),
        change("UPDATE tasks SET title = ? WHERE title = ?", vec!["new".into(), "renamed".into()]),
        change("DELETE FROM tasks WHERE title = ?", vec!["deleted".into()]),
        Step::Run(Op::Change(bulk())),
    ];
    Script::new(steps, Ending::Commit).0
}

fn bulk() -> Statement {
    let rows = ["a".into(), "b".into(), "c".into()];
    Statement::new("INSERT INTO tasks (title) VALUES (?), (?), (?)", rows)
}

fn autocommitted() -> Named {
    let one = |op: fn() -> Op| {
        Operation::new(move |_, mut session| async move { session.run(&op()).await.map(drop) })
            .changing()
    };
    vec![
        ("insert".to_owned(), one(|| Op::CreateTask { title: Some("planted".to_owned()) })),
        ("bulk insert".to_owned(), one(|| Op::Change(bulk()))),
    ]
}

/// Transactions that are left because their last statement is refused.
fn failing() -> Named {
    let after_create = |refused: fn() -> Op| {
        Operation::new(move |_, mut session| async move {
            let (script, _) = Script::new([create(), Step::Run(refused())], Ending::Commit);
            match session.transact(script).await {
                Err(error) if matches!(error.class(), Class::Constraint | Class::Statement) => {
                    Ok(())
                }
                ended => ended,
            }
        })
    };
    let nowhere = || Op::Fetch(Statement::new("SELECT id FROM nowhere", []));
    let several = || {
        Op::Text(
            "INSERT INTO tasks (title) VALUES ('one'); INSERT INTO dones (id) VALUES (99); \
             INSERT INTO tasks (title) VALUES ('three')"
                .into(),
        )
    };
    vec![
        ("refused".to_owned(), after_create(|| Op::Mark(99))),
        ("not understood".to_owned(), after_create(nowhere)),
        ("one of several".to_owned(), after_create(several)),
    ]
}

/// Asks for a number.
fn read(number: i64) -> Operation {
    Operation::new(move |_, mut session| async move {
        let question = Statement::echo(session.on().dialect(), number);
        session.run(&Op::Fetch(question)).await.map(drop)
    })
}

/// Asks for a number on a session that outlives the question, and is asked something else then.
fn going_on() -> Operation {
    Operation::new(|pool, session| async move {
        let mut kept = Kept { pool, session: Some(session) };
        let session = kept.session.as_mut().expect("it is taken by the drop alone");
        let question = Statement::echo(session.on().dialect(), 1);
        session.run(&Op::Fetch(question)).await.map(drop)
    })
    .with_sessions(2)
    .on_fresh_pools()
    .in_company()
}

/// A session whose owner goes on with it when the future around it is dropped.
struct Kept {
    pool: Arc<BoxedPool>,
    session: Option<BoxedSession>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            tokio::spawn(go_on(Arc::clone(&self.pool), session));
        }
    }
}

/// Asks for another number. A wrong answer is written down, so that it is found in the tables.
async fn go_on(pool: Arc<BoxedPool>, mut session: BoxedSession) -> LayerResult<()> {
    let question = Statement::echo(session.on().dialect(), 2);
    // A session that refuses to go on gives no wrong answer.
    let Ok(answer) = session.run(&Op::Fetch(question)).await else { return Ok(()) };
    drop(session);
    own_or_written_down(&pool, 2, answer.rows()).await
}

/// Writes down what is not the answer to the question for a number.
pub(super) async fn own_or_written_down(
    pool: &Arc<BoxedPool>,
    asked: i64,
    answer: LayerResult<Vec<Row>>,
) -> LayerResult<()> {
    let given = match answer {
        Ok(rows) if rows == [[Value::Int(asked)]] => return Ok(()),
        Ok(rows) => format!("answered by {rows:?}"),
        Err(error) => format!("failed with class `{}`", error.class()),
    };
    let title = Some(format!("asked for {asked}, {given}"));
    pool.session().await?.run(&Op::CreateTask { title }).await.map(drop)
}
