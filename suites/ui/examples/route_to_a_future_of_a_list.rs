//! A route leads to a handler that returns the future of a list, as the notes' router that lists. The
//! type of the answer is left open.

use axum::{Json, Router, routing::get};

async fn list_tasks() -> Json<Vec<String>> {
    Json(Vec::new())
}

async fn list() -> impl Future<Output = Json<Vec<String>>> {
    list_tasks()
}

pub fn router() -> Router {
    Router::new().route("/tasks", get(list))
}

fn main() {}
