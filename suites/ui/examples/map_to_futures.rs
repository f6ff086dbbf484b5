//! Each element becomes a future, and the iterator is read to its end.

use dropproof::contract::Pool;

pub fn lease<P: Pool>(pools: &[P]) -> usize {
    pools.iter().map(|pool| pool.session()).count()
}

fn main() {}
