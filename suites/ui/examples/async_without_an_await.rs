//! A function is async and waits for nothing.

pub async fn add(tasks: &mut Vec<String>) {
    tasks.push("planted".to_owned());
}

fn main() {}
