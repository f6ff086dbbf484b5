//! dropproof checks what async database access does when a future is dropped, forgotten or left
//! early, on real servers, with the server as the witness.
//!
//! Who writes an application begins with [`Sweep`], which drops a function at every message on the wire.
//!
//! Who writes a library reads in this order: [`contract`] is what an adapter implements; [`database`] says where a server
//! is; [`sweep`] drops an operation at every place of its conversation: [`wire`] holds the conversation with it, and [`poll`] knows when nothing more will happen,
//! [`witness`] asks the server what is really so; [`verdict`] has the words of a judgement.

pub mod contract;
pub mod database;
mod error;
pub mod owner;
pub mod poll;
#[cfg(feature = "report")]
pub mod report;
pub mod run;
pub mod sweep;
pub mod verdict;
pub mod wire;
pub mod witness;

pub use database::{Database, Kind};
pub use error::{Error, Result};
pub use sweep::{Judgement, Sweep};
