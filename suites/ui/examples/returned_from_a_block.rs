//! An async block ends with a future: waiting for the block gives the inner one.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    async { session.run(&Op::Mark(1)) }.await;
    Ok(())
}

fn main() {}
