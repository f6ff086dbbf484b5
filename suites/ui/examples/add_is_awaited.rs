//! What only takes an object in is waited for.

use dropproof::contract::{Handle, New, Unit};

pub async fn add(unit: &mut dyn Unit) -> Handle {
    unit.add(New::Task { title: None }).await
}

fn main() {}
