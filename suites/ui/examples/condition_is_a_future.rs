//! A condition is a future.

use dropproof::contract::{Op, Pool, Result, Session};

async fn is_there<S: Session>(session: &mut S) -> bool {
    session.run(&Op::Task(1)).await.is_ok()
}

pub async fn check<P: Pool>(pool: &P) -> Result<bool> {
    let mut session = pool.session().await?;
    if is_there(&mut session) {
        return Ok(true);
    }
    Ok(false)
}

fn main() {}
