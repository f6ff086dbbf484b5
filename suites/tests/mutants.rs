//! The mutants of this workspace: every fault in every adapter.

use std::process::ExitCode;

use dropproof::{contract::Capability, database::Kind};
use dropproof_adapters::{KNOWN_ISSUES, mysql_async::MysqlAsync, sqlx, tokio_postgres};
use dropproof_session::{Layer, driver::sqlx as on_sqlx};
use dropproof_suites::{Fault, Mutants};

/// mysql_async resets each connection before it lends it again, which rolls back as well; it has no
/// savepoint that could be ignored; and opened so it keeps no connection that could be forgotten.
const HEALED: &[Fault] = &[
    Fault::BeginsByHand,
    Fault::CloseForgotten,
    Fault::LeavesState,
    Fault::OtherEntryByHand,
    Fault::SavepointIgnored,
];

/// tokio-postgres has a socket in a task, which ends with the runtime whoever keeps the client.
const SOCKET_IN_A_TASK: &[Fault] = &[Fault::LeaksAfterRuntime];

/// sqlx loses slots on these two by itself, and one that is lost more is not seen.
const LOSES_SLOTS: &[Fault] = &[Fault::LeaksOneInTen];

fn main() -> ExitCode {
    Mutants::new()
        .known_issues(KNOWN_ISSUES)
        .cell::<sqlx::postgres::Sqlx>(Kind::Postgres)
        .cell_that_heals::<tokio_postgres::Deadpool>(Kind::Postgres, SOCKET_IN_A_TASK)
        .cell_that_hides::<sqlx::mysql::Sqlx>(Kind::MySql, LOSES_SLOTS)
        .cell_that_heals::<MysqlAsync>(Kind::MySql, HEALED)
        .cell_that_hides::<sqlx::mysql::Sqlx>(Kind::MariaDb, LOSES_SLOTS)
        .cell_that_heals::<MysqlAsync>(Kind::MariaDb, HEALED)
        .cell::<sqlx::sqlite::Sqlx>(Kind::Sqlite)
        .cell_with::<Layer<on_sqlx::Postgres>>(Kind::Postgres, Capability::UnitOfWork)
        .cell_with::<Layer<on_sqlx::MySql>>(Kind::MySql, Capability::UnitOfWork)
        .cell_with::<Layer<on_sqlx::MySql>>(Kind::MariaDb, Capability::UnitOfWork)
        .cell_with::<Layer<on_sqlx::Sqlite>>(Kind::Sqlite, Capability::UnitOfWork)
        .run()
}
