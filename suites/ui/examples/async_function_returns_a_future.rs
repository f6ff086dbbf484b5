//! An async function returns the future that another call gives.

use dropproof::contract::{Answer, Op, Result, Session};

pub async fn mark<S: Session>(session: &mut S) -> Result<Answer> {
    session.run(&Op::Mark(1))
}

fn main() {}
