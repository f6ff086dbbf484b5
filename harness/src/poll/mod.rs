//! Poll-level tools: a runtime that knows when nothing more will happen, and cuts by poll.
//!
//! Waiting for a while is no answer to "is it over?": too short it is wrong, too long it is slow.
//! [`Runtime`] is one thread for subject and proxy, and [`Quiet`] is the condition that this thread
//! has nothing left to do and nothing is on its way to it.
//!
//! [`cut_after`] is for what has no wire, as SQLite: it drops a future after a number of polls. That
//! number varies between runs where sockets are involved, so there the wire is cut instead.
//!
//! [`awaited`] is for what nobody cuts on purpose: it tells of a future that was forgotten.

mod awaited;
mod cut;
#[cfg(test)]
pub(crate) mod load;
mod quiet;
mod runtime;
#[cfg(test)]
mod tests;

pub use awaited::{Awaited, awaited};
#[cfg(feature = "awaited")]
pub use awaited::{Fate, Forgotten, Over, Watch};
pub use cut::{Cut, cut_after};
pub use quiet::{Activity, Quiet};
pub use runtime::Runtime;
