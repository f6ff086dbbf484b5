//! The suite `missing-await`: what a call does that nobody waits for, and what it leaves to its caller.
//!
//! Most ways to forget an await do not compile, or are warned of: those are programs (`ui/examples`).
//! Here is what is so at run time, where the compiler was silent or was told to be.

mod close;
mod inert;
mod order;
mod service;
#[cfg(test)]
pub(crate) mod tests;

use crate::Check;

/// The checks, by theme, in report order.
pub(crate) const CHECKS: &[&[Check]] =
    &[inert::CHECKS, order::CHECKS, service::CHECKS, close::CHECKS];
