//! A stream is used after the session that it borrows.

use dropproof::contract::{Pool, Result, Row, Session, Statement, Statements};
use futures::StreamExt;

pub async fn rows<P: Pool>(pool: &P, statement: &Statement) -> Option<Result<Row>> {
    let mut session = pool.session().await.ok()?;
    let mut on = session.on();
    let mut rows = Box::pin(on.rows(statement));
    drop(session);
    rows.next().await
}

fn main() {}
