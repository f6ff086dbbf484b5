//! The model alone: what it expects, on which rules, and that random cases reach all of it.

use std::{cell::RefCell, collections::BTreeSet, mem::discriminant};

use dropproof::{
    contract::{Capability, Class, Ending, Lack},
    database::Kind,
};
use proptest::{
    prelude::Strategy,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    super::{
        CASES,
        case::Change,
        generate::Cases,
        plan::{Expected, Step},
        worlds::{self, applied},
    },
    Action, Case, Rules, case, create, rules,
};

/// The steps of a case without a cut.
fn plan(case: &Case, rules: Rules) -> Vec<Step> {
    worlds::plan(case, rules).uncut
}

fn expectations(kind: Kind, case: &Case) -> Vec<Expected> {
    plan(case, rules(kind)).into_iter().map(|step| step.expected).collect()
}

/// How many tasks each session sees after the last step, and how many are committed.
fn tasks(steps: &[Step]) -> (Vec<usize>, usize) {
    let last = steps.last().expect("there is a step");
    let seen = |view: &Result<super::super::state::State, Class>| {
        view.as_ref().expect("it can read").tasks.len()
    };
    (last.views.iter().map(seen).collect(), last.committed.tasks.len())
}

#[test]
fn own_writes_are_seen_by_their_session_until_the_commit() {
    let open = case(2, &[(1, Action::Begin), (1, create("a"))]);
    let steps = plan(&open, rules(Kind::Postgres));
    assert_eq!(tasks(&steps[..2]), (vec![1, 0], 0));
    assert_eq!(steps[2].operation.action, Action::Rollback, "the plan ends what is open");
    assert_eq!(tasks(&steps), (vec![0, 0], 0));

    let committed = case(2, &[(1, Action::Begin), (1, create("a")), (1, Action::Commit)]);
    let steps = plan(&committed, rules(Kind::Postgres));
    assert_eq!(tasks(&steps), (vec![1, 1], 1));
    assert_eq!(steps[0].ending, Some(Ending::Commit), "a transaction begins with its ending");
}

#[test]
fn savepoint_is_undone_alone() {
    let of = |ending| {
        let operations = [
            (1, Action::Begin),
            (1, create("a")),
            (1, Action::Begin),
            (1, create("b")),
            (1, ending),
            (1, Action::Commit),
        ];
        tasks(&plan(&case(1, &operations), rules(Kind::MySql))).1
    };

    assert_eq!(of(Action::Commit), 2);
    for ending in [Action::Rollback, Action::Leave, Action::Fail] {
        assert_eq!(of(ending), 1);
    }
}

#[test]
fn refused_statement_fails_the_transaction_on_postgres_alone() {
    let refused = [
        (1, Action::Begin),
        (1, create("a")),
        (1, Action::Mark(2)),
        (1, create("b")),
        (1, Action::Commit),
    ];
    let case = case(1, &refused);

    let postgres = expectations(Kind::Postgres, &case);
    assert_eq!(postgres[2], Expected::Error(Class::Constraint));
    assert_eq!(postgres[3], Expected::Error(Class::FailedTransaction));
    assert_eq!(postgres[4], Expected::NotJudged);
    assert_eq!(tasks(&plan(&case, rules(Kind::Postgres))).1, 0);
    for kind in [Kind::MySql, Kind::MariaDb, Kind::Sqlite] {
        assert_eq!(expectations(kind, &case)[3..], [Expected::Created, Expected::Done]);
        assert_eq!(tasks(&plan(&case, rules(kind))).1, 2);
    }
}

#[test]
fn failed_savepoint_is_healed_by_its_rollback_and_not_by_its_release() {
    let of = |ending| {
        let operations = [
            (1, Action::Begin),
            (1, create("a")),
            (1, Action::Begin),
            (1, Action::ReadNowhere),
            (1, ending),
            (1, Action::Commit),
        ];
        let steps = plan(&case(1, &operations), rules(Kind::Postgres));
        (steps.len(), steps[4].expected.clone(), tasks(&steps).1)
    };

    assert_eq!(of(Action::Rollback), (6, Expected::Done, 1));
    // The release fails, and takes the transaction with it: there is nothing left to be committed.
    assert_eq!(of(Action::Commit), (5, Expected::Error(Class::FailedTransaction), 0));
}

#[test]
fn what_would_wait_for_a_lock_is_left_out() {
    let two_writers = case(2, &[(1, Action::Begin), (1, create("a")), (2, create("b"))]);
    for kind in Kind::ALL {
        assert_eq!(applied(&two_writers, rules(kind)).operations.len(), 2, "{kind}");
    }
    let reader = case(2, &[(1, Action::Begin), (2, Action::Begin), (2, create("b"))]);
    assert_eq!(applied(&reader, rules(Kind::MySql)).operations.len(), 3);
    // A session that began has read, and would keep the other one from committing.
    assert_eq!(applied(&reader, rules(Kind::Sqlite)).operations.len(), 1);
}

#[test]
fn a_refused_write_holds_locks_too() {
    let refused = case(2, &[(1, Action::Begin), (1, Action::Mark(1)), (2, create("a"))]);

    assert_eq!(applied(&refused, rules(Kind::MySql)).operations.len(), 2);
}

#[test]
fn layer_without_savepoints_gets_none() {
    let lack = Lack { capability: Capability::Savepoints, because: "it has none", link: "" };
    let nested = case(1, &[(1, Action::Begin), (1, Action::Begin), (1, create("a"))]);

    let without = applied(&nested, Rules::new(Kind::MySql, &[lack]));

    assert_eq!(without, case(1, &[(1, Action::Begin), (1, create("a"))]));
}

#[test]
fn update_that_changes_nothing_may_count_for_none_on_mysql() {
    let same = case(1, &[(1, create("a")), (1, Action::RenameTask(1, Some("a".to_owned())))]);
    let counted = |kind| expectations(kind, &same)[1].clone();

    assert_eq!(counted(Kind::MySql), Expected::Changed { rows: 1, or_none: true });
    assert_eq!(counted(Kind::Postgres), Expected::Changed { rows: 1, or_none: false });
}

#[test]
fn update_writes_the_columns_that_are_given() {
    let name = Change { full_name: Some(None), ..Change::default() };
    let operations = [
        (1, Action::CreateUser("a@x.org".to_owned(), Some("a".to_owned()))),
        (1, Action::UpdateUser(1, name)),
    ];
    let steps = plan(&case(1, &operations), rules(Kind::Postgres));

    let user = &steps[1].committed.users[&1];
    assert_eq!((user.email.as_str(), &user.full_name), ("a@x.org", &None));
}

#[test]
fn id_that_sqlite_gives_again_is_nobodys_until_then() {
    let operations =
        [(1, Action::Begin), (1, create("a")), (1, Action::Rollback), (1, Action::FindTask(1))];
    let target = |kind| plan(&case(1, &operations), rules(kind))[3].target;

    assert_eq!(target(Kind::Sqlite), None);
    assert_eq!(target(Kind::Postgres), Some(1));
}

#[test]
fn random_cases_reach_every_action_and_every_class_of_error() {
    for (kind, seed) in Kind::ALL.into_iter().zip(0_u8..) {
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let (mut actions, mut classes) = (BTreeSet::new(), BTreeSet::new());
        let deepest = RefCell::new(0);
        for _ in 0..CASES {
            let case = Cases(rules(kind)).new_tree(&mut runner).expect("a case").current();
            let steps = plan(&case, rules(kind));
            let begins = steps.iter().filter(|step| step.operation.action == Action::Begin);
            deepest.replace_with(|deepest| begins.count().max(*deepest));
            for step in steps {
                actions.insert(format!("{:?}", discriminant(&step.operation.action)));
                if let Expected::Error(class) = step.expected {
                    classes.insert(class.name());
                }
            }
        }

        assert_eq!(actions.len(), 17, "{kind}");
        let mut expected = BTreeSet::from(["ambiguous", "constraint", "planted", "statement"]);
        if kind == Kind::Postgres {
            expected.insert("failed-transaction");
        }
        assert_eq!(classes, expected, "{kind}");
        assert!(3 <= deepest.into_inner(), "{kind} has no savepoints");
    }
}
