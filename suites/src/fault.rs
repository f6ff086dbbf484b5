//! Planted faults: mistakes that real layers make, put into a layer that does not make them.
//!
//! A check that no fault can turn red proves nothing. The decorator works on the contract alone, so
//! every fault can be planted into every adapter. This file says which faults there are and plants
//! those of a pool and its sessions; those of statements are in `statements`, and those that are mistakes about users, tasks and dones in
//! `entities`.

mod entities;
mod rows;
mod statements;

use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use dropproof::{
    contract::{
        Answer, Asked, Class, Dialect, Ending, Error, Op, Pool, Result, Script, Session, Statement,
        Statements, Step,
    },
    database::Kind,
};
use futures::FutureExt;
use rows::{Rows, Shared};
use statements::FaultyStatements;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
};

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
    /// Text that is longer than its column is cut, as MySQL does without its strict mode.
    LongTextCut = "long-text-cut",
    /// An email is looked for in small letters.
    LowersCase = "lowers-case",
    /// What was found is compared once more, byte by byte.
    ComparesBytes = "compares-bytes",
    /// An update has no condition.
    UpdatesEveryRow = "updates-every-row",
    /// An update of what is not there makes it.
    UpdateInserts = "update-inserts",
    /// One row is reported as changed, whatever the server said.
    CountsOne = "counts-one",
    /// A list is made by an inner join.
    InnerJoin = "inner-join",
    /// A list asks once more for each row.
    OneQueryPerRow = "one-query-per-row",
    /// An id is cut to 32 bits.
    NarrowId = "narrow-id",
    /// A row is read out of a cache that a write does not clear.
    StaleRead = "stale-read",
    /// The last step of a transaction is not sent.
    LastStepLost = "last-step-lost",
    /// A delete has no condition.
    DeletesEveryRow = "deletes-every-row",
    /// References are not checked, as SQLite does unless it is asked to.
    KeysUnchecked = "keys-unchecked",
    /// A transaction that lost against another is reported as done.
    ConflictHidden = "conflict-hidden",
    /// A parameter that was not given is NULL, and one more is dropped.
    MissingIsNull = "missing-is-null",
    /// A statement with the wrong number of parameters makes all sessions unusable.
    MisfitBreaksPool = "misfit-breaks-pool",
    /// A transaction that nobody asked for is begun, and not committed.
    BeginsUnasked = "begins-unasked",
    /// The last row of a bulk insert is lost.
    BulkLosesLast = "bulk-loses-last",
    /// A bulk insert is sent as one statement for each row.
    BulkIsSplit = "bulk-is-split",
    /// A transaction has no guard: BEGIN and COMMIT are sent as text.
    BeginsByHand = "begins-by-hand",
    /// Only the first way to begin a transaction has a guard.
    OtherEntryByHand = "other-entry-by-hand",
    /// A transaction that was rolled back is still counted as open.
    RollbackNotCounted = "rollback-not-counted",
    /// A connection that was dropped at work is left as it is, and another takes its place.
    AbandonsDirty = "abandons-dirty",
    /// A session that was dropped at work does not come back to the pool.
    LeaksSession = "leaks-session",
    /// The same, where it is dropped by a task.
    LeaksInTask = "leaks-in-task",
    /// The same, where it is dropped by a panic.
    LeaksOnPanic = "leaks-on-panic",
    /// What was dropped at work is tried once more by nobody's wish, and given up.
    RetriesUnasked = "retries-unasked",
    /// A waiter that was dropped keeps its place.
    LosesPlace = "loses-place",
    /// A temporary table, or a variable, is left in the session.
    LeavesState = "leaves-state",
    /// What was said as text in one session is said again in the next one.
    StateCarriedOver = "state-carried-over",
    /// After a drop the answers come one question late.
    AnswersLate = "answers-late",
    /// A list comes from a cache, which a rename does not clear.
    ReadsFromCache = "reads-from-cache",
    /// An update writes all columns, as the session has last seen them.
    WritesAllColumns = "writes-all-columns",
    /// A retry takes what refuses it for the work of the first attempt.
    RetryHidesError = "retry-hides-error",
    /// What a transaction has read is shared with other sessions before it is committed.
    SeesUncommitted = "sees-uncommitted",
    /// A transaction reads what was there when it began.
    OwnWritesUnseen = "own-writes-unseen",
    /// A savepoint that is rolled back undoes nothing.
    SavepointIgnored = "savepoint-ignored",
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
            // What is asked of the server is seen on the wire.
            Fault::RetriesUnasked => database.protocol().is_some(),
            // SQLite does so by itself.
            Fault::MissingIsNull => database != Kind::Sqlite,
            // How many statements there were is seen on the wire.
            Fault::OneQueryPerRow => database.protocol().is_some(),
            // Where capital letters are equal, nobody sees that they became small ones.
            Fault::LowersCase => !matches!(database, Kind::MySql | Kind::MariaDb),
            Fault::ComparesBytes => matches!(database, Kind::MySql | Kind::MariaDb),
            // Only these two refuse a write on what has changed.
            Fault::ConflictHidden => matches!(database, Kind::Postgres | Kind::MariaDb),
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
    said: Said,
    shared: Shared,
}

/// The text that a session has sent last.
type Said = Arc<Mutex<Option<String>>>;

impl<P: Pool> Faulty<P> {
    /// Plants a fault into a pool that lends so many sessions.
    pub fn new(inner: P, fault: Fault, sessions_max: u32) -> Self {
        let places = Arc::new(Semaphore::new(sessions_max as usize));
        let (late, said, shared) = Default::default();
        Self { inner, fault, places, late, said, shared }
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
        let mut inner = self.inner.session().await?;
        let place = waiter.place.take();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(said) = said.filter(|_| self.fault == Fault::StateCarriedOver) {
            inner.on().text(&said).await?;
        }
        let rows = Rows::new(&self.shared);
        let shared = (Arc::clone(&self.late), Arc::clone(&self.said));
        let memory = Memory::new(self.fault, shared, rows);
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
pub struct FaultySession<S: Session + 'static> {
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
    /// Whether the answers of the pool's sessions come late, or do not come.
    late: Arc<AtomicBool>,
    said: Said,
    /// The answer that was kept back.
    kept_back: Option<Answer>,
    /// What was read, and by which operation.
    cache: Vec<(Op, Answer)>,
    /// Whether a transaction was begun that nobody asked for.
    begun: bool,
    rows: Rows,
}

impl Memory {
    fn new(fault: Fault, (late, said): (Arc<AtomicBool>, Said), rows: Rows) -> Self {
        Self {
            fault,
            ids: 0,
            failed: false,
            at_work: false,
            late,
            said,
            kept_back: None,
            cache: Vec::new(),
            begun: false,
            rows,
        }
    }
}

impl<S: Session + 'static> FaultySession<S> {
    fn inner(&mut self) -> &mut S {
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
            Fault::DeletesEveryRow => by_hand(&mut self.on(), script, Some("ROLLBACK")).await,
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
            Fault::AbandonsDirty => by_hand(&mut self.inner().on(), script, Some("ROLLBACK")).await,
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

/// Opens and ends a transaction by text, so that nobody else knows of it.
async fn by_hand<S: Statements>(
    on: &mut S,
    script: Script,
    leave: Option<&'static str>,
) -> Result<()> {
    let text = |sql: &'static str| Op::Text(sql.into());
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

impl<S: Session + 'static> Session for FaultySession<S> {
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
        result
    }

    async fn lock(&mut self, key: i64, ending: Ending) -> Result<()> {
        self.inner().lock(key, ending).await
    }

    fn in_flight(mut self, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        let inner = self.inner.take().expect("it is leaked by the drop alone");
        inner.in_flight(questions)
    }
}

impl<S: Session + 'static> Drop for FaultySession<S> {
    fn drop(&mut self) {
        if !self.memory.at_work {
            return;
        }
        match self.memory.fault {
            Fault::AbandonsDirty | Fault::LeaksSession => mem::forget(self.inner.take()),
            Fault::LeaksInTask if task::try_id().is_some() => mem::forget(self.inner.take()),
            Fault::LeaksOnPanic if thread::panicking() => mem::forget(self.inner.take()),
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
