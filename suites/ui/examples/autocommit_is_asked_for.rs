//! A session is asked to commit by itself.

use dropproof::contract::UnitOptions;

pub fn options() -> UnitOptions {
    UnitOptions { autoflush: false, expire_on_commit: true, autocommit: true }
}

fn main() {}
