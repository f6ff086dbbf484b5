//! Operations: what is swept of a layer, as a function.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
};

use futures::{FutureExt, future::BoxFuture};

use crate::contract::{BoxedPool, BoxedSession, PLANTED_PANIC, Result, Script, Session};

type Act =
    Arc<dyn Fn(Arc<BoxedPool>, BoxedSession) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Something that a caller does with a layer and may drop on the way.
///
/// It starts with a session that was leased before, which it owns, so that giving it back is a part
/// of it; and it may lease more from the pool. It owns all that it uses, so that it can be a task.
///
/// ```
/// use dropproof::{contract::{Op, Pool, Session}, sweep::Operation};
///
/// fn insert() -> Operation {
///     Operation::new(|_pool, mut session| async move {
///         session.run(&Op::CreateTask { title: None }).await.map(drop)
///     })
///     .changing()
/// }
/// ```
pub struct Operation {
    act: Act,
    sessions_max: u32,
    changes: bool,
    keeps_the_pool: bool,
    has_company: bool,
}

impl Operation {
    /// An operation that leaves the tables as they are, on a pool that lends one session.
    pub fn new<F>(act: impl Fn(Arc<BoxedPool>, BoxedSession) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let act: Act = Arc::new(move |pool, session| Box::pin(act(pool, session)));
        Self { act, sessions_max: 1, changes: false, keeps_the_pool: true, has_company: false }
    }

    /// Plays a script in a transaction, then gives the session back.
    pub fn transact(script: impl Fn() -> Script + Send + Sync + 'static) -> Self {
        Self::new(move |_, mut session| {
            let script = script();
            async move { session.transact(script).await }
        })
    }

    /// The tables differ when it was done.
    #[must_use]
    pub fn changing(self) -> Self {
        Self { changes: true, ..self }
    }

    /// The pool lends so many sessions.
    #[must_use]
    pub fn with_sessions(self, sessions_max: u32) -> Self {
        Self { sessions_max, ..self }
    }

    /// The pool is not as it was before, so that each cut needs another.
    #[must_use]
    pub fn on_fresh_pools(self) -> Self {
        Self { keeps_the_pool: false, ..self }
    }

    /// Tasks of its own go on when the caller has gone, so that the server need not be left in silence.
    #[must_use]
    pub fn in_company(self) -> Self {
        Self { has_company: true, ..self }
    }

    pub(super) fn has_company(&self) -> bool {
        self.has_company
    }

    pub(super) fn sessions_max(&self) -> u32 {
        self.sessions_max
    }

    pub(super) fn changes(&self) -> bool {
        self.changes
    }

    pub(super) fn keeps_the_pool(&self) -> bool {
        self.keeps_the_pool
    }

    /// Does it. A panic that the script planted is no error.
    pub(super) fn run(
        &self,
        pool: Arc<BoxedPool>,
        leased: BoxedSession,
    ) -> BoxFuture<'static, Result<()>> {
        let work = (self.act)(pool, leased);
        Box::pin(async move {
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(result) => result,
                Err(panic) if panic.downcast_ref() == Some(&PLANTED_PANIC) => Ok(()),
                Err(panic) => resume_unwind(panic),
            }
        })
    }
}

impl Clone for Operation {
    fn clone(&self) -> Self {
        Self { act: Arc::clone(&self.act), ..*self }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("changes", &self.changes).finish_non_exhaustive()
    }
}
