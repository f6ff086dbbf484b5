//! The method of a trait, called on a trait object, gives a boxed future.

use dropproof::contract::boxed::Pool;

pub fn close(pool: Box<dyn Pool>) {
    pool.close();
}

fn main() {}
