//! Planted faults: mistakes that real layers make, put into a layer that does not make them.
//!
//! A check that no fault can turn red proves nothing. The decorator works on the contract alone, so
//! every fault can be planted into every adapter. This file says which faults there are and plants
//! those of a pool and its sessions; those of statements are in `statements`.

mod statements;

use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dropproof::{
    contract::{Answer, Ending, Op, Pool, Result, Script, Session, Statement, Statements},
    database::Kind,
};
use futures::FutureExt;
use statements::FaultyStatements;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $fault:ident = $name:literal,)+) => {
        /// A planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $doc])+ $fault,)+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Fault] = &[$(Fault::$fault,)+];

            /// The name in reports and in the names of trials.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Fault::$fault => $name,)+
                }
            }
        }
    };
}

faults! {
    /// The id is counted by the client, and not the server's.
    IdGuessed = "id-guessed",
    /// The id is left at its default.
    IdForgotten = "id-forgotten",
    /// Text loses what needs more than three bytes, as in MySQL's `utf8mb3`.
    TextCut = "text-cut",
    /// Empty text becomes NULL, as in Oracle.
    EmptyIsNull = "empty-is-null",
    /// NUL ends text, as in C.
    NulEndsText = "nul-ends-text",
    /// The first of several rows is taken for the only one.
    FirstOfSeveral = "first-of-several",
    /// A lookup that finds nothing fails.
    MissingIsError = "missing-is-error",
    /// A session that has failed once fails for ever.
    StaysFailed = "stays-failed",
    /// An error is swallowed.
    ErrorSwallowed = "error-swallowed",
    /// The class of an error is lost.
    ClassLost = "class-lost",
    /// Statements of a transaction are run outside of it.
    CommitsEarly = "commits-early",
    /// A commit is not sent, and success is reported.
    CommitForgotten = "commit-forgotten",
    /// A transaction has no guard: BEGIN and COMMIT are sent as text.
    BeginsByHand = "begins-by-hand",
    /// A connection that was dropped at work is left as it is, and another takes its place.
    AbandonsDirty = "abandons-dirty",
    /// A session that was dropped at work does not come back to the pool.
    LeaksSession = "leaks-session",
    /// A waiter that was dropped keeps its place.
    LosesPlace = "loses-place",
    /// A temporary table is left in the session.
    LeavesTable = "leaves-table",
    /// After a drop the answers come one question late.
    AnswersLate = "answers-late",
}

impl Fault {
    /// Whether the fault can be seen on a database.
    ///
    /// What an abandoned connection still does is waited for on the wire. An embedded database has a
    /// thread for each connection, and nobody can tell when that of an abandoned one is done.
    #[must_use]
    pub fn shows_on(self, database: Kind) -> bool {
        match self {
            Fault::AbandonsDirty => database.url_variable().is_some(),
            _ => true,
        }
    }
}

/// A layer with a fault planted into it.
#[derive(Debug)]
pub struct Faulty<P> {
    inner: P,
    fault: Fault,
    places: Arc<Semaphore>,
    late: Arc<AtomicBool>,
}

impl<P: Pool> Faulty<P> {
    /// Plants a fault into a pool that lends so many sessions.
    pub fn new(inner: P, fault: Fault, sessions_max: u32) -> Self {
        let places = Arc::new(Semaphore::new(sessions_max as usize));
        Self { inner, fault, places, late: Arc::default() }
    }
}

impl Fault {
    /// How many sessions the pool must have beyond those that it is asked for.
    #[must_use]
    pub fn spare_sessions(self) -> u32 {
        match self {
            Fault::AbandonsDirty => 8,
            _ => 0,
        }
    }
}

impl<P: Pool> Pool for Faulty<P> {
    type Session = FaultySession<P::Session>;

    async fn session(&self) -> Result<Self::Session> {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.expect("the semaphore is never closed");
        let mut waiter = Waiter { place: Some(place), keeps: self.fault == Fault::LosesPlace };
        let inner = self.inner.session().await?;
        let place = waiter.place.take();
        let memory = Memory::new(self.fault, Arc::clone(&self.late));
        Ok(FaultySession { inner: Some(inner), memory, _place: place })
    }

    async fn close(self) -> Result<()> {
        self.inner.close().await
    }
}

/// Whoever waits for a connection, having a place in the pool.
struct Waiter {
    place: Option<OwnedSemaphorePermit>,
    /// Whether the place is lost when the waiter is dropped.
    keeps: bool,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.keeps
            && let Some(place) = self.place.take()
        {
            place.forget();
        }
    }
}

/// A session of a [`Faulty`] layer.
#[derive(Debug)]
pub struct FaultySession<S> {
    /// `None` once it is leaked.
    inner: Option<S>,
    memory: Memory,
    _place: Option<OwnedSemaphorePermit>,
}

/// What a fault remembers of a session.
#[derive(Debug)]
struct Memory {
    fault: Fault,
    ids: i64,
    failed: bool,
    /// Whether a transaction is under way.
    at_work: bool,
    /// Whether the answers of the pool's sessions come late.
    late: Arc<AtomicBool>,
    /// The answer that was kept back.
    kept_back: Option<Answer>,
}

impl Memory {
    fn new(fault: Fault, late: Arc<AtomicBool>) -> Self {
        Self { fault, ids: 0, failed: false, at_work: false, late, kept_back: None }
    }
}

impl<S: Session> FaultySession<S> {
    fn inner(&mut self) -> &mut S {
        self.inner.as_mut().expect("it is leaked by the drop alone")
    }

    async fn transact_with_fault(&mut self, script: Script) -> Result<()> {
        match self.memory.fault {
            Fault::CommitsEarly => script.play(&mut self.inner().on()).await.map(drop),
            Fault::CommitForgotten => self.inner().transact(script.ending(Ending::Rollback)).await,
            Fault::BeginsByHand => by_hand(&mut self.inner().on(), script, None).await,
            Fault::AbandonsDirty => by_hand(&mut self.inner().on(), script, Some("ROLLBACK")).await,
            Fault::LeavesTable => {
                let table = "CREATE TEMPORARY TABLE IF NOT EXISTS left_behind (id INT)";
                self.inner().run(&Op::Change(Statement::new(table, []))).await?;
                self.inner().transact(script).await
            }
            _ => self.inner().transact(script).await,
        }
    }
}

/// Opens and ends a transaction by text, so that nobody else knows of it.
async fn by_hand<S: Statements>(
    on: &mut S,
    script: Script,
    leave: Option<&'static str>,
) -> Result<()> {
    let text = |sql: &'static str| Op::Change(Statement::new(sql, []));
    on.run(&text("BEGIN")).await?;
    let end = match script.play(on).await? {
        Ending::Commit => Some("COMMIT"),
        Ending::Rollback => Some("ROLLBACK"),
        Ending::Leave | Ending::Fail => leave,
    };
    match end {
        Some(end) => on.run(&text(end)).await.map(drop),
        None => Ok(()),
    }
}

impl<S: Session> Session for FaultySession<S> {
    fn on(&mut self) -> impl Statements {
        let inner = self.inner.as_mut().expect("it is leaked by the drop alone").on();
        FaultyStatements { inner, memory: &mut self.memory }
    }

    async fn transact(&mut self, script: Script) -> Result<()> {
        self.memory.at_work = true;
        let result = AssertUnwindSafe(self.transact_with_fault(script)).catch_unwind().await;
        self.memory.at_work = false;
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.memory.failed |= result.is_err();
        result
    }
}

impl<S> Drop for FaultySession<S> {
    fn drop(&mut self) {
        if !self.memory.at_work {
            return;
        }
        match self.memory.fault {
            Fault::AbandonsDirty | Fault::LeaksSession => mem::forget(self.inner.take()),
            Fault::AnswersLate => self.memory.late.store(true, Ordering::SeqCst),
            _ => {}
        }
    }
}
