//! A shared reference to a unit of work goes to another thread.

use dropproof::contract::Unit;

pub fn share(unit: &dyn Unit) -> usize {
    std::thread::scope(|threads| {
        let pending = threads.spawn(|| unit.pending().new);
        pending.join().unwrap_or_default()
    })
}

fn main() {}
