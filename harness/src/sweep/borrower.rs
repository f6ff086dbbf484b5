//! What a borrower asks of the sessions that a pool lends: each must be as good as new.

use std::cell::Cell;

use futures::future::join_all;

use super::{
    Class, Error,
    class::Finding,
    question,
    scene::{Borrower, Scene},
};
use crate::{
    contract::{self, BoxedPool, Op, Pool, Row, Session, Statement, Statements, Value},
    database::Kind,
};

/// So many questions are asked, so that answers which are one too late are seen.
const NONCES: usize = 3;

/// Questions, no two of which are equal.
pub(super) struct Questions {
    /// The next number that no question had before.
    nonce: Cell<i64>,
}

impl Questions {
    pub(super) fn new() -> Self {
        Self { nonce: Cell::new(1) }
    }

    /// A number that no question had before.
    fn fresh_nonce(&self) -> i64 {
        let nonce = self.nonce.get();
        self.nonce.set(nonce + 1);
        nonce
    }

    /// Borrows every session that a pool may lend at the same time, and works with each.
    pub(super) async fn ask<S: Scene<State = Vec<Row>>>(
        &self,
        pool: &BoxedPool,
        sessions: u32,
        borrower: &Borrower<'_, S>,
    ) -> Result<Vec<Finding>, Error> {
        let Borrower { stage, confirm, .. } = borrower;
        let leases = join_all((0..sessions).map(|_| pool.session()));
        let Some(leased) = stage.unless_stuck(*confirm, leases).await else {
            let message = format!("the pool does not lend its {sessions} sessions any more");
            return Ok(vec![(Class::Stuck, message)]);
        };
        let mut findings = Vec::new();
        for session in leased {
            match session {
                Ok(mut session) => findings.extend(self.work_with(&mut session, borrower).await?),
                Err(error) => {
                    let message =
                        format!("a lease fails with an error of class `{}`", error.class());
                    findings.push((Class::Stuck, message));
                }
            }
        }
        Ok(findings)
    }

    async fn work_with<S: Scene<State = Vec<Row>>>(
        &self,
        session: &mut impl Session,
        Borrower { stage, fresh, confirm, .. }: &Borrower<'_, S>,
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
pub(super) async fn state<S: Session>(session: &mut S, kind: Kind) -> contract::Result<Vec<Row>> {
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
