//! Cutting by poll: dropping a future after a chosen number of polls.
//!
//! Polls are counted and time is not measured. The number of polls is not a position in the source:
//! one `.await` may take several, and how many can depend on other threads.

use std::{future::poll_fn, pin::pin, task::Poll};

/// What became of a future that may have been cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Cut<T> {
    /// It finished before the cut.
    Finished(T),
    /// It was dropped.
    Dropped,
}

/// Polls a future so many times at the most, then drops it at once.
///
/// With no polls it is dropped as it was made. The drop follows the last poll immediately, without
/// waiting for the future to be woken.
///
/// # Cancel safety
///
/// Dropping this drops the future, like a cut.
///
/// # Examples
///
/// ```
/// use dropproof::poll::{Cut, cut_after};
///
/// # tokio_test::block_on(async {
/// assert_eq!(cut_after(async { 1 }, 1).await, Cut::Finished(1));
/// assert_eq!(cut_after(tokio::task::yield_now(), 1).await, Cut::Dropped);
/// # });
/// ```
pub async fn cut_after<T>(future: impl Future<Output = T>, polls: u32) -> Cut<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left != 0 {
            left -= 1;
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(Cut::Finished(value));
            }
        }
        if left == 0 { Poll::Ready(Cut::Dropped) } else { Poll::Pending }
    })
    .await
}
