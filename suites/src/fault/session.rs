//! The faults of a session, and what it remembers for them.

use std::{
    mem::{self, ManuallyDrop},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use dropproof::contract::{
    Answer, Asked, BoxedSession, Class, Dialect, Ending, Error, Op, Result, Script, Session,
    Statement, Statements, Step,
};
use futures::FutureExt;
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit, task};

use super::{
    Fault,
    rows::Rows,
    statements::{FaultyStatements, by_hand},
    together::{Common, Turn},
};

/// The text that a session has sent last.
pub(super) type Said = Arc<Mutex<Option<String>>>;

/// A session of a [`Faulty`] layer.
#[derive(Debug)]
pub struct FaultySession {
    /// `None` once it is leaked.
    pub(super) inner: Option<BoxedSession>,
    pub(super) memory: Memory,
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// How many have waited and gone, or were dropped at work.
    pub(super) gone: Arc<AtomicUsize>,
}

/// What a fault remembers of a session.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) fault: Fault,
    pub(super) ids: i64,
    pub(super) failed: bool,
    /// Whether a transaction is under way.
    pub(super) at_work: bool,
    /// Whether an answer is awaited; a stream counts as one that is never read to its end.
    pub(super) asking: bool,
    /// Whether the answers of the pool's sessions come late, or do not come.
    pub(super) late: Arc<AtomicBool>,
    pub(super) said: Said,
    /// The answer that was kept back.
    pub(super) kept_back: Option<Answer>,
    /// What was read, and by which operation.
    pub(super) cache: Vec<(Op, Answer)>,
    /// Whether a transaction was begun that nobody asked for.
    pub(super) begun: bool,
    /// Whether anything was asked before.
    pub(super) asked: bool,
    pub(super) rows: Rows,
    pub(super) common: Common,
    number: usize,
    _turn: Option<Turn>,
}

impl Memory {
    pub(super) fn new(
        fault: Fault,
        (late, said): (Arc<AtomicBool>, Said),
        rows: Rows,
        (common, turn): (Common, Option<Turn>),
    ) -> Self {
        Self {
            fault,
            ids: 0,
            failed: false,
            at_work: false,
            asking: false,
            late,
            said,
            kept_back: None,
            cache: Vec::new(),
            begun: false,
            asked: false,
            rows,
            number: common.number(),
            common,
            _turn: turn,
        }
    }
}

impl FaultySession {
    fn inner(&mut self) -> &mut BoxedSession {
        self.inner.as_mut().expect("it is leaked by the drop alone")
    }

    async fn transact_with_fault(&mut self, entry: usize, script: Script) -> Result<()> {
        match self.memory.fault {
            Fault::CommitsEarly => script.play(&mut self.inner().on()).await.map(drop),
            Fault::CommitForgotten if script.ends() == Ending::Commit => {
                self.inner().transact_by(entry, script.ending(Ending::Rollback)).await
            }
            Fault::LastStepLost => {
                self.inner().transact_by(entry, script.without_last_step()).await
            }
            // Played on its own statements, so that the fault is in the transaction too.
            Fault::DeletesEveryRow | Fault::RetriesRefused => {
                by_hand(&mut self.on(), script, Some("ROLLBACK")).await
            }
            Fault::RollbackNotCounted if self.memory.late.load(Ordering::SeqCst) => {
                Err(Error::new(Class::Other, "a transaction is open already"))
            }
            Fault::RollbackNotCounted => {
                self.memory.late.store(script.ends() == Ending::Rollback, Ordering::SeqCst);
                self.inner().transact_by(entry, script).await
            }
            Fault::OtherEntryByHand if entry != 0 => {
                by_hand(&mut self.inner().on(), script, None).await
            }
            Fault::BeginsByHand => by_hand(&mut self.inner().on(), script, None).await,
            Fault::AbandonsDirty | Fault::LeaksAfterRuntime | Fault::SpawnsRollback => {
                by_hand(&mut self.inner().on(), script, Some("ROLLBACK")).await
            }
            Fault::AnswersInTurn => {
                let at_work = self.memory.common.works(self.memory.number);
                let ended = self.inner().transact_by(entry, script).await;
                at_work.first().await;
                ended
            }
            Fault::RefusalHidden => self.inner().transact_by(entry, script).await.or(Ok(())),
            Fault::ConflictHidden => match self.inner().transact_by(entry, script).await {
                Err(error) if error.class() == Class::Conflict => Ok(()),
                result => result,
            },
            Fault::KeysUnchecked => {
                let unchecked = match self.inner().on().dialect() {
                    Dialect::MySql => "SET foreign_key_checks = 0",
                    Dialect::Sqlite => "PRAGMA foreign_keys = OFF",
                    _ => "SET session_replication_role = replica",
                };
                self.inner().run(&Op::Text(unchecked.into())).await?;
                self.inner().transact_by(entry, script).await
            }
            Fault::LeavesState => {
                let left = match self.inner().on().dialect() {
                    Dialect::MySql => "SET @left_behind = 1",
                    _ => "CREATE TEMPORARY TABLE IF NOT EXISTS left_behind (id INT)",
                };
                self.inner().run(&Op::Text(left.into())).await?;
                self.inner().transact_by(entry, script).await
            }
            Fault::SeesUncommitted | Fault::OwnWritesUnseen | Fault::SavepointIgnored => {
                self.statements().by_text(script).await
            }
            _ => self.inner().transact_by(entry, script).await,
        }
    }

    fn statements(&mut self) -> FaultyStatements<'_, impl Statements> {
        let inner = self.inner.as_mut().expect("it is leaked by the drop alone").on();
        FaultyStatements { inner, memory: &mut self.memory }
    }
}

impl Session for FaultySession {
    fn on(&mut self) -> impl Statements {
        self.statements()
    }

    async fn transact(&mut self, script: Script) -> Result<()> {
        self.transact_by(0, script).await
    }

    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()> {
        self.memory.at_work = true;
        self.memory.rows.forget();
        let playing = AssertUnwindSafe(self.transact_with_fault(entry, script));
        let result = playing.catch_unwind().await;
        self.memory.at_work = false;
        self.memory.rows.forget();
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.memory.failed |= result.is_err();
        if self.memory.fault == Fault::LeaksOnError && result.is_err() {
            mem::forget(self.inner.take());
        }
        result
    }

    async fn lock(&mut self, key: i64, ending: Ending) -> Result<()> {
        if self.memory.fault != Fault::LockByHand {
            return self.inner().lock(key, ending).await;
        }
        for call in ["pg_advisory_lock", "pg_advisory_unlock"] {
            self.inner().on().text(&format!("SELECT {call}({key})")).await?;
        }
        Ok(())
    }

    fn in_flight(mut self, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        let inner = self.inner.take().expect("it is leaked by the drop alone");
        if self.memory.fault != Fault::AnswersCrossed {
            return inner.in_flight(questions);
        }
        let [one, other] = questions;
        inner.in_flight([other, one])
    }
}

impl Drop for FaultySession {
    fn drop(&mut self) {
        if self.memory.fault == Fault::ForgetsWaiter && 0 < self.gone.load(Ordering::SeqCst) {
            self.gone.fetch_sub(1, Ordering::SeqCst);
            self.place.take().expect("it is given back here alone").forget();
        }
        match self.memory.fault {
            Fault::AnswersLate if self.memory.asking => {
                self.memory.late.store(true, Ordering::SeqCst);
            }
            Fault::LeaksAsked if self.memory.asking => mem::forget(self.inner.take()),
            _ => {}
        }
        if !self.memory.at_work {
            return;
        }
        match self.memory.fault {
            Fault::AbandonsDirty | Fault::LeaksSession => mem::forget(self.inner.take()),
            Fault::LeaksOneInTen if self.gone.fetch_add(1, Ordering::SeqCst) % 10 == 9 => {
                mem::forget(self.inner.take());
            }
            Fault::LeaksInTask if task::try_id().is_some() => mem::forget(self.inner.take()),
            Fault::LeaksOnPanic if thread::panicking() => mem::forget(self.inner.take()),
            Fault::LeaksAfterRuntime if Handle::try_current().is_err() => {
                mem::forget(self.inner.take());
            }
            Fault::SpawnsRollback => {
                // Where there is nobody to spawn it, it is nobody's.
                let inner = ManuallyDrop::new(self.inner.take());
                let runtime = Handle::current();
                if let Some(mut inner) = ManuallyDrop::into_inner(inner) {
                    drop(runtime.spawn(async move { inner.on().text("ROLLBACK").await }));
                }
            }
            Fault::RetriesUnasked => {
                if let Some(mut inner) = self.inner.take() {
                    // Nobody waits for it.
                    drop(task::spawn(async move {
                        let again = Step::Run(Op::CreateTask { title: Some("planted".to_owned()) });
                        inner.transact(Script::new([again], Ending::Rollback).0).await
                    }));
                }
            }
            Fault::AnswersLate => self.memory.late.store(true, Ordering::SeqCst),
            _ => {}
        }
    }
}
