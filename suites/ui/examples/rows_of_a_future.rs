//! The rows are taken out of what has still to be waited for.

use dropproof::contract::{Pool, Result, Row, Session, Statement, Statements};

pub async fn first<P: Pool>(pool: &P, statement: &Statement) -> Result<Option<Row>> {
    let mut session = pool.session().await?;
    Ok(session.on().fetch(statement).into_iter().next())
}

fn main() {}
