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

use std::marker::PhantomData;

use dropproof::contract::{Op, Pool, Step};

use crate::Check;
pub(crate) use streams::leave_after;

/// The suite, for one type of pool.
pub(crate) struct DropGuard<P>(PhantomData<P>);

impl<P: Pool> DropGuard<P> {
    /// The checks, by theme, in report order.
    pub(crate) const CHECKS: &'static [&'static [Check<P>]] = &[
        lease::Lease::CHECKS,
        transaction::Transaction::CHECKS,
        entry::Entry::CHECKS,
        leaving::Leaving::CHECKS,
        trouble::Trouble::CHECKS,
        statements::Statements::CHECKS,
        streams::Streams::CHECKS,
        shared::Shared::CHECKS,
        session::GivenBack::CHECKS,
        storm::Storm::CHECKS,
        closing::End::CHECKS,
        at_random::AtRandom::CHECKS,
    ];
}

/// Stores a task.
fn create() -> Step {
    Step::Run(Op::CreateTask { title: Some("planted".to_owned()) })
}
