//! The arms of a match are futures, and the match stands alone.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn toggle<P: Pool>(pool: &P, done: bool) -> Result<()> {
    let mut session = pool.session().await?;
    match done {
        true => session.run(&Op::Mark(1)),
        false => session.run(&Op::Mark(2)),
    };
    Ok(())
}

fn main() {}
