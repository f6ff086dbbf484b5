//! The value is used before it is waited for, as in the notes: the id is asked of a future.

use dropproof::contract::{Answer, Op, Pool, Result, Session};

async fn create<S: Session>(session: &mut S) -> Result<i64> {
    session.run(&Op::CreateTask { title: None }).await.and_then(Answer::id)
}

pub async fn create_and_show<P: Pool>(pool: &P) -> Result<String> {
    let mut session = pool.session().await?;
    let id = create(&mut session);
    Ok(format!("created {id}"))
}

fn main() {}
