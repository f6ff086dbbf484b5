//! The matrix of this workspace: every check on every adapter.

use std::process::ExitCode;

use dropproof::database::Kind;
use dropproof_adapters::{KNOWN_ISSUES, mysql_async::MysqlAsync, sqlx, tokio_postgres};
use dropproof_session::{
    Layer,
    driver::{mysql_async as on_mysql_async, sqlx as on_sqlx, tokio_postgres as on_tokio_postgres},
};
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
        .cell::<Layer<on_sqlx::Postgres>>(Kind::Postgres)
        .cell::<Layer<on_tokio_postgres::TokioPostgres>>(Kind::Postgres)
        .cell::<Layer<on_sqlx::MySql>>(Kind::MySql)
        .cell::<Layer<on_mysql_async::MysqlAsync>>(Kind::MySql)
        .cell::<Layer<on_sqlx::MySql>>(Kind::MariaDb)
        .cell::<Layer<on_mysql_async::MysqlAsync>>(Kind::MariaDb)
        .cell::<Layer<on_sqlx::Sqlite>>(Kind::Sqlite)
        .run()
}
