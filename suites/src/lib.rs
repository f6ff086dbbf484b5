//! The checks of dropproof, and the test binary that runs them on any adapter.
//!
//! Read in this order: [`Check`] is a row of a suite's table; [`Cell`] and [`Subject`] are what a
//! check works with; the suites follow, one file each. [`Matrix`] makes a test of every check on
//! every cell, and [`Mutants`] one of every planted fault that a check must catch. [`ledger`] has the
//! claims that checks judge.
//!
//! No client library is named here: a check that knew its layer could be written to please it.

mod async_iter;
mod cell;
mod check;
mod claims;
mod crud;
mod drop_guard;
mod fault;
mod judged;
mod known;
mod matrix;
mod missing_await;
mod model;
mod mutants;
mod oracle;
mod replay;
mod report;
mod session_scope;
mod snapshot;
mod spoken;
mod subject;
mod trace;
mod trials;

pub use cell::Cell;
pub use check::{Check, checks};
pub use claims::ledger;
pub use dropproof::database::Kind;
pub use fault::{Fault, Faulty};
pub use judged::Judged;
pub use matrix::Matrix;
pub use mutants::Mutants;
pub use snapshot::Snapshots;
pub use subject::Subject;
pub use trace::Trace;
