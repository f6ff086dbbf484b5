//! A task is spawned, and nobody asks how it has ended. It runs all the same.

use dropproof::contract::{Op, Pool, Session};

pub fn mark<P: Pool>(mut session: P::Session) {
    tokio::spawn(async move { session.run(&Op::Mark(1)).await.map(drop) });
}

fn main() {}
