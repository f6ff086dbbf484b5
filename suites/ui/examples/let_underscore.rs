//! The future is thrown away by `let _`.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    let _ = session.run(&Op::Mark(1));
    Ok(())
}

fn main() {}
