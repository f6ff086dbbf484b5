//! Every check of dropproof on these adapters.

use outside::{mysql_async::MysqlAsync, sqlx, tokio_postgres::Deadpool};

dropproof_suites::main!(
    sqlx::postgres::Sqlx: Postgres,
    Deadpool: Postgres,
    MysqlAsync: MySql,
    sqlx::sqlite::Sqlx: Sqlite;
    known_issues = include_str!("../known-issues.toml");
);
