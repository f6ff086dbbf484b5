//! A mistake on purpose: the list of known issues is not TOML. It does not run.

dropproof_suites::main!(outside::sqlx::sqlite::Sqlx: Sqlite; known_issues = "sqlx is broken");
