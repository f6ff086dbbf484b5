//! The error is asked for before the answer is there.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    session.run(&Op::Mark(1))?;
    Ok(())
}

fn main() {}
