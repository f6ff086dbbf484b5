//! A sign-up with its audit row, dropped at every message on the wire.
//!
//! Once with both rows in one transaction, and once with a mistake that real code has: the audit row
//! is left to a task that is spawned after the commit, so that nobody has to wait for it. A caller
//! who stops waiting in between has a member whom no audit knows.
//!
//! ```console
//! $ dropproof-databases run --database postgres -- cargo run --package dropproof --example sign_up
//! ```

use std::{error::Error, process::ExitCode};

use deadpool_postgres::{Manager, Pool};
use dropproof::{Database, Judgement, Kind, Sweep};
use tokio_postgres::NoTls;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const MEMBER: &str = "INSERT INTO member (email) VALUES ($1) RETURNING id";
const AUDIT: &str = "INSERT INTO audit (member, what) VALUES ($1, 'signed up')";

/// Adds a member with the audit row, both or none.
async fn sign_up(pool: &Pool, email: &str) -> Result<i64> {
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    let id: i64 = tx.query_one(MEMBER, &[&email]).await?.get(0);
    tx.execute(AUDIT, &[&id]).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds a member, and leaves the audit row to a task.
async fn sign_up_in_a_hurry(pool: &Pool, email: &str) -> Result<i64> {
    let id: i64 = {
        let mut client = pool.get().await?;
        let tx = client.transaction().await?;
        let id = tx.query_one(MEMBER, &[&email]).await?.get(0);
        tx.commit().await?;
        id
    };
    let pool = pool.clone();
    tokio::spawn(async move {
        if let Ok(client) = pool.get().await
            && let Err(error) = client.execute(AUDIT, &[&id]).await
        {
            anstream::eprintln!("the sign-up of {id} is not audited: {error}");
        }
    });
    Ok(id)
}

fn sweep(
    name: &str,
    database: &Database,
    act: impl AsyncFn(&Pool) -> Result<i64> + 'static,
) -> dropproof::Result<Judgement> {
    Sweep::new(name)
        .schema(
            "CREATE TABLE member (
                 id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 email TEXT NOT NULL UNIQUE);
             CREATE TABLE audit (
                 member BIGINT NOT NULL REFERENCES member (id),
                 what TEXT NOT NULL,
                 at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp());",
        )
        .rows("INSERT INTO member (email) VALUES ('ada@example.org')")
        .ignoring("audit.at")
        .open(async |url: String| {
            Pool::builder(Manager::new(url.parse()?, NoTls)).max_size(1).build().map_err(into)
        })
        .act(act)
        .run(database)
}

/// Any error as the one of this program.
fn into(error: impl Error + Send + Sync + 'static) -> Box<dyn Error + Send + Sync> {
    error.into()
}

/// Sweeps the form that is right, and the one that is not.
pub(crate) fn both(database: &Database) -> dropproof::Result<[Judgement; 2]> {
    const EMAIL: &str = "kim@example.org";
    Ok([
        sweep("sign-up", database, async |pool| sign_up(pool, EMAIL).await)?,
        sweep("sign-up in a hurry", database, async |pool| sign_up_in_a_hurry(pool, EMAIL).await)?,
    ])
}

fn main() -> dropproof::Result<ExitCode> {
    let [right, wrong] = both(&Database::from_env(Kind::Postgres)?)?;

    anstream::println!("{right}\n{wrong}");
    let is_as_said = right.is_upheld() && !wrong.is_upheld();
    Ok(if is_as_said { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
