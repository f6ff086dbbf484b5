//! The stage: an opened layer, with the proxy between it and its server where there is one.

use std::{cell::Cell, future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::timeout;

use super::{Error, Open, borrower, operation::Act};
use crate::{
    contract::{Pool, Row, Target},
    database::{Fresh, Kind},
    poll::{Quiet, Runtime},
    wire::{Proxy, Wire},
};

/// Where the runtime cannot see that nothing more will happen, this long is taken for never.
const NEVER: Duration = Duration::from_secs(3);

/// An opened layer.
pub(super) struct Stage<P: Pool> {
    pub(super) pool: P,
    pub(super) kind: Kind,
    /// The state of a fresh session, which every later one must have.
    pub(super) state: Vec<Row>,
    /// The next number that no question had before.
    nonce: Cell<i64>,
    quiet: Quiet,
    proxy: Option<Proxy>,
}

impl<P: Pool> Stage<P> {
    /// Opens the layer, behind a proxy where the database is a server.
    ///
    /// A fresh session is asked for its state where that is not known from an earlier stage.
    pub(super) async fn open(
        fresh: &Fresh,
        open: &Open<P>,
        act: Act,
        runtime: &Runtime,
        state: Option<Vec<Row>>,
    ) -> Result<Self, Error> {
        let kind = fresh.kind();
        let proxy = match (kind.protocol(), fresh.server()) {
            (Some(protocol), Some(server)) => Some(Proxy::start(protocol, server.address()).await?),
            _ => None,
        };
        let url = match (&proxy, fresh.server()) {
            (Some(proxy), Some(server)) => server.with_address(proxy.address()).expose().to_owned(),
            _ => fresh.url(),
        };
        let pool = open(Target { url, sessions_max: act.sessions_max() }).await?;
        let state = match state {
            Some(state) => state,
            None => borrower::state(&mut pool.session().await?, kind).await?,
        };
        let stage = Self { pool, kind, state, nonce: Cell::new(1), quiet: runtime.quiet(), proxy };
        stage.settle().await;
        Ok(stage)
    }

    /// A number that no question on this stage had before.
    pub(super) fn fresh_nonce(&self) -> i64 {
        let nonce = self.nonce.get();
        self.nonce.set(nonce + 1);
        nonce
    }

    /// The handle on the conversation, where there is one.
    pub(super) fn wire(&self) -> Option<Wire> {
        self.proxy.as_ref().map(Proxy::wire)
    }

    /// Waits until nothing is left to do.
    pub(super) async fn settle(&self) {
        settle(&self.quiet, self.proxy.as_ref()).await;
    }

    /// Runs a future of the layer, `None` where it can never come to an end.
    ///
    /// With `confirm`, or without a wire, it is waited for a long time before that is said.
    pub(super) async fn unless_stuck<T>(
        &self,
        confirm: bool,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        if self.proxy.is_some() {
            let mut settled = pin!(self.settle());
            let done = poll_fn(|cx| match future.as_mut().poll(cx) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending => settled.as_mut().poll(cx).map(|()| None),
            });
            match done.await {
                None if confirm => {}
                done => return done,
            }
        }
        timeout(NEVER, future).await.ok()
    }

    /// Closes the pool, then everything that is left of its connections.
    pub(super) async fn close(self, fresh: &Fresh) -> Result<(), Error> {
        let Self { pool, proxy, quiet, .. } = self;
        {
            // A pool that waits for a session which never comes back is left to itself.
            let mut closing = pin!(pool.close());
            let mut settled = pin!(settle(&quiet, proxy.as_ref()));
            poll_fn(|cx| match closing.as_mut().poll(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => settled.as_mut().poll(cx),
            })
            .await;
        }
        drop(proxy);
        Ok(fresh.witness().end_connections().await?)
    }
}

async fn settle(quiet: &Quiet, proxy: Option<&Proxy>) {
    match proxy {
        Some(proxy) => quiet.wait(proxy.wire()).await,
        None => quiet.wait(()).await,
    }
}
