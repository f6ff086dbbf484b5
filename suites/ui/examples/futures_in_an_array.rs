//! Futures stand in an array that is thrown away.

use dropproof::contract::Pool;

pub fn lease<P: Pool>(pool: &P) {
    [pool.session(), pool.session()];
}

fn main() {}
