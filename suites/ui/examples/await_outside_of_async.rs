//! A plain function waits.

use dropproof::contract::{Pool, Result};

pub fn first<P: Pool>(pool: &P) -> Result<P::Session> {
    pool.session().await
}

fn main() {}
