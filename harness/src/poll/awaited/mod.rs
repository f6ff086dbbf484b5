//! Forgotten futures: a wrapper that knows whether its future came to an end.
//!
//! A future that nobody waits for does nothing, and most ways to forget one compile. [`awaited`] notes
//! where a future is made and how often it is polled, and one that is dropped before its end is told to
//! the `Watch` under which it was made, as Python says "coroutine … was never awaited".
//!
//! This works with the feature `awaited` alone. Without it the wrapper is its future and nothing else,
//! and there is no `Watch`: a test that watches does not compile, so it cannot pass for nothing.

#[cfg(feature = "awaited")]
mod forgotten;
#[cfg(all(test, feature = "awaited"))]
mod tests;
#[cfg(feature = "awaited")]
mod watch;
#[cfg_attr(not(feature = "awaited"), path = "off.rs")]
mod watched;

use std::{
    any::type_name,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

#[cfg(feature = "awaited")]
pub use self::{
    forgotten::{Fate, Forgotten},
    watch::{Over, Watch},
};
use watched::Watched;

pin_project! {
    /// A future that is told of when it is dropped before its end; made by [`awaited`].
    ///
    /// Without the feature `awaited` it is laid out as its future, and compiles to the same code.
    #[cfg_attr(not(feature = "awaited"), repr(transparent))]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Awaited<F> {
        watched: Watched,
        #[pin]
        future: F,
    }
}

/// Wraps a future, and notes the line of the source where that is done.
///
/// It takes what `.await` takes: a future, or what becomes one, such as a builder or a `JoinHandle`.
/// A function that is called by many is best a plain one, `#[track_caller]`, that returns the wrapper:
/// then the line is the caller's. On an `async fn` the attribute says nothing.
///
/// With the feature `awaited` the future belongs to the innermost `Watch` of the thread on which it was
/// made, wherever it is polled and dropped later. It is reported where it is dropped and has not
/// finished. It is not reported where it was [abandoned](Awaited::abandon), where it has panicked, or
/// where its thread unwinds when it is dropped: the panic is told already. A future that is made where
/// nobody watches is reported to nobody, and so is one that outlives its watch or is never dropped.
///
/// # Panics
///
/// Never by itself: neither wrapping, polling nor dropping panics where the future does not.
///
/// # Cancel safety
///
/// As safe to drop as the future.
///
/// # Examples
///
/// ```
/// use dropproof::poll::{Awaited, awaited};
///
/// #[track_caller]
/// fn double(number: u32) -> Awaited<impl Future<Output = u32>> {
///     awaited(async move { 2 * number })
/// }
///
/// # tokio_test::block_on(async {
/// assert_eq!(double(4).await, 8);
/// # });
/// ```
#[inline]
#[track_caller]
pub fn awaited<F: IntoFuture>(future: F) -> Awaited<F::IntoFuture> {
    Awaited { watched: Watched::here(type_name::<F::IntoFuture>()), future: future.into_future() }
}

impl<F> Awaited<F> {
    /// Says that from now on the future is dropped on purpose, as the one that lost a `select!`.
    ///
    /// What may be dropped at any time is better not wrapped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::pending, pin::pin};
    ///
    /// use dropproof::poll::awaited;
    ///
    /// # tokio_test::block_on(async {
    /// let mut slow = pin!(awaited(pending::<()>()));
    /// tokio::select! {
    ///     () = slow.as_mut() => unreachable!(),
    ///     fast = async { 1 } => {
    ///         slow.abandon();
    ///         assert_eq!(fast, 1);
    ///     }
    /// }
    /// # });
    /// ```
    #[inline]
    pub fn abandon(self: Pin<&mut Self>) {
        self.project().watched.abandon();
    }
}

impl<F: Future> Future for Awaited<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.watched.enter();
        let polled = this.future.poll(cx);
        this.watched.leave(polled.is_ready());
        polled
    }
}

impl<F> fmt::Debug for Awaited<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Awaited").field("watched", &self.watched).finish_non_exhaustive()
    }
}
