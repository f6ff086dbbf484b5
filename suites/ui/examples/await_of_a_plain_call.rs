//! What is no future is waited for.

use dropproof::contract::{Ending, Op, Script, Step};

pub async fn script() {
    Script::new([Step::Run(Op::Tasks)], Ending::Commit).await;
}

fn main() {}
