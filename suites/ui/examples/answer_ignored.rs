//! The future is waited for, and its error is not looked at.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    session.run(&Op::Mark(1)).await;
    Ok(())
}

fn main() {}
