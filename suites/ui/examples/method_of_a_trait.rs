//! The method of a trait, called on a trait object, gives a boxed future.

use dropproof::contract::Unit;

pub fn close(unit: &mut dyn Unit) {
    unit.close();
}

fn main() {}
