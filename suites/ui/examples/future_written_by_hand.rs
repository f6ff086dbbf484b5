//! A future that somebody wrote by hand is not waited for. Its trait says that it must be used, wherever the type is not hidden.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

pub struct Commit;

impl Future for Commit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

pub fn commit() -> Commit {
    Commit
}

pub fn forgets() {
    commit();
}

fn main() {}
