//! Layers: what is swept through the contract, and what its next borrower is asked. Whoever gets a
//! session after a cut must find it as good as new.

use std::{cell::Cell, sync::Arc};

use futures::future::{LocalBoxFuture, join_all};

use super::{
    Class, Cut, Error, Open, Operation,
    class::Finding,
    question,
    scene::{Borrowed, Borrower, Scene},
};
use crate::{
    contract::{self, Op, Pool, Row, Session, Statement, Statements, Target, Value},
    database::{Fresh, Kind},
    witness::{Tables, Watched},
};

/// So many questions are asked, so that answers which are one too late are seen.
const NONCES: usize = 3;

/// A layer that is swept by an operation.
pub(super) struct Layer<P: Pool> {
    open: Open<P>,
    pub(super) operation: Operation<P>,
    watched: Watched,
    /// The next number that no question had before.
    nonce: Cell<i64>,
}

impl<P: Pool> Layer<P> {
    pub(super) fn new(open: Open<P>, operation: Operation<P>) -> Self {
        Self { open, operation, watched: Watched::entities(), nonce: Cell::new(1) }
    }

    /// Opens a pool.
    pub(super) async fn pool(&self, url: String) -> contract::Result<P> {
        (self.open)(Target { url, sessions_max: self.operation.sessions_max() }).await
    }

    /// A number that no question had before.
    fn fresh_nonce(&self) -> i64 {
        let nonce = self.nonce.get();
        self.nonce.set(nonce + 1);
        nonce
    }

    async fn work_with(
        &self,
        session: &mut P::Session,
        Borrower { stage, fresh, confirm, .. }: &Borrower<'_, Self>,
    ) -> Result<Option<Finding>, Error> {
        let nonces = std::array::from_fn(|_| self.fresh_nonce());
        let answered = stage.unless_stuck(*confirm, answers(session, nonces)).await;
        if let Some(finding) = answered.unwrap_or_else(|| Some(silent("questions"))) {
            return Ok(Some(finding));
        }
        let canary = self.fresh_nonce();
        let written = stage.unless_stuck(*confirm, write(session, canary)).await;
        if let Some(finding) = written.unwrap_or_else(|| Some(silent("writes"))) {
            return Ok(Some(finding));
        }
        let sql = format!("SELECT nonce FROM canaries WHERE nonce = {canary}");
        if fresh.witness().query(sql).await?.is_empty() {
            let message = "what the next borrower writes is not committed".to_owned();
            return Ok(Some((Class::Poisoned, message)));
        }
        let state = stage.unless_stuck(*confirm, state(session, fresh.kind())).await;
        Ok(match state {
            Some(Ok(state)) if state == stage.state => None,
            Some(Ok(state)) => {
                let message = format!("the session is {state:?}, and {:?} when fresh", stage.state);
                Some((Class::Poisoned, message))
            }
            Some(Err(error)) => Some(failed(error.class())),
            None => Some(silent("questions")),
        })
    }
}

impl<P: Pool> Scene for Layer<P> {
    const WARMING: usize = 1;
    type Client = Arc<P>;
    /// What a fresh session says of itself, which every later one must.
    type State = Vec<Row>;
    type Lease = P::Session;
    type Known = ();

    fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Leaves out the first column: the ids of a server go up from run to run.
    fn comparable(&self, tables: &Tables) -> Tables {
        let row = |row: &Vec<_>| row.iter().skip(1).cloned().collect();
        tables.iter().map(|(table, rows)| (table.clone(), rows.iter().map(row).collect())).collect()
    }

    fn keeps_the_client(&self) -> bool {
        self.operation.keeps_the_pool()
    }

    fn visits(&self, _cut: &Cut) -> bool {
        true
    }

    fn has_company(&self) -> bool {
        self.operation.has_company()
    }

    fn changed(&self, before: &Tables, after: &Tables) -> Option<Finding> {
        match (before != after, self.operation.changes()) {
            (true, false) => Some((Class::Torn, "work that was not committed is there".to_owned())),
            (false, true) => {
                Some((Class::Lost, "success was reported, and the work is not there".to_owned()))
            }
            (true, true) | (false, false) => None,
        }
    }

    async fn open(
        &self,
        fresh: &Fresh,
        url: String,
        known: Option<Vec<Row>>,
    ) -> contract::Result<(Arc<P>, Vec<Row>)> {
        let pool = self.pool(url).await?;
        let state = match known {
            Some(state) => state,
            None => state(&mut pool.session().await?, fresh.kind()).await?,
        };
        Ok((Arc::new(pool), state))
    }

    async fn lease(&self, pool: &Arc<P>) -> contract::Result<P::Session> {
        pool.session().await
    }

    fn act(
        &self,
        pool: &Arc<P>,
        leased: P::Session,
    ) -> LocalBoxFuture<'static, contract::Result<()>> {
        self.operation.run(Arc::clone(pool), leased)
    }

    /// Borrows every session that the pool may lend at the same time, and works with each.
    async fn borrow(&self, borrower: Borrower<'_, Self>) -> Result<Borrowed<Self>, Error> {
        let sessions = self.operation.sessions_max();
        let Borrower { stage, confirm, .. } = &borrower;
        let leases = join_all((0..sessions).map(|_| stage.client.session()));
        let Some(leased) = stage.unless_stuck(*confirm, leases).await else {
            let message = format!("the pool does not lend its {sessions} sessions any more");
            return Ok(Borrowed { findings: vec![(Class::Stuck, message)], known: () });
        };
        let mut findings = Vec::new();
        for session in leased {
            match session {
                Ok(mut session) => {
                    findings.extend(self.work_with(&mut session, &borrower).await?);
                }
                Err(error) => {
                    let message =
                        format!("a lease fails with an error of class `{}`", error.class());
                    findings.push((Class::Stuck, message));
                }
            }
        }
        Ok(Borrowed { findings, known: () })
    }

    async fn close(pool: Arc<P>) -> contract::Result<()> {
        match Arc::into_inner(pool) {
            Some(pool) => pool.close().await,
            // An operation that was never dropped holds it.
            None => Ok(()),
        }
    }
}

/// Asks different questions, and wants each answered by its own answer.
async fn answers<S: Session>(session: &mut S, nonces: [i64; NONCES]) -> Option<Finding> {
    for asked in nonces {
        let question = Statement::echo(session.on().dialect(), asked);
        let answer = async { session.run(&Op::Fetch(question)).await?.rows() }.await;
        match answer {
            Ok(rows) if rows == [[Value::Int(asked)]] => {}
            Ok(_) => {
                let message = "the next borrower gets the answer to another question".to_owned();
                return Some((Class::Desynced, message));
            }
            Err(error) => return Some(failed(error.class())),
        }
    }
    None
}

/// What a session carries that a fresh one must not: settings, isolation, temporary tables.
async fn state<S: Session>(session: &mut S, kind: Kind) -> contract::Result<Vec<Row>> {
    session.run(&Op::Fetch(question::state(kind))).await?.rows()
}

async fn write<S: Session>(session: &mut S, canary: i64) -> Option<Finding> {
    let insert = Statement::new("INSERT INTO canaries (nonce) VALUES (?)", [Value::Int(canary)]);
    let written = session.run(&Op::Change(insert)).await;
    written.err().map(|error| failed(error.class()))
}

fn failed(class: contract::Class) -> Finding {
    (Class::Poisoned, format!("the next borrower's statement fails with class `{class}`"))
}

fn silent(what: &str) -> Finding {
    (Class::Stuck, format!("the next borrower's {what} are never answered"))
}
