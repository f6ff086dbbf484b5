//! The plan of a run: every trial there is, before any is run.
//!
//! A trial that was planned and left no record is an error of the run. So a test process that dies
//! cannot take a verdict with it unseen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ledger, Rule, Verdict};
use crate::database::Kind;

/// Everything that could be judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The rules, in report order.
    pub rules: Vec<Rule>,
    /// The claims that they judge, and those that are open.
    pub ledger: Ledger,
    /// The cells, in report order.
    pub cells: Vec<Cell>,
    /// The versions of the databases that are embedded in the test binary.
    pub embedded: BTreeMap<Kind, String>,
    /// One trial for each rule on each cell.
    pub trials: Vec<Trial>,
}

/// One adapter on one kind of database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// The kind of database.
    pub database: Kind,
    /// The adapter's name.
    pub adapter: String,
    /// The version of the library.
    pub adapter_version: String,
}

impl Cell {
    /// The name in reports and in the names of trials.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.database, self.adapter)
    }
}

/// One check on one cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The name of the test.
    pub name: String,
    /// The id of the rule.
    pub check: String,
    /// The adapter.
    pub adapter: String,
    /// The kind of database.
    pub database: Kind,
    /// The verdict, where it stands before the run because the adapter lacks what the check needs.
    pub skipped: Option<Verdict>,
}
