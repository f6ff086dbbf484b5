//! The future has a name that nobody uses.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    let _marked = session.run(&Op::Mark(1));
    Ok(())
}

fn main() {}
