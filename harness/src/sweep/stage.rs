//! The stage: an opened client, with the proxy between it and its server where there is one.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::timeout;

use super::{Error, scene::Scene};
use crate::{
    database::Fresh,
    poll::{Quiet, Runtime},
    wire::{Proxy, Wire},
};

/// Where the runtime cannot see that nothing more will happen, this long is taken for never.
const NEVER: Duration = Duration::from_secs(3);
/// Where it can, this long confirms it.
const CONFIRMED: Duration = Duration::from_secs(1);

/// An opened client.
pub(super) struct Stage<S: Scene> {
    pub(super) client: S::Client,
    pub(super) state: S::State,
    quiet: Quiet,
    proxy: Option<Proxy>,
}

impl<S: Scene> Stage<S> {
    /// Opens the client, behind a proxy where the database is a server.
    ///
    /// Its state is asked for where that is not known from an earlier stage.
    pub(super) async fn open(
        fresh: &Fresh,
        scene: &S,
        runtime: &Runtime,
        state: Option<S::State>,
    ) -> Result<Self, Error> {
        let proxy = match (fresh.kind().protocol(), fresh.server()) {
            (Some(protocol), Some(server)) => Some(Proxy::start(protocol, server.address()).await?),
            _ => None,
        };
        let url = match (&proxy, fresh.server()) {
            (Some(proxy), Some(server)) => server.with_address(proxy.address()).expose(),
            _ => fresh.url(),
        };
        let (client, state) = scene.open(fresh, url, state).await?;
        let stage = Self { client, state, quiet: runtime.quiet(), proxy };
        stage.settle().await;
        Ok(stage)
    }

    /// The handle on the conversation, where there is one.
    pub(super) fn wire(&self) -> Option<Wire> {
        self.proxy.as_ref().map(Proxy::wire)
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        self.wire().map_or(0, |wire| wire.connections().len())
    }

    /// Waits until nothing is left to do.
    pub(super) async fn settle(&self) {
        settle(&self.quiet, self.proxy.as_ref()).await;
    }

    /// Runs a future of the client, `None` where it can never come to an end.
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
                None if confirm => return timeout(CONFIRMED, future).await.ok(),
                done => return done,
            }
        }
        timeout(NEVER, future).await.ok()
    }

    /// Closes the client, then everything that is left of its connections.
    pub(super) async fn close(self, fresh: &Fresh) -> Result<(), Error> {
        let Self { client, proxy, quiet, .. } = self;
        {
            // A pool that waits for a session which never comes back is left to itself.
            let mut closing = pin!(S::close(client));
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
