//! Leaving: the ways in which a caller stops to wait for an operation.
//!
//! Each of them ends in a drop, and a layer cannot tell them apart, except that a panic drops while
//! its thread unwinds. That they are the same is judged, and not supposed.

use std::{
    fmt,
    panic::{AssertUnwindSafe, resume_unwind},
    time::Duration,
};

use futures::{FutureExt, future::LocalBoxFuture};
use tokio::{
    select,
    task::{LocalSet, spawn_local, yield_now},
    time::timeout,
};

use super::{
    Error, Left, Visit,
    cut::in_the_work,
    runner::{Fit, Kept, Runner, bounded},
    scene::Scene,
    visit::How,
};
use crate::{
    contract::{self, PLANTED_PANIC},
    poll::Runtime,
};

/// So many cuts show that two ways of leaving are the same.
pub(super) const CUTS: usize = 3;

/// A way in which a caller leaves an operation that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leaving {
    /// The future is dropped.
    Drop,
    /// The future is a task, which is aborted.
    Abort,
    /// A timeout around the future runs out.
    Timeout,
    /// Another branch of a `select!` is ready first.
    Select,
    /// A panic beside the future unwinds through it.
    Panic,
}

impl Leaving {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Leaving::Drop => "drop",
            Leaving::Abort => "abort",
            Leaving::Timeout => "timeout",
            Leaving::Select => "select",
            Leaving::Panic => "panic",
        }
    }

    /// Leaves an operation that waits; says whether it did, or came to its end when it was polled once
    /// more. Behind a wire that is held no answer comes meanwhile.
    pub(super) async fn leave(self, act: LocalBoxFuture<'static, contract::Result<()>>) -> bool {
        match self {
            Leaving::Drop => {
                drop(act);
                true
            }
            Leaving::Abort => LocalSet::new().run_until(abort(act)).await,
            Leaving::Timeout => timeout(Duration::ZERO, act).await.is_err(),
            Leaving::Select => select! {
                biased;
                _ = act => false,
                () = std::future::ready(()) => true,
            },
            Leaving::Panic => panic_beside(act).await,
        }
    }
}

async fn abort(act: LocalBoxFuture<'static, contract::Result<()>>) -> bool {
    let task = spawn_local(act);
    yield_now().await;
    task.abort();
    task.await.is_err_and(|ended| ended.is_cancelled())
}

async fn panic_beside(act: LocalBoxFuture<'static, contract::Result<()>>) -> bool {
    let mut has_ended = false;
    let both = AssertUnwindSafe(async {
        let act = async {
            drop(act.await);
            has_ended = true;
        };
        futures::join!(act, async { resume_unwind(Box::new(PLANTED_PANIC)) })
    });
    // The panic is ours, so that nobody has to be told of it.
    drop(both.catch_unwind().await);
    !has_ended
}

impl Left {
    fn of((by_drop, in_that_way): (Visit, Visit)) -> Self {
        Self { by_drop, in_that_way }
    }
}

impl<S: Scene> Runner<'_, S> {
    /// Leaves the operation at three cuts in its work, each time by a drop and in another way.
    pub(super) fn leave(&self, leaving: Leaving) -> Result<Vec<Left>, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (stage, reference, cuts) = self.reference(&runtime).await?;
            let mut kept = Kept { stage, fit: Fit::Ready };
            let is_counted = self.fresh.server().is_some();
            let chosen = if is_counted { in_the_work(&cuts, CUTS) } else { cuts.iter().collect() };
            let mut left = Vec::new();
            for cut in chosen {
                let mut by_both = Vec::new();
                // Where another thread answers, no two visits of a cut can be compared.
                let ways = [Leaving::Drop, leaving].into_iter().skip(usize::from(!is_counted));
                for leaving in ways {
                    kept = self.ready(&runtime, kept, &reference, cut).await?;
                    let how = How { leaving, ..How::drop(true) };
                    let visit = self.visit(&kept.stage, &reference, cut, how);
                    let Some(visit) = bounded(&cut.name, visit).await? else { break };
                    kept.fit = self.fit(&reference, cut, &visit);
                    by_both.push(visit);
                }
                if by_both.len() == 1 + usize::from(is_counted) {
                    let by_drop = by_both.first().cloned();
                    left.extend(by_drop.zip(by_both.pop()).map(Left::of));
                }
                let is_broken = left.last().is_some_and(|left| !left.in_that_way.class.is_upheld());
                if left.len() == CUTS || (!is_counted && is_broken) {
                    break;
                }
            }
            kept.stage.close(self.fresh).await?;
            if left.is_empty() { Err(Error::NoCut) } else { Ok(left) }
        })
    }
}

impl fmt::Display for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc, thread};

    use rstest::rstest;

    use super::*;

    /// Notes that it was dropped, and whether that was while its thread unwound.
    struct Guard(Rc<Cell<Option<bool>>>);

    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.set(Some(thread::panicking()));
        }
    }

    #[rstest]
    fn each_way_drops_what_waits(
        #[values(Leaving::Drop, Leaving::Abort, Leaving::Timeout, Leaving::Select, Leaving::Panic)]
        way: Leaving,
    ) {
        let dropped = Rc::new(Cell::new(None));
        let guard = Guard(Rc::clone(&dropped));
        let act = Box::pin(async move {
            let _guard = guard;
            futures::future::pending().await
        });

        assert!(tokio_test::block_on(way.leave(act)));

        assert_eq!(dropped.get(), Some(way == Leaving::Panic));
    }

    #[rstest]
    fn what_ends_when_it_is_polled_again_is_not_left(
        #[values(Leaving::Abort, Leaving::Timeout, Leaving::Select, Leaving::Panic)] way: Leaving,
    ) {
        let act = Box::pin(std::future::ready(Ok(())));

        assert!(!tokio_test::block_on(way.leave(act)));
    }
}
