//! A plain `for` goes over a stream.

use dropproof::contract::{Pool, Result, Session, Statement, Statements};

pub async fn count<P: Pool>(pool: &P, statement: &Statement) -> Result<usize> {
    let mut session = pool.session().await?;
    let mut count = 0;
    for row in session.on().rows(statement) {
        row?;
        count += 1;
    }
    Ok(count)
}

fn main() {}
