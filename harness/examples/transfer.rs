//! A transfer between two accounts, dropped at every message on the wire.
//!
//! Once in the form that the library's manual shows, and once with a mistake that real code has: the
//! transaction is begun by hand, and every way out is thought of but the one without a `return`.
//!
//! ```console
//! $ dropproof-databases run --database postgres -- cargo run --package dropproof --example transfer
//! ```

use std::{error::Error, process::ExitCode};

use deadpool_postgres::{Client, Manager, Pool};
use dropproof::{Database, Judgement, Kind, Sweep};
use tokio_postgres::NoTls;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Moves an amount. Whatever ends it, the guard rolls back what was not committed.
async fn transfer(pool: &Pool, from: i64, to: i64, amount: i64) -> Result {
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    let taken = tx
        .execute(
            "UPDATE account SET balance = balance - $2 WHERE id = $1 AND $2 <= balance",
            &[&from, &amount],
        )
        .await?;
    if taken == 0 {
        return Err("there is not enough on the account".into());
    }
    tx.execute("UPDATE account SET balance = balance + $2 WHERE id = $1", &[&to, &amount]).await?;
    tx.commit().await?;
    Ok(())
}

/// Moves an amount, and rolls back where that fails. Where its caller stops waiting nobody does.
async fn transfer_by_hand(pool: &Pool, from: i64, to: i64, amount: i64) -> Result {
    let client = pool.get().await?;
    client.batch_execute("BEGIN").await?;
    match move_amount(&client, from, to, amount).await {
        Ok(()) => client.batch_execute("COMMIT").await?,
        Err(error) => {
            client.batch_execute("ROLLBACK").await?;
            return Err(error);
        }
    }
    Ok(())
}

async fn move_amount(client: &Client, from: i64, to: i64, amount: i64) -> Result {
    let take = "UPDATE account SET balance = balance - $2 WHERE id = $1 AND $2 <= balance";
    if client.execute(take, &[&from, &amount]).await? == 0 {
        return Err("there is not enough on the account".into());
    }
    let give = "UPDATE account SET balance = balance + $2 WHERE id = $1";
    client.execute(give, &[&to, &amount]).await?;
    Ok(())
}

/// One connection is all that a transfer needs, so the next one meets what the last has left.
fn connect(url: &str) -> Result<Pool> {
    Ok(Pool::builder(Manager::new(url.parse()?, NoTls)).max_size(1).build()?)
}

fn sweep(
    name: &str,
    database: &Database,
    act: impl AsyncFn(&Pool) -> Result + 'static,
) -> dropproof::Result<Judgement> {
    Sweep::new(name)
        .schema("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)")
        .rows("INSERT INTO account VALUES (1, 100), (2, 0)")
        .open(async |url| connect(&url))
        .act(act)
        .run(database)
}

/// Sweeps the form that is right, and the one that is not.
pub(crate) fn both(database: &Database) -> dropproof::Result<[Judgement; 2]> {
    Ok([
        sweep("transfer", database, async |pool| transfer(pool, 1, 2, 30).await)?,
        sweep("transfer by hand", database, async |pool| transfer_by_hand(pool, 1, 2, 30).await)?,
    ])
}

fn main() -> dropproof::Result<ExitCode> {
    let [right, wrong] = both(&Database::from_env(Kind::Postgres)?)?;

    anstream::println!("{right}\n{wrong}");
    let is_as_said = right.is_upheld() && !wrong.is_upheld();
    Ok(if is_as_said { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
