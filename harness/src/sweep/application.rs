//! A sweep of an application's function: how it is told what to sweep, and the ground it stands on.

use std::{env, error, fmt, rc::Rc};

use futures::FutureExt;

use super::{
    Depth, Judgement, Swept,
    function::{Act, Function, Open},
    judgement::{CUT_VARIABLE, Seen},
    runner::Runner,
};
use crate::{
    Error, Result, contract,
    database::{Database, Fresh, Kind, Unavailable},
    witness::{Tables, Watched, append},
};

/// A sweep of a function of yours, on a client of any type.
///
/// The function is run once to its end, and must succeed; then once for each place of its
/// conversation with the server, where it is dropped. Afterwards the tables must be as before or as
/// after an uncut run, nothing may be left open, and the function, run once more on the same client,
/// must do what it does without a cut. On SQLite, where there is no conversation, it is dropped after
/// a number of polls.
///
/// It works in a database of its own, which is gone afterwards. Let the client have no more
/// connections than the function needs: on a larger pool the next run meets another connection than
/// the one that was cut.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
///
/// use dropproof::{Database, Kind, Sweep};
/// # struct Client(Mutex<rusqlite::Connection>);
/// # async fn connect(url: String) -> rusqlite::Result<Client> {
/// #     rusqlite::Connection::open(url.trim_start_matches("sqlite://")).map(Mutex::new).map(Client)
/// # }
/// # impl Client {
/// #     async fn execute(&self, sql: &str) -> rusqlite::Result<()> {
/// #         tokio::task::yield_now().await;
/// #         self.0.lock().unwrap().execute_batch(sql)
/// #     }
/// # }
///
/// async fn transfer(client: &Client) -> rusqlite::Result<()> {
///     client.execute("UPDATE account SET balance = balance - 30 WHERE id = 1").await?;
///     client.execute("UPDATE account SET balance = balance + 30 WHERE id = 2").await
/// }
///
/// let judgement = Sweep::new("transfer")
///     .schema("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)")
///     .rows("INSERT INTO account VALUES (1, 100), (2, 0)")
///     .open(connect)
///     .act(transfer)
///     .run(&Database::from_env(Kind::Sqlite)?)?;
///
/// assert!(judgement.to_string().contains("torn"));
/// # Ok::<(), dropproof::Error>(())
/// ```
pub struct Sweep<Told = ()> {
    name: String,
    schema: String,
    rows: String,
    ignored: Vec<String>,
    reads_only: bool,
    keeps_the_client: bool,
    reconnects: bool,
    depth: Depth,
    told: Told,
}

/// What a [`Sweep`] knows that was told how a client is opened.
pub struct Opening<C>(Open<C>);

/// What a [`Sweep`] knows that was told what to do with the client.
pub struct Acting<C> {
    open: Open<C>,
    act: Act<C>,
}

impl Sweep {
    /// A sweep of this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            schema: String::new(),
            rows: String::new(),
            ignored: Vec::new(),
            reads_only: false,
            keeps_the_client: true,
            reconnects: false,
            depth: Depth::default(),
            told: (),
        }
    }

    /// How a client is opened, given the URL of the database.
    #[must_use]
    pub fn open<C, E>(
        self,
        open: impl AsyncFn(String) -> Result<C, E> + 'static,
    ) -> Sweep<Opening<C>>
    where
        C: 'static,
        E: Into<Box<dyn error::Error + Send + Sync>>,
    {
        let open = Rc::new(open);
        let open: Open<C> = Rc::new(move |url| {
            let open = Rc::clone(&open);
            let failed = |error| contract::Error::new(contract::Class::Connection, error);
            async move { open(url).await.map_err(failed) }.boxed_local()
        });
        self.with(|()| Opening(open))
    }
}

impl<C: 'static> Sweep<Opening<C>> {
    /// What is done with the client, and dropped on the way.
    ///
    /// It may be run many times. What it returns is not looked at, but whether it succeeds. A client
    /// that has to be borrowed mutably can be opened as `tokio::sync::Mutex::new(client)`.
    #[must_use]
    pub fn act<T, E>(self, act: impl AsyncFn(&C) -> Result<T, E> + 'static) -> Sweep<Acting<C>>
    where
        E: Into<Box<dyn error::Error + Send + Sync>>,
    {
        let act = Rc::new(act);
        let act: Act<C> = Rc::new(move |client| {
            let act = Rc::clone(&act);
            let failed = |error| contract::Error::new(contract::Class::Other, error);
            async move { act(&client).await.map(drop).map_err(failed) }.boxed_local()
        });
        self.with(|Opening(open)| Acting { open, act })
    }
}

impl<Told> Sweep<Told> {
    /// Makes the tables, by text of one or more statements. May be called several times.
    ///
    /// Rows that it inserts are taken away: those of each run are given by [`rows`](Self::rows).
    #[must_use]
    pub fn schema(mut self, sql: &str) -> Self {
        append(&mut self.schema, sql);
        self
    }

    /// Fills the tables for each run, by text of one or more statements. May be called several times.
    #[must_use]
    pub fn rows(mut self, sql: &str) -> Self {
        append(&mut self.rows, sql);
        self
    }

    /// Does not compare a column, `account.changed_at`, or a table, `log`.
    ///
    /// For values that differ by nature: clocks, random tokens. Ids that the server counts need no
    /// such word.
    #[must_use]
    pub fn ignoring(mut self, name: impl Into<String>) -> Self {
        self.ignored.push(name.into());
        self
    }

    /// The function changes no table; without this word that is an error, because a sweep which sees
    /// no effect sees none that is missing.
    #[must_use]
    pub fn reading_only(self) -> Self {
        Self { reads_only: true, ..self }
    }

    /// Opens another client for each cut, so that its caches are cold.
    ///
    /// Without this word a client that is as good as new is kept, and its caches are warm.
    #[must_use]
    pub fn on_fresh_clients(self) -> Self {
        Self { keeps_the_client: false, ..self }
    }

    /// The client opens another connection by itself where one breaks, as a pool does. Then each
    /// cut while an answer is awaited is visited a second time, and the connection is broken there.
    #[must_use]
    pub fn with_resets(self) -> Self {
        Self { reconnects: true, ..self }
    }

    /// How many of the cuts are visited.
    #[must_use]
    pub fn depth(self, depth: Depth) -> Self {
        Self { depth, ..self }
    }

    fn with<Other>(self, tell: impl FnOnce(Told) -> Other) -> Sweep<Other> {
        Sweep {
            name: self.name,
            schema: self.schema,
            rows: self.rows,
            ignored: self.ignored,
            reads_only: self.reads_only,
            keeps_the_client: self.keeps_the_client,
            reconnects: self.reconnects,
            depth: self.depth,
            told: tell(self.told),
        }
    }
}

impl<C: 'static> Sweep<Acting<C>> {
    /// Visits every cut; or the one whose number the variable [`CUT_VARIABLE`] gives, and writes
    /// what it rests on to the standard error.
    ///
    /// It owns the runtime, because it must know when nothing more will happen, and blocks.
    ///
    /// # Errors
    ///
    /// Fails where the question was not answered: the database is not to be had or refuses schema or
    /// rows, the function fails without a cut, equal runs leave different tables, or none changes.
    ///
    /// # Panics
    ///
    /// Panics inside another runtime, and where the function does.
    pub fn run(&self, database: &Database) -> Result<Judgement> {
        let number = wanted(env::var(CUT_VARIABLE).ok(), database.kind())?;
        let fresh = database.fresh()?;
        let watched = self.ground(&fresh)?;
        let scene = Function {
            open: Rc::clone(&self.told.open),
            act: Rc::clone(&self.told.act),
            watched,
            keeps_the_client: self.keeps_the_client,
            reconnects: self.reconnects,
        };
        let runner = Runner { fresh: &fresh, scene: &scene, depth: self.depth };
        let seen = match number {
            Some(number) => Seen::One { number, visit: Box::new(runner.replay(number)?) },
            None => {
                let swept = runner.run()?;
                self.is_as_told(&swept)?;
                Seen::Every(swept)
            }
        };
        let judgement = Judgement { name: self.name.clone(), kind: database.kind(), seen };
        judgement.show_evidence();
        Ok(judgement)
    }

    /// Makes the tables, and finds out which there are.
    fn ground(&self, fresh: &Fresh) -> Result<Watched> {
        let witness = fresh.witness();
        let unavailable = |source| Unavailable::Fresh { kind: fresh.kind(), source };
        witness.drop_entities().map_err(unavailable)?;
        if !self.schema.is_empty() {
            let made = witness.query_blocking(self.schema.as_str());
            made.map_err(|source| Error::Schema { source })?;
        }
        let watched = Watched::catalogued(witness, fresh.kind(), &self.rows, &self.ignored);
        let watched = watched
            .map_err(unavailable)?
            .map_err(|unknown| Error::UnknownColumn { name: unknown.name, there: unknown.there })?;
        if watched.is_empty() {
            return Err(Error::NoTable);
        }
        witness.query_blocking(watched.empty()).map_err(unavailable)?;
        if !self.rows.is_empty() {
            let filled = witness.query_blocking(self.rows.as_str());
            filled.map_err(|source| Error::Rows { source })?;
        }
        Ok(watched)
    }

    /// Checks that the uncut run did to the tables what was said of it.
    fn is_as_told(&self, swept: &Swept) -> Result<()> {
        let Some(uncut) = swept.visits.first().filter(|uncut| uncut.class.is_upheld()) else {
            return Ok(());
        };
        let (before, after): (&Tables, &Tables) = (&uncut.evidence.before, &uncut.evidence.after);
        match (before != after, self.reads_only) {
            (true, true) => Err(Error::Changed),
            (false, false) => Err(Error::Unchanged),
            (true, false) | (false, true) => Ok(()),
        }
    }
}

impl<Told> fmt::Debug for Sweep<Told> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for Opening<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for Acting<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acting").finish_non_exhaustive()
    }
}

/// The number of the one cut that is wanted, where the variable gives one.
fn wanted(value: Option<String>, kind: Kind) -> Result<Option<usize>> {
    let Some(value) = value else { return Ok(None) };
    let number = value.parse().map_err(|_| Error::BadCut { value })?;
    if kind.protocol().is_none() { Err(Error::NoNumbers) } else { Ok(Some(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_is_a_number() {
        let wanted = |value: &str| wanted(Some(value.to_owned()), Kind::Postgres);

        assert_eq!(wanted("7").unwrap(), Some(7));
        assert_eq!(
            format!("{:?}", wanted("first").unwrap_err()),
            "DROPPROOF_CUT is `first`, which is not the number of a cut\n  \
             help: take a number that the sweep has printed, or unset it"
        );
    }

    #[test]
    fn cut_of_sqlite_has_no_number() {
        let error = wanted(Some("7".to_owned()), Kind::Sqlite).unwrap_err();

        assert!(matches!(error, Error::NoNumbers), "{error}");
    }
}
