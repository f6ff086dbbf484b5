//! The suite `drop-guard`: what is left when an operation is dropped, at every place of its
//! conversation with the server.
//!
//! This file says in which order the checks are reported. Their rows and their operations lie by
//! theme in the files beside: an operation is swept by the harness, and what is to be seen after each
//! cut is the same for all of them.

mod at_random;
mod closing;
mod entry;
mod lease;
mod leaving;
mod session;
mod shared;
mod statements;
mod storm;
mod streams;
mod transaction;
mod trouble;

use dropproof::contract::{Op, Step};

use crate::Check;
pub(crate) use streams::leave_after;

/// The checks, by theme, in report order.
pub(crate) const CHECKS: &[&[Check]] = &[
    lease::CHECKS,
    transaction::CHECKS,
    entry::CHECKS,
    leaving::CHECKS,
    trouble::CHECKS,
    statements::CHECKS,
    streams::CHECKS,
    shared::CHECKS,
    session::CHECKS,
    storm::CHECKS,
    closing::CHECKS,
    at_random::CHECKS,
];

/// Stores a task.
fn create() -> Step {
    Step::Run(Op::CreateTask { title: Some("planted".to_owned()) })
}
