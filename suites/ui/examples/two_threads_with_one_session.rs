//! Two threads use one session at the same time.

use dropproof::contract::{Op, Pool, Session};

pub fn both<P: Pool>(session: &mut P::Session) {
    std::thread::scope(|threads| {
        threads.spawn(|| drop(session.run(&Op::Mark(1))));
        threads.spawn(|| drop(session.run(&Op::Mark(2))));
    });
}

fn main() {}
