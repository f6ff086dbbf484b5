//! Functions: what an application calls, on a client of any type, and how it is judged.
//!
//! Nothing is asked of the client, since nobody here knows its type. Who comes after a cut is the
//! function itself, run once more on the same client and not cut. What that must do is known from an
//! uncut run, after which the function was run a second time as well (a second sign-up with the
//! same address may fail, and must fail after a cut too). With the tables in between:
//!
//! | the tables after a cut | the next run must |
//! |---|---|
//! | as before | succeed, and leave what one uncut run leaves |
//! | as after one run | do and leave what the second run did |
//! | something else | only come to an end: the cut is [`Torn`](Class::Torn) already |
//!
//! Where it does something else it is [`Poisoned`](Class::Poisoned): somebody's work fails, is
//! missing, or is done together with what was dropped. [`Lost`](Class::Lost) is not said, because a
//! function that was dropped has reported nothing. A run that can never come to an end is
//! [`Stuck`](Class::Stuck).
//!
//! Where there is no wire, another thread may do what was asked for only after the tables were read.
//! Who is next then finds it done, so both answers are allowed; and where the next run reports success
//! and the tables are of neither answer, the dropped run was torn, only later.

use std::{rc::Rc, time::Duration};

use futures::future::LocalBoxFuture;
use tokio::time::{Instant, interval};

use super::{
    Class, Cut, Error,
    class::Finding,
    evidence::values,
    scene::{Borrowed, Borrower, Scene},
};
use crate::{
    contract::{self, Row},
    database::Fresh,
    witness::{Tables, Watched},
};

/// How a client is opened, given its URL.
pub(super) type Open<C> = Rc<dyn Fn(String) -> LocalBoxFuture<'static, contract::Result<C>>>;
/// What is done with it.
pub(super) type Act<C> = Rc<dyn Fn(Rc<C>) -> LocalBoxFuture<'static, contract::Result<()>>>;

/// Where other threads do the work, the tables are asked for this long whether it is done.
const WORK_MAX: Duration = Duration::from_secs(3);
const ASK_EVERY: Duration = Duration::from_millis(2);
/// So many rows are named in a sentence.
const ROWS_SHOWN: usize = 3;

/// A function that is swept.
pub(super) struct Function<C> {
    pub(super) open: Open<C>,
    pub(super) act: Act<C>,
    pub(super) watched: Watched,
    pub(super) keeps_the_client: bool,
    /// Whether the client opens another connection by itself where one breaks.
    pub(super) reconnects: bool,
}

/// What a run did.
#[derive(Clone, Debug)]
struct Done {
    /// What its error said.
    failed: Option<String>,
    /// What was in the tables then.
    tables: Tables,
    /// What was open on the server then.
    left_open: Vec<String>,
}

impl Done {
    fn well(tables: Tables) -> Self {
        Self { failed: None, tables, left_open: Vec::new() }
    }

    /// Whether it is what another run did, whatever the words of its error: they may name an id.
    fn is_like(&self, other: &Self) -> bool {
        self.failed.is_some() == other.failed.is_some() && self.tables == other.tables
    }
}

/// What uncut runs have done.
pub(super) struct Known {
    once: Tables,
    second: Done,
}

impl<C: 'static> Function<C> {
    /// Runs it once more; `None` where it can never come to an end.
    async fn run(
        &self,
        Borrower { stage, fresh, confirm, .. }: &Borrower<'_, Self>,
        is_expected: impl Fn(&Done) -> bool,
    ) -> Result<Option<Done>, Error> {
        let act = (self.act)(Rc::clone(&stage.client));
        let Some(result) = stage.unless_stuck(*confirm, act).await else { return Ok(None) };
        let failed = result.err().map(|error| error.words());
        stage.settle().await;
        let connections = stage.wire().map_or(0, |wire| wire.connections().len());
        let mut ask = interval(ASK_EVERY);
        let began = Instant::now();
        loop {
            let left_open = fresh.witness().left_open(connections).await?;
            let tables = self.comparable(&fresh.witness().read(&self.watched).await?);
            let done = Done { failed: failed.clone(), tables, left_open };
            // Only where another thread does the work there is something to wait for.
            let is_over = stage.wire().is_some() || WORK_MAX < began.elapsed();
            if is_over || done.left_open.is_empty() && is_expected(&done) {
                return Ok(Some(done));
            }
            ask.tick().await;
        }
    }

    /// Checks that an uncut run from the same rows leaves the same tables each time: what differs by
    /// nature would make every cut look torn.
    async fn repeat(&self, borrower: &Borrower<'_, Self>) -> Result<(), Error> {
        let reset = borrower.fresh.witness().bring_back(&self.watched).await?;
        let mut differing = self.watched.differing(borrower.tables.0, &self.comparable(&reset));
        if let Some(done) = self.run(borrower, |done| done.tables == *borrower.tables.1).await? {
            differing.extend(self.watched.differing(borrower.tables.1, &done.tables));
        }
        differing.sort();
        differing.dedup();
        if differing.is_empty() { Ok(()) } else { Err(Error::Unrepeatable { differing }) }
    }

    /// What the next run may do after a cut; empty where nothing can be said.
    fn expected(&self, borrower: &Borrower<'_, Self>, known: &Known) -> Vec<Done> {
        let first = || Done::well(known.once.clone());
        let is_late = || borrower.stage.wire().is_none();
        match borrower.tables.1 {
            seen if *seen == known.once && *seen == *borrower.tables.0 => {
                vec![first(), known.second.clone()]
            }
            seen if *seen == known.once => vec![known.second.clone()],
            seen if *seen == *borrower.tables.0 && is_late() => vec![first(), known.second.clone()],
            seen if *seen == *borrower.tables.0 => vec![first()],
            _ => Vec::new(),
        }
    }
}

impl<C: 'static> Scene for Function<C> {
    type Client = Rc<C>;
    type State = ();
    type Lease = ();
    type Known = Known;
    /// Pools that lend their connections in turn have used two of them then.
    const WARMING: usize = 2;
    const MAY_BE_SILENT: bool = false;

    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn comparable(&self, tables: &Tables) -> Tables {
        self.watched.ranked(tables)
    }

    fn keeps_the_client(&self) -> bool {
        self.keeps_the_client
    }

    /// A client of one connection is no worse for a network that broke.
    fn visits(&self, cut: &Cut) -> bool {
        self.reconnects || !cut.is_reset()
    }

    /// What an application does on the side is its own doing, and is to end with it.
    fn has_company(&self) -> bool {
        false
    }

    /// Whether it must change them is known only to who wrote it, and asked for by its sweep.
    fn changed(&self, _before: &Tables, _after: &Tables) -> Option<Finding> {
        None
    }

    async fn open(
        &self,
        _fresh: &Fresh,
        url: String,
        _known: Option<()>,
    ) -> contract::Result<(Rc<C>, ())> {
        Ok((Rc::new((self.open)(url).await?), ()))
    }

    async fn lease(&self, _client: &Rc<C>) -> contract::Result<()> {
        Ok(())
    }

    fn act(&self, client: &Rc<C>, _lease: ()) -> LocalBoxFuture<'static, contract::Result<()>> {
        (self.act)(Rc::clone(client))
    }

    async fn borrow(&self, borrower: Borrower<'_, Self>) -> Result<Borrowed<Self>, Error> {
        let once = borrower.tables.1.clone();
        let expected = match borrower.known {
            Some(known) => self.expected(&borrower, known),
            None => Vec::new(),
        };
        let is_expected = |done: &Done| {
            expected.is_empty() || expected.iter().any(|expected| expected.is_like(done))
        };
        let Some(done) = self.run(&borrower, is_expected).await? else {
            let findings = vec![(Class::Stuck, "the next run never comes to an end".to_owned())];
            let second = Done::well(once.clone());
            return Ok(Borrowed { findings, known: Known { once, second } });
        };
        let findings: Vec<Finding> = match (expected.first(), borrower.known) {
            (None, Some(known)) => {
                vec![(Class::Torn, format!("there is {}", instead(borrower.tables.1, &known.once)))]
            }
            (Some(wanted), _) if !is_expected(&done) => {
                let is_late = borrower.stage.wire().is_none() && done.failed.is_none();
                let class = if is_late { Class::Torn } else { Class::Poisoned };
                vec![(class, otherwise(&done, wanted, borrower.tables.1))]
            }
            // What a cut left open is found already.
            _ => done.left_open.iter().map(|what| (Class::Open, after_next(what))).collect(),
        };
        if borrower.known.is_none() && findings.is_empty() {
            self.repeat(&borrower).await?;
        }
        Ok(Borrowed { findings, known: Known { once, second: done } })
    }

    async fn close(client: Rc<C>) -> contract::Result<()> {
        drop(client);
        Ok(())
    }
}

/// How a next run is not what it must be.
fn otherwise(done: &Done, wanted: &Done, seen: &Tables) -> String {
    match (&done.failed, &wanted.failed) {
        (Some(words), None) => format!("the next run fails: {words}"),
        (None, Some(words)) => format!("the next run succeeds, and must fail: {words}"),
        (None, None) if done.tables == *seen => {
            "the next run reports success, and its work is not there".to_owned()
        }
        _ => format!("after the next run there is {}", instead(&done.tables, &wanted.tables)),
    }
}

/// The rows that are there, and those that are to be there.
fn instead(there: &Tables, wanted: &Tables) -> String {
    let differs = |(table, rows): &(&String, &Vec<Row>)| wanted.get(*table) != Some(rows);
    let tables = there.iter().filter(differs).map(|(table, rows)| {
        let wanted = wanted.get(table).map(Vec::as_slice).unwrap_or_default();
        let (more, less) = (without(rows, wanted), without(wanted, rows));
        format!("{} in {table} instead of {}", listed(&more), listed(&less))
    });
    tables.collect::<Vec<_>>().join(", and ")
}

/// The rows of one table that are not in another, each as often as it is there more often.
fn without<'a>(rows: &'a [Row], others: &[Row]) -> Vec<&'a Row> {
    let mut others: Vec<&Row> = others.iter().collect();
    let is_more = |row: &&Row| match others.iter().position(|other| other == row) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    };
    rows.iter().filter(is_more).collect()
}

fn listed(rows: &[&Row]) -> String {
    let listed: Vec<String> =
        rows.iter().take(ROWS_SHOWN).map(|row| format!("({})", values(row))).collect();
    match rows.len() {
        0 => "no row".to_owned(),
        many if ROWS_SHOWN < many => {
            format!("{} and {} more", listed.join(", "), many - ROWS_SHOWN)
        }
        _ => listed.join(", "),
    }
}

fn after_next(what: &str) -> String {
    format!("after the next run {what}")
}
