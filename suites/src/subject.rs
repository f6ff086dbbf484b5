//! A subject: a layer that was opened on a database of its own, with all that a check asks of it.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use dropproof::{
    contract::{BoxedPool, Dialect, Pool},
    database::{Fresh, Kind},
    poll::Runtime,
    verdict::Error,
    wire::{Place, Proxy, Wire},
    witness::{OPEN_TRANSACTION, Witness},
};
use futures::future::{Either, select, try_join_all};

use crate::{Trace, cell::SESSIONS_MAX, spoken, trace::Fact};

/// A step that takes longer than this is stuck.
const STEP_MAX: Duration = Duration::from_secs(60);
/// What can never come by the look of the wire, or what has no wire, is waited for so long.
const NEVER: Duration = Duration::from_secs(1);

/// A layer that was opened on a database of its own, and the runtime it lives on.
pub struct Subject {
    /// The pool under judgement.
    pub pool: BoxedPool,
    /// What has happened.
    pub trace: Trace,
    // The database goes last: the pool lives on the runtime and is connected to the database.
    pub(crate) proxy: Option<Proxy>,
    pub(crate) runtime: Runtime,
    pub(crate) fresh: Fresh,
}

impl Subject {
    /// The witness of the database.
    pub fn witness(&self) -> &Witness {
        self.fresh.witness()
    }

    /// The SQL of the database.
    pub fn dialect(&self) -> Dialect {
        self.kind().dialect()
    }

    /// The kind of database.
    pub fn kind(&self) -> Kind {
        self.fresh.kind()
    }

    /// Counts the rows of a table that the witness sees, as a fact of the last event.
    pub(crate) async fn rows(&self, table: &str) -> Result<usize, Error> {
        let rows = self.witness().rows(table).await?.len();
        self.trace.fact(Fact::Rows, rows);
        Ok(rows)
    }

    /// Counts the open transactions, as a fact of the last event.
    ///
    /// SQLite has no server to say so: there it is the write lock that is looked for.
    pub(crate) async fn open_transactions(&self) -> Result<usize, Error> {
        let connections = self.proxy.as_ref().map_or(0, |proxy| proxy.wire().connections().len());
        let open = self.witness().left_open(connections).await?;
        let is_one = |what: &&String| what.starts_with(OPEN_TRANSACTION) || self.proxy.is_none();
        let open = open.iter().filter(is_one).count();
        self.trace.fact(Fact::OpenTransactions, open);
        Ok(open)
    }

    /// Lends all sessions but so many, to show that no more are out, as a fact of the last event.
    pub(crate) async fn connections_out(&self, lent: u32) -> Result<(), Error> {
        self.trace.waits_for("lend all other sessions");
        try_join_all((lent..SESSIONS_MAX).map(|_| self.pool.session())).await?;
        self.trace.fact(Fact::ConnectionsOut, lent);
        Ok(())
    }

    /// Runs a future of the layer, `None` where it can never come to an end.
    ///
    /// That is seen on the wire alone: nothing is unanswered, and nobody has anything left to do.
    pub(crate) async fn unless_stuck<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.unless_seen_stuck(true, future).await
    }

    /// The same; what the wire shows is waited for to be sure with `confirm` alone.
    pub(crate) async fn unless_seen_stuck<T>(
        &self,
        confirm: bool,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        if let Some(proxy) = &self.proxy {
            let quiet = self.runtime.quiet().wait(proxy.wire());
            let done = unless_stuck(&mut future, quiet).await;
            if done.is_some() || !confirm {
                return done;
            }
        }
        tokio::time::timeout(NEVER, future).await.ok()
    }

    /// Runs a future until the conversation that it begins is at a place, and drops it there; what it
    /// came to, where it has ended before.
    pub(crate) async fn drop_at<T>(
        &self,
        place: Place,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let Some(proxy) = &self.proxy else { return Some(future.await) };
        let wire = proxy.wire();
        self.settle().await;
        wire.arm(place);
        let mut future = Box::pin(future);
        if let Either::Right((ended, _)) = select(pin!(wire.held()), &mut future).await {
            wire.disarm();
            wire.release();
            return Some(ended);
        }
        // What lies unread must not be read: there the future is not polled again.
        let ended = match place {
            Place::Unread(_) => None,
            _ => unless_stuck(&mut future, self.runtime.quiet().wait(proxy.wire())).await,
        };
        drop(future);
        wire.release();
        ended
    }

    /// Waits until nobody has anything left to do, as far as the runtime and the wire show it.
    pub(crate) async fn settle(&self) {
        settle(&self.runtime, self.proxy.as_ref()).await;
    }

    /// How many connections the layer has; `None` where there is no wire.
    pub(crate) fn connections(&self) -> Option<usize> {
        Some(self.proxy.as_ref()?.wire().connections().len())
    }

    /// How many bytes were moved on all connections; none where there is no wire.
    pub(crate) fn forwarded(&self) -> u64 {
        self.proxy.as_ref().map_or(0, |proxy| proxy.wire().forwarded())
    }

    /// How many bytes the open connections of the layer were given; none where there is no wire.
    pub(crate) fn delivered(&self) -> u64 {
        let wire = self.proxy.as_ref().map(Proxy::wire);
        let connections = wire.map(|wire| wire.connections()).unwrap_or_default();
        connections.iter().map(|connection| connection.delivered).sum()
    }

    /// Begins to listen to what is said with the server.
    pub(crate) fn listen(&self) {
        if let Some(proxy) = &self.proxy {
            proxy.wire().mark();
        }
    }

    /// Looks for a text among the bytes that the layer sends from here on.
    pub(crate) fn look_for(&self, text: &str) {
        self.proxy.iter().for_each(|proxy| proxy.wire().look_for(text));
    }

    /// Whether it was sent; never where there is no wire.
    pub(crate) fn has_found(&self) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.wire().has_found())
    }

    /// How many messages were said since; none where there is no wire.
    pub(crate) fn said(&self) -> usize {
        self.proxy.as_ref().map_or(0, |proxy| proxy.wire().trace().events().len())
    }

    /// Holds the conversation when it comes to a place; `None` where there is no wire.
    pub(crate) fn hold(&self, place: Place) -> Option<Wire> {
        let wire = self.proxy.as_ref()?.wire();
        wire.arm(place);
        Some(wire)
    }

    /// The verbs of the statements that were executed since, as a fact of the last event; `None`
    /// where there is no wire.
    pub(crate) fn verbs(&self) -> Option<Vec<String>> {
        let verbs = spoken::verbs(self.proxy.as_ref()?.wire().trace().events());
        self.trace.fact(Fact::Verbs, verbs.clone());
        Some(verbs)
    }

    /// How far the statements since then came, as a fact of the last event.
    pub(crate) fn reached(&self) {
        if let Some(proxy) = &self.proxy {
            let reached = spoken::reached(proxy.wire().trace().events());
            self.trace.fact(Fact::Reached, reached);
        }
    }

    /// Runs a future on the subject's runtime, for as long as a step may take.
    pub(crate) fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        within(&self.runtime, &self.trace, future)
    }

    /// Closes the pool and drops the database.
    pub(crate) fn close(self) -> Result<Trace, Error> {
        let Self { pool, trace, proxy, runtime, fresh } = self;
        close(pool, &runtime, &trace, proxy.as_ref())?;
        drop(proxy);
        drop(fresh);
        Ok(trace)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("fresh", &self.fresh).finish_non_exhaustive()
    }
}

async fn settle(runtime: &Runtime, proxy: Option<&Proxy>) {
    match proxy {
        Some(proxy) => runtime.quiet().wait(proxy.wire()).await,
        None => runtime.quiet().wait(()).await,
    }
}

/// Closes a pool; one that waits for a session which never comes back is left to itself.
pub(crate) fn close(
    pool: BoxedPool,
    runtime: &Runtime,
    trace: &Trace,
    proxy: Option<&Proxy>,
) -> Result<(), Error> {
    trace.waits_for("close the pool");
    let closed = within(runtime, trace, async {
        match proxy {
            Some(proxy) => unless_stuck(pool.close(), runtime.quiet().wait(proxy.wire())).await,
            None => tokio::time::timeout(NEVER, pool.close()).await.ok(),
        }
    })?;
    Ok(closed.transpose().map(drop)?)
}

/// Runs a future until it has ended or all is quiet.
async fn unless_stuck<T>(
    future: impl Future<Output = T>,
    quiet: impl Future<Output = ()>,
) -> Option<T> {
    let (mut future, mut quiet) = (pin!(future), pin!(quiet));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => quiet.as_mut().poll(cx).map(|()| None),
    })
    .await
}

pub(crate) fn within<F: Future>(
    runtime: &Runtime,
    trace: &Trace,
    future: F,
) -> Result<F::Output, Error> {
    let limit = STEP_MAX;
    // Made inside: a timer wants its runtime around it.
    runtime
        .block_on(async { tokio::time::timeout(limit, future).await })
        .map_err(|_| Error::Stuck { step: trace.step(), limit })
}
