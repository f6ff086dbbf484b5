//! The contract behind trait objects: what every check judges.
//!
//! Each adapter's pool becomes a [`BoxedPool`], which is a plain pool again. So checks and the sweep are
//! compiled once, and not once for each layer. A provided method of the plain traits is forwarded here
//! by hand; one that is forgotten would judge the provided method in place of the adapter's own.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, future::BoxFuture, stream::BoxStream};

use super::{
    self as contract, Answer, Asked, Dialect, Ending, Heard, Op, Result, Row, Script, Statement,
    UnitOptions, Units,
};

/// [`contract::Statements`] as a trait object.
#[async_trait]
trait DynStatements: Send {
    fn dialect(&self) -> Dialect;
    async fn change(&mut self, statement: &Statement) -> Result<u64>;
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>>;
    async fn text(&mut self, sql: &str) -> Result<()>;
    async fn insert(&mut self, statement: &Statement) -> Result<i64>;
    fn rows<'a>(&'a mut self, statement: &'a Statement) -> BoxStream<'a, Result<Row>>;
    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>>;
    async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64>;
    async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>>;
    async fn run(&mut self, op: &Op) -> Result<Answer>;
}

/// [`contract::Session`] as a trait object.
#[async_trait]
trait DynSession: Send {
    fn on(&mut self) -> Box<dyn DynStatements + '_>;
    async fn run(&mut self, op: &Op) -> Result<Answer>;
    async fn transact(&mut self, script: Script) -> Result<()>;
    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()>;
    async fn lock(&mut self, key: i64, ending: Ending) -> Result<()>;
    fn in_flight(self: Box<Self>, questions: [Statement; 2]) -> Result<[Asked; 2]>;
}

/// [`contract::Pool`] as a trait object.
#[async_trait]
trait DynPool: Send + Sync {
    async fn session(&self) -> Result<Box<dyn DynSession>>;
    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>>;
    async fn transact_by(&self, entry: usize, script: Script) -> Result<()>;
    async fn listen(&self, channel: &str) -> Result<Heard>;
    async fn close(self: Box<Self>) -> Result<()>;
}

#[async_trait]
impl<T: contract::Statements> DynStatements for T {
    fn dialect(&self) -> Dialect {
        contract::Statements::dialect(self)
    }

    async fn change(&mut self, statement: &Statement) -> Result<u64> {
        contract::Statements::change(self, statement).await
    }

    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        contract::Statements::fetch(self, statement).await
    }

    async fn text(&mut self, sql: &str) -> Result<()> {
        contract::Statements::text(self, sql).await
    }

    async fn insert(&mut self, statement: &Statement) -> Result<i64> {
        contract::Statements::insert(self, statement).await
    }

    fn rows<'a>(&'a mut self, statement: &'a Statement) -> BoxStream<'a, Result<Row>> {
        contract::Statements::rows(self, statement).boxed()
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        contract::Statements::nested(self, script)
    }

    async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64> {
        contract::Statements::copy_in(self, sql, pieces).await
    }

    async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>> {
        contract::Statements::copy_out(self, sql, take).await
    }

    async fn run(&mut self, op: &Op) -> Result<Answer> {
        contract::Statements::run(self, op).await
    }
}

#[async_trait]
impl<T: contract::Session> DynSession for T {
    fn on(&mut self) -> Box<dyn DynStatements + '_> {
        Box::new(contract::Session::on(self))
    }

    async fn run(&mut self, op: &Op) -> Result<Answer> {
        contract::Session::run(self, op).await
    }

    async fn transact(&mut self, script: Script) -> Result<()> {
        contract::Session::transact(self, script).await
    }

    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()> {
        contract::Session::transact_by(self, entry, script).await
    }

    async fn lock(&mut self, key: i64, ending: Ending) -> Result<()> {
        contract::Session::lock(self, key, ending).await
    }

    fn in_flight(self: Box<Self>, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        contract::Session::in_flight(*self, questions)
    }
}

#[async_trait]
impl<T: contract::Pool> DynPool for T {
    async fn session(&self) -> Result<Box<dyn DynSession>> {
        Ok(Box::new(contract::Pool::session(self).await?))
    }

    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>> {
        contract::Pool::units(self, options)
    }

    async fn transact_by(&self, entry: usize, script: Script) -> Result<()> {
        contract::Pool::transact_by(self, entry, script).await
    }

    async fn listen(&self, channel: &str) -> Result<Heard> {
        contract::Pool::listen(self, channel).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        contract::Pool::close(*self).await
    }
}

/// The pool of any adapter.
pub struct BoxedPool(Box<dyn DynPool>);

/// The session of any adapter.
pub struct BoxedSession(Box<dyn DynSession>);

struct BoxedStatements<'a>(Box<dyn DynStatements + 'a>);

impl BoxedPool {
    /// Boxes the pool of an adapter.
    pub fn new(pool: impl contract::Pool) -> Self {
        Self(Box::new(pool))
    }
}

impl contract::Pool for BoxedPool {
    type Session = BoxedSession;

    async fn session(&self) -> Result<BoxedSession> {
        self.0.session().await.map(BoxedSession)
    }

    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>> {
        self.0.units(options)
    }

    async fn transact_by(&self, entry: usize, script: Script) -> Result<()> {
        self.0.transact_by(entry, script).await
    }

    async fn listen(&self, channel: &str) -> Result<Heard> {
        self.0.listen(channel).await
    }

    async fn close(self) -> Result<()> {
        self.0.close().await
    }
}

impl contract::Session for BoxedSession {
    fn on(&mut self) -> impl contract::Statements {
        BoxedStatements(self.0.on())
    }

    async fn run(&mut self, op: &Op) -> Result<Answer> {
        self.0.run(op).await
    }

    async fn transact(&mut self, script: Script) -> Result<()> {
        self.0.transact(script).await
    }

    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()> {
        self.0.transact_by(entry, script).await
    }

    async fn lock(&mut self, key: i64, ending: Ending) -> Result<()> {
        self.0.lock(key, ending).await
    }

    fn in_flight(self, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        self.0.in_flight(questions)
    }
}

impl contract::Statements for BoxedStatements<'_> {
    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    async fn change(&mut self, statement: &Statement) -> Result<u64> {
        self.0.change(statement).await
    }

    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        self.0.fetch(statement).await
    }

    async fn text(&mut self, sql: &str) -> Result<()> {
        self.0.text(sql).await
    }

    async fn insert(&mut self, statement: &Statement) -> Result<i64> {
        self.0.insert(statement).await
    }

    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl futures::Stream<Item = Result<Row>> + Send + 'a {
        self.0.rows(statement)
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        self.0.nested(script)
    }

    async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64> {
        self.0.copy_in(sql, pieces).await
    }

    async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>> {
        self.0.copy_out(sql, take).await
    }

    async fn run(&mut self, op: &Op) -> Result<Answer> {
        self.0.run(op).await
    }
}

impl fmt::Debug for BoxedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedPool").finish_non_exhaustive()
    }
}

impl fmt::Debug for BoxedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedSession").finish_non_exhaustive()
    }
}
