//! The mutants of this workspace: every fault in every adapter.

use std::process::ExitCode;

use dropproof::database::Kind;
use dropproof_adapters::{KNOWN_ISSUES, sqlx, tokio_postgres};
use dropproof_suites::Mutants;

fn main() -> ExitCode {
    Mutants::new()
        .known_issues(KNOWN_ISSUES)
        .cell::<sqlx::postgres::Sqlx>(Kind::Postgres)
        .cell::<tokio_postgres::Deadpool>(Kind::Postgres)
        .cell::<sqlx::sqlite::Sqlx>(Kind::Sqlite)
        .run()
}
