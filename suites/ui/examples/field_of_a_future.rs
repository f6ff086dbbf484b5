//! A field is read of what has still to be waited for.

use dropproof::contract::{Answer, Op, Pool, Result, Session, Task};

async fn get<S: Session>(session: &mut S, id: i64) -> Result<Option<Task>> {
    session.run(&Op::Task(id)).await.and_then(Answer::task)
}

pub async fn title<P: Pool>(pool: &P) -> Result<Option<String>> {
    let mut session = pool.session().await?;
    let task = get(&mut session, 1);
    Ok(task.title)
}

fn main() {}
