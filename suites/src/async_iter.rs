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

use crate::Check;

/// The checks, by theme, in report order.
pub(crate) const CHECKS: &[&[Check]] = &[
    rows::CHECKS,
    ended::CHECKS,
    refused::CHECKS,
    left::CHECKS,
    pace::CHECKS,
    together::CHECKS,
    order::CHECKS,
    waiting::CHECKS,
];
