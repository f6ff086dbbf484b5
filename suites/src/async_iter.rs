//! The suite `async-iter`: rows that come one by one, and results that come one after the other.
//!
//! A stream of rows is judged by what it gives and in which order, by what it asks the server for and
//! when, and by what is left when its reader stops early. Joined work is judged by the order of its
//! results, which the checks decide by gates. Rows and bodies lie by theme in the files beside.

mod ended;
mod left;
mod order;
mod pace;
mod refused;
mod rows;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod together;
mod waiting;
mod work;

use std::marker::PhantomData;

use dropproof::contract::Pool;

use crate::Check;

/// The suite, for one type of pool.
pub(crate) struct AsyncIter<P>(PhantomData<P>);

impl<P: Pool> AsyncIter<P> {
    /// The checks, by theme, in report order.
    pub(crate) const CHECKS: &'static [&'static [Check<P>]] = &[
        rows::Rows::CHECKS,
        ended::Ended::CHECKS,
        refused::Refused::CHECKS,
        left::Left::CHECKS,
        pace::Pace::CHECKS,
        together::Together::CHECKS,
        order::Order::CHECKS,
        waiting::Waiting::CHECKS,
    ];
}
