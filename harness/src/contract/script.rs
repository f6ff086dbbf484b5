//! A transaction as data, which an adapter plays in its library's own style.

use std::{
    borrow::Cow,
    panic::resume_unwind,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures::StreamExt;
use tokio::sync::Semaphore;

use super::{Answer, Class, Dictated, Error, Op, Result, Statement, Statements, Value};

/// The words of the panic of [`Step::Panic`].
pub const PLANTED_PANIC: &str = "planted";

/// The steps of a transaction and how it ends.
///
/// It is owned, so that an adapter may move it into a closure or to another thread. What it has
/// done is in the [`Record`], which survives when the future that plays it is dropped.
#[derive(Debug)]
pub struct Script {
    steps: Vec<Step>,
    ending: Ending,
    record: Record,
}

/// One step of a [`Script`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Runs an operation.
    Run(Op),
    /// Reads so many rows of a result as a stream, then drops the stream.
    Rows {
        /// The statement.
        statement: Statement,
        /// How many rows are read at the most.
        take: usize,
    },
    /// Loads rows by COPY, piece by piece.
    CopyIn {
        /// The `COPY … FROM STDIN`.
        sql: Cow<'static, str>,
        /// What is sent.
        pieces: &'static [&'static str],
    },
    /// Reads so many pieces of a COPY, then drops the rest.
    CopyOut {
        /// The `COPY … TO STDOUT`.
        sql: Cow<'static, str>,
        /// How many pieces are read at the most.
        take: usize,
    },
    /// Says that it has come here and waits until it may go on: sessions are interleaved by this.
    Hold(Gate),
    /// Panics with [`PLANTED_PANIC`].
    Panic,
    /// Plays a script in a transaction inside this one.
    Nested(Script),
    /// Does what a check dictates meanwhile; see [`Dictation`](super::Dictation).
    Dictated(Dictated),
}

/// How an adapter leaves a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is committed.
    Commit,
    /// It is rolled back.
    Rollback,
    /// The guard is dropped.
    Leave,
    /// An error leaves through `?`.
    Fail,
}

impl Script {
    /// Makes a script, and the record of what it will have done.
    pub fn new(steps: impl IntoIterator<Item = Step>, ending: Ending) -> (Self, Record) {
        let record = Record::default();
        let steps = steps.into_iter().collect();
        (Self { steps, ending, record: record.clone() }, record)
    }

    /// The same steps with another ending.
    #[must_use]
    pub fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// How the adapter is to leave when all steps are done.
    #[must_use]
    pub fn ends(&self) -> Ending {
        self.ending
    }

    /// The same script without its last step.
    #[must_use]
    pub fn without_last_step(mut self) -> Self {
        self.steps.pop();
        self
    }

    /// Plays the steps and returns how the adapter is to leave.
    ///
    /// # Errors
    ///
    /// Fails with the first step that fails, and for [`Ending::Fail`]; the adapter leaves with `?`.
    ///
    /// # Panics
    ///
    /// Panics at [`Step::Panic`].
    ///
    /// # Cancel safety
    ///
    /// The record says how many steps were finished; the one under way may have had any part of its
    /// effect.
    pub async fn play<S: Statements>(self, on: &mut S) -> Result<Ending> {
        for step in self.steps {
            match step {
                Step::Run(op) => self.record.answer(on.run(&op).await?),
                Step::Rows { statement, take } => {
                    let mut rows = pin!(on.rows(&statement).take(take));
                    let mut got = Vec::new();
                    while let Some(row) = rows.next().await {
                        got.push(row?);
                    }
                    self.record.answer(Answer::Rows(got));
                }
                Step::CopyIn { sql, pieces } => {
                    self.record.answer(Answer::Changed(on.copy_in(&sql, pieces).await?));
                }
                Step::CopyOut { sql, take } => {
                    let pieces = on.copy_out(&sql, take).await?;
                    let rows = pieces.into_iter().map(|piece| vec![Value::Text(piece)]).collect();
                    self.record.answer(Answer::Rows(rows));
                }
                Step::Hold(gate) => gate.pass().await,
                // Nobody has to be told of it.
                Step::Panic => resume_unwind(Box::new(PLANTED_PANIC)),
                Step::Nested(inner) => nested(on, inner).await?,
                Step::Dictated(dictated) => dictated.play(on).await?,
            }
            self.record.finish_step();
        }
        match self.ending {
            Ending::Fail => Err(Error::new(Class::Planted, "the script fails here")),
            ending => Ok(ending),
        }
    }
}

/// Plays a script inside the open transaction; that it fails as it was told to is no failure.
pub(super) async fn nested<S: Statements>(on: &mut S, inner: Script) -> Result<()> {
    let ending = inner.ending;
    match on.nested(inner).await {
        Err(error) if ending == Ending::Fail && error.class() == Class::Planted => Ok(()),
        ended => ended,
    }
}

/// What a script has done so far.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Done>>);

#[derive(Debug, Default)]
struct Done {
    answers: Vec<Answer>,
    steps: usize,
}

impl Record {
    /// The answers so far.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.with(|done| done.answers.clone())
    }

    /// How many steps were finished.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.with(|done| done.steps)
    }

    fn answer(&self, answer: Answer) {
        self.with(|done| done.answers.push(answer));
    }

    fn finish_step(&self) {
        self.with(|done| done.steps += 1);
    }

    /// A step that panics does not hold the lock, so a poisoned one is whole.
    fn with<T>(&self, f: impl FnOnce(&mut Done) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place where a script waits for its check.
#[derive(Clone, Debug)]
pub struct Gate {
    reached: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { reached: Arc::new(Semaphore::new(0)), opened: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// Waits until a script has come to the gate.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is taken until it returns.
    pub async fn reached(&self) {
        take(&self.reached).await;
    }

    /// Lets the script go on, now or when it comes.
    pub fn open(&self) {
        self.opened.add_permits(1);
    }

    async fn pass(&self) {
        self.reached.add_permits(1);
        take(&self.opened).await;
    }
}

async fn take(permits: &Semaphore) {
    permits.acquire().await.expect("a gate's semaphore is never closed").forget();
}
