//! The faults of statements: what is changed on the way to the server and on the way back.

use std::{
    future::{Future, poll_fn},
    iter, mem,
    pin::pin,
    sync::{PoisonError, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use dropproof::contract::{
    Answer, Class, Dialect, Ending, Error, NewUser, Op, Result, Row, Script, Statement, Statements,
    User, Value,
};
use futures::{Stream, StreamExt, future::BoxFuture};

use tokio::task::yield_now;

use super::{Fault, session::Memory, streams};

/// Who blocks its thread gives up after so many polls.
const POLLS_MAX: usize = 1000;

/// So many characters fit into a name.
const NAME_MAX: usize = 255;

/// A statement with the wrong number of parameters, made to fit: what is missing is NULL.
fn misfit(op: &Op) -> Option<Statement> {
    let (Op::Change(statement) | Op::Fetch(statement)) = op else { return None };
    let sql = statement.sql(Dialect::MySql);
    let (wanted, given) = (sql.matches('?').count(), statement.parameters());
    let fitting = given.iter().cloned().chain(iter::repeat(Value::Null)).take(wanted);
    (wanted != given.len()).then(|| Statement::new(sql, fitting.collect::<Vec<_>>()))
}

pub(super) struct FaultyStatements<'a, S> {
    pub(super) inner: S,
    pub(super) memory: &'a mut Memory,
}

impl<S: Statements> Statements for FaultyStatements<'_, S> {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    async fn change(&mut self, statement: &Statement) -> Result<u64> {
        self.inner.change(statement).await
    }

    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        self.inner.fetch(statement).await
    }

    async fn text(&mut self, sql: &str) -> Result<()> {
        self.inner.text(sql).await
    }

    async fn insert(&mut self, statement: &Statement) -> Result<i64> {
        self.inner.insert(statement).await
    }

    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Stream<Item = Result<Row>> + Send + 'a {
        self.memory.asks();
        let (fault, common) = (self.memory.fault, self.memory.common.clone());
        streams::plant(self.inner.rows(statement).boxed(), fault, common)
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        match self.memory.fault {
            Fault::SeesUncommitted | Fault::OwnWritesUnseen | Fault::SavepointIgnored => {
                Box::pin(self.by_text(script))
            }
            _ => self.inner.nested(script),
        }
    }

    async fn copy_in(&mut self, sql: &str, pieces: &[&str]) -> Result<u64> {
        if self.memory.fault != Fault::CopyIsSplit {
            return self.inner.copy_in(sql, pieces).await;
        }
        let mut rows = 0;
        for piece in pieces {
            rows += self.inner.copy_in(sql, &[piece]).await?;
        }
        Ok(rows)
    }

    async fn copy_out(&mut self, sql: &str, take: usize) -> Result<Vec<String>> {
        self.memory.asks();
        self.inner.copy_out(sql, take).await
    }

    fn run(&mut self, op: &Op) -> impl Future<Output = Result<Answer>> + Send {
        let starts = self.memory.fault == Fault::StartsUnawaited;
        let mut answer = Box::pin(async move {
            self.memory.asks();
            let answer = self.run_with_fault(op).await;
            self.memory.asking = false;
            answer
        });
        let mut begun =
            starts.then(|| answer.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        async move {
            match begun.take() {
                Some(Poll::Ready(answer)) => answer,
                Some(Poll::Pending) | None => answer.await,
            }
        }
    }
}

impl<S: Statements> FaultyStatements<'_, S> {
    async fn run_with_fault(&mut self, op: &Op) -> Result<Answer> {
        let is_first = !mem::replace(&mut self.memory.asked, true);
        match self.memory.fault {
            Fault::AnswersAhead if !is_first && matches!(op, Op::CreateTask { .. }) => {
                return Ok(Answer::Id(0));
            }
            Fault::BlocksRuntime if !is_first => return self.on_the_spot(op).await,
            _ => {}
        }
        let broken = match self.memory.fault {
            Fault::StaysFailed => self.memory.failed,
            Fault::MisfitBreaksPool => self.memory.late.load(Ordering::SeqCst),
            _ => false,
        };
        if broken {
            return Err(Error::new(Class::FailedTransaction, "an earlier statement failed"));
        }
        if let Some(answer) = self.run_with_rows(op).await {
            return answer;
        }
        if let Op::Text(sql) = op {
            self.memory.says(sql);
        }
        self.begin_unasked().await?;
        let result = self.perform(op).await;
        if matches!(self.memory.fault, Fault::CommitsEarly | Fault::LeaksAsked) {
            // A place to be dropped at also where the layer answers at once.
            yield_now().await;
        }
        self.memory.failed |= result.is_err();
        if self.memory.fault == Fault::MisfitBreaksPool && misfit(op).is_some() {
            self.memory.late.store(true, Ordering::SeqCst);
        }
        match (self.memory.fault, result) {
            (Fault::IdGuessed, Ok(Answer::Id(_))) => {
                self.memory.ids += 1;
                Ok(Answer::Id(self.memory.ids))
            }
            (Fault::IdForgotten, Ok(Answer::Id(_))) => Ok(Answer::Id(0)),
            (Fault::FirstOfSeveral, Err(error)) if error.class() == Class::Ambiguous => {
                self.first_user().await
            }
            (Fault::MissingIsError, Ok(Answer::User(None) | Answer::Task(None))) => {
                Err(Error::new(Class::NotFound, "no row was found"))
            }
            (Fault::ErrorSwallowed, Err(error)) if error.class() == Class::Constraint => {
                Ok(Answer::Changed(0))
            }
            (Fault::RetriesRefused, Err(_)) => self.perform(op).await,
            (Fault::ClassLost, Err(error)) => Err(Error::new(Class::Other, error)),
            (Fault::AnswersLate, Ok(answer @ Answer::Rows(_))) => Ok(self.memory.late(answer)),
            (_, result) => result,
        }
    }

    /// Asks again and again, and lets nobody else run meanwhile.
    async fn on_the_spot(&mut self, op: &Op) -> Result<Answer> {
        let mut answer = pin!(self.inner.run(op));
        poll_fn(|cx| {
            let mut polls = (0..POLLS_MAX).map(|_| answer.as_mut().poll(cx));
            let answer = polls.find(Poll::is_ready).unwrap_or(Poll::Pending);
            match answer {
                Poll::Ready(answer) => Poll::Ready(answer),
                Poll::Pending => Poll::Ready(Err(Error::new(Class::Other, "no answer came"))),
            }
        })
        .await
    }

    async fn begin_unasked(&mut self) -> Result<()> {
        let begins = self.memory.fault == Fault::BeginsUnasked && !self.memory.at_work;
        if begins && !mem::replace(&mut self.memory.begun, true) {
            self.inner.text("BEGIN").await?;
        }
        Ok(())
    }

    async fn first_user(&mut self) -> Result<Answer> {
        let sql = "SELECT id, email, hashed_password FROM users ORDER BY id LIMIT 1";
        let rows = self.inner.fetch(&Statement::new(sql, [])).await?;
        let user = match rows.first().map(Vec::as_slice) {
            Some([Value::Int(id), Value::Text(email), Value::Text(hashed_password)]) => {
                Some(User {
                    id: *id,
                    email: email.clone(),
                    hashed_password: hashed_password.clone(),
                    full_name: None,
                })
            }
            _ => None,
        };
        Ok(Answer::User(user))
    }
}

impl Memory {
    /// The operation as the fault sends it.
    pub(super) fn changed(&self, op: &Op) -> Op {
        match op {
            Op::CreateTask { title } => Op::CreateTask { title: self.changed_text(title.clone()) },
            Op::CreateUser(user) if self.fault == Fault::LongTextCut => {
                let cut = |name: String| name.chars().take(NAME_MAX).collect();
                let full_name = user.full_name.clone().map(cut);
                Op::CreateUser(NewUser { full_name, ..user.clone() })
            }
            Op::UserByEmail(email) if self.fault == Fault::LowersCase => {
                Op::UserByEmail(email.to_lowercase())
            }
            Op::Task(id) if self.fault == Fault::NarrowId => Op::Task(id & 0xffff_ffff),
            Op::Change(statement) if self.fault == Fault::MissingIsNull => {
                Op::Change(misfit(op).unwrap_or_else(|| statement.clone()))
            }
            Op::Fetch(statement) if self.fault == Fault::MissingIsNull => {
                Op::Fetch(misfit(op).unwrap_or_else(|| statement.clone()))
            }
            op => op.clone(),
        }
    }

    fn changed_text(&self, text: Option<String>) -> Option<String> {
        let text = text?;
        match self.fault {
            Fault::TextCut => {
                Some(text.chars().map(|c| if c.len_utf8() <= 3 { c } else { '?' }).collect())
            }
            Fault::NulEndsText => Some(text.chars().take_while(|c| *c != '\0').collect()),
            Fault::EmptyIsNull if text.is_empty() => None,
            _ => Some(text),
        }
    }

    /// Notes that an answer is awaited. Where one was awaited already, its question was dropped.
    fn asks(&mut self) {
        if mem::replace(&mut self.asking, true) && self.fault == Fault::AnswersLate {
            self.late.store(true, Ordering::SeqCst);
        }
    }

    /// Remembers what was sent as text.
    fn says(&self, sql: &str) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(sql.to_owned());
    }

    /// The answer to the question before, once answers come late.
    fn late(&mut self, answer: Answer) -> Answer {
        if !self.late.load(Ordering::SeqCst) {
            return answer;
        }
        let kept_back = self.kept_back.get_or_insert(Answer::Rows(Vec::new()));
        mem::replace(kept_back, answer)
    }
}

/// Opens and ends a transaction by text, so that nobody else knows of it.
pub(super) async fn by_hand<S: Statements>(
    on: &mut S,
    script: Script,
    leave: Option<&'static str>,
) -> Result<()> {
    let text = |sql: &'static str| Op::Text(sql.into());
    on.run(&text("BEGIN")).await?;
    let end = match script.play(on).await? {
        Ending::Commit => Some("COMMIT"),
        Ending::Rollback => Some("ROLLBACK"),
        Ending::Leave | Ending::Fail => leave,
    };
    match end {
        Some(end) => on.run(&text(end)).await.map(drop),
        None => Ok(()),
    }
}
