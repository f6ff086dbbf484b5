//! What a library may lack without being wrong.

use std::fmt;

/// Something that not every library offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// Transactions inside transactions.
    Savepoints,
    /// A transaction guard that rolls back when it is dropped.
    DroppedGuard,
    /// A transaction that is begun on the pool, by a call that leases a session by the way.
    PoolTransactions,
    /// Many rows by COPY, in and out.
    BulkLoad,
    /// Cursors that a statement opens, and that are read by other statements.
    Cursors,
    /// Notifications of the server, which are heard on a connection of the pool.
    Notifications,
    /// Locks that are named by a number, with a guard that gives them up when it is dropped.
    AdvisoryLocks,
    /// Several requests in flight on one connection.
    Multiplexed,
    /// A session that is given back is reset before it is lent again, whatever was done with it.
    Reset,
    /// A connection to a server, which may break.
    Connection,
    /// Units of work, with an identity map, scopes and registries.
    UnitOfWork,
}

impl Capability {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Capability::Savepoints => "savepoints",
            Capability::DroppedGuard => "dropped-guard",
            Capability::PoolTransactions => "pool-transactions",
            Capability::BulkLoad => "bulk-load",
            Capability::Cursors => "cursors",
            Capability::Notifications => "notifications",
            Capability::AdvisoryLocks => "advisory-locks",
            Capability::Multiplexed => "multiplexed",
            Capability::Reset => "reset",
            Capability::Connection => "connection",
            Capability::UnitOfWork => "unit-of-work",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A capability that a library does not claim to have.
///
/// Every check that needs it is skipped, and every skip is shown with the sentence and the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What is lacking.
    pub capability: Capability,
    /// Why, in one sentence.
    pub because: &'static str,
    /// Where the library's documentation says so.
    pub link: &'static str,
}
