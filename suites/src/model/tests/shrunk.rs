//! Shrinking without a database: a fault is a condition on a case, and the minimal case is known.

use dropproof::database::Kind;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::{
    super::{case::Change, generate::Cases, plan::Step, worlds},
    Action, Case, Rules, case, create, rules,
};

fn plan(case: &Case, rules: Rules) -> Vec<Step> {
    worlds::plan(case, rules).uncut
}

/// The minimal case with a fault, from some seed.
fn minimal(kind: Kind, seed: u8, broken: impl Fn(&Case) -> bool) -> Case {
    minimal_of(rules(kind), seed, broken)
}

/// The same under these rules.
pub(super) fn minimal_of(rules: Rules, seed: u8, broken: impl Fn(&Case) -> bool) -> Case {
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let config = Config {
        failure_persistence: None,
        cases: 4096,
        max_shrink_iters: 10_000,
        ..Config::default()
    };
    let tried = TestRunner::new_with_rng(config, random).run(&Cases(rules), |case| {
        if broken(&case) { Err(TestCaseError::fail("broken")) } else { Ok(()) }
    });
    match tried {
        Err(TestError::Fail(_, case)) => case,
        other => panic!("{other:?}"),
    }
}

fn is_minimal(expected: &Case, broken: impl Fn(&Case) -> bool) {
    for kind in Kind::ALL {
        for seed in 0..8 {
            assert_eq!(minimal(kind, seed, &broken), *expected, "{kind}, seed {seed}");
        }
    }
}

#[test]
fn what_does_not_matter_is_left_out() {
    let broken = |case: &Case| {
        let deleted = |action: &Action| matches!(action, Action::DeleteTask(_));
        // Any deletion; transactions around it do not matter.
        case.operations.iter().any(|operation| deleted(&operation.action))
    };

    is_minimal(&case(1, &[(1, Action::DeleteTask(1))]), broken);
}

#[test]
fn sessions_are_merged_where_one_is_enough() {
    let broken = |case: &Case| {
        let committed = plan(case, rules(Kind::MySql))
            .last()
            .map_or(0, |step| step.committed.tasks.values().filter(|task| task.done).count());
        2 <= committed
    };
    let two_marked =
        [(1, create("a")), (1, create("a")), (1, Action::Mark(1)), (1, Action::Mark(2))];

    let found = minimal(Kind::MySql, 0, broken);

    // Marking the first before the second is created is the same length.
    assert_eq!((found.sessions, found.operations.len()), (1, two_marked.len()), "{found}");
}

#[test]
fn two_sessions_stay_where_both_are_needed() {
    let broken = |case: &Case| {
        let creators = case
            .operations
            .iter()
            .filter(|operation| matches!(operation.action, Action::CreateTask(_)));
        let sessions: std::collections::BTreeSet<u8> =
            creators.map(|operation| operation.session).collect();
        2 <= sessions.len()
    };

    is_minimal(&case(2, &[(1, create("a")), (2, create("a"))]), broken);
}

#[test]
fn columns_that_depend_on_each_other_have_one_minimum() {
    let broken = |case: &Case| {
        let updates: Vec<&Change> = case
            .operations
            .iter()
            .filter_map(|operation| match &operation.action {
                Action::UpdateUser(_, change) => Some(change),
                _ => None,
            })
            .collect();
        updates.windows(2).any(|pair| {
            let columns = |change: &Change| {
                [
                    change.email.is_some(),
                    change.hashed_password.is_some(),
                    change.full_name.is_some(),
                ]
            };
            let (first, second) = (columns(pair[0]), columns(pair[1]));
            first.iter().zip(second).any(|(first, second)| *first && !second)
                && second.contains(&true)
        })
    };
    let name = Change { full_name: Some(Some("a".to_owned())), ..Change::default() };
    let hash = Change { hashed_password: Some("hash".to_owned()), ..Change::default() };

    is_minimal(
        &case(1, &[(1, Action::UpdateUser(1, name)), (1, Action::UpdateUser(1, hash))]),
        broken,
    );
}

#[test]
fn words_that_depend_on_each_other_have_one_minimum() {
    let broken = |case: &Case| {
        let created = |action: &Action| match action {
            Action::CreateTask(title) => Some(title.clone()),
            _ => None,
        };
        let mut actions = case.operations.iter().map(|operation| &operation.action);
        let Some(title) = actions.find_map(created) else { return false };
        actions.any(|action| matches!(action, Action::RenameTask(1, to) if *to != title))
    };
    let rename = Action::RenameTask(1, Some("b".to_owned()));

    is_minimal(&case(1, &[(1, create("a")), (1, rename)]), broken);
}

#[test]
fn begin_goes_together_with_its_commit() {
    let broken = |case: &Case| {
        let steps = plan(case, rules(Kind::MySql));
        let committed = |step: &Step| step.operation.action == Action::Commit;
        let inside =
            steps.iter().position(|step| committed(step) && !step.committed.tasks.is_empty());
        inside.is_some()
    };

    // The transaction may be empty here, for the row is committed before.
    is_minimal(&case(1, &[(1, create("a")), (1, Action::Begin), (1, Action::Commit)]), broken);
}
