//! A function is waited for, and not its call.

async fn answer() -> u8 {
    42
}

pub async fn ask() -> u8 {
    answer.await
}

fn main() {}
