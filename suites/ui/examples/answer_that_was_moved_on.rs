//! What an await gave is used after it was handed on: it is moved, and not copied.

use dropproof::contract::{Op, Pool, Result, Session, Task};

async fn handed_on(tasks: Vec<Task>) -> Vec<Task> {
    tasks
}

pub async fn tasks<P: Pool>(pool: &P) -> Result<usize> {
    let tasks = pool.session().await?.run(&Op::Tasks).await?.tasks()?;
    let same = handed_on(tasks).await;
    Ok(tasks.len() + same.len())
}

fn main() {}
