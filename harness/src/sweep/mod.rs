//! Sweeps: one operation, dropped once at every place of its conversation.
//!
//! An uncut run comes first: it must be clean, and its conversation gives the cuts. Then the
//! operation is run once for each cut, held there, dropped, and let go on. When nothing is left to
//! do, the oracles are asked: what the server has open, what is in the tables, whether the pool lends
//! all its sessions, whether the next borrower works with a session as good as new, and whether the
//! server was asked for what nobody waits for any more. What a cut did is one [`Class`].
//!
//! Reading order: `cut` says where, `visit` is one run, `runner` makes all of them on a `stage`, and
//! `scene` is what differs between a `layer`, its end (`closing`) and a `function`. `leaving`, `again` and `endure` use the
//! same visit for other questions, and `shut_down` has one of its own, on two runtimes (`apart`).
//!
//! Where there is no wire (SQLite), the operation is dropped after one poll, two polls, and so on.
//! How many polls it needs depends on how fast other threads answer, so this is done in rounds until
//! enough cuts were visited, and neither the number of polls nor that of the cuts is reported.

mod again;
mod apart;
mod application;
mod borrower;
mod class;
mod closing;
mod cut;
mod endure;
mod evidence;
mod explained;
mod function;
mod judgement;
mod layer;
mod leaving;
mod operation;
mod question;
mod reference;
mod runner;
mod scene;
mod shut_down;
mod silence;
mod stage;
mod visit;

use std::{fmt, io, sync::Arc, time::Duration};

use futures::future::BoxFuture;

pub use application::{Acting, Opening, Sweep};
pub use class::Class;
pub use closing::{Closing, ClosingSweep};
pub use cut::{Cut, Depth, UnknownDepth};
pub use endure::Trouble;
pub use explained::Explained;
pub use judgement::{CUT_VARIABLE, Judgement};
pub use leaving::Leaving;
pub use operation::Operation;
pub use visit::{Evidence, Visit};

use crate::{
    contract::{self, BoxedPool, Target},
    database::Fresh,
    wire, witness,
};
use layer::Layer;
use runner::Runner;

/// How a layer is opened.
pub type Open =
    Arc<dyn Fn(Target) -> BoxFuture<'static, contract::Result<BoxedPool>> + Send + Sync>;

/// A sweep of one operation through one layer, on a database of its own.
pub struct LayerSweep<'a> {
    /// The database.
    pub fresh: &'a Fresh,
    /// How the layer is opened.
    pub open: Open,
    /// What is swept.
    pub operation: Operation,
    /// How many of the cuts are visited.
    pub depth: Depth,
}

/// What a sweep has found.
#[derive(Clone, Debug)]
pub struct Swept {
    /// What each cut did, in the order of the conversation; the first is the uncut run.
    pub visits: Vec<Visit>,
    /// How many cuts there are; `None` where they cannot be counted the same in every run.
    pub counted: Option<usize>,
}

/// What became of an operation at one cut, left in two ways.
#[derive(Clone, Debug)]
pub struct Left {
    /// By a drop.
    pub by_drop: Visit,
    /// In the way that was asked for.
    pub in_that_way: Visit,
}

/// The reason a sweep came to no end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no runtime.
    #[error("no runtime could be made")]
    Runtime {
        /// What the system said.
        #[from]
        source: io::Error,
    },
    /// The proxy failed.
    #[error("the proxy failed")]
    Wire {
        /// Why.
        #[from]
        source: wire::Error,
    },
    /// The witness could not say what is so.
    #[error("the witness could not be asked")]
    Witness {
        /// Why.
        #[from]
        source: witness::Error,
    },
    /// The layer failed where nothing was cut.
    #[error("the layer failed where nothing was cut")]
    Layer {
        /// What it said.
        #[from]
        source: contract::Error,
    },
    /// A cut that was counted was not met, or something else was there.
    #[error("the cut {cut} was not met: the conversation is not the same as before ({found})")]
    Missed {
        /// The cut.
        cut: String,
        /// What was there.
        found: String,
    },
    /// What the server announced on the wire and what it told the witness are not the same.
    #[error("the wire and the witness disagree: {left_open:?} is left open on {connections:?}")]
    Disagreement {
        /// What the witness was told.
        left_open: Vec<String>,
        /// The connections with what was announced on them.
        connections: Vec<wire::Connection>,
    },
    /// What an earlier visit left could not be cleared away.
    #[error("the tables are not as they were when {cut} is to be visited")]
    NotReset {
        /// The cut.
        cut: String,
    },
    /// Equal uncut runs leave different tables, so that a cut cannot be compared with them.
    #[error("equal runs that were not cut leave different tables: {} differ", differing.join(", "))]
    Unrepeatable {
        /// The columns whose values differ; a table where that cannot be said.
        differing: Vec<String>,
    },
    /// A visit came to no end.
    #[error("the visit of {cut} came to no end within {} s", limit.as_secs())]
    Endless {
        /// The cut.
        cut: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The operation has no cut.
    #[error("the operation has no conversation, so there is no place to cut it")]
    NoCut,
    /// The operation has no cut of that number.
    #[error("the operation has {counted} cuts, and none of number {number}")]
    NoSuchCut {
        /// The number.
        number: usize,
        /// How many there are.
        counted: usize,
    },
}

impl LayerSweep<'_> {
    /// Visits every cut.
    ///
    /// # Errors
    ///
    /// Fails where a question was not answered; what the layer does wrong is no error.
    pub fn run(&self) -> Result<Swept, Error> {
        self.runner(&self.layer(), self.depth).run()
    }

    /// Visits one cut by its number, from one; zero is the uncut run. A number means the same cut at
    /// every depth.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run); fails also where there is no such cut.
    pub fn replay(&self, number: usize) -> Result<Visit, Error> {
        self.runner(&self.layer(), Depth::Full).replay(number)
    }

    /// Leaves the operation at three cuts in its work, each time by a drop and in another way.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run).
    pub fn leave(&self, leaving: Leaving) -> Result<Vec<Left>, Error> {
        self.runner(&self.layer(), Depth::Quick).leave(leaving)
    }

    /// Ends the runtime of the layer at three cuts in the operation's work, each time with operation
    /// and pool and before them; the pool that is asked then is another, on another runtime.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run).
    pub fn shut_down(&self) -> Result<Swept, Error> {
        self.runner(&self.layer(), Depth::Quick).shut_down()
    }

    /// Drops the operation in the middle of its work, and then cuts the clean-up at every place of
    /// it: whoever borrows next is dropped, and the network goes on or breaks.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run).
    pub fn cut_again(&self) -> Result<Swept, Error> {
        self.runner(&self.layer(), Depth::Quick).cut_again()
    }

    /// Runs the operation, whose caller stays, once for each place where the wire may do wrong.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run); fails also where there is no wire.
    pub fn endure(&self, trouble: Trouble) -> Result<Swept, Error> {
        self.runner(&self.layer(), Depth::Quick).endure(trouble)
    }

    fn runner<'a>(&'a self, scene: &'a Layer, depth: Depth) -> Runner<'a, Layer> {
        Runner { fresh: self.fresh, scene, depth }
    }

    fn layer(&self) -> Layer {
        Layer::new(Arc::clone(&self.open), self.operation.clone())
    }
}

impl fmt::Debug for LayerSweep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerSweep").field("operation", &self.operation).finish_non_exhaustive()
    }
}
