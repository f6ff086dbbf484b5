//! A future is asked whether it is `None`, as in the notes: it never is.

use dropproof::contract::{Answer, Op, Pool, Result, Session, Task};

async fn get<S: Session>(session: &mut S, id: i64) -> Result<Option<Task>> {
    session.run(&Op::Task(id)).await.and_then(Answer::task)
}

pub async fn is_missing<P: Pool>(pool: &P) -> Result<bool> {
    let mut session = pool.session().await?;
    Ok(get(&mut session, 1).is_none())
}

fn main() {}
