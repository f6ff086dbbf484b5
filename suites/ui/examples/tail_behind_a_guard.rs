//! A plain function returns a future from behind a guard, which is dropped before the future runs.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use dropproof::contract::{Op, Result, Session};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub fn mark<S: Session>(session: &mut S) -> impl Future<Output = Result<()>> {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    async { session.run(&Op::Mark(1)).await.map(drop) }
}

fn main() {}
