//! The contract behind trait objects, for code that holds layers of several types.
//!
//! Every plain adapter is a boxed one, and [`BoxedPool`] is a plain adapter's pool again: one check
//! body takes both. A provided method of the plain traits is forwarded here by hand; one that is
//! forgotten would judge the provided method in place of the adapter's own.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, future::BoxFuture, stream::BoxStream};

use super::{
    self as contract, Answer, Asked, Dialect, Ending, Heard, Op, Result, Row, Script, Statement,
    UnitOptions, Units,
};

/// [`contract::Statements`] as a trait object.
#[async_trait]
pub trait Statements: Send {
    /// See [`contract::Statements::dialect`].
    fn dialect(&self) -> Dialect;
    /// See [`contract::Statements::change`].
    async fn change(&mut self, statement: &Statement) -> Result<u64>;
    /// See [`contract::Statements::fetch`].
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>>;
    /// See [`contract::Statements::text`].
    async fn text(&mut self, sql: &str) -> Result<()>;
    /// See [`contract::Statements::insert`].
    async fn insert(&mut self, statement: &Statement) -> Result<i64>;
    /// See [`contract::Statements::rows`].
    fn rows<'a>(&'a mut self, statement: &'a Statement) -> BoxStream<'a, Result<Row>>;
    /// See [`contract::Statements::nested`].
    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>>;
    /// See [`contract::Statements::copy_in`].
    async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64>;
    /// See [`contract::Statements::copy_out`].
    async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>>;
    /// See [`contract::Statements::run`].
    async fn run(&mut self, op: &Op) -> Result<Answer>;
}

/// [`contract::Session`] as a trait object.
#[async_trait]
pub trait Session: Send {
    /// See [`contract::Session::on`].
    fn on(&mut self) -> Box<dyn Statements + '_>;
    /// See [`contract::Session::run`].
    async fn run(&mut self, op: &Op) -> Result<Answer>;
    /// See [`contract::Session::transact`].
    async fn transact(&mut self, script: Script) -> Result<()>;
    /// See [`contract::Session::transact_by`].
    async fn transact_by(&mut self, entry: usize, script: Script) -> Result<()>;
    /// See [`contract::Session::lock`].
    async fn lock(&mut self, key: i64, ending: Ending) -> Result<()>;
    /// See [`contract::Session::in_flight`].
    ///
    /// # Errors
    ///
    /// Fails where the library has no such thing.
    fn in_flight(self: Box<Self>, questions: [Statement; 2]) -> Result<[Asked; 2]>;
}

/// [`contract::Pool`] as a trait object.
#[async_trait]
pub trait Pool: Send + Sync {
    /// See [`contract::Pool::session`].
    async fn session(&self) -> Result<Box<dyn Session>>;
    /// See [`contract::Pool::units`].
    ///
    /// # Errors
    ///
    /// Fails where the library has no such thing.
    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>>;
    /// See [`contract::Pool::transact_by`].
    async fn transact_by(&self, entry: usize, script: Script) -> Result<()>;
    /// See [`contract::Pool::listen`].
    async fn listen(&self, channel: &str) -> Result<Heard>;
    /// See [`contract::Pool::close`].
    async fn close(self: Box<Self>) -> Result<()>;
}

#[async_trait]
impl<T: contract::Statements> Statements for T {
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
impl<T: contract::Session> Session for T {
    fn on(&mut self) -> Box<dyn Statements + '_> {
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
impl<T: contract::Pool> Pool for T {
    async fn session(&self) -> Result<Box<dyn Session>> {
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

/// A boxed pool as a plain one.
#[expect(missing_debug_implementations, reason = "a trait object has none")]
pub struct BoxedPool(pub Box<dyn Pool>);

/// A boxed session as a plain one.
#[expect(missing_debug_implementations, reason = "a trait object has none")]
pub struct BoxedSession(Box<dyn Session>);

struct BoxedStatements<'a>(Box<dyn Statements + 'a>);

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
