//! The suite `crud`: users, tasks and dones are created, read, changed and deleted as the notes say.

use std::{cell::RefCell, marker::PhantomData, pin::pin};

use dropproof::{
    contract::{
        self, Class, Ending, Gate, NewUser, Op, Pool, Script, Session, Statement, Step, User, Value,
    },
    verdict::{Error, Level, Verdict},
};
use futures::future::{Either, select};
use proptest::{
    prelude::{Strategy, any},
    prop_oneof,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use crate::{Cell, Check, Fault, Judged, Subject};

/// The suite, for one type of pool.
pub(crate) struct Crud<P>(PhantomData<P>);

impl<P: Pool> Crud<P> {
    /// The checks, in report order.
    pub(crate) const CHECKS: &'static [Check<P>] = &[
        Check {
            id: "crud/create-returns-the-id-that-the-server-made",
            level: Level::Must,
            requirement: "A created row MUST be returned with the id that the server made for it.",
            claims: &["crud-create-user"],
            needs: &[],
            since: "0.1.0",
            background: "A layer that counts ids itself, or returns the object before the server \
                has answered, is right until a second client writes. Ask the server: RETURNING, \
                or the last insert id of the same connection.",
            catches: &[
                (Fault::IdGuessed, "but the server made"),
                (Fault::IdForgotten, "but the server made"),
            ],
            run: |cell| cell.play(create_returns_the_id_that_the_server_made),
        },
        Check {
            id: "crud/text-comes-back-as-it-was-stored",
            level: Level::Must,
            requirement: "Text MUST come back as it was stored, byte for byte, and NULL as NULL; \
                text that the server refuses MUST be an error that leaves the session usable.",
            claims: &["crud-create-user", "crud-task-create"],
            needs: &[],
            since: "0.1.0",
            background: "Text is lost where a connection speaks another character set than the \
                table, where empty text is taken for NULL, and where a length is counted up to \
                the first NUL. Postgres refuses NUL (22021); the other databases keep it.",
            catches: &[
                (Fault::TextCut, "came back as"),
                (Fault::EmptyIsNull, "came back as"),
                (Fault::NulEndsText, "NUL"),
            ],
            run: text_comes_back_as_it_was_stored,
        },
        Check {
            id: "crud/lookup-by-email-finds-one-or-none-or-fails",
            level: Level::Must,
            requirement: "A lookup by email MUST give the user with that email, or none, and MUST \
                fail where two users have it.",
            claims: &["crud-get-by-email-found", "crud-get-by-email-missing"],
            needs: &[],
            since: "0.1.0",
            background: "Calls that promise one row often take the first of several without a \
                word, and calls that promise an optional row often fail on none. Ask for two rows and count them.",
            catches: &[
                (Fault::FirstOfSeveral, "two users have the email"),
                (Fault::MissingIsError, "nobody has the email"),
            ],
            run: |cell| cell.play(lookup_by_email_finds_one_or_none_or_fails),
        },
        Check {
            id: FAILED_STATEMENT,
            level: Level::Must,
            requirement: "A statement that fails MUST be an error of its class, undo its \
                transaction, and leave the session usable.",
            claims: &["crud-get-by-email-missing", "crud-done-resource"],
            needs: &[],
            since: "0.1.0",
            background: "A server that has refused a statement inside a transaction refuses all \
                others until a rollback. A layer that gives the connection back without one \
                hands the failure to the next borrower.",
            catches: &[
                (Fault::StaysFailed, "the session is not usable"),
                (Fault::ErrorSwallowed, "gave no error"),
                (Fault::ClassLost, "is of class `other`"),
                (Fault::CommitsEarly, "is still there"),
            ],
            run: |cell| {
                cell.play_pinned(FAILED_STATEMENT, failed_statement_leaves_the_session_usable)
            },
        },
        Check {
            id: SEEN_AFTER_COMMIT,
            level: Level::Must,
            requirement: "What a session writes in a transaction MUST be seen by another session \
                after the commit, and MUST NOT be seen before it.",
            claims: &["crud-create-user", "crud-autoflush-off", "guard-uncommitted-rolled-back"],
            needs: &[],
            since: "0.1.0",
            background: "Statements that are sent on another connection than the transaction's \
                are committed one by one; a commit that is not awaited is not sent at all.",
            catches: &[
                (Fault::CommitsEarly, "before the commit"),
                (Fault::CommitForgotten, "after the commit"),
            ],
            run: |cell| cell.play_pinned(SEEN_AFTER_COMMIT, work_is_seen_only_after_commit),
        },
    ];
}

const FAILED_STATEMENT: &str = "crud/failed-statement-leaves-the-session-usable";
const SEEN_AFTER_COMMIT: &str = "crud/work-is-seen-only-after-commit";

/// The server's ids are moved on first, so that one who counts for himself is wrong.
async fn create_returns_the_id_that_the_server_made<P: Pool>(
    subject: &Subject<P>,
) -> Result<Verdict, Error> {
    let witness = subject.witness();
    witness
        .query(
            "INSERT INTO users (email, hashed_password) VALUES ('gone', 'hash'); DELETE FROM users",
        )
        .await?;

    let mut session = subject.pool.session().await?;
    let mut returned = Vec::new();
    for email in ["kim@x.org", "lee@x.org", "émile@x.org"] {
        let id = session.run(&Op::CreateUser(new_user(email))).await?.id()?;
        returned.push(vec![Value::Int(id), email.into()]);
    }

    let made = witness.query("SELECT id, email FROM users ORDER BY id").await?;
    Ok(Verdict::upheld_if(returned == made, || {
        format!("ids were returned as {returned:?}, but the server made {made:?}")
    }))
}

/// Stores random texts, and reads them back through the layer and through the witness.
fn text_comes_back_as_it_was_stored<P: Pool>(cell: &Cell<P>) -> Result<Judged, Error> {
    let subject = cell.subject()?;
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &cell.seed_bytes());
    // A question that is not answered ends the search, and is not taken for a broken rule.
    let unanswered = RefCell::new(None);
    let tried = TestRunner::new_with_rng(config, random).run(&titles(), |titles| {
        match stores_and_reads(&subject, &titles) {
            Ok(Verdict::Violated(broken)) => Err(TestCaseError::fail(broken.message)),
            Ok(_) => Ok(()),
            Err(error) => {
                unanswered.replace(Some(error));
                Err(TestCaseError::reject("not answered"))
            }
        }
    });
    if let Some(error) = unanswered.take() {
        return Err(error);
    }
    let verdict = match tried {
        Ok(()) => subject.wait(nul_is_kept_or_refused(&subject))??,
        Err(TestError::Fail(reason, _)) => Verdict::violated(reason.message()),
        Err(TestError::Abort(reason)) => {
            return Err(Error::Vacuous { why: reason.message().to_owned() });
        }
    };
    subject.close()?;
    Ok(verdict.into())
}

/// Lists of titles: NULL, empty, quotes, any character but NUL, and long ones.
fn titles() -> impl Strategy<Value = Vec<Option<String>>> {
    let character = any::<char>().prop_map(|c| if c == '\0' { ' ' } else { c });
    let text = prop_oneof![
        1 => proptest::strategy::Just(String::new()),
        2 => "[ -~]{1,20}",
        2 => r#"['"\\`$?;%_-]{1,8}"#,
        2 => "[가-힣à-ÿ]{1,8}",
        2 => "[😀-🙏𐍈𝄞]{1,8}",
        3 => proptest::collection::vec(character, 1..40).prop_map(String::from_iter),
        1 => "[aé😀]{3000,5000}",
    ];
    proptest::collection::vec(proptest::option::weighted(0.9, text), 1..6)
}

/// The in-memory model is the list of titles itself, under the ids that were returned.
fn stores_and_reads<P: Pool>(
    subject: &Subject<P>,
    titles: &[Option<String>],
) -> Result<Verdict, Error> {
    let witness = subject.witness();
    witness.empty_tables()?;
    let (model, read) = subject.wait(async {
        let mut session = subject.pool.session().await?;
        let mut model = Vec::new();
        for title in titles {
            let id = session.run(&Op::CreateTask { title: title.clone() }).await?.id()?;
            model.push((id, title.clone()));
        }
        let tasks = session.run(&Op::Tasks).await?.tasks()?;
        let read: Vec<_> = tasks.into_iter().map(|task| (task.id, task.title)).collect();
        Ok::<_, contract::Error>((model, read))
    })??;
    let stored: Vec<_> = witness
        .query_blocking("SELECT id, title FROM tasks ORDER BY id")?
        .into_iter()
        .map(|row| match row.as_slice() {
            [Value::Int(id), Value::Text(title)] => (*id, Some(title.clone())),
            [Value::Int(id), _] => (*id, None),
            _ => (0, None),
        })
        .collect();

    Ok(Verdict::upheld_if(read == model && stored == model, || {
        format!("{model:?} came back as {read:?} and is stored as {stored:?}")
    }))
}

/// NUL in text is kept whole or refused whole.
async fn nul_is_kept_or_refused<P: Pool>(subject: &Subject<P>) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let title = Some("a\0b".to_owned());
    let created = session.run(&Op::CreateTask { title: title.clone() }).await;
    let usable = is_usable(&mut session).await;
    Ok(match created {
        Ok(id) if subject.dialect().keeps_nul() => {
            let task = session.run(&Op::Task(id.id()?)).await?.task()?;
            let read = task.and_then(|task| task.title);
            Verdict::upheld_if(read == title, || format!("NUL in {title:?} came back as {read:?}"))
        }
        Ok(_) => Verdict::violated("NUL was accepted that the server cannot store"),
        Err(error) if subject.dialect().keeps_nul() => Verdict::violated(format!(
            "NUL was refused with class `{}` that the server can store",
            error.class()
        )),
        Err(error) => Verdict::upheld_if(error.class() == Class::Data && usable, || {
            format!("NUL was refused with class `{}`; session usable: {usable}", error.class())
        }),
    })
}

async fn lookup_by_email_finds_one_or_none_or_fails<P: Pool>(
    subject: &Subject<P>,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    for email in ["kim@x.org", "émile@x.org", "lee@x.org", "lee@x.org"] {
        session.run(&Op::CreateUser(new_user(email))).await?;
    }

    for email in ["kim@x.org", "émile@x.org"] {
        let found = lookup(&mut session, email).await?;
        if found.as_ref().is_none_or(|user| user.email != email) {
            return Ok(Verdict::violated(format!("one user has the email {email}: {found:?}")));
        }
    }
    match lookup(&mut session, "nobody@x.org").await {
        Ok(None) => {}
        other => return Ok(Verdict::violated(format!("nobody has the email: {other:?}"))),
    }
    match lookup(&mut session, "lee@x.org").await {
        Err(error) if error.class() == Class::Ambiguous => {}
        other => return Ok(Verdict::violated(format!("two users have the email: {other:?}"))),
    }
    Ok(Verdict::upheld_if(is_usable(&mut session).await, || {
        "the session is not usable after a lookup that failed".to_owned()
    }))
}

async fn failed_statement_leaves_the_session_usable<P: Pool>(
    subject: &Subject<P>,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let nowhere = Op::Fetch(Statement::new("SELECT * FROM nowhere", []));
    let failures = [
        ("mark a task that is not there", Op::Mark(1), Class::Constraint),
        ("read a table that is not there", nowhere, Class::Statement),
    ];
    for (step, op, class) in failures {
        let failed = subject.trace.see(step, session.run(&op), |_| "done".to_owned()).await;
        if let Some(broken) = broken_failure(step, failed.map(drop), class) {
            return Ok(broken);
        }
        if !sees_seven(subject, &mut session).await {
            return Ok(Verdict::violated(format!("the session is not usable after: {step}")));
        }
    }

    let step = "create a task and mark another in a transaction";
    let steps = [Step::Run(Op::CreateTask { title: None }), Step::Run(Op::Mark(99))];
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

async fn work_is_seen_only_after_commit<P: Pool>(subject: &Subject<P>) -> Result<Verdict, Error> {
    let trace = &subject.trace;
    let mut writer = subject.pool.session().await?;
    let mut reader = subject.pool.session().await?;
    let gate = Gate::default();
    let create = Step::Run(Op::CreateTask { title: Some("shared".to_owned()) });
    let (script, _) = Script::new([create, Step::Hold(gate.clone())], Ending::Commit);

    let writing = pin!(writer.transact(script));
    let step = "the writer creates a task in a transaction";
    trace.waits_for(step);
    let writing = match select(writing, pin!(gate.reached())).await {
        Either::Left((ended, _)) => {
            ended?;
            return Err(Error::Vacuous { why: "the transaction ended at once".to_owned() });
        }
        Either::Right(((), writing)) => writing,
    };
    trace.note(step, "done");
    let before = tasks_seen(subject, &mut reader).await?;
    gate.open();
    trace.see("the writer commits", writing, |()| "done".to_owned()).await?;
    let after = tasks_seen(subject, &mut reader).await?;

    Ok(match (before, after) {
        ((0, 0), (1, 1)) => Verdict::Upheld,
        ((0, 0), (reader, witness)) => Verdict::violated(format!(
            "after the commit the reader sees {reader} tasks and the witness {witness}, not 1"
        )),
        ((reader, witness), _) => Verdict::violated(format!(
            "before the commit the reader sees {reader} tasks and the witness {witness}, not 0"
        )),
    })
}

/// How many tasks another session and the witness see.
async fn tasks_seen<P: Pool>(
    subject: &Subject<P>,
    reader: &mut P::Session,
) -> Result<(usize, usize), Error> {
    let trace = &subject.trace;
    let shown = |tasks: &Vec<_>| format!("{} tasks", tasks.len());
    let listed = async { reader.run(&Op::Tasks).await?.tasks() };
    let tasks = trace.see("the reader sees", listed, shown).await?;
    let rows = subject.witness().rows("tasks").await?;
    trace.note("the witness sees", format!("{} tasks", rows.len()));
    Ok((tasks.len(), rows.len()))
}

/// The verdict on a step that had to fail, where it did not fail as it had to.
fn broken_failure(step: &str, result: contract::Result<()>, class: Class) -> Option<Verdict> {
    match result {
        Ok(()) => Some(Verdict::violated(format!("{step}: gave no error"))),
        Err(error) if error.class() == class => None,
        Err(error) => Some(Verdict::violated(format!(
            "{step}: the error is of class `{}` and not `{class}`",
            error.class()
        ))),
    }
}

async fn sees_seven<P: Pool>(subject: &Subject<P>, session: &mut P::Session) -> bool {
    let seven = async { session.run(&seven()).await?.rows() };
    let shown = |rows: &Vec<_>| format!("{rows:?}");
    let rows = subject.trace.see("select 7", seven, shown).await;
    rows.is_ok_and(|rows| rows == [[Value::Int(7)]])
}

async fn is_usable<S: Session>(session: &mut S) -> bool {
    let rows = async { session.run(&seven()).await?.rows() }.await;
    rows.is_ok_and(|rows| rows == [[Value::Int(7)]])
}

fn seven() -> Op {
    Op::Fetch(Statement::new("SELECT CAST(? AS BIGINT)", [7.into()]))
}

async fn lookup<S: Session>(session: &mut S, email: &str) -> contract::Result<Option<User>> {
    session.run(&Op::UserByEmail(email.to_owned())).await?.user()
}

fn new_user(email: &str) -> NewUser {
    NewUser {
        email: email.to_owned(),
        hashed_password: "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA".to_owned(),
        full_name: None,
    }
}
