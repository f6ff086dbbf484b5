//! Apart: a layer on a runtime of its own, and the proxy on another.
//!
//! Both live on one thread and take turns: the layer's runtime runs until it has nothing to do, then
//! the proxy's, and so on until nothing moves any more. That is the quiet of one runtime, made of two,
//! and it needs no timer either. So the layer's runtime can end while the proxy goes on.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use tokio::time::{Instant, timeout};

use super::{Error, layer::Layer};
use crate::{
    contract::BoxedPool,
    database::Fresh,
    poll::{Activity, Runtime},
    wire::{Proxy, Wire},
};

/// What comes to no end within this time never does.
const END_MAX: Duration = Duration::from_secs(30);

/// A layer that was opened on a runtime of its own.
pub(super) struct Apart<'r> {
    pub(super) pool: Arc<BoxedPool>,
    pub(super) turns: Turns<'r>,
}

/// Two runtimes that take turns.
pub(super) struct Turns<'r> {
    /// The layer's own.
    pub(super) own: Runtime,
    pub(super) far: Far<'r>,
}

/// The runtime that stays, with the proxy where there is one.
pub(super) struct Far<'r> {
    pub(super) runtime: &'r Runtime,
    proxy: Option<Proxy>,
}

impl<'r> Apart<'r> {
    /// Opens the layer, behind a proxy where the database is a server.
    pub(super) fn open(fresh: &Fresh, layer: &Layer, runtime: &'r Runtime) -> Result<Self, Error> {
        let (proxy, url) = match (fresh.kind().protocol(), fresh.server()) {
            (Some(protocol), Some(server)) => {
                let proxy = runtime.block_on(Proxy::start(protocol, server.address()))?;
                let url = server.with_address(proxy.address()).expose();
                (Some(proxy), url)
            }
            _ => (None, fresh.url()),
        };
        let turns = Turns { own: Runtime::new()?, far: Far { runtime, proxy } };
        let pool = Arc::new(turns.finish("opening", layer.pool(url))??);
        Ok(Self { pool, turns })
    }
}

impl Far<'_> {
    /// The handle on the conversation, where there is one.
    pub(super) fn wire(&self) -> Option<Wire> {
        self.proxy.as_ref().map(Proxy::wire)
    }

    /// Waits until the proxy has nothing left to do; `what` is what that is for.
    pub(super) fn settle(&self, what: &str) -> Result<(), Error> {
        let quiet = self.runtime.quiet();
        let waited = self.runtime.block_on(async {
            match self.wire() {
                Some(wire) => timeout(END_MAX, quiet.wait(wire)).await,
                None => timeout(END_MAX, quiet.wait(())).await,
            }
        });
        waited.map_err(|_| endless(what))
    }
}

impl Turns<'_> {
    /// Runs a future of the layer to its end, and then until nothing is left to do.
    pub(super) fn finish<T>(
        &self,
        what: &str,
        future: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let mut future = pin!(future);
        if self.far.proxy.is_none() {
            // What other threads do for it is not seen, so it is waited for as anybody would.
            let ended = self.own.block_on(async { timeout(END_MAX, future).await });
            return ended.map_err(|_| endless(what));
        }
        let began = Instant::now();
        while began.elapsed() < END_MAX {
            if let Some(value) = self.settle(what, future.as_mut())? {
                return Ok(value);
            }
        }
        Err(endless(what))
    }

    /// Lets both runtimes run until neither has anything left to do, and polls a future meanwhile;
    /// returns what it gave, if it ended.
    pub(super) fn settle<T>(
        &self,
        what: &str,
        mut future: impl Future<Output = T> + Unpin,
    ) -> Result<Option<T>, Error> {
        let mut given = None;
        let moves = || self.far.wire().map(|wire| wire.activity().0);
        loop {
            let before = moves();
            self.own.block_on(async {
                let mut quiet = pin!(self.own.quiet().wait(()));
                poll_fn(|cx| {
                    if given.is_none()
                        && let Poll::Ready(value) = pin!(&mut future).poll(cx)
                    {
                        given = Some(value);
                    }
                    quiet.as_mut().poll(cx)
                })
                .await;
            });
            self.far.settle(what)?;
            if moves() == before {
                return Ok(given);
            }
        }
    }
}

fn endless(what: &str) -> Error {
    Error::Endless { cut: what.to_owned(), limit: END_MAX }
}
