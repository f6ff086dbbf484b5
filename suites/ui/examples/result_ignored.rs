//! The call stands alone, and nobody takes its future.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn delete<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    session.run(&Op::DeleteTask(1));
    Ok(())
}

fn main() {}
