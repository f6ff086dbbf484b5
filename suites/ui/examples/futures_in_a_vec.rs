//! Futures are collected, and the vector is thrown away.

use dropproof::contract::Pool;

pub fn lease<P: Pool>(pool: &P) {
    vec![pool.session(), pool.session()];
}

fn main() {}
