//! Sweeps of functions on SQLite, with a client of a page and with mistakes that must be found.

use std::{
    error,
    sync::{Arc, mpsc},
    thread,
};

use dropproof::{Database, Error, Judgement, Kind, Sweep, sweep::Class};
use rusqlite::Connection;
use tokio::sync::{Mutex, oneshot};

type Answer = Result<(), rusqlite::Error>;
type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// An async client: a thread with one connection. What was asked for is done, whoever still waits.
#[derive(Clone)]
struct Client {
    jobs: mpsc::Sender<Job>,
    /// Who uses the connection for several statements, as a pool would see to it.
    lent: Arc<Mutex<()>>,
}

impl Client {
    async fn open(url: String) -> Result<Self, rusqlite::Error> {
        let mut connection = Connection::open(url.trim_start_matches("sqlite://"))?;
        let (jobs, inbox) = mpsc::channel::<Job>();
        thread::spawn(move || inbox.into_iter().for_each(|job| job(&mut connection)));
        Ok(Self { jobs, lent: Arc::default() })
    }

    async fn call(&self, work: impl FnOnce(&mut Connection) -> Answer + Send + 'static) -> Answer {
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &mut Connection| drop(answer.send(work(connection)));
        self.jobs.send(Box::new(job)).expect("the thread lives as long as a client");
        answered.await.expect("the thread answers each job")
    }

    async fn execute(&self, sql: &'static str) -> Answer {
        self.call(move |connection| connection.execute_batch(sql)).await
    }
}

const TAKE: &str = "UPDATE account SET balance = balance - 30 WHERE id = 1";
const GIVE: &str = "UPDATE account SET balance = balance + 30 WHERE id = 2";
const ACCOUNTS: &str = "CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)";

fn sqlite() -> Database {
    Database::from_env(Kind::Sqlite).expect("SQLite is always there")
}

fn accounts() -> Sweep {
    Sweep::new("transfer").schema(ACCOUNTS).rows("INSERT INTO account VALUES (1, 100), (2, 0)")
}

fn swept<E: Into<Box<dyn error::Error + Send + Sync>>>(
    act: impl AsyncFn(&Client) -> Result<(), E> + 'static,
) -> Result<Judgement, Error> {
    accounts().open(Client::open).act(act).run(&sqlite())
}

fn worst(judgement: &Judgement) -> Class {
    judgement.into_iter().map(|visit| visit.class).max().expect("the uncut run is there")
}

#[test]
fn transaction_as_one_job_is_upheld() {
    let judgement = swept(async |client: &Client| {
        client
            .call(|connection| {
                let tx = connection.transaction()?;
                tx.execute_batch(TAKE)?;
                tx.execute_batch(GIVE)?;
                tx.commit()
            })
            .await
    });

    judgement.unwrap().assert_upheld();
}

#[test]
fn two_statements_without_a_transaction_are_torn() {
    let judgement = swept(async |client: &Client| {
        client.execute(TAKE).await?;
        client.execute(GIVE).await
    });

    assert_eq!(worst(&judgement.unwrap()), Class::Torn);
}

#[test]
fn begin_as_text_leaves_the_transaction_to_the_next_run() {
    let judgement = swept(async |client: &Client| {
        for sql in ["BEGIN IMMEDIATE", TAKE, GIVE, "COMMIT"] {
            client.execute(sql).await?;
        }
        Ok::<_, rusqlite::Error>(())
    })
    .unwrap();

    assert_eq!(worst(&judgement), Class::Poisoned);
    let text = judgement.to_string();
    assert!(text.starts_with("transfer on sqlite: a cut is broken\n"), "{text}");
    assert!(text.contains("class: poisoned"), "{text}");
    assert!(text.contains("the next run fails: cannot start a transaction within"), "{text}");
    assert!(text.contains("the write lock is held") && !text.contains("replay"), "{text}");
}

#[test]
fn task_that_is_spawned_half_way_tears_the_work() {
    let judgement = swept(async |client: &Client| {
        client.execute(TAKE).await?;
        let other = client.clone();
        tokio::spawn(async move { other.execute(GIVE).await }).await.expect("it does not panic")
    });

    assert_eq!(worst(&judgement.unwrap()), Class::Torn);
}

#[test]
fn task_that_does_it_all_is_upheld() {
    let judgement = swept(async |client: &Client| {
        let client = client.clone();
        let work = async move {
            let _lent = client.lent.lock().await;
            for sql in ["BEGIN IMMEDIATE", TAKE, GIVE, "COMMIT"] {
                client.execute(sql).await?;
            }
            Ok::<_, rusqlite::Error>(())
        };
        tokio::spawn(work).await.expect("it does not panic")
    });

    judgement.unwrap().assert_upheld();
}

#[test]
fn forgotten_commit_is_found_without_a_cut() {
    let judgement = swept(async |client: &Client| {
        client.execute("BEGIN IMMEDIATE").await?;
        client.execute(TAKE).await
    })
    .unwrap();

    let text = judgement.to_string();
    assert!(text.contains("the run that was not cut is broken") && !text.contains("replay"));
    assert_eq!(judgement.visits().len(), 1);
}

#[test]
fn second_run_that_must_fail_may_fail_after_a_cut() {
    let judgement = Sweep::new("sign up")
        .schema("CREATE TABLE member (email TEXT UNIQUE); CREATE TABLE audit (what TEXT, at INT)")
        .ignoring("audit.at")
        .open(Client::open)
        .act(async |client| {
            client
                .call(|connection| {
                    let tx = connection.transaction()?;
                    tx.execute_batch("INSERT INTO member VALUES ('kim@x.org')")?;
                    tx.execute_batch("INSERT INTO audit VALUES ('sign-up', random())")?;
                    tx.commit()
                })
                .await
        })
        .run(&sqlite());

    judgement.unwrap().assert_upheld();
}

#[test]
fn names_of_our_tables_are_free() {
    let judgement = Sweep::new("create")
        .schema("CREATE TABLE users (name TEXT, task REFERENCES tasks (id)); CREATE TABLE tasks (id INT PRIMARY KEY)")
        .open(Client::open)
        .act(async |client| client.execute("INSERT INTO users VALUES ('kim', NULL)").await)
        .run(&sqlite());

    judgement.unwrap().assert_upheld();
}

#[test]
fn reader_is_swept_where_it_is_said_to_be_one() {
    let read =
        || accounts().open(Client::open).act(async |client| client.execute("SELECT 1").await);

    read().reading_only().run(&sqlite()).unwrap().assert_upheld();
    assert_eq!(
        error(read().run(&sqlite())),
        "the function changes nothing that is compared, so nothing could be torn\n  \
         help: give it `.rows(…)` to work on, compare what is ignored, or say `.reading_only()`"
    );
    let write = accounts().open(Client::open).act(async |client| client.execute(TAKE).await);
    assert_eq!(
        error(write.reading_only().run(&sqlite())),
        "the function changes tables, and is said to read only\n  \
         help: leave out `.reading_only()`"
    );
}

#[test]
fn values_that_differ_by_nature_are_named() {
    let sweep = Sweep::new("log")
        .schema("CREATE TABLE log (what TEXT, token INT)")
        .open(Client::open)
        .act(async |client| client.execute("INSERT INTO log VALUES ('x', random())").await);

    assert_eq!(
        error(sweep.run(&sqlite())),
        "equal runs that were not cut leave different tables: log.token differ\n  \
         help: name what differs by nature, a clock or a random token, in `.ignoring(…)`"
    );
    sweep.ignoring("log.token").run(&sqlite()).unwrap().assert_upheld();
}

#[test]
fn what_is_told_wrongly_is_one_clear_error() {
    let told = |sweep: Sweep| {
        error(
            sweep.open(Client::open).act(async |client| client.execute(TAKE).await).run(&sqlite()),
        )
    };

    assert_eq!(
        told(Sweep::new("transfer").schema("CREATE TABL account (id)")),
        "the schema is refused\n  because SQLite refuses\n  \
         because near \"TABL\": syntax error in CREATE TABL account (id) at offset 7\n  \
         because Error code 1: SQL logic error"
    );
    assert_eq!(
        told(accounts().rows("INSERT INTO acount VALUES (1)")),
        "the rows are refused\n  because SQLite refuses\n  because no such table: acount\n  \
         because Error code 1: SQL logic error"
    );
    assert_eq!(
        told(Sweep::new("transfer")),
        "there is no table to compare\n  \
         help: give the tables with `.schema(\"CREATE TABLE …\")`"
    );
    assert_eq!(
        told(accounts().ignoring("account.balanc")),
        "`account.balanc` is to be ignored, and there is no such table or column; there are: \
         account.id, account.balance"
    );
    assert_eq!(
        told(Sweep::new("transfer").schema("CREATE TABLE a (b)")),
        "the function failed where nothing was cut\n  \
         because no such table: account\n  because Error code 1: SQL logic error"
    );
}

#[test]
fn client_that_does_not_open_is_one_clear_error() {
    let open = async |_| Err::<Client, _>("the password is wrong");
    let sweep = accounts().open(open).act(async |client| client.execute(TAKE).await);

    assert_eq!(
        error(sweep.run(&sqlite())),
        "the client could not be opened\n  because the password is wrong"
    );
}

fn error(outcome: Result<Judgement, Error>) -> String {
    format!("{:?}", outcome.expect_err("it is told wrongly"))
}
