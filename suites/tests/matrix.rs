//! The matrix of this workspace: every check on every adapter.

use std::process::ExitCode;

use dropproof::database::Kind;
use dropproof_adapters::{KNOWN_ISSUES, sqlx, tokio_postgres};
use dropproof_suites::Matrix;

fn main() -> ExitCode {
    Matrix::new()
        .snapshots(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"))
        .known_issues(KNOWN_ISSUES)
        .cell::<sqlx::postgres::Sqlx>(Kind::Postgres)
        .cell::<tokio_postgres::Deadpool>(Kind::Postgres)
        .cell::<sqlx::sqlite::Sqlx>(Kind::Sqlite)
        .run()
}
