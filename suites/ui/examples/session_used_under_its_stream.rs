//! A statement is run on a session whose stream is still read.

use dropproof::contract::{Pool, Result, Session, Statement, Statements};
use futures::StreamExt;

pub async fn both<P: Pool>(pool: &P, statement: &Statement) -> Result<()> {
    let mut session = pool.session().await?;
    let mut on = session.on();
    let mut rows = Box::pin(on.rows(statement));
    on.change(statement).await?;
    rows.next().await.transpose().map(drop)
}

fn main() {}
