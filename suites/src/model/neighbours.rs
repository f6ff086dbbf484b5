//! The cases that are a little smaller than a case.

use super::{
    case::{Action, Case, Operation},
    plan::applied,
    rules::Rules,
    words::{oddity, simpler_actions, with_columns_exchanged, with_words_exchanged},
};

/// Two or three operations that go only together are looked for in cases of this length.
const GROUPS_MAX: usize = 12;

/// Every case that is less and not far away, the smallest first within each way to make it smaller.
pub(super) fn neighbours(case: &Case, rules: Rules) -> Vec<Case> {
    let ways = [
        without_halves,
        without_one,
        without_groups,
        with_fewer_sessions,
        simpler,
        swapped,
        with_words_exchanged,
        with_columns_exchanged,
    ];
    let all = ways.iter().flat_map(|way| way(case));
    all.map(|other| applied(&other, rules)).filter(|other| size(other) < size(case)).collect()
}

/// What is less: fewer operations, then fewer sessions, then simpler operations from the first on.
fn size(case: &Case) -> (usize, u8, Vec<(usize, &Operation)>) {
    let operations = case.operations.iter().map(|operation| (oddity(&operation.action), operation));
    (case.operations.len(), case.sessions, operations.collect())
}

/// Leaves out a half, a quarter, and so on down to two in a row.
fn without_halves(case: &Case) -> Vec<Case> {
    let length = case.operations.len();
    let widths = std::iter::successors(Some(length / 2), |width| Some(width / 2));
    let widths: Vec<usize> = widths.take_while(|width| 1 < *width).collect();
    let runs = widths.into_iter().flat_map(|width| {
        (0..length).step_by(width).rev().map(move |from| (from..length.min(from + width)).collect())
    });
    runs.map(|run: Vec<usize>| without(case, &run)).collect()
}

fn without_one(case: &Case) -> Vec<Case> {
    (0..case.operations.len()).rev().map(|i| without(case, &[i])).collect()
}

/// Leaves out what goes only together: a begin with its commit, and with one more between them.
fn without_groups(case: &Case) -> Vec<Case> {
    let length = case.operations.len();
    if GROUPS_MAX < length {
        return Vec::new();
    }
    let pairs = (0..length).flat_map(|i| (i + 1..length).map(move |j| vec![i, j]));
    let threes = (0..length).flat_map(|i| {
        (i + 1..length).flat_map(move |j| (j + 1..length).map(move |k| vec![i, j, k]))
    });
    threes.chain(pairs).map(|group| without(case, &group)).collect()
}

/// Leaves operations out, and keeps the numbers of the rows that are meant by the others.
fn without(case: &Case, left_out: &[usize]) -> Case {
    let mut kept = Vec::new();
    let (mut tasks, mut users) = (Numbers::default(), Numbers::default());
    for (i, operation) in case.operations.iter().enumerate() {
        let stays = !left_out.contains(&i);
        match &operation.action {
            Action::CreateTask(_) => tasks.count(stays),
            Action::CreateUser(..) => users.count(stays),
            _ => {}
        }
        if stays {
            kept.push(operation.clone());
        }
    }
    for Operation { action, .. } in &mut kept {
        match action {
            Action::FindTask(row)
            | Action::Mark(row)
            | Action::Unmark(row)
            | Action::RenameTask(row, _)
            | Action::DeleteTask(row) => *row = tasks.new_number(*row),
            Action::UpdateUser(row, _) => *row = users.new_number(*row),
            _ => {}
        }
    }
    Case { sessions: case.sessions, operations: kept }
}

/// Which rows are still created.
#[derive(Default)]
struct Numbers(Vec<bool>);

impl Numbers {
    fn count(&mut self, stays: bool) {
        self.0.push(stays);
    }

    fn new_number(&self, number: u8) -> u8 {
        let before = self.0.iter().take(usize::from(number).saturating_sub(1));
        let gone = before.filter(|stays| !**stays).count();
        number.saturating_sub(u8::try_from(gone).unwrap_or(u8::MAX)).max(1)
    }
}

/// Gives the operations of one session to another, or leaves them out; and numbers sessions by their
/// first operation.
fn with_fewer_sessions(case: &Case) -> Vec<Case> {
    let sessions = 1..=case.sessions;
    let merged = sessions.clone().flat_map(|from| {
        let others = sessions.clone().filter(move |to| *to != from);
        others.map(move |to| closed_up(&moved(case, from, to), from))
    });
    let left_out = sessions.clone().map(|gone| {
        let numbers = 0..case.operations.len();
        let of: Vec<usize> = numbers.filter(|i| case.operations[*i].session == gone).collect();
        closed_up(&without(case, &of), gone)
    });
    let exchanged = sessions
        .clone()
        .flat_map(|a| sessions.clone().filter(move |b| a < *b).map(move |b| exchanged(case, a, b)));
    left_out.chain(merged).filter(|case| 0 < case.sessions).chain(exchanged).collect()
}

fn with_sessions(case: &Case, sessions: u8, number: impl Fn(u8) -> u8) -> Case {
    let mut operations = case.operations.clone();
    for operation in &mut operations {
        operation.session = number(operation.session);
    }
    Case { sessions, operations }
}

fn moved(case: &Case, from: u8, to: u8) -> Case {
    with_sessions(case, case.sessions, |session| if session == from { to } else { session })
}

/// Numbers the sessions without one that does nothing.
fn closed_up(case: &Case, gone: u8) -> Case {
    let number = |session| if gone < session { session - 1 } else { session };
    with_sessions(case, case.sessions - 1, number)
}

fn exchanged(case: &Case, a: u8, b: u8) -> Case {
    with_sessions(case, case.sessions, |session| match session {
        session if session == a => b,
        session if session == b => a,
        session => session,
    })
}

/// Puts something simpler in the place of one operation.
fn simpler(case: &Case) -> Vec<Case> {
    let with = |i: usize, operation: Operation| {
        let mut case = case.clone();
        case.operations[i] = operation;
        case
    };
    let places = case.operations.iter().enumerate();
    places
        .flat_map(|(i, Operation { session, action })| {
            let actions = simpler_actions(action).into_iter();
            let actions = actions.map(move |action| Operation { session: *session, action });
            let sessions =
                (1..*session).map(move |session| Operation { session, action: action.clone() });
            actions.chain(sessions).map(move |operation| with(i, operation))
        })
        .collect()
}

/// Exchanges two operations that follow each other.
fn swapped(case: &Case) -> Vec<Case> {
    let pairs = 1..case.operations.len();
    pairs
        .map(|i| {
            let mut case = case.clone();
            case.operations.swap(i - 1, i);
            case
        })
        .collect()
}
