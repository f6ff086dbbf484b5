//! The service: what it answers where an await is forgotten in it, and what is stored then.
//!
//! The service is that of the notes (`dropproof-app`), on the units of work of the layer. An await that
//! is forgotten in it is a future that is dropped where it is made.

mod cases;
mod originals;

use dropproof::{
    contract::{self, Answer, Capability, Class, Op, Pool, Session, UnitOptions, Value},
    verdict::{Error, Level, Verdict},
};
use dropproof_app::App;
use serde_json::json;

use crate::{Check, Fault, Subject, session_scope::empty, trace::Fact};
use cases::{Asks, Case, UNCOMMITTED, UNREFRESHED, WRITES, told};
pub(super) use originals::{COMMIT, REFRESH, STORED};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: COMMIT.check,
        level: Level::Must,
        requirement: "After a commit that nobody has waited for nothing MUST be stored, and the \
            refresh of what was added MUST be an error, which the service answers with 500.",
        claims: &["await-missing-commit-only"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "The commit that was forgotten never comes, not even late. Whoever waits for \
            the refresh behind it learns of it there, unless the refresh makes up for it.",
        catches: &[(Fault::RefreshFlushes, "is answered with 200")],
        run: |cell| cell.play_scenario(&COMMIT, async |subject| play(subject, &UNCOMMITTED).await),
    },
    Check {
        id: REFRESH.check,
        level: Level::Must,
        requirement: "An object whose refresh nobody has waited for MUST NOT be answered with where \
            the commit has expired it; the row MUST be stored once for each time that it was \
            asked for.",
        claims: &["await-missing-refresh-only"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "The caller is told of a failure, and the row is there: one who tries again \
            makes a second. That cannot be mended here, but it must not be hidden behind values \
            that nobody has read.",
        catches: &[(Fault::ReadsExpired, "where that is to be 500 expired")],
        run: |cell| cell.play_scenario(&REFRESH, async |subject| play(subject, &UNREFRESHED).await),
    },
    Check {
        id: STORED.check,
        level: Level::Must,
        requirement: "A create, an update and a delete whose calls are all awaited MUST be answered \
            with what another connection reads afterwards; where the commit is forgotten nothing \
            MUST be stored, and where the refresh is, nothing that has expired MUST be answered.",
        claims: &["await-missing-update", "await-missing-delete", "await-missing-crud-both"],
        needs: &[Capability::UnitOfWork],
        since: "0.1.0",
        background: "An update without its commit and its refresh is answered with 200 and the new \
            title, and stores nothing: no error comes, at no time. Nobody sees it but who asks \
            another connection after each success.",
        catches: &[
            (Fault::CommitForgotten, "where that is to be 200 new"),
            (Fault::ReadsExpired, "where that is to be 500 expired"),
        ],
        run: |cell| cell.play_scenario(&STORED, async |subject| play(subject, &WRITES).await),
    },
];

async fn play(subject: &Subject, cases: &[Case]) -> Result<Verdict, Error> {
    // What a new connection says first is no part of it.
    subject.connections_out(0).await?;
    for case in cases {
        let known = match case.asks {
            Asks::Create => None,
            Asks::Update | Asks::Delete => Some(stored(subject).await?),
        };
        let options = UnitOptions { autoflush: false, expire_on_commit: case.expire_on_commit };
        let app = App::new(subject.pool.units(options)?, case.awaits);
        for (again, stored) in case.stored.iter().enumerate() {
            let step = format!("{}{}", case.step, if again == 0 { "" } else { " again" });
            subject.listen();
            let answer = ask(subject, &app, case, known, &step).await;
            subject.settle().await;
            let titles = titles(subject).await?;
            subject.trace.note(&format!("after {step}"), format_args!("{titles:?} stored"));
            subject.trace.fact(Fact::Value, titles.clone());
            subject.verbs();
            subject.rows("tasks").await?;
            subject.open_transactions().await?;
            subject.connections_out(0).await?;
            if answer != case.told || titles != *stored {
                return Ok(Verdict::violated(format!(
                    "the {step} is answered with {answer}, and {titles:?} are stored, where that is \
                     to be {} and {stored:?}",
                    case.told
                )));
            }
        }
        empty(subject).await?;
    }
    Ok(Verdict::Upheld)
}

/// Asks the service for what a case is about, and writes down what it answers.
async fn ask(subject: &Subject, app: &App, case: &Case, known: Option<i64>, step: &str) -> String {
    subject.trace.waits_for(step);
    let path = known.map_or_else(|| "/tasks".to_owned(), |id| format!("/tasks/{id}"));
    let body = case.asks.title().map(|title| json!({ "title": title }));
    let mut answer = app.ask(case.asks.method(), &path, body).await;
    // Which id the server makes is judged by a check of its own.
    if let Some(id) = answer.body.get_mut("id").filter(|id| id.is_i64()) {
        *id = json!("int");
    }
    let told = told(&answer);
    subject.trace.note(step, &told);
    subject.trace.fact(Fact::Status, answer.status.as_u16());
    subject.trace.fact(Fact::Body, answer.body);
    if let Some(class) = answer.failed {
        subject.trace.fact(Fact::Error, class.name());
    }
    told
}

/// Stores a task as somebody else, and gives its id.
async fn stored(subject: &Subject) -> Result<i64, Error> {
    let create = Op::CreateTask { title: Some("t0".to_owned()) };
    match subject.pool.session().await?.run(&create).await? {
        Answer::Id(id) => Ok(id),
        other => {
            let words = format!("a create answers {other:?}");
            Err(contract::Error::new(Class::Data, words).into())
        }
    }
}

/// The titles that another connection reads.
async fn titles(subject: &Subject) -> Result<Vec<String>, Error> {
    let rows = subject.witness().rows("tasks").await?;
    let title = |row: &contract::Row| match row.get(1) {
        Some(Value::Text(title)) => title.clone(),
        other => format!("{other:?}"),
    };
    Ok(rows.iter().map(title).collect())
}
