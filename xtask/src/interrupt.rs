//! Ctrl-C, SIGTERM and SIGHUP: work is dropped where it stands, and what it started is cleared up.

use std::future::Future;

use miette::{IntoDiagnostic, WrapErr};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a command early.
#[derive(Debug)]
pub(crate) struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// The number of the signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupted(pub(crate) i32);

impl Interrupt {
    /// Catches the signals from now on.
    pub(crate) fn listen() -> miette::Result<Self> {
        let listen = |kind| {
            signal(kind).into_diagnostic().wrap_err("signals cannot be caught on this system")
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal.
    ///
    /// # Cancel safety
    ///
    /// Safe: a signal that comes while nobody waits is there for the next who does.
    pub(crate) async fn came(&mut self) -> Interrupted {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted(SignalKind::interrupt().as_raw_value()),
            _ = self.terminate.recv() => Interrupted(SignalKind::terminate().as_raw_value()),
            _ = self.hang_up.recv() => Interrupted(SignalKind::hangup().as_raw_value()),
        }
    }

    /// Does work until it is done or a signal comes; then it is dropped.
    pub(crate) async fn unless<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        tokio::select! {
            done = work => Ok(done),
            interrupted = self.came() => Err(interrupted),
        }
    }
}
