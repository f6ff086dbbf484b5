//! The suite `session-scope`: units of work, the scopes that close them, and the registries that give
//! each task its own.
//!
//! A session of this suite is a unit of work, as the notes have it: it takes its connection from the
//! pool with its first statement. Most checks need a layer that has such a thing. Here is the order in
//! which they are reported; rows and bodies lie by theme in the files beside.

mod bracket;
mod identity;
mod objects;
mod password;
mod registry;
mod scope;
mod sharing;
pub(crate) mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod trouble;

use crate::Check;

pub(crate) use steps::{echoes, empty, task};

/// The checks, by theme, in report order.
pub(crate) const CHECKS: &[&[Check]] = &[
    scope::CHECKS,
    bracket::CHECKS,
    trouble::CHECKS,
    objects::CHECKS,
    password::CHECKS,
    identity::CHECKS,
    sharing::CHECKS,
    registry::CHECKS,
];
