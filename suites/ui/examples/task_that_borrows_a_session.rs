//! A task may outlive the session that it borrows.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn mark<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    tokio::spawn(async { session.run(&Op::Mark(1)).await.map(drop) });
    session.run(&Op::Tasks).await.map(drop)
}

fn main() {}
