//! What a session carries when it is given back.

use dropproof::{
    contract::{Capability, Op, Session},
    database::Kind,
    sweep::Operation,
    verdict::Level,
};

use crate::{Check, Fault, cell::Named};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "drop-guard/given-back-session-is-reset",
    level: Level::Must,
    requirement: "A session that is given back with a transaction, a lock, a temporary table \
        or a changed variable MUST be as good as new when it is lent again.",
    claims: &["guard-unclosed-collected"],
    needs: &[Capability::Reset],
    since: "0.1.0",
    background: "Nothing was dropped here: a statement has changed the session, and no guard \
        knows of it. A pool that says it resets its connections (COM_RESET_CONNECTION, DISCARD \
        ALL) must do so before the next lease, not after, and not only where a flag of its own \
        says that something has happened.",
    catches: &[(Fault::StateCarriedOver, "poisoned at transaction: uncut")],
    run: |cell| cell.uncut_each(dirty(cell.kind())),
}];

/// Each way to leave a session dirty, by what is left.
///
/// A temporary table takes the place of the one that the next borrower writes into.
fn dirty(database: Kind) -> Named {
    let ways: &[(&str, &str)] = match database {
        Kind::Postgres => &[
            ("transaction", "BEGIN"),
            ("variable", "SET statement_timeout = '60s'"),
            ("temporary table", "CREATE TEMPORARY TABLE canaries (nonce BIGINT)"),
            ("lock", "SELECT pg_advisory_lock(7)"),
        ],
        Kind::MySql | Kind::MariaDb => &[
            ("transaction", "BEGIN"),
            ("variable", "SET SESSION sql_mode = ''"),
            ("user variable", "SET @left_behind = 1"),
            ("temporary table", "CREATE TEMPORARY TABLE canaries (nonce BIGINT)"),
            ("lock", "DO GET_LOCK('left behind', 0)"),
            ("locked table", "LOCK TABLES tasks READ"),
        ],
        Kind::Sqlite => &[
            ("transaction", "BEGIN IMMEDIATE"),
            ("variable", "PRAGMA foreign_keys = OFF"),
            ("temporary table", "CREATE TEMPORARY TABLE canaries (nonce BIGINT)"),
        ],
        // The harness may learn of more kinds; how their sessions are changed is to be said first.
        other => panic!("nobody has said what a session of {other} carries"),
    };
    let operation = |(left, sql): &(&'static str, &'static str)| {
        let sql = *sql;
        let operation = Operation::new(move |_, mut session| async move {
            session.run(&Op::Text(sql.into())).await.map(drop)
        });
        ((*left).to_owned(), operation)
    };
    ways.iter().map(operation).collect()
}
