//! The runtime: one thread for subject and proxy, which tells when it is about to park.

use std::io;

use tokio::task::JoinHandle;

use super::Quiet;

/// A tokio runtime of one thread, with I/O and time, whose quiet can be waited for.
#[derive(Debug)]
pub struct Runtime {
    runtime: tokio::runtime::Runtime,
    quiet: Quiet,
}

impl Runtime {
    /// Makes a runtime.
    ///
    /// # Errors
    ///
    /// Fails where the system gives no event queue.
    pub fn new() -> io::Result<Self> {
        let quiet = Quiet::default();
        let parking = quiet.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || parking.park())
            .build()?;
        Ok(Self { runtime, quiet })
    }

    /// Runs a future to its end, and with it the tasks that it spawns.
    ///
    /// # Panics
    ///
    /// Panics inside another runtime, and where the future does.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Makes a future one of the runtime's tasks, which go on while something is run to its end.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime.spawn(future)
    }

    /// The handle on which quiet is waited for.
    #[must_use]
    pub fn quiet(&self) -> Quiet {
        self.quiet.clone()
    }
}
