//! Planted faults: mistakes that real layers make, put into a layer that does not make them.
//!
//! A check that no fault can turn red proves nothing. The decorator works on the contract alone, so
//! every fault can be planted into every adapter. This file says which faults there are; `pool`
//! plants those of a pool, `session` those of its sessions, `statements` those of statements, `rows`
//! those of what is kept of rows, and `entities` those that are mistakes about users, tasks and dones;
//! `units` plants those of units of work, `streams` those of streams, and `together` has what sessions
//! have in common.

mod entities;
mod pool;
mod rows;
mod session;
mod statements;
mod streams;
mod together;
mod units;

use dropproof::database::Kind;
pub use pool::Faulty;

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
    /// A COPY is sent as one for each piece.
    CopyIsSplit = "copy-is-split",
    /// A lock has no guard: it is taken and given up by statements.
    LockByHand = "lock-by-hand",
    /// A listener is a session that was told to listen, and is given back as it is.
    ListensByHand = "listens-by-hand",
    /// Of two questions in flight each gets the answer to the other.
    AnswersCrossed = "answers-crossed",
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
    /// The same, where it is dropped in the middle of a statement.
    LeaksAsked = "leaks-asked",
    /// The same, of one session in ten.
    LeaksOneInTen = "leaks-one-in-ten",
    /// The same, where it is dropped by a task.
    LeaksInTask = "leaks-in-task",
    /// The same, where it is dropped by a panic.
    LeaksOnPanic = "leaks-on-panic",
    /// The same, where it is dropped and no runtime is left.
    LeaksAfterRuntime = "leaks-after-runtime",
    /// A transaction that was dropped is rolled back by a task, and by nobody else.
    SpawnsRollback = "spawns-rollback",
    /// A session whose transaction failed does not come back to the pool.
    LeaksOnError = "leaks-on-error",
    /// A statement that the server refuses is sent once more.
    RetriesRefused = "retries-refused",
    /// A transaction that the server refuses is reported as done.
    RefusalHidden = "refusal-hidden",
    /// What was dropped at work is tried once more by nobody's wish, and given up.
    RetriesUnasked = "retries-unasked",
    /// A waiter that was dropped keeps its place.
    LosesPlace = "loses-place",
    /// A place that is free is given to a waiter who has gone.
    ForgetsWaiter = "forgets-waiter",
    /// A close is not carried out, and success is reported.
    CloseForgotten = "close-forgotten",
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
    /// A scope closes its session once more than it opened it.
    ScopeClosesTwice = "scope-closes-twice",
    /// The exit of a bracket does not run where the body has failed.
    ExitSkipped = "exit-skipped",
    /// An error of the exit is swallowed.
    ExitHidesError = "exit-hides-error",
    /// What is added to one session is committed by another as well.
    SharesPending = "shares-pending",
    /// A commit only flushes, and the refresh behind it commits.
    RefreshBeforeCommit = "refresh-before-commit",
    /// An object that has expired shows what was known of it.
    ReadsExpired = "reads-expired",
    /// A query flushes, whatever the switch says.
    FlushesAlways = "flushes-always",
    /// A flush is not carried out, and success is reported.
    FlushForgotten = "flush-forgotten",
    /// The same of a rollback.
    RollbackForgotten = "rollback-forgotten",
    /// A rollback that fails is reported as done.
    RollbackHidesError = "rollback-hides-error",
    /// An update stores the password as it was given.
    HashForgotten = "hash-forgotten",
    /// A password is sent to the server, to be hashed there.
    PasswordSent = "password-sent",
    /// A row is another object each time.
    LosesIdentity = "loses-identity",
    /// A row is one object in all sessions.
    SharesIdentity = "shares-identity",
    /// A registry of tasks is keyed by the thread.
    RegistryByThread = "registry-by-thread",
    /// A registry of threads is keyed by the task.
    RegistryByTask = "registry-by-task",
    /// A registry has one session for everybody.
    RegistryShared = "registry-shared",
    /// A registry keeps what has ended.
    RegistryLeaks = "registry-leaks",
    /// An operation begins when it is called, and not when it is awaited.
    StartsUnawaited = "starts-unawaited",
    /// A lease takes its place in the pool when it is called.
    LeasesUnawaited = "leases-unawaited",
    /// A new task is put aside, and reported as stored.
    AnswersAhead = "answers-ahead",
    /// An answer is waited for without letting anybody else run, and then given up.
    BlocksRuntime = "blocks-runtime",
    /// A refresh stores what is pending first.
    RefreshFlushes = "refresh-flushes",
    /// A unit of work that was not closed keeps its connection.
    LeaksUnclosed = "leaks-unclosed",
    /// A stream fetches all rows at its first step.
    StreamFetchesAll = "stream-fetches-all",
    /// A stream asks for its rows when it is made.
    StreamStartsEarly = "stream-starts-early",
    /// A stream, or a unit of work, loses the last row.
    StreamLosesLast = "stream-loses-last",
    /// A stream gives its first row twice.
    StreamRepeats = "stream-repeats",
    /// A stream that has ended gives a row when it is asked again.
    StreamAfterEnd = "stream-after-end",
    /// An error in the midst of a stream is taken for its end.
    StreamHidesError = "stream-hides-error",
    /// Streams of several sessions give each other's rows.
    StreamsCrossed = "streams-crossed",
    /// A session does not say that its transaction has ended before those that were lent earlier have.
    AnswersInTurn = "answers-in-turn",
    /// Of those who wait for a session the last gets it first.
    LastWaiterFirst = "last-waiter-first",
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
            // What is sent to the server is seen on the wire.
            Fault::PasswordSent | Fault::RetriesUnasked => database.protocol().is_some(),
            // Connections are counted on the wire.
            Fault::CloseForgotten => database.protocol().is_some(),
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
