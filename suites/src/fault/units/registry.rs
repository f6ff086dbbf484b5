//! The faults of registries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dropproof::contract::{Registry, Result, SharedUnit};
use futures::future::BoxFuture;

use crate::Fault;

pub(super) struct FaultyRegistry {
    pub(super) inner: Arc<dyn Registry>,
    pub(super) fault: Fault,
    pub(super) kept: Mutex<Vec<SharedUnit>>,
}

impl FaultyRegistry {
    fn kept(&self) -> MutexGuard<'_, Vec<SharedUnit>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry for FaultyRegistry {
    fn run(&self, future: BoxFuture<'static, Result<()>>) -> BoxFuture<'static, Result<()>> {
        self.inner.run(future)
    }

    fn unit(&self) -> Result<SharedUnit> {
        let mut kept = self.kept();
        if let (Fault::RegistryShared, [first, ..]) = (self.fault, kept.as_slice()) {
            return Ok(Arc::clone(first));
        }
        let unit = self.inner.unit()?;
        if matches!(self.fault, Fault::RegistryShared | Fault::RegistryLeaks) {
            kept.push(Arc::clone(&unit));
        }
        Ok(unit)
    }

    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.remove()
    }

    fn entries(&self) -> usize {
        let kept = if self.fault == Fault::RegistryLeaks { self.kept().len() } else { 0 };
        self.inner.entries() + kept
    }
}
