//! One function on a future, for the compiler alone: built with the wrapper and without it, its code is
//! compared by the test beside it. It is no module of the test.

use std::{
    future::poll_fn,
    hint::black_box,
    mem,
    pin::pin,
    task::{Context, Poll},
};

#[cfg(wrapped)]
#[path = "../../src/poll/awaited/mod.rs"]
mod awaited;

/// Waits once, while it holds what has to be dropped.
async fn work(number: u64) -> u64 {
    let held = Box::new(black_box(number));
    let mut polled = false;
    poll_fn(|_| if mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    3 * *held
}

/// Makes a future, polls it once or to its end, and drops it.
#[inline(never)]
pub fn probe(number: u64, cx: &mut Context<'_>) -> Poll<u64> {
    #[cfg(wrapped)]
    let future = awaited::awaited(work(number));
    #[cfg(not(wrapped))]
    let future = work(number);
    let mut future = pin!(future);
    let first = future.as_mut().poll(cx);
    if black_box(number) == 0 {
        return first;
    }
    future.as_mut().poll(cx)
}
