//! Two futures borrow one session at the same time.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn both<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    let (marked, unmarked) = futures::join!(session.run(&Op::Mark(1)), session.run(&Op::Unmark(2)));
    marked.and(unmarked).map(drop)
}

fn main() {}
