//! The contract behind trait objects: what every check judges.
//!
//! Each adapter's pool becomes a [`BoxedPool`], which is a plain pool again. So checks and the sweep are
//! compiled once, and not once for each layer. Nothing else may change by it:
//!
//! - a call is made when it is made, and not when its future is polled first, because what a call does
//!   that nobody awaits is judged too: so there is no `async fn` here
//! - a provided method of the plain traits is forwarded, because one that is forgotten would be judged
//!   in place of the adapter's own

use std::{fmt, sync::Arc};

use futures::{FutureExt, Stream, StreamExt, TryFutureExt, future::BoxFuture, stream::BoxStream};

use super::{
    Answer, Asked, Dialect, Ending, Heard, Op, Pool, Result, Row, Script, Session, Statement,
    Statements, UnitOptions, Units,
};

/// [`Statements`] as a trait object.
trait DynStatements: Send {
    fn dialect(&self) -> Dialect;
    fn change<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<u64>>;
    fn fetch<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Vec<Row>>>;
    fn text<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<()>>;
    fn insert<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<i64>>;
    fn rows<'a>(&'a mut self, statement: &'a Statement) -> BoxStream<'a, Result<Row>>;
    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>>;
    fn copy_in<'a>(&'a mut self, sql: &'a str, pieces: &'a [&'a str])
    -> BoxFuture<'a, Result<u64>>;
    fn copy_out<'a>(&'a mut self, sql: &'a str, take: usize) -> BoxFuture<'a, Result<Vec<String>>>;
    fn run<'a>(&'a mut self, op: &'a Op) -> BoxFuture<'a, Result<Answer>>;
}

/// [`Session`] as a trait object.
trait DynSession: Send {
    fn on(&mut self) -> BoxedStatements<'_>;
    fn run<'a>(&'a mut self, op: &'a Op) -> BoxFuture<'a, Result<Answer>>;
    fn transact(&mut self, script: Script) -> BoxFuture<'_, Result<()>>;
    fn transact_by(&mut self, entry: usize, script: Script) -> BoxFuture<'_, Result<()>>;
    fn lock(&mut self, key: i64, ending: Ending) -> BoxFuture<'_, Result<()>>;
    fn in_flight(self: Box<Self>, questions: [Statement; 2]) -> Result<[Asked; 2]>;
}

/// [`Pool`] as a trait object.
trait DynPool: Send + Sync {
    fn session(&self) -> BoxFuture<'_, Result<BoxedSession>>;
    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>>;
    fn transact_by(&self, entry: usize, script: Script) -> BoxFuture<'_, Result<()>>;
    fn listen<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, Result<Heard>>;
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<()>>;
}

impl<T: Statements> DynStatements for T {
    fn dialect(&self) -> Dialect {
        Statements::dialect(self)
    }

    fn change<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<u64>> {
        Statements::change(self, statement).boxed()
    }

    fn fetch<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Vec<Row>>> {
        Statements::fetch(self, statement).boxed()
    }

    fn text<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<()>> {
        Statements::text(self, sql).boxed()
    }

    fn insert<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<i64>> {
        Statements::insert(self, statement).boxed()
    }

    fn rows<'a>(&'a mut self, statement: &'a Statement) -> BoxStream<'a, Result<Row>> {
        Statements::rows(self, statement).boxed()
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        Statements::nested(self, script)
    }

    fn copy_in<'a>(
        &'a mut self,
        sql: &'a str,
        pieces: &'a [&'a str],
    ) -> BoxFuture<'a, Result<u64>> {
        Statements::copy_in(self, sql, pieces).boxed()
    }

    fn copy_out<'a>(&'a mut self, sql: &'a str, take: usize) -> BoxFuture<'a, Result<Vec<String>>> {
        Statements::copy_out(self, sql, take).boxed()
    }

    fn run<'a>(&'a mut self, op: &'a Op) -> BoxFuture<'a, Result<Answer>> {
        Statements::run(self, op).boxed()
    }
}

impl<T: Session> DynSession for T {
    fn on(&mut self) -> BoxedStatements<'_> {
        BoxedStatements(Box::new(Session::on(self)))
    }

    fn run<'a>(&'a mut self, op: &'a Op) -> BoxFuture<'a, Result<Answer>> {
        Session::run(self, op).boxed()
    }

    fn transact(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        Session::transact(self, script).boxed()
    }

    fn transact_by(&mut self, entry: usize, script: Script) -> BoxFuture<'_, Result<()>> {
        Session::transact_by(self, entry, script).boxed()
    }

    fn lock(&mut self, key: i64, ending: Ending) -> BoxFuture<'_, Result<()>> {
        Session::lock(self, key, ending).boxed()
    }

    fn in_flight(self: Box<Self>, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        Session::in_flight(*self, questions)
    }
}

impl<T: Pool> DynPool for T {
    fn session(&self) -> BoxFuture<'_, Result<BoxedSession>> {
        Pool::session(self).map_ok(|session| BoxedSession(Box::new(session))).boxed()
    }

    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>> {
        Pool::units(self, options)
    }

    fn transact_by(&self, entry: usize, script: Script) -> BoxFuture<'_, Result<()>> {
        Pool::transact_by(self, entry, script).boxed()
    }

    fn listen<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, Result<Heard>> {
        Pool::listen(self, channel).boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Pool::close(*self).boxed()
    }
}

/// The pool of any adapter.
pub struct BoxedPool(Box<dyn DynPool>);

/// The session of any adapter.
pub struct BoxedSession(Box<dyn DynSession>);

struct BoxedStatements<'a>(Box<dyn DynStatements + 'a>);

impl BoxedPool {
    /// Boxes the pool of an adapter.
    pub fn new(pool: impl Pool) -> Self {
        Self(Box::new(pool))
    }
}

impl Pool for BoxedPool {
    type Session = BoxedSession;

    fn session(&self) -> impl Future<Output = Result<BoxedSession>> + Send {
        self.0.session()
    }

    fn units(&self, options: UnitOptions) -> Result<Arc<dyn Units>> {
        self.0.units(options)
    }

    fn transact_by(&self, entry: usize, script: Script) -> impl Future<Output = Result<()>> + Send {
        self.0.transact_by(entry, script)
    }

    fn listen<'a>(&'a self, channel: &'a str) -> impl Future<Output = Result<Heard>> + Send {
        self.0.listen(channel)
    }

    fn close(self) -> impl Future<Output = Result<()>> + Send {
        self.0.close()
    }
}

impl Session for BoxedSession {
    fn on(&mut self) -> impl Statements {
        self.0.on()
    }

    fn run<'a>(&'a mut self, op: &'a Op) -> impl Future<Output = Result<Answer>> + Send {
        self.0.run(op)
    }

    fn transact(&mut self, script: Script) -> impl Future<Output = Result<()>> + Send {
        self.0.transact(script)
    }

    fn transact_by(
        &mut self,
        entry: usize,
        script: Script,
    ) -> impl Future<Output = Result<()>> + Send {
        self.0.transact_by(entry, script)
    }

    fn lock(&mut self, key: i64, ending: Ending) -> impl Future<Output = Result<()>> + Send {
        self.0.lock(key, ending)
    }

    fn in_flight(self, questions: [Statement; 2]) -> Result<[Asked; 2]> {
        self.0.in_flight(questions)
    }
}

impl Statements for BoxedStatements<'_> {
    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    fn change<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Future<Output = Result<u64>> + Send {
        self.0.change(statement)
    }

    fn fetch<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send {
        self.0.fetch(statement)
    }

    fn text<'a>(&'a mut self, sql: &'a str) -> impl Future<Output = Result<()>> + Send {
        self.0.text(sql)
    }

    fn insert<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Future<Output = Result<i64>> + Send {
        self.0.insert(statement)
    }

    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Stream<Item = Result<Row>> + Send + 'a {
        self.0.rows(statement)
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        self.0.nested(script)
    }

    fn copy_in<'a>(
        &'a mut self,
        sql: &'a str,
        pieces: &'a [&'a str],
    ) -> impl Future<Output = Result<u64>> + Send {
        self.0.copy_in(sql, pieces)
    }

    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
        take: usize,
    ) -> impl Future<Output = Result<Vec<String>>> + Send {
        self.0.copy_out(sql, take)
    }

    fn run<'a>(&'a mut self, op: &'a Op) -> impl Future<Output = Result<Answer>> + Send {
        self.0.run(op)
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
