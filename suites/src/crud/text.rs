//! Text: it is stored byte by byte, or refused as a whole.

use std::cell::RefCell;

use dropproof::{
    contract::{self, Class, NewUser, Op, Pool, Session, Value},
    verdict::{Error, Verdict},
};
use proptest::{
    prelude::{Strategy, any},
    prop_oneof,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use super::{
    databases::facts,
    steps::{column, is_usable, new_user},
};
use crate::{Cell, Judged, Subject};

/// Stores random texts, and reads them back through the layer and through the witness.
pub(super) fn text_comes_back_as_it_was_stored(cell: &Cell) -> Result<Judged, Error> {
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
fn stores_and_reads(subject: &Subject, titles: &[Option<String>]) -> Result<Verdict, Error> {
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
async fn nul_is_kept_or_refused(subject: &Subject) -> Result<Verdict, Error> {
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

/// A name of 256 characters in a column of 255, beside one of 255 that fits.
pub(super) async fn text_that_is_too_long_is_refused_or_kept_whole(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let named = |length| {
        let full_name = Some("é".repeat(length));
        Op::CreateUser(NewUser { full_name, ..new_user("kim@x.org") })
    };

    session.run(&named(255)).await?.id()?;
    let long = session.run(&named(256)).await.map(drop);
    let lengths = column(subject, "SELECT CHAR_LENGTH(full_name) FROM users ORDER BY id");
    let lengths = match subject.kind().dialect() {
        contract::Dialect::Sqlite => {
            column(subject, "SELECT LENGTH(full_name) FROM users ORDER BY id").await?
        }
        _ => lengths.await?,
    };
    let (fits, whole) = (Value::Int(255), Value::Int(256));

    if !facts(subject.kind()).refuses_long_text {
        let kept = long.is_ok() && lengths == [fits, whole];
        return Ok(Verdict::upheld_if(kept, || {
            format!("texts of 255 and 256 characters are stored with {lengths:?}: {long:?}")
        }));
    }
    if lengths != [fits] {
        return Ok(Verdict::violated(format!("texts are stored with {lengths:?} characters")));
    }
    match long {
        Err(error) if error.class() == Class::Data => {}
        other => return Ok(Verdict::violated(format!("text that is too long: {other:?}"))),
    }
    Ok(Verdict::upheld_if(is_usable(&mut session).await, || {
        "the session is not usable after text was refused".to_owned()
    }))
}
