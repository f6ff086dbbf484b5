//! Cases of which one operation is dropped: their worlds, how they shrink, and the search on SQLite.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::discriminant,
};

use dropproof::{
    contract::{Adapter, Ending, Target, Value},
    database::{Database, Kind},
    verdict::{self, Error, Verdict},
    witness::Tables,
};
use dropproof_adapters::sqlx::sqlite::Sqlx;
use proptest::{
    prelude::Strategy,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    super::{
        CASES,
        case::Place,
        generate::Cases,
        plan::Step,
        state::{Ids, State, TaskRow},
        table::Table,
        with_a_cut,
        worlds::{applied, plan},
    },
    Action, Case, Rules, case, create, rules,
    shrunk::minimal_of,
};
use crate::{Cell, Fault, Faulty, Judged, known::KnownIssues};

const CHECK: &str = "drop-guard/random-operations-survive-a-cut";

fn cutting(kind: Kind) -> Rules {
    rules(kind).cutting(kind)
}

/// The same case with one operation dropped.
fn dropped(mut case: Case, at: usize, place: Place) -> Case {
    case.operations[at].cut = Some(place);
    case
}

/// How many tasks are committed after the drop in each world, and how many steps follow it.
fn worlds(case: &Case, kind: Kind) -> Vec<(usize, usize)> {
    let fork = plan(case, cutting(kind)).cut.expect("an operation is dropped");
    let seen =
        |world: &Vec<Step>| (world[fork.at].committed.tasks.len(), world.len() - fork.at - 1);
    fork.worlds.iter().map(seen).collect()
}

#[test]
fn dropped_statement_or_commit_has_two_worlds() {
    let committed = case(1, &[(1, Action::Begin), (1, create("a")), (1, Action::Commit)]);

    let statement = dropped(case(1, &[(1, create("a"))]), 0, Place::Held(1));
    assert_eq!(worlds(&statement, Kind::Postgres), [(0, 0), (1, 0)]);
    let commit = dropped(committed.clone(), 2, Place::Held(1));
    assert_eq!(worlds(&commit, Kind::Postgres), [(0, 0), (1, 0)]);
    // What is left of the transaction means nothing then.
    let inside = dropped(committed, 1, Place::Held(1));
    assert_eq!(worlds(&inside, Kind::Postgres), [(0, 0)]);
}

#[test]
fn dropped_begin_and_savepoint_and_refused_commit_have_done_nothing() {
    let begin = case(1, &[(1, Action::Begin), (1, create("a")), (1, Action::Commit)]);
    // The next borrower creates the row outside of a transaction.
    assert_eq!(worlds(&dropped(begin, 0, Place::Sent(1)), Kind::MySql), [(0, 1)]);
    let nested = [(1, Action::Begin), (1, Action::Begin), (1, create("a")), (1, Action::Commit)];
    assert_eq!(worlds(&dropped(case(1, &nested), 3, Place::Held(1)), Kind::MySql), [(0, 0)]);
    let refused = [(1, Action::Begin), (1, Action::ReadNowhere), (1, Action::Commit)];
    assert_eq!(worlds(&dropped(case(1, &refused), 2, Place::Held(1)), Kind::Postgres), [(0, 0)]);
}

#[test]
fn other_sessions_keep_their_transactions() {
    let operations = [
        (2, Action::Begin),
        (2, create("a")),
        (1, Action::ListTasks),
        (2, create("b")),
        (2, Action::Commit),
    ];
    let case = dropped(case(2, &operations), 2, Place::Unread(1));

    let plan = plan(&case, cutting(Kind::Postgres));

    let world = &plan.cut.expect("an operation is dropped").worlds[0];
    assert_eq!(world.last().expect("it goes on").committed.tasks.len(), 2);
    assert_eq!(plan.uncut[0].ending, Some(Ending::Commit));
}

#[test]
fn transaction_learns_its_end_from_the_world_in_which_it_has_one() {
    let refused_unless_dropped = [
        (1, create("a")),
        (2, Action::Begin),
        (1, Action::Mark(1)),
        (2, Action::Mark(1)),
        (2, Action::Begin),
        (2, Action::Commit),
        (2, Action::Commit),
    ];
    let case = dropped(case(2, &refused_unless_dropped), 2, Place::Sent(1));

    let plan = plan(&case, cutting(Kind::Postgres));

    let fork = plan.cut.expect("an operation is dropped");
    // Where task 1 is marked already, marking it fails the transaction, which then refuses to nest.
    assert_eq!((plan.uncut.len(), fork.worlds[0].len(), fork.worlds[1].len()), (5, 7, 5));
    assert_eq!(plan.uncut[1].ending, Some(Ending::Commit));
}

#[test]
fn what_means_something_in_one_world_stays_in_the_case() {
    let operations = [(1, Action::Begin), (1, Action::Commit), (1, Action::Commit)];
    let twice = applied(&case(1, &operations), cutting(Kind::MySql));
    assert_eq!(twice.operations.len(), 2);

    let waits = [(1, Action::Begin), (1, create("a")), (1, Action::ListTasks), (2, create("b"))];
    assert_eq!(applied(&case(2, &waits), cutting(Kind::MySql)).operations.len(), 3);
    let free = dropped(case(2, &waits), 2, Place::Held(1));
    assert_eq!(applied(&free, cutting(Kind::MySql)).operations.len(), 4);
}

#[test]
fn one_operation_is_dropped_at_the_places_that_there_are() {
    let twice = dropped(case(1, &[(1, create("a")), (1, create("a"))]), 0, Place::Held(1));
    let twice = dropped(twice, 1, Place::Held(1));

    let cuts = |rules| {
        let operations = applied(&twice, rules).operations;
        operations.iter().filter(|operation| operation.cut.is_some()).count()
    };
    assert_eq!(cuts(cutting(Kind::Postgres)), 1);
    assert_eq!(cuts(cutting(Kind::Sqlite)), 0);
    assert_eq!(cuts(rules(Kind::Postgres)), 0);
}

#[test]
fn random_cases_drop_every_action_at_every_kind_of_place() {
    for (kind, seed) in Kind::ALL.into_iter().zip(0_u8..) {
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let (mut actions, mut places, mut without) = (BTreeSet::new(), BTreeSet::new(), 0);
        for _ in 0..4 * CASES {
            let case = Cases(cutting(kind)).new_tree(&mut runner).expect("a case").current();
            let Some((at, place)) = case.cut() else {
                without += 1;
                continue;
            };
            actions.insert(case.operations[at].action.name());
            places.insert(format!("{:?}", discriminant(&place)));
        }

        assert_eq!(actions.len(), 17, "{kind}: {actions:?}");
        assert_eq!(places.len(), if kind == Kind::Sqlite { 1 } else { 3 }, "{kind}");
        // All that one of few operations does may mean nothing.
        assert!(without < CASES / 8, "{kind}: {without} cases without a cut");
    }
}

/// What a case shrinks to that breaks where this holds of its cut, whatever the seed.
fn shrinks_to(expected: &Case, broken: impl Fn(&Case) -> bool) {
    for seed in 0..8 {
        let found = minimal_of(cutting(Kind::Postgres), seed, &broken);
        assert_eq!(found, *expected, "seed {seed}");
    }
}

#[test]
fn cut_moves_to_the_earliest_and_simplest_place() {
    let is_dropped = |case: &Case, wanted: &Action| {
        case.cut().is_some_and(|(at, _)| case.operations[at].action == *wanted)
    };
    let commit = dropped(case(1, &[(1, Action::Begin), (1, Action::Commit)]), 1, Place::Held(1));
    shrinks_to(&commit, |case| is_dropped(case, &Action::Commit));

    let late = |case: &Case| matches!(case.cut(), Some((_, Place::Unread(number))) if 2 < number);
    shrinks_to(&dropped(case(1, &[(1, Action::ListTasks)]), 0, Place::Unread(3)), late);
}

#[test]
fn cut_goes_where_it_is_not_needed() {
    let deletes = |case: &Case| {
        let delete = |action: &Action| matches!(action, Action::DeleteTask(_));
        case.operations.iter().any(|operation| delete(&operation.action))
    };

    shrinks_to(&case(1, &[(1, Action::DeleteTask(1))]), deletes);
}

#[test]
fn no_drop_shows_nothing() {
    let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
    let cell = Cell::new(database, |target: Target| async move { Sqlx::open(&target).await });
    let table = Table::new(&cell, cutting(Kind::Sqlite));
    assert_eq!(table.play(&case(1, &[(1, create("a"))])).expect("an answer"), None);
    let error = table.not_vacuous().expect_err("nothing was dropped");
    assert!(matches!(error, Error::Vacuous { .. }), "{error}");

    let dropped = dropped(case(1, &[(1, Action::Begin), (1, create("a"))]), 1, Place::Poll(1));
    assert_eq!(table.play_closely(&dropped).expect("an answer"), None);
    table.not_vacuous().expect("an operation was dropped");
}

/// The row whose answer is dropped gets the id of one that was rolled back.
#[test]
fn id_that_is_given_again_is_that_of_the_dropped_row() {
    let tables: Tables = BTreeMap::from([(
        "tasks".to_owned(),
        vec![vec![Value::Int(1), "b".into()], vec![Value::Int(2), "a".into()]],
    )]);
    let ids = Ids { tasks: BTreeMap::from([(1, 1), (2, 2)]), users: BTreeMap::new() };
    let row = |title: &str| TaskRow { title: Some(title.to_owned()), done: false };
    let nothing = State { tasks: BTreeMap::from([(1, row("b"))]), users: BTreeMap::new() };

    let ids = ids.with_created(&create("a"), 3, (&tables, &nothing));

    assert_eq!(ids.seen(&tables).tasks, [(Some(1), row("b")), (Some(3), row("a"))]);
}

fn judged(fault: Fault, list: &str) -> Judged {
    let database = Database::from_env(Kind::Sqlite).expect("SQLite is always there");
    let known = KnownIssues::read(list).expect("it is a list");
    let name = verdict::Cell {
        database: Kind::Sqlite,
        adapter: "demo".to_owned(),
        adapter_version: "1.0.0".to_owned(),
    };
    let cell = Cell::new(database, move |target: Target| async move {
        let inner = Sqlx::open(&target).await?;
        Ok(Faulty::new(inner, fault, target.sessions_max))
    });
    with_a_cut(&cell.knowing(&known, &name), CHECK).expect("a verdict")
}

fn message(judged: &Judged) -> &str {
    match &judged.verdict {
        Verdict::Violated(violation) => &violation.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_known_does_not_hide_what_is_not() {
    let list = r#"
        [[known]]
        checks = ["drop-guard/random-operations-survive-a-cut"]
        layer = "demo"
        version = "^1"
        databases = ["sqlite"]
        class = "desynced"
        cuts = ["list tasks"]
        link = "https://example.org/1"
        mechanism = "it counts nothing"
    "#;

    let (plain, known) = (judged(Fault::AnswersLate, ""), judged(Fault::AnswersLate, list));

    let words = "on 1 session: session 1 gets the answer to another question";
    let first = format!("desynced at list tasks: [1: dropped list tasks] {words}");
    assert!(message(&plain).starts_with(&first), "{}", message(&plain));
    // Which one comes first depends on how early the thread of SQLite answers.
    let is_other = |part: &str| {
        part.starts_with("desynced at ") && !part.contains("list tasks") && part.contains(words)
    };
    assert!(message(&known).split("; ").any(is_other), "{}", message(&known));
    assert!(known.evidence.expect("it has some").contains("as a line of its file of cases"));
}
