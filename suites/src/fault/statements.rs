//! The faults of statements: what is changed on the way to the server and on the way back.

use std::{mem, sync::atomic::Ordering};

use dropproof::contract::{
    Answer, Class, Dialect, Error, Op, Result, Row, Script, Statement, Statements, User, Value,
};
use futures::{Stream, future::BoxFuture};

use super::{Fault, Memory};

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

    fn rows<'a>(
        &'a mut self,
        statement: &'a Statement,
    ) -> impl Stream<Item = Result<Row>> + Send + 'a {
        self.inner.rows(statement)
    }

    fn nested(&mut self, script: Script) -> BoxFuture<'_, Result<()>> {
        self.inner.nested(script)
    }

    async fn run(&mut self, op: &Op) -> Result<Answer> {
        if self.memory.fault == Fault::StaysFailed && self.memory.failed {
            return Err(Error::new(Class::FailedTransaction, "an earlier statement failed"));
        }
        let result = self.inner.run(&self.memory.changed(op)).await;
        self.memory.failed |= result.is_err();
        match (self.memory.fault, result) {
            (Fault::IdGuessed, Ok(Answer::Id(_))) => {
                self.memory.ids += 1;
                Ok(Answer::Id(self.memory.ids))
            }
            (Fault::IdForgotten, Ok(Answer::Id(_))) => Ok(Answer::Id(0)),
            (Fault::FirstOfSeveral, Err(error)) if error.class() == Class::Ambiguous => {
                self.first_user().await
            }
            (Fault::MissingIsError, Ok(Answer::User(None))) => {
                Err(Error::new(Class::NotFound, "no row was found"))
            }
            (Fault::ErrorSwallowed, Err(error)) if error.class() == Class::Constraint => {
                Ok(Answer::Changed(0))
            }
            (Fault::ClassLost, Err(error)) => Err(Error::new(Class::Other, error)),
            (Fault::AnswersLate, Ok(answer @ Answer::Rows(_))) => Ok(self.memory.late(answer)),
            (_, result) => result,
        }
    }
}

impl<S: Statements> FaultyStatements<'_, S> {
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
    fn changed(&self, op: &Op) -> Op {
        match op {
            Op::CreateTask { title } => Op::CreateTask { title: self.changed_text(title.clone()) },
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

    /// The answer to the question before, once answers come late.
    fn late(&mut self, answer: Answer) -> Answer {
        if !self.late.load(Ordering::SeqCst) {
            return answer;
        }
        let kept_back = self.kept_back.get_or_insert(Answer::Rows(Vec::new()));
        mem::replace(kept_back, answer)
    }
}
