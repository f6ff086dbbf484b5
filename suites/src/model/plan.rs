//! The model: what each operation of a case answers, and what every session sees after it.
//!
//! It knows no database, only [`Rules`]. A case is planned as a whole before it is played (see
//! `worlds`), because a transaction begins with the knowledge of how it will end. An operation that means nothing where it
//! stands (a commit without a transaction), or that would have to wait for a lock, is left out.

use std::collections::BTreeSet;

use dropproof::contract::{Class, Ending};

use super::{
    case::{Action, Case, Change, Operation, Place, SESSIONS_MAX},
    rules::Rules,
    state::{State, TaskRow, UserRow},
    worlds::World,
};

/// The hash that each user is created with.
pub(super) const HASH: &str = "hash";
/// Transactions are nested so deep.
const LEVELS_MAX: usize = 3;

/// An operation with what must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) operation: Operation,
    /// The row that is meant; none where no row has its number.
    pub(super) target: Option<u8>,
    /// The number of the row that is created.
    pub(super) created: Option<u8>,
    /// How the transaction ends that begins here; none where an error ends it, whatever it was told.
    pub(super) ending: Option<Ending>,
    pub(super) expected: Expected,
    /// What each session sees then.
    pub(super) views: Vec<Result<State, Class>>,
    pub(super) committed: State,
    /// The sessions that have begun or written something, the last one last.
    pub(super) busy: Vec<u8>,
}

impl Step {
    /// How the transaction that begins here is told to end.
    pub(super) fn ending(&self) -> Ending {
        self.ending.unwrap_or(Ending::Rollback)
    }
}

/// What an operation must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Done,
    Created,
    Changed {
        rows: u64,
        /// A row that is as it was before may count for none.
        or_none: bool,
    },
    Task(Option<(u8, TaskRow)>),
    User(Option<(u8, UserRow)>),
    /// As the view after it.
    Tasks,
    Error(Class),
    /// Postgres answers a commit of a failed transaction without an error, and rolls back. Whether the
    /// layer says so is not judged here: whoever commits has had the error before.
    NotJudged,
}

/// A model of the tables, with what has happened to it so far.
pub(super) struct Model {
    rules: Rules,
    committed: State,
    seats: Vec<Seat>,
    /// How many rows were created, or would have been.
    tasks: u8,
    users: u8,
    /// The tasks and users whose id may be another's by now.
    gone: (BTreeSet<u8>, BTreeSet<u8>),
    /// The sessions that have begun or written something, the last one last.
    busy: Vec<u8>,
    pub(super) steps: Vec<Step>,
    world: World,
    pub(super) cut: Option<Cut>,
    /// The operations of the case that are not left out, by their numbers in it.
    pub(super) taken: Vec<(usize, Operation)>,
}

/// What is dropped.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// The number of the step.
    pub(super) at: usize,
    pub(super) place: Place,
    /// Whether all of it may have been done.
    pub(super) whole: bool,
}

#[derive(Default)]
struct Seat {
    levels: Vec<Level>,
    /// What is written and not committed.
    work: Option<State>,
    wrote: bool,
    failed: bool,
}

/// A transaction or a savepoint: what is to be restored when it is rolled back.
struct Level {
    begun_at: usize,
    work: Option<State>,
    tasks: u8,
    users: u8,
}

impl Model {
    pub(super) fn of(case: &Case, rules: Rules, world: World) -> Self {
        let mut model = Self {
            rules,
            committed: State::default(),
            seats: (0..case.sessions.min(SESSIONS_MAX)).map(|_| Seat::default()).collect(),
            tasks: 0,
            users: 0,
            gone: Default::default(),
            busy: Vec::new(),
            steps: Vec::new(),
            world,
            cut: None,
            taken: Vec::new(),
        };
        for (number, operation) in case.operations.iter().enumerate() {
            let before = model.steps.len();
            model.take(operation);
            let taken = model.steps.get(before).map(|step| (number, step.operation.clone()));
            model.taken.extend(taken);
        }
        model
    }

    /// Ends what is still open, from the inside out.
    pub(super) fn roll_back(&mut self) {
        for session in (1..).take(self.seats.len()) {
            while !self.seat(session).levels.is_empty() {
                self.take(&Operation { session, action: Action::Rollback, cut: None });
            }
        }
    }

    fn seat(&mut self, session: u8) -> &mut Seat {
        &mut self.seats[usize::from(session) - 1]
    }

    /// Takes the next operation, where it means something.
    fn take(&mut self, operation: &Operation) {
        let Operation { session, action, cut } = operation;
        if *session == 0 || self.seats.len() < usize::from(*session) || !self.applies(operation) {
            return;
        }
        if *action == Action::Begin || action.writes() {
            self.busy.retain(|other| other != session);
            self.busy.push(*session);
        }
        let target = self.target(action);
        let created = self.number(action);
        let cut = cut.filter(|place| self.cut.is_none() && self.rules.cuts.have(*place));
        if let Some(place) = cut {
            let whole = self.may_be_whole(*session, action);
            self.cut = Some(Cut { at: self.steps.len(), place, whole });
        }
        let expected = match (cut, self.world) {
            (None, _) | (_, World::Uncut) => self.expect(*session, action),
            (_, World::Nothing) => self.give_back(*session),
            (_, World::Whole) => {
                self.expect(*session, action);
                self.give_back(*session)
            }
        };
        let views = self.seats.iter().map(|seat| self.view(seat)).collect();
        self.steps.push(Step {
            operation: Operation { cut, ..operation.clone() },
            target,
            created,
            ending: None,
            expected,
            views,
            committed: self.committed.clone(),
            busy: self.busy.clone(),
        });
    }

    fn view(&self, seat: &Seat) -> Result<State, Class> {
        match seat.failed {
            true => Err(Class::FailedTransaction),
            false => Ok(seat.work.as_ref().unwrap_or(&self.committed).clone()),
        }
    }

    /// The other session that may hold locks: there is one at the most.
    fn holder(&self, session: u8) -> Option<u8> {
        (1..).zip(&self.seats).find_map(|(other, seat)| {
            let holds = seat.wrote || (self.rules.serialised && !seat.levels.is_empty());
            (other != session && holds).then_some(other)
        })
    }

    /// Whether an operation that is dropped may have done all of its work: a statement that is a
    /// transaction of its own, or the commit of one.
    fn may_be_whole(&self, session: u8, action: &Action) -> bool {
        let seat = &self.seats[usize::from(session) - 1];
        match seat.levels.len() {
            0 => action.writes(),
            1 => *action == Action::Commit && !seat.failed,
            _ => false,
        }
    }

    /// The session goes back to the pool as it is, and another comes in its place.
    fn give_back(&mut self, session: u8) -> Expected {
        while !self.seat(session).levels.is_empty() {
            self.undo(session, None);
        }
        Expected::NotJudged
    }

    fn applies(&self, operation: &Operation) -> bool {
        let Operation { session, action, .. } = operation;
        let seat = &self.seats[usize::from(*session) - 1];
        let free = self.holder(*session).is_none();
        match action {
            Action::Begin if seat.levels.is_empty() => free || !self.rules.serialised,
            Action::Begin => self.rules.savepoints && seat.levels.len() < LEVELS_MAX,
            action if action.ends() => !seat.levels.is_empty(),
            action => free || !action.writes(),
        }
    }

    /// The row that an action means, if it has come to be.
    fn target(&self, action: &Action) -> Option<u8> {
        let there = |number: u8, count: u8, gone: &BTreeSet<u8>| {
            ((1..=count).contains(&number) && !gone.contains(&number)).then_some(number)
        };
        match action {
            Action::FindTask(number)
            | Action::Mark(number)
            | Action::Unmark(number)
            | Action::RenameTask(number, _)
            | Action::DeleteTask(number) => there(*number, self.tasks, &self.gone.0),
            Action::UpdateUser(number, _) => there(*number, self.users, &self.gone.1),
            _ => None,
        }
    }

    /// Counts a row that is created.
    fn number(&mut self, action: &Action) -> Option<u8> {
        let count = match action {
            Action::CreateTask(_) => &mut self.tasks,
            Action::CreateUser(..) => &mut self.users,
            _ => return None,
        };
        *count += 1;
        Some(*count)
    }

    fn expect(&mut self, session: u8, action: &Action) -> Expected {
        match action {
            Action::Begin => self.begin(session),
            Action::Commit => self.commit(session),
            Action::Rollback => self.undo(session, Some(Ending::Rollback)),
            Action::Leave => self.undo(session, Some(Ending::Leave)),
            Action::Fail => self.undo(session, Some(Ending::Fail)),
            action => self.statement(session, action),
        }
    }

    fn begin(&mut self, session: u8) -> Expected {
        if self.seat(session).failed {
            return self.abort(session);
        }
        let (begun_at, tasks, users) = (self.steps.len(), self.tasks, self.users);
        let seat = self.seat(session);
        seat.levels.push(Level { begun_at, work: seat.work.clone(), tasks, users });
        Expected::Done
    }

    fn commit(&mut self, session: u8) -> Expected {
        let seat = self.seat(session);
        if seat.failed && 1 < seat.levels.len() {
            let level = seat.levels.pop();
            self.set_ending(level, Some(Ending::Commit));
            return self.abort(session);
        }
        if seat.failed {
            self.undo(session, Some(Ending::Commit));
            return Expected::NotJudged;
        }
        let level = seat.levels.pop();
        if seat.levels.is_empty() {
            let work = std::mem::take(seat).work;
            self.committed = work.unwrap_or_else(|| std::mem::take(&mut self.committed));
        }
        self.set_ending(level, Some(Ending::Commit));
        Expected::Done
    }

    /// Undoes the innermost level.
    fn undo(&mut self, session: u8, ending: Option<Ending>) -> Expected {
        let (tasks, users, gives_again) = (self.tasks, self.users, self.rules.gives_ids_again);
        let seat = self.seat(session);
        let Some(level) = seat.levels.pop() else { return Expected::Done };
        let outermost = seat.levels.is_empty();
        if outermost {
            *seat = Seat::default();
        } else {
            seat.work.clone_from(&level.work);
            seat.failed = false;
        }
        if gives_again {
            self.gone.0.extend(level.tasks + 1..=tasks);
            self.gone.1.extend(level.users + 1..=users);
        }
        self.set_ending(Some(level), ending);
        match ending {
            // The error of a savepoint ends there: see `Step::Nested`.
            Some(Ending::Fail) if outermost => Expected::Error(Class::Planted),
            _ => Expected::Done,
        }
    }

    /// A failed transaction refuses a savepoint, and its release: the error leaves through `?`, up to
    /// the outermost level, which is rolled back.
    fn abort(&mut self, session: u8) -> Expected {
        *self.seat(session) = Seat::default();
        Expected::Error(Class::FailedTransaction)
    }

    fn set_ending(&mut self, level: Option<Level>, ending: Option<Ending>) {
        if let Some(step) = level.and_then(|level| self.steps.get_mut(level.begun_at)) {
            step.ending = ending;
        }
    }

    /// Runs a statement, in the open transaction or in one of its own.
    fn statement(&mut self, session: u8, action: &Action) -> Expected {
        let committed = self.committed.clone();
        let target = self.target(action);
        let numbers = (self.tasks, self.users);
        let rules = self.rules;
        let seat = self.seat(session);
        if seat.failed && !sends_nothing(action) {
            return Expected::Error(Class::FailedTransaction);
        }
        let mut state = seat.work.clone().unwrap_or(committed);
        let expected = state.run(action, target, numbers, rules);
        let inside = !seat.levels.is_empty();
        // A lookup that finds two rows is refused by the client, and the server knows nothing of it.
        let refused =
            matches!(expected, Expected::Error(Class::Constraint | Class::Statement)) && inside;
        seat.failed |= refused && rules.refusal_fails_transaction;
        if action.writes() && inside {
            seat.wrote = true;
            seat.work = Some(state);
        } else if action.writes() {
            self.committed = state;
        }
        expected
    }
}

fn sends_nothing(action: &Action) -> bool {
    matches!(action, Action::UpdateUser(_, change) if *change == Change::default())
}
