//! The version that an adapter reports is the one that is locked.

use dropproof::contract::Adapter;
use outside::{mysql_async::MysqlAsync, sqlx, tokio_postgres::Deadpool};

fn is_locked(library: &str, version: &str) -> bool {
    include_str!("../Cargo.lock")
        .contains(&format!("name = \"{library}\"\nversion = \"{version}\"\n"))
}

#[test]
fn adapters_report_the_locked_versions() {
    assert!(is_locked("tokio-postgres", Deadpool::VERSION));
    assert!(is_locked("mysql_async", MysqlAsync::VERSION));
    assert!(is_locked("sqlx", sqlx::postgres::Sqlx::VERSION));
    assert!(is_locked("sqlx", sqlx::sqlite::Sqlx::VERSION));
}
