//! Playing a planned case on a layer, and comparing each step with the model.

use dropproof::{
    contract::{self, Answer, BoxedSession, NewUser, Op, Pool, Statement, UserChange},
    sweep::Class,
    verdict::{Error, StripCut},
    witness,
};

use futures::future::join;

use super::{
    case::{About, Action, Case, Change, Operation},
    plan::{Expected, HASH, Step},
    rules::settings,
    seat::Seat,
    state::{Ids, Seen, State, id, task_shown, user_shown},
    worlds::Plan,
};
use crate::Subject;

const USERS: &str = "SELECT id, email, hashed_password, full_name FROM users ORDER BY id";

/// Where a layer and the model part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// The case up to the step.
    pub(super) case: Case,
    /// What was seen, and what the model says.
    pub(super) what: String,
    pub(super) class: Class,
    /// What was said since the operation began that was dropped; nothing where there is no wire.
    pub(super) said: String,
}

impl Mismatch {
    /// One sentence for the verdict.
    pub(super) fn message(&self) -> String {
        format!("{}: {}", self.case, self.what)
    }

    /// What it did, by the name of what was dropped.
    pub(super) fn cut(&self) -> StripCut {
        let dropped = self.case.cut().map(|(at, _)| self.case.operations[at].action.name());
        StripCut { name: dropped.unwrap_or("uncut").to_owned(), class: self.class }
    }
}

/// What came of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) mismatch: Option<Mismatch>,
    /// Whether an operation was dropped.
    pub(super) dropped: bool,
}

/// Plays a case on empty tables, and stops where the layer and the model part.
///
/// With `confirm` what seems never to come is waited for, to be sure.
pub(super) async fn play(
    subject: &Subject,
    sessions: u8,
    plan: &Plan,
    confirm: bool,
) -> Result<Played, Error> {
    let mut player =
        Player { subject, seats: Vec::new(), ids: Ids::default(), dropped: None, confirm };
    for session in 1..=sessions {
        subject.trace.waits_for(&format!("lend session {session}"));
        player.seats.push(Seat::new(subject.pool.session().await?));
        player.settings(session).await?;
    }
    let mut steps = &plan.uncut;
    let mut played = Vec::new();
    while let Some(step) = steps.get(played.len()) {
        subject.trace.waits_for(&step.operation.to_string());
        let fork = plan.cut.as_ref().filter(|fork| fork.at == played.len());
        let stop = match fork {
            Some(fork) => player.fork(step, fork).await.map(|world| steps = world.unwrap_or(steps)),
            None => player.step(step).await,
        };
        let cut = step.operation.cut.filter(|_| player.dropped.is_some());
        played.push(Operation { cut, ..step.operation.clone() });
        match stop {
            Ok(()) => {}
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Mismatch(class, what)) => {
                let dropped = player.dropped.is_some();
                let (at, said) = player.dropped.unwrap_or_default();
                let (case, what) = (Case { sessions, operations: played }, what + &at);
                return Ok(Played {
                    mismatch: Some(Mismatch { case, what, class, said }),
                    dropped,
                });
            }
        }
    }
    Ok(Played { mismatch: None, dropped: player.dropped.is_some() })
}

/// The reason a case is not played on.
pub(super) enum Stop {
    Mismatch(Class, String),
    Error(Error),
}

impl From<witness::Error> for Stop {
    fn from(error: witness::Error) -> Self {
        Self::Error(error.into())
    }
}

pub(super) struct Player<'a> {
    pub(super) subject: &'a Subject,
    pub(super) seats: Vec<Seat<BoxedSession>>,
    pub(super) ids: Ids,
    /// Where an operation was dropped, and what had been said of it.
    pub(super) dropped: Option<(String, String)>,
    /// Whether a wait for what can never come is to be confirmed.
    pub(super) confirm: bool,
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), Stop> {
        let given = self.act(step).await;
        self.came_to(step, given).await
    }

    /// Says to a session how it is to work.
    pub(super) async fn settings(&mut self, session: u8) -> contract::Result<()> {
        let settings = Op::Text(settings(self.subject.kind()).into());
        self.seats[usize::from(session) - 1].run(settings).await.map(drop)
    }

    /// Compares what a step gave, and what is seen then.
    pub(super) async fn came_to(
        &mut self,
        step: &Step,
        given: contract::Result<Option<Answer>>,
    ) -> Result<(), Stop> {
        self.judge(step, given)?;
        if !step.operation.action.shows() {
            return self.view(step, step.operation.session).await;
        }
        // The witness has a thread of its own, so its answer need not be waited for alone.
        let subject = self.subject;
        let (views, tables) = join(self.views(step), subject.witness().tables()).await;
        views?;
        same("the witness sees", &self.ids.seen(&tables?), &step.committed.seen())
    }

    /// Asks the sessions one after the other: who reads first is the same in every run.
    pub(super) async fn views(&mut self, step: &Step) -> Result<(), Stop> {
        for (session, _) in (1..).zip(&step.views) {
            self.view(step, session).await?;
        }
        Ok(())
    }

    async fn view(&mut self, step: &Step, session: u8) -> Result<(), Stop> {
        match &step.views[usize::from(session) - 1] {
            Ok(state) => self.compare(step, session, state).await,
            Err(class) => self.refuses(step, session, *class).await,
        }
    }

    /// Does what the step says.
    pub(super) async fn act(&mut self, step: &Step) -> contract::Result<Option<Answer>> {
        let Operation { session, action, .. } = &step.operation;
        let op = self.op(action, step.target);
        let seat = &mut self.seats[usize::from(*session) - 1];
        match (action, op) {
            (_, Some(op)) => seat.run(op).await.map(Some),
            (Action::Begin, None) => seat.begin(step.ending()).await.map(|()| None),
            (_, None) => seat.end().await.map(|()| None),
        }
    }

    /// The operation of the contract; none for what begins and ends transactions.
    fn op(&self, action: &Action, target: Option<u8>) -> Option<Op> {
        let task = || id(&self.ids.tasks, target);
        Some(match action {
            Action::ListTasks => Op::Tasks,
            Action::FindTask(_) => Op::Task(task()),
            Action::FindUser(email) => Op::UserByEmail(email.clone()),
            Action::CreateTask(title) => Op::CreateTask { title: title.clone() },
            Action::Mark(_) => Op::Mark(task()),
            Action::Unmark(_) => Op::Unmark(task()),
            Action::RenameTask(_, title) => Op::RenameTask { id: task(), title: title.clone() },
            Action::DeleteTask(_) => Op::DeleteTask(task()),
            Action::CreateUser(email, full_name) => Op::CreateUser(NewUser {
                email: email.clone(),
                hashed_password: HASH.to_owned(),
                full_name: full_name.clone(),
            }),
            Action::UpdateUser(_, Change { email, hashed_password, full_name }) => {
                let change = UserChange {
                    email: email.clone(),
                    hashed_password: hashed_password.clone(),
                    full_name: full_name.clone(),
                };
                Op::UpdateUser { id: id(&self.ids.users, target), change }
            }
            Action::ReadNowhere => Op::Fetch(Statement::new("SELECT * FROM nowhere", [])),
            Action::StoreNull => Op::Change(Statement::new(
                "INSERT INTO users (email, hashed_password) VALUES (NULL, 'hash')",
                [],
            )),
            Action::Begin | Action::Commit | Action::Rollback | Action::Leave | Action::Fail => {
                return None;
            }
        })
    }

    /// Compares what an operation gave with what the model expects.
    fn judge(&mut self, step: &Step, given: contract::Result<Option<Answer>>) -> Result<(), Stop> {
        let Operation { session, action, .. } = &step.operation;
        let answer = match (&step.expected, given) {
            (Expected::NotJudged, _) => return Ok(()),
            (Expected::Error(class), Err(error)) if error.class() == *class => return Ok(()),
            (_, Err(error)) => {
                let expected = expected(&step.expected);
                return Err(failed(step, *session, error, &expected));
            }
            (_, Ok(answer)) => answer,
        };
        let ids = &mut self.ids;
        let (given, right) = match (answer, &step.expected) {
            (None, Expected::Done) => return Ok(()),
            (Some(Answer::Id(id)), Expected::Created) => {
                let made = if matches!(action, Action::CreateTask(_)) {
                    &mut ids.tasks
                } else {
                    &mut ids.users
                };
                made.extend(step.created.map(|number| (number, id)));
                return Ok(());
            }
            (Some(Answer::Changed(rows)), expected) => {
                let right = matches!(expected, Expected::Changed { rows: all, or_none }
                    if rows == *all || (*or_none && rows == 0));
                (changed(rows), right)
            }
            (Some(Answer::Task(found)), expected) => {
                let found = found.map(|task| ids.task(task));
                let right = matches!(expected, Expected::Task(task)
                    if found == task.clone().map(|(number, row)| (Some(number), row)));
                let shown = found.map(|(number, row)| task_shown(number, &row));
                (shown.unwrap_or_else(|| "no task".to_owned()), right)
            }
            (Some(Answer::User(found)), expected) => {
                let found = found.map(|user| ids.user(user));
                let right = matches!(expected, Expected::User(user)
                    if found == user.clone().map(|(number, row)| (Some(number), row)));
                let shown = found.map(|(number, row)| user_shown(number, &row));
                (shown.unwrap_or_else(|| "no user".to_owned()), right)
            }
            // What it lists is compared when the session is asked for its view.
            (Some(Answer::Tasks(_)), Expected::Tasks) => return Ok(()),
            (None, _) => ("no error".to_owned(), false),
            (Some(answer), _) => (format!("{answer:?}"), false),
        };
        if right {
            return Ok(());
        }
        let expected = expected(&step.expected);
        Err(parts(format!("it gives {given}, and the model {expected}")))
    }

    /// Reads as a session does, and compares.
    ///
    /// What is not about a table changes nothing of it: it is read again when a transaction ends.
    async fn compare(&mut self, step: &Step, session: u8, view: &State) -> Result<(), Stop> {
        let seat = &mut self.seats[usize::from(session) - 1];
        let about = step.operation.action.about();
        let mut model = view.seen();
        let read = async {
            let tasks = match about {
                About::Tasks | About::Both => seat.run(Op::Tasks).await?.tasks()?,
                About::Users => Vec::new(),
            };
            let users = match about {
                About::Users | About::Both => {
                    seat.run(Op::Fetch(Statement::new(USERS, []))).await?.rows()?
                }
                About::Tasks => Vec::new(),
            };
            Ok((tasks, users))
        };
        let (tasks, users) =
            read.await.map_err(|error| failed(step, session, error, "its view"))?;
        match about {
            About::Tasks => model.users.clear(),
            About::Users => model.tasks.clear(),
            About::Both => {}
        }
        let seen = Seen {
            tasks: tasks.into_iter().map(|task| self.ids.task(task)).collect(),
            users: users.iter().map(|row| self.ids.user_row(row)).collect(),
        };
        same(&format!("session {session} sees"), &seen, &model)
    }

    /// A failed transaction refuses to read.
    async fn refuses(
        &mut self,
        step: &Step,
        session: u8,
        class: contract::Class,
    ) -> Result<(), Stop> {
        let seat = &mut self.seats[usize::from(session) - 1];
        let expected = format!("an error of class `{class}`");
        match seat.run(Op::Tasks).await {
            Err(error) if error.class() == class => Ok(()),
            Err(error) => Err(failed(step, session, error, &expected)),
            Ok(_) => {
                Err(parts(format!("session {session} reads on, and the model expects {expected}")))
            }
        }
    }
}

fn same(who: &str, seen: &Seen, model: &Seen) -> Result<(), Stop> {
    if seen == model {
        return Ok(());
    }
    Err(parts(format!("{who} {seen}, and the model {model}")))
}

/// Rows, counts or errors that are not those of the model.
fn parts(what: String) -> Stop {
    Stop::Mismatch(Class::Torn, what)
}

/// A lock that was not free answers nothing: the model lets nobody wait for one.
fn failed(step: &Step, session: u8, source: contract::Error, expected: &str) -> Stop {
    let class = source.class();
    if class != contract::Class::Conflict {
        return Stop::Mismatch(
            Class::Poisoned,
            format!(
                "session {session} fails with class `{class}`, and the model expects {expected}"
            ),
        );
    }
    let holding = match step.busy.iter().rfind(|other| **other != session) {
        Some(holder) => format!("session {holder} was the last other one to begin or to write"),
        None => "no other session has begun or written anything".to_owned(),
    };
    let waiting = format!("session {session} at `{}`", step.operation);
    Stop::Error(Error::LockWait { waiting, holding, source })
}

fn expected(expected: &Expected) -> String {
    match expected {
        Expected::Done | Expected::NotJudged => "no error".to_owned(),
        Expected::Created => "a row with an id".to_owned(),
        Expected::Changed { rows, .. } => changed(*rows),
        Expected::Task(found) => found
            .as_ref()
            .map_or("no task".to_owned(), |(number, row)| task_shown(Some(*number), row)),
        Expected::User(found) => found
            .as_ref()
            .map_or("no user".to_owned(), |(number, row)| user_shown(Some(*number), row)),
        Expected::Tasks => "a list of tasks".to_owned(),
        Expected::Error(class) => format!("an error of class `{class}`"),
    }
}

fn changed(rows: u64) -> String {
    let s = if rows == 1 { "" } else { "s" };
    format!("{rows} row{s} changed")
}
