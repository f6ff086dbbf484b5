//! The scene: what a sweep has to know of what it sweeps.
//!
//! There are three: a layer behind the contract, whose next borrower is asked much (see `layer` and
//! `borrower`), the end of a pool, after which another pool is asked the same (see `closing`), and a
//! function of an application with a client of any type, whose next borrower is the function itself,
//! run once more (see `function`).

use futures::future::LocalBoxFuture;

use super::{Cut, Error, class::Finding, stage::Stage};
use crate::{
    contract::Result,
    database::Fresh,
    witness::{Tables, Watched},
};

pub(super) trait Scene: Sized {
    /// How often the operation is run until the conversation is that of a client with warm caches.
    const WARMING: usize;
    /// Whether the operation may say nothing while it is awaited: then it is cut by polls, from none on.
    const MAY_BE_SILENT: bool;
    /// What is opened.
    type Client;
    /// What is known of a client that nobody has used.
    type State: Clone;
    /// What an operation starts with.
    type Lease;
    /// What an uncut run has shown that the borrowers of later ones are compared with.
    type Known;

    /// The tables that are compared.
    fn watched(&self) -> &Watched;

    /// The part of the tables that is the same in equal runs.
    fn comparable(&self, tables: &Tables) -> Tables;

    /// Whether a client that was used can be used for the next cut.
    fn keeps_the_client(&self) -> bool;

    /// Whether a cut says something of what is swept.
    fn visits(&self, cut: &Cut) -> bool;

    /// Whether the operation has tasks that go on when its caller has gone.
    fn has_company(&self) -> bool;

    /// Whether the operation has done to the tables what it is for.
    fn changed(&self, before: &Tables, after: &Tables) -> Option<Finding>;

    /// Opens a client, and asks for the state where it is not known.
    async fn open(
        &self,
        fresh: &Fresh,
        url: String,
        state: Option<Self::State>,
    ) -> Result<(Self::Client, Self::State)>;

    /// Prepares what the operation starts with.
    async fn lease(&self, client: &Self::Client) -> Result<Self::Lease>;

    /// The operation.
    fn act(&self, client: &Self::Client, lease: Self::Lease)
    -> LocalBoxFuture<'static, Result<()>>;

    /// Borrows what the client lends now, and works with it. After the uncut run nothing is known yet,
    /// and what is, is returned.
    async fn borrow(&self, borrower: Borrower<'_, Self>) -> Result<Borrowed<Self>, Error>;

    /// Closes the client.
    async fn close(client: Self::Client) -> Result<()>;
}

/// A borrower who comes after an operation.
pub(super) struct Borrower<'a, S: Scene> {
    pub(super) stage: &'a Stage<S>,
    pub(super) fresh: &'a Fresh,
    /// What was in the tables before the operation, and what the witness has seen after it, as it can
    /// be compared.
    pub(super) tables: (&'a Tables, &'a Tables),
    pub(super) known: Option<&'a S::Known>,
    /// Whether a wait for what can never come is to be confirmed.
    pub(super) confirm: bool,
}

/// What became of a borrower.
pub(super) struct Borrowed<S: Scene> {
    pub(super) findings: Vec<Finding>,
    pub(super) known: S::Known,
}
