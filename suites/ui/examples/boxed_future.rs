//! A function returns a boxed future, and the call stands alone.

use dropproof::contract::{Op, Pool, Result, Session};
use futures::future::BoxFuture;

fn mark<S: Session>(session: &mut S) -> BoxFuture<'_, Result<()>> {
    Box::pin(async { session.run(&Op::Mark(1)).await.map(drop) })
}

pub async fn toggle<P: Pool>(pool: &P) -> Result<()> {
    let mut session = pool.session().await?;
    mark(&mut session);
    Ok(())
}

fn main() {}
