//! Sweeps of functions on servers: the two examples, and the same mistakes on MySQL and MariaDB.
//!
//! A test whose server is not to be had is listed as ignored, with the reason: a test that could not ask
//! its question has not passed.

#[path = "../examples/sign_up.rs"]
#[expect(dead_code, reason = "an example has a `main`")]
mod sign_up;
#[path = "../examples/transfer.rs"]
#[expect(dead_code, reason = "an example has a `main`")]
mod transfer;

use std::{env, process::ExitCode};

use dropproof::{Database, Error, Judgement, Kind, Sweep, database::Unavailable, sweep::Depth};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mysql_async::{Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, TxOpts, prelude::Queryable};

type Outcome = Result<(), Failed>;
type Test = (&'static str, Kind, fn(&Database) -> Outcome);

const TESTS: &[Test] = &[
    ("transfer_is_as_said", Kind::Postgres, |database| as_said(transfer::both(database)?)),
    ("sign_up_is_as_said", Kind::Postgres, |database| as_said(sign_up::both(database)?)),
    ("statement_that_is_refused_is_named", Kind::Postgres, refused),
    ("mysql_transaction_is_upheld", Kind::MySql, transaction),
    ("mysql_statements_alone_are_torn", Kind::MySql, statements_alone),
    ("mysql_statement_that_is_refused_is_named", Kind::MySql, refused),
    ("mariadb_transaction_is_upheld", Kind::MariaDb, transaction),
    ("mariadb_statements_alone_are_torn", Kind::MariaDb, statements_alone),
    ("mariadb_statement_that_is_refused_is_named", Kind::MariaDb, refused),
];

fn main() -> ExitCode {
    let tests = TESTS.iter().map(|&(name, kind, test)| match Database::from_env(kind) {
        Err(Unavailable::Blocked { reason }) => Trial::ignorable_test(name, move || {
            Ok(Completion::ignored_with(format!("blocked: {reason}")))
        })
        // nextest lists tests before it runs them, and takes a skip at run time for a pass.
        .with_ignored_flag(env::var_os("NEXTEST").is_some()),
        database => Trial::test(name, move || test(&database.map_err(Error::from)?)),
    });
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit_code()
}

/// Wants the first to be upheld, and the second not.
fn as_said([right, wrong]: [Judgement; 2]) -> Outcome {
    match right.is_upheld() && !wrong.is_upheld() {
        true => Ok(()),
        false => Err(format!("{right}\n{wrong}").into()),
    }
}

/// What no client has to be opened for.
fn told(rows: &str, database: &Database) -> Result<Judgement, Error> {
    Sweep::new("told")
        .schema("CREATE TABLE a (b BIGINT PRIMARY KEY); CREATE TABLE c (d BIGINT)")
        .rows(rows)
        .open(async |_| Err::<(), _>("there is no client"))
        .act(async |()| Ok::<_, &str>(()))
        .run(database)
}

fn refused(database: &Database) -> Outcome {
    let text = |outcome: Result<_, Error>| format!("{:?}", outcome.map(|_: Judgement| ()));
    let rows = text(told("INSERT INTO a VALUES (1); INSERT INTO a VALUES (1);", database));
    let well = text(told("INSERT INTO a VALUES (1); INSERT INTO a VALUES (2); -- all\n", database));

    let is_named = rows.starts_with("Err(the rows are refused\n  because the server refuses: ")
        && rows.to_lowercase().contains("duplicate");
    let is_opened = well.ends_with("because there is no client)");
    if is_named && is_opened { Ok(()) } else { Err(format!("{rows}\n{well}").into()) }
}

fn connect(url: &str) -> Result<Pool, mysql_async::Error> {
    let constraints = PoolConstraints::new(0, 1).expect("none is less than one");
    let pool = PoolOpts::default().with_constraints(constraints);
    let options = OptsBuilder::from_opts(Opts::from_url(url)?).prefer_socket(false);
    Ok(Pool::new(options.pool_opts(pool)))
}

const MEMBER: &str = "INSERT INTO member (email) VALUES (?)";
const AUDIT: &str = "INSERT INTO audit (member) VALUES (?)";

fn members(
    database: &Database,
    act: impl AsyncFn(&Pool) -> Result<(), mysql_async::Error> + 'static,
) -> Result<Judgement, Error> {
    Sweep::new("sign-up")
        .schema(
            "CREATE TABLE member (id BIGINT AUTO_INCREMENT PRIMARY KEY, email TEXT);
             CREATE TABLE audit (member BIGINT NOT NULL, at TIMESTAMP(6) DEFAULT NOW(6),
                 FOREIGN KEY (member) REFERENCES member (id))",
        )
        .rows("INSERT INTO member (email) VALUES ('ada@example.org')")
        .ignoring("audit.at")
        .with_resets()
        .depth(Depth::Full)
        .open(async |url: String| connect(&url))
        .act(act)
        .run(database)
}

fn transaction(database: &Database) -> Outcome {
    let judgement = members(database, async |pool| {
        let mut connection = pool.get_conn().await?;
        let mut tx = connection.start_transaction(TxOpts::default()).await?;
        tx.exec_drop(MEMBER, ("kim@example.org",)).await?;
        let id = tx.last_insert_id();
        tx.exec_drop(AUDIT, (id,)).await?;
        tx.commit().await
    })?;

    if judgement.is_upheld() { Ok(()) } else { Err(judgement.to_string().into()) }
}

fn statements_alone(database: &Database) -> Outcome {
    let judgement = members(database, async |pool| {
        let mut connection = pool.get_conn().await?;
        connection.exec_drop(MEMBER, ("kim@example.org",)).await?;
        let id = connection.last_insert_id();
        connection.exec_drop(AUDIT, (id,)).await
    })?;

    let text = judgement.to_string();
    let is_torn = text.contains("torn: a part of the work is there\n  there is no row in audit");
    if is_torn { Ok(()) } else { Err(text.into()) }
}
