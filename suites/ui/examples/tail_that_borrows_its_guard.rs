//! A plain function returns a future that borrows what is dropped at its end.

use std::future::Future;

use dropproof::contract::{Op, Pool, Result, Session};

pub fn mark<S: Session>(mut session: S) -> impl Future<Output = Result<()>> {
    let marked = session.run(&Op::Mark(1));
    async { marked.await.map(drop) }
}

pub async fn twice<P: Pool>(pool: &P) -> Result<()> {
    mark(pool.session().await?).await
}

fn main() {}
