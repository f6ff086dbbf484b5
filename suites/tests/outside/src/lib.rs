//! Adapters for older versions of three client libraries.
//!
//! Everything here is this crate's own: the adapters, what the libraries lack, and the list of what is
//! known to be broken in them. dropproof is seen as a dependency.

pub mod mysql_async;
pub mod sqlx;
pub mod tokio_postgres;
