//! A handler answers with the future of its answer, as the notes' router that creates. The type of the
//! answer stands in its signature.

use axum::{Json, Router, routing::post};

async fn create_task(title: String) -> Json<String> {
    Json(title)
}

async fn create(Json(title): Json<String>) -> Json<String> {
    create_task(title)
}

pub fn router() -> Router {
    Router::new().route("/tasks", post(create))
}

fn main() {}
