//! The handle: what a sweep does with the wire.

use std::sync::Arc;

use super::{Connection, Count, Error, Place, Reached, Trace, gate::Gate};
use crate::poll::Activity;

/// A handle on a running proxy, cheap to clone.
///
/// To drop a future at a place, wait for the place before the future in the same task:
///
/// ```
/// # async fn cut(wire: dropproof::wire::Wire, operation: impl Future<Output = ()>) {
/// tokio::select! {
///     biased;
///     () = wire.held() => {}
///     () = operation => {}
/// }
/// # }
/// ```
///
/// Then the future is not polled again once the place is reached.
#[derive(Clone, Debug)]
pub struct Wire(pub(super) Arc<Gate>);

impl Wire {
    /// Begins to count places here, with no place armed, and forgets what was said before. A hold ends.
    pub fn mark(&self) {
        self.0.mark(None);
    }

    /// Begins to count places here as [`mark`](Self::mark) does, and holds the conversation at one.
    ///
    /// A batch of which something was passed on before is not counted, so arm while it is quiet.
    pub fn arm(&self, place: Place) {
        self.0.mark(Some(place));
    }

    /// Arms another place. The counts go on from the last [`arm`](Self::arm) or
    /// [`mark`](Self::mark), and a hold stays until it is released.
    ///
    /// So a conversation is held more than once: to let each message come in two pieces, to delay
    /// one until a condition is met, or to cut the clean-up after a cut.
    pub fn arm_next(&self, place: Place) {
        self.0.arm_next(place);
    }

    /// Forgets the armed place if the conversation has not come to it; the counts go on.
    ///
    /// A hold stays: see [`release`](Self::release).
    pub fn disarm(&self) {
        self.0.disarm();
    }

    /// Waits until the conversation is held.
    ///
    /// # Cancel safety
    ///
    /// Safe: the hold stays until it is released.
    pub async fn held(&self) {
        self.0.held().await;
    }

    /// Whether the conversation is held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Notes that the caller whose conversation is held has left.
    ///
    /// What its client had sent by then is told from what it sends afterwards: see
    /// [`Event::early`](super::Event::early). To be called at once when the caller is gone, after the
    /// runtime was quiet, and before the hold ends.
    pub fn leave(&self) {
        self.0.leave_caller();
    }

    /// Lets the conversation go on.
    pub fn release(&self) {
        self.0.open(false);
    }

    /// Puts an error of the server in the place of the message that is held at [`Place::Held`], and
    /// keeps back what belongs to the same answer. The server itself knows nothing of it.
    ///
    /// Only a message that says so may be refused: [`Event::refusable`](super::Event::refusable).
    /// Where nothing is held, nothing happens. The hold stays until it is released.
    pub fn refuse(&self) {
        self.0.refuse();
    }

    /// Breaks the held connection with a reset on both sides, and lets the others go on.
    ///
    /// The two sockets are reset when their task is polled next. Where nothing is held, nothing
    /// happens.
    pub fn reset(&self) {
        self.0.open(true);
    }

    /// The place reached since the last mark, also when it was released.
    #[must_use]
    pub fn reached(&self) -> Option<Reached> {
        self.0.reached()
    }

    /// How many places were passed since the last mark.
    #[must_use]
    pub fn count(&self) -> Count {
        self.0.count()
    }

    /// Everything said since the last mark, or since the proxy began where there was none.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.0.trace()
    }

    /// Looks for a text in all that clients send from here on, in place of the one before.
    ///
    /// It is found in whatever pieces it comes, but not where a client has hashed or encrypted it.
    pub fn look_for(&self, text: &str) {
        self.0.search.begin(text);
    }

    /// Whether the text was sent.
    #[must_use]
    pub fn has_found(&self) -> bool {
        self.0.search.has_found()
    }

    /// The bytes passed on, in both directions.
    #[must_use]
    pub fn forwarded(&self) -> u64 {
        self.0.forwarded()
    }

    /// The requests that servers have not answered in full, over all connections.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.connections().iter().map(|connection| connection.unanswered).sum()
    }

    /// The open connections, in the order in which they were opened.
    ///
    /// One that its client has left stays until the server has closed it too.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.0.connections()
    }

    /// What went wrong with connections, in order.
    #[must_use]
    pub fn failures(&self) -> Vec<Arc<Error>> {
        self.0.failures()
    }
}

impl Activity for Wire {
    fn activity(&self) -> (u64, bool) {
        self.0.activity()
    }
}
