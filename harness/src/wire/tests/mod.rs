//! Tests of the wire, without a server: scripts, recorded conversations, and a fake on loopback.

mod fake;
mod faults;
mod holds;
mod holds_mysql;
mod hostile;
mod hostile_mysql;
mod script;
mod splits;
mod start_up;
