//! A block is async, and nobody waits for it.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    async {
        session.run(&Op::Mark(1)).await.ok();
    };
    Ok(())
}

fn main() {}
