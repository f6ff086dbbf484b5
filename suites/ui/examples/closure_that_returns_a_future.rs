//! A closure is called, and what it returns is a future.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    let mut mark = async || session.run(&Op::Mark(1)).await;
    mark();
    Ok(())
}

fn main() {}
