//! A future is waited for twice.

use dropproof::contract::{Op, Pool, Result, Session};

pub async fn twice<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    let marking = session.run(&Op::Mark(1));
    marking.await?;
    marking.await.map(drop)
}

fn main() {}
