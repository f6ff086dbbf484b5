//! Random cases, and how a failing one becomes a minimal one.
//!
//! Shrinking is our own: removing one operation after the other, as for any list, gets stuck where a
//! begin goes only together with its commit. Here a smaller case is every one that is less by a total
//! order (fewer operations, then fewer sessions, then no cut or an earlier one, then simpler
//! operations), and the search ends when none of the neighbours fails.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::RangeInclusive,
};

use proptest::{
    option::weighted,
    prelude::{Strategy, any},
    prop_oneof,
    sample::{Index, select},
    strategy::{BoxedStrategy, Just, NewTree, Union, ValueTree},
    test_runner::TestRunner,
};

use super::{
    case::{About, Action, Case, Change, Operation, Place, SESSIONS_MAX},
    neighbours::neighbours,
    rules::{Cuts, Rules},
    words::{EMAILS, HASHES, TEXTS},
    worlds::{applied, taken},
};

const OPERATIONS: RangeInclusive<usize> = 4..=20;
/// So many where one of them is dropped, for which the layer is opened anew.
const OPERATIONS_WITH_A_CUT: RangeInclusive<usize> = 2..=10;
/// The numbers of places: the early ones more often, since short conversations have no others.
const NUMBERS: [u8; 14] = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8];
/// An operation on SQLite needs few polls, and how many is not the same in every run.
const POLLS: [u8; 6] = [1, 1, 1, 2, 2, 3];

/// Cases as they make sense under some rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cases(pub(super) Rules);

impl Strategy for Cases {
    type Tree = Shrinking;
    type Value = Case;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let cases = (about(), transactions()).prop_flat_map(move |(about, transactions)| {
            let operation = (1..=SESSIONS_MAX, action(about, transactions))
                .prop_map(|(session, action)| Operation { session, action, cut: None });
            let operations = proptest::collection::vec(operation, self.length());
            (1..=SESSIONS_MAX, operations)
        });
        let (sessions, mut operations) = cases.new_tree(runner)?.current();
        for operation in &mut operations {
            operation.session = (operation.session - 1) % sessions + 1;
        }
        let mut case = Case { sessions, operations };
        if let Some(places) = places(self.0.cuts) {
            let (at, place) = (any::<Index>(), places).new_tree(runner)?.current();
            // One that is left out cannot be dropped.
            let means_something: Vec<usize> = taken(&case, self.0);
            if !means_something.is_empty() {
                case.operations[*at.get(&means_something)].cut = Some(place);
            }
        }
        Ok(Shrinking::new(applied(&case, self.0), self.0))
    }
}

impl Cases {
    fn length(self) -> RangeInclusive<usize> {
        if self.0.cuts == Cuts::Never { OPERATIONS } else { OPERATIONS_WITH_A_CUT }
    }
}

/// Where an operation is dropped.
fn places(cuts: Cuts) -> Option<BoxedStrategy<Place>> {
    let number = || select(&NUMBERS[..]);
    match cuts {
        Cuts::Never => None,
        Cuts::OnTheWire => Some(
            prop_oneof![
                2 => number().prop_map(Place::Held),
                2 => number().prop_map(Place::Unread),
                1 => select(&NUMBERS[..9]).prop_map(Place::Sent),
            ]
            .boxed(),
        ),
        Cuts::ByPolls => Some(select(&POLLS[..]).prop_map(Place::Poll).boxed()),
    }
}

/// What the operations of a case are about: on few rows of one table more comes together.
fn about() -> impl Strategy<Value = About> {
    proptest::sample::select(&[About::Tasks, About::Users, About::Both][..])
}

/// How often transactions are begun and ended: without any, sessions meet more often.
fn transactions() -> impl Strategy<Value = u32> {
    select(&[0, 1, 2][..])
}

fn action(about: About, transactions: u32) -> Union<BoxedStrategy<Action>> {
    let (tasks, users) = match about {
        About::Tasks => (4, 0),
        About::Users => (0, 4),
        About::Both => (2, 2),
    };
    let row = || prop_oneof![4 => Just(1_u8), 2 => Just(2), 1 => Just(3), 1 => Just(4)];
    let email = || select(&EMAILS[..]).prop_map(str::to_owned);
    let weighted = vec![
        (tasks, Just(Action::ListTasks).boxed()),
        (tasks, row().prop_map(Action::FindTask).boxed()),
        (3 * tasks, name().prop_map(Action::CreateTask).boxed()),
        (3 * tasks, row().prop_map(Action::Mark).boxed()),
        (tasks, row().prop_map(Action::Unmark).boxed()),
        (2 * tasks, (row(), name()).prop_map(|(row, to)| Action::RenameTask(row, to)).boxed()),
        (tasks, row().prop_map(Action::DeleteTask).boxed()),
        (2 * users, email().prop_map(Action::FindUser).boxed()),
        (3 * users, (email(), name()).prop_map(|(of, name)| Action::CreateUser(of, name)).boxed()),
        (6 * users, (row(), change()).prop_map(|(row, to)| Action::UpdateUser(row, to)).boxed()),
        (users, Just(Action::StoreNull).boxed()),
        (1, Just(Action::ReadNowhere).boxed()),
        (8 * transactions, Just(Action::Begin).boxed()),
        (4 * transactions, Just(Action::Commit).boxed()),
        (2 * transactions, Just(Action::Rollback).boxed()),
        (transactions, Just(Action::Leave).boxed()),
        (transactions, Just(Action::Fail).boxed()),
    ];
    Union::new_weighted(weighted.into_iter().filter(|(weight, _)| 0 < *weight).collect())
}

fn name() -> impl Strategy<Value = Option<String>> {
    weighted(0.8, select(&TEXTS[..]).prop_map(str::to_owned))
}

fn change() -> impl Strategy<Value = Change> {
    let email = select(&EMAILS[..]).prop_map(str::to_owned);
    let hash = select(&HASHES[..]).prop_map(str::to_owned);
    let columns = (weighted(0.4, email), weighted(0.4, hash), weighted(0.5, name()));
    columns.prop_map(|(email, hashed_password, full_name)| Change {
        email,
        hashed_password,
        full_name,
    })
}

/// The search for a minimal case: proptest asks for a simpler one after a failure, and for another
/// one after a success.
#[derive(Debug)]
pub(super) struct Shrinking {
    rules: Rules,
    /// The smallest that has failed so far.
    failing: Case,
    current: Case,
    /// Its neighbours that were not tried yet; none before the first failure.
    untried: Option<VecDeque<Case>>,
    tried: BTreeSet<Case>,
}

impl Shrinking {
    fn new(case: Case, rules: Rules) -> Self {
        let tried = BTreeSet::from([case.clone()]);
        Self { rules, failing: case.clone(), current: case, untried: None, tried }
    }

    /// Goes on to the next neighbour of what has failed.
    fn next(&mut self) -> bool {
        let Self { rules, failing, current, untried, tried } = self;
        let untried = untried.get_or_insert_with(|| neighbours(failing, *rules).into());
        while let Some(case) = untried.pop_front() {
            if tried.insert(case.clone()) {
                *current = case;
                return true;
            }
        }
        current.clone_from(failing);
        false
    }
}

impl ValueTree for Shrinking {
    type Value = Case;

    fn current(&self) -> Case {
        self.current.clone()
    }

    fn simplify(&mut self) -> bool {
        self.failing.clone_from(&self.current);
        self.untried = None;
        self.next()
    }

    fn complicate(&mut self) -> bool {
        self.next()
    }
}
