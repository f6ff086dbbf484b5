//! The cases that are a little smaller than a case.

use super::{
    case::{Action, Case, Operation, Place},
    rules::Rules,
    words::{oddity, simpler_actions, with_columns_exchanged, with_words_exchanged},
    worlds::applied,
};

/// Two or three operations that go only together are looked for in cases of this length.
const GROUPS_MAX: usize = 12;
/// So far into the conversation of another operation a cut is tried.
const EARLIER_MAX: u8 = 3;

/// Every case that is less and not far away, the smallest first within each way to make it smaller.
pub(super) fn neighbours(case: &Case, rules: Rules) -> Vec<Case> {
    let ways = [
        without_a_cut,
        without_halves,
        without_one,
        with_earlier_cuts,
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

/// Fewer operations, then fewer sessions, then no cut or an earlier one, then simpler operations from
/// the first on.
type Size<'a> = (usize, u8, Option<(usize, (u8, u8))>, Vec<(usize, &'a Operation)>);

/// What is less.
fn size(case: &Case) -> Size<'_> {
    let operations = case.operations.iter().map(|operation| (oddity(&operation.action), operation));
    let cut = case.cut().map(|(at, place)| (at, depth(place)));
    (case.operations.len(), case.sessions, cut, operations.collect())
}

/// How far into the conversation a place is, then how simple.
fn depth(place: Place) -> (u8, u8) {
    match place {
        Place::Held(number) => (number, 0),
        Place::Unread(number) => (number, 1),
        Place::Sent(number) => (number, 2),
        Place::Poll(number) => (number, 3),
    }
}

fn without_a_cut(case: &Case) -> Vec<Case> {
    vec![case.uncut()]
}

/// Drops the same operation earlier, or another one before it.
fn with_earlier_cuts(case: &Case) -> Vec<Case> {
    let Some((at, place)) = case.cut() else { return Vec::new() };
    let uncut = case.uncut();
    let dropped = |at: usize, place| {
        let mut case = uncut.clone();
        case.operations[at].cut = Some(place);
        case
    };
    let same = places(place, depth(place).0).into_iter().map(|place| dropped(at, place));
    let others =
        (0..at).flat_map(|at| places(place, EARLIER_MAX).into_iter().map(move |place| (at, place)));
    let others = others.map(|(at, place)| dropped(at, place));
    same.chain(others).collect()
}

/// The places up to a number, on the wire or by polls as the one that is given.
fn places(like: Place, number_max: u8) -> Vec<Place> {
    let kinds: &[fn(u8) -> Place] = match like {
        Place::Poll(_) => &[Place::Poll],
        Place::Held(_) | Place::Unread(_) | Place::Sent(_) => {
            &[Place::Held, Place::Unread, Place::Sent]
        }
    };
    (1..=number_max).flat_map(|number| kinds.iter().map(move |kind| kind(number))).collect()
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
        .flat_map(|(i, operation)| {
            let actions = simpler_actions(&operation.action).into_iter();
            let actions = actions.map(|action| Operation { action, ..operation.clone() });
            let sessions =
                (1..operation.session).map(|session| Operation { session, ..operation.clone() });
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
