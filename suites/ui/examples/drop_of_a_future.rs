//! The future is dropped by hand.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    drop(session.run(&Op::Mark(1)));
    Ok(())
}

fn main() {}
