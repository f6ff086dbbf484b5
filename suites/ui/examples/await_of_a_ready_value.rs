//! What was waited for is waited for once more.

use dropproof::contract::{Pool, Result, Session, Statement, Statements, Value};

pub async fn first<P: Pool>(pool: &P, statement: &Statement) -> Result<Option<Vec<Value>>> {
    let mut session = pool.session().await?;
    let rows = session.on().fetch(statement).await?;
    Ok(rows.await.into_iter().next())
}

fn main() {}
