//! The check on SQLite: what fails is kept and replayed, alike for the same seed; and a lock that is not
//! free is an error.

use std::{fs, path::Path};

use dropproof::{
    contract::{Adapter, Target},
    database::{Database, Kind},
    run::Run,
    verdict::{Error, Verdict},
};
use dropproof_adapters::sqlx::sqlite::Sqlx;
use rstest::rstest;
use tempfile::TempDir;

use super::{
    super::{
        CHECK, ID,
        case::{Change, Place},
        play::play,
        regressions::Regressions,
        table::{DROPS, Table},
        worlds::{applied, plan},
    },
    Action, Case, Operation, case, create, rules,
};
use crate::{Cell, Fault, Faulty, Judged, cell::SESSIONS_MAX};

fn cell(fault: Fault) -> Cell {
    let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
    Cell::new(database, move |target: Target| async move {
        let inner = Sqlx::open(&target).await?;
        Ok(Faulty::new(inner, fault, target.sessions_max))
    })
}

fn planted(fault: Fault, run: &Run, folder: &Path) -> Result<Judged, Error> {
    let regressions = Regressions::of(folder.into(), None);
    let cell = cell(fault).of_run(run).keeping(Some(regressions), "sqlite-demo");
    (CHECK.run)(&cell)
}

fn sound(folder: &Path, run: &Run) -> Result<Judged, Error> {
    let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
    let open = |target: Target| async move { Sqlx::open(&target).await };
    let regressions = Regressions::of(folder.into(), None);
    let cell = Cell::new(database, open).of_run(run).keeping(Some(regressions), "sqlite-demo");
    (CHECK.run)(&cell)
}

/// Another thread answers before the operation has to wait, in most rounds or in few.
#[test]
fn case_is_looked_at_until_its_operation_was_dropped() {
    let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
    let cell = Cell::new(database, |target: Target| async move { Sqlx::open(&target).await });
    let table = Table::new(&cell, rules(Kind::Sqlite).cutting(Kind::Sqlite));
    let mut case = case(1, &[(1, Action::ListTasks)]);
    case.operations[0].cut = Some(Place::Poll(1));

    let mismatch = table.play_closely(&case).expect("it is played");

    assert!(mismatch.is_none(), "{mismatch:?}");
    assert_eq!(table.drops.get(), DROPS);
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn file(folder: &TempDir) -> String {
    let path = folder.path().join(ID).join("sqlite-demo.jsonl");
    fs::read_to_string(path).expect("a case was kept")
}

#[test]
fn equal_seeds_give_equal_verdicts() {
    let (first, second) = (folder(), folder());
    let run = Run { seed: 7, ..Run::default() };

    let one = planted(Fault::CommitForgotten, &run, first.path()).expect("a verdict");
    let other = planted(Fault::CommitForgotten, &run, second.path()).expect("a verdict");

    assert_eq!(one, other);
    assert_eq!(file(&first), file(&second));
}

#[test]
fn what_has_failed_is_replayed_before_anything_is_tried() {
    let folder = folder();
    let found = planted(Fault::ReadsFromCache, &Run::default(), folder.path()).expect("a verdict");
    let kept = file(&folder);

    // One case of another seed would hardly find it.
    let run = Run { seed: 99, cases: Some(1), ..Run::default() };
    let replayed = planted(Fault::ReadsFromCache, &run, folder.path()).expect("a verdict");

    assert_eq!(found, replayed);
    assert!(matches!(replayed.verdict, Verdict::Violated(_)));
    assert_eq!(file(&folder), kept, "it is not kept twice");
    assert_eq!(sound(folder.path(), &run).expect("a verdict").verdict, Verdict::Upheld);
}

#[test]
fn corrupt_file_is_an_error_and_no_verdict() {
    let folder = folder();
    let own = folder.path().join(ID);
    fs::create_dir_all(&own).expect("it can be made");
    fs::write(own.join("sqlite-demo.jsonl"), "?").expect("it can be written");

    let error = sound(folder.path(), &Run::default()).expect_err("it cannot be replayed");

    assert!(matches!(error, Error::Regressions { .. }), "{error}");
}

#[test]
fn no_case_shows_nothing() {
    let run = Run { cases: Some(0), ..Run::default() };

    let error = sound(folder().path(), &run).expect_err("nothing was tried");

    assert!(matches!(error, Error::Vacuous { .. }), "{error}");
}

#[test]
fn lock_that_is_not_free_is_an_error_that_names_both_sessions() {
    let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
    let cell = Cell::new(database, |target: Target| async move { Sqlx::open(&target).await });
    let subject = Table::new(&cell, rules(Kind::Sqlite)).open(SESSIONS_MAX).expect("a subject");
    // No plan has two writers, so that one is made of two plans.
    let writing = case(2, &[(1, Action::Begin), (1, create("a"))]);
    let mut steps = plan(&writing, rules(Kind::Sqlite));
    let mut waiting = plan(&case(2, &[(2, create("b"))]), rules(Kind::Sqlite)).uncut;
    steps.uncut.truncate(2);
    waiting[0].busy = vec![1, 2];
    steps.uncut.append(&mut waiting);

    let error =
        subject.wait(play(&subject, 2, &steps, true)).expect("in time").expect_err("it waits");

    assert_eq!(
        error.to_string(),
        "session 2 at `2: create task \"b\"` waited in vain for a lock; session 1 was the last other \
         one to begin or to write"
    );
}

/// Every action in its simplest words that can make a difference.
fn actions() -> Vec<Action> {
    let email = || "a@x.org".to_owned();
    let change = |email: Option<&str>, hash: Option<&str>, name: Option<&str>| Change {
        email: email.map(str::to_owned),
        hashed_password: hash.map(str::to_owned),
        full_name: name.map(|name| Some(name.to_owned())),
    };
    vec![
        Action::ListTasks,
        Action::FindTask(1),
        Action::FindUser(email()),
        create("a"),
        Action::Mark(1),
        Action::Unmark(1),
        Action::RenameTask(1, Some("b".to_owned())),
        Action::DeleteTask(1),
        Action::CreateUser(email(), Some("a".to_owned())),
        Action::UpdateUser(1, change(Some("b@x.org"), None, None)),
        Action::UpdateUser(1, change(None, Some("other"), None)),
        Action::UpdateUser(1, change(None, None, Some("b"))),
        Action::ReadNowhere,
        Action::StoreNull,
        Action::Begin,
        Action::Commit,
        Action::Rollback,
        Action::Leave,
        Action::Fail,
    ]
}

/// Every case of so many operations on two sessions, the first of which is session 1's.
fn cases(length: usize) -> Vec<Case> {
    let mut all = vec![case(2, &[])];
    for place in 0..length {
        let longer = |shorter: Case| {
            let sessions = 1..=if place == 0 { 1 } else { 2 };
            let added = sessions.flat_map(|session| {
                actions().into_iter().map(move |action| Operation { session, action, cut: None })
            });
            added.map(move |operation| {
                let mut longer = shorter.clone();
                longer.operations.push(operation);
                longer
            })
        };
        all = all.into_iter().flat_map(longer).collect();
        all.retain(|case| applied(case, rules(Kind::Sqlite)) == *case);
    }
    all
}

/// With [`CHECK`], which wants this length, the minimal case is a true minimum.
#[rstest]
#[case(Fault::ReadsFromCache, 2)]
#[case(Fault::WritesAllColumns, 3)]
#[case(Fault::RetryHidesError, 3)]
#[case(Fault::SeesUncommitted, 2)]
#[case(Fault::OwnWritesUnseen, 2)]
#[case(Fault::CommitForgotten, 3)]
#[case(Fault::CommitsEarly, 2)]
// Its last operation is the rollback that every plan ends with.
#[case(Fault::SavepointIgnored, 3)]
fn no_shorter_case_shows_the_fault(#[case] fault: Fault, #[case] length: usize) {
    let cell = cell(fault);
    let table = Table::new(&cell, rules(Kind::Sqlite));

    for case in cases(length - 1) {
        assert_eq!(table.play(&case).expect("an answer"), None, "{fault:?}");
    }
}
