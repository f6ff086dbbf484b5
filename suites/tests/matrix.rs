//! The matrix of this workspace: every check on every adapter.

use std::process::ExitCode;

use dropproof::database::Kind;
use dropproof_adapters::{KNOWN_ISSUES, mysql_async::MysqlAsync, sqlx, tokio_postgres};
use dropproof_session::{Layer, driver};
use dropproof_suites::Matrix;

fn main() -> ExitCode {
    Matrix::new()
        .snapshots(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"))
        .regressions(concat!(env!("CARGO_MANIFEST_DIR"), "/regressions"))
        .known_issues(KNOWN_ISSUES)
        .cell::<sqlx::postgres::Sqlx>(Kind::Postgres)
        .cell::<tokio_postgres::Deadpool>(Kind::Postgres)
        .cell::<sqlx::mysql::Sqlx>(Kind::MySql)
        .cell::<MysqlAsync>(Kind::MySql)
        .cell::<sqlx::mysql::Sqlx>(Kind::MariaDb)
        .cell::<MysqlAsync>(Kind::MariaDb)
        .cell::<sqlx::sqlite::Sqlx>(Kind::Sqlite)
        .cell::<Layer<driver::sqlx::Postgres>>(Kind::Postgres)
        .cell::<Layer<driver::tokio_postgres::TokioPostgres>>(Kind::Postgres)
        .cell::<Layer<driver::sqlx::MySql>>(Kind::MySql)
        .cell::<Layer<driver::mysql_async::MysqlAsync>>(Kind::MySql)
        .cell::<Layer<driver::sqlx::MySql>>(Kind::MariaDb)
        .cell::<Layer<driver::mysql_async::MysqlAsync>>(Kind::MariaDb)
        .cell::<Layer<driver::sqlx::Sqlite>>(Kind::Sqlite)
        .run()
}
