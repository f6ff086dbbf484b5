//! A closure that returns nothing makes a future.

use dropproof::contract::Pool;

pub fn lease<P: Pool>(pools: &[P]) {
    pools.iter().for_each(|pool| {
        pool.session();
    });
}

fn main() {}
