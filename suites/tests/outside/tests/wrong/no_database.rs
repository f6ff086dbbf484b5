//! A mistake on purpose: the adapter names no database. It does not compile.

dropproof_suites::main!(outside::tokio_postgres::Deadpool);
