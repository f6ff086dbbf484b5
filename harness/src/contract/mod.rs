//! The contract: what an adapter implements so that every check can judge its library.
//!
//! Read [`Pool`], [`Session`] and [`Statements`] first, then [`Script`]. A transaction is data: the
//! adapter opens one in its library's own style, lets the script play on it, and leaves as the
//! script says. So guards that borrow, guards that own and closures are all judged as their manuals
//! show them.
//!
//! An adapter is thin. It sends no BEGIN, COMMIT or ROLLBACK as text where the library has a call
//! for it, and it adds nothing that the library does not do: no retry, no clean-up, no judgement.
//!
//! What is judged is a [`BoxedPool`], which any adapter's pool becomes.

mod boxed;
mod capability;
mod dictation;
mod entity;
mod error;
mod layer;
mod script;
mod sql;
mod statement;
mod unit;

pub use boxed::{BoxedPool, BoxedSession};
pub use capability::{Capability, Lack};
pub use dictation::{Dictated, Dictation};
pub use entity::{Answer, NewUser, Op, Task, User, UserChange};
pub use error::{Class, Error, Result};
pub use layer::{Adapter, Asked, Heard, Pool, Session, Statements, Target};
pub use script::{Ending, Gate, PLANTED_PANIC, Record, Script, Step};
pub use sql::{TABLES, schema};
pub use statement::{Dialect, Row, Statement, Value};
pub use unit::{
    Body, Bracket, Ended, Entity, Form, Handle, Key, New, Object, Pending, Registry, SharedUnit,
    Unit, UnitOptions, Units, UserUpdate,
};
