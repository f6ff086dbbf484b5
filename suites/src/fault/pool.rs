//! The faults of a pool, and the layer that they are planted into.

use std::{
    mem,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use dropproof::contract::{
    BoxedPool, Heard, Pool, Result, Script, Session, Statements, UnitOptions, Units,
};
use futures::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Fault,
    rows::{Rows, Shared},
    session::{FaultySession, Memory, Said},
    together::Common,
    units,
};

/// A layer with a fault planted into it.
#[derive(Debug)]
pub struct Faulty {
    inner: BoxedPool,
    fault: Fault,
    places: Arc<Semaphore>,
    gone: Arc<AtomicUsize>,
    late: Arc<AtomicBool>,
    said: Said,
    shared: Shared,
    common: Common,
}

impl Faulty {
    /// Plants a fault into a pool that lends so many sessions.
    pub fn new(inner: impl Pool, fault: Fault, sessions_max: u32) -> Self {
        let places = Arc::new(Semaphore::new(sessions_max as usize));
        let (gone, late, said, shared) = Default::default();
        let common = Common::new(sessions_max);
        let inner = BoxedPool::new(inner);
        Self { inner, fault, places, gone, late, said, shared, common }
    }

    /// Lends a session to whoever has waited for a place.
    async fn lend(&self) -> Result<FaultySession> {
        let turn = match self.fault {
            Fault::LastWaiterFirst => Some(self.common.last_first().await),
            _ => None,
        };
        let gone = (self.fault == Fault::ForgetsWaiter).then(|| Arc::clone(&self.gone));
        let mut waiting = Waiting { gone };
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.expect("the semaphore is never closed");
        waiting.gone = None;
        let mut waiter = Waiter { place: Some(place), keeps: self.fault == Fault::LosesPlace };
        let mut inner = self.inner.session().await?;
        let place = waiter.place.take();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(said) = said.filter(|_| self.fault == Fault::StateCarriedOver) {
            inner.on().text(&said).await?;
        }
        let rows = Rows::new(&self.shared);
        let shared = (Arc::clone(&self.late), Arc::clone(&self.said));
        let memory = Memory::new(self.fault, shared, rows, (self.common.clone(), turn));
        Ok(FaultySession { inner: Some(inner), memory, place, gone: Arc::clone(&self.gone) })
    }
}

impl Pool for Faulty {
    type Session = FaultySession;

    fn session(&self) -> impl Future<Output = Result<Self::Session>> + Send {
        let taken = self.fault == Fault::LeasesUnawaited && self.places.forget_permits(1) == 1;
        async move {
            if taken {
                self.places.add_permits(1);
            }
            self.lend().await
        }
    }

    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>> {
        Ok(units::plant(self.inner.units(options)?, self.fault))
    }

    async fn transact_by(&self, entry: usize, script: Script) -> Result<()> {
        match self.fault {
            Fault::CommitsEarly | Fault::OtherEntryByHand => {
                self.session().await?.transact_by(entry + 1, script).await
            }
            _ => {
                let _place = self.places.acquire().await.expect("the semaphore is never closed");
                self.inner.transact_by(entry, script).await
            }
        }
    }

    async fn listen(&self, channel: &str) -> Result<Heard> {
        if self.fault != Fault::ListensByHand {
            return self.inner.listen(channel).await;
        }
        let mut session = self.session().await?;
        session.on().text(&format!("LISTEN {channel}")).await?;
        let (said, heard) = (Arc::clone(&self.said), channel.to_owned());
        Ok(stream::poll_fn(move |_| {
            let _held = &session;
            // A session of the pool notifies, and says the name of the channel.
            let said = said.lock().unwrap_or_else(PoisonError::into_inner);
            match said.as_deref() {
                Some(text) if text.starts_with("NOTIFY") => Poll::Ready(Some(Ok(heard.clone()))),
                _ => Poll::Pending,
            }
        })
        .boxed())
    }

    async fn close(self) -> Result<()> {
        if self.fault == Fault::CloseForgotten {
            mem::forget(self.inner);
            return Ok(());
        }
        self.inner.close().await
    }
}

/// Whoever waits for a place in the pool.
struct Waiting {
    /// `None` once it has got one, or where nobody counts.
    gone: Option<Arc<AtomicUsize>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(gone) = &self.gone {
            gone.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Whoever waits for a connection, having a place in the pool.
struct Waiter {
    place: Option<OwnedSemaphorePermit>,
    /// Whether the place is lost when the waiter is dropped.
    keeps: bool,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.keeps
            && let Some(place) = self.place.take()
        {
            place.forget();
        }
    }
}
