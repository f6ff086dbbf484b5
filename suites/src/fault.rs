//! Planted faults: mistakes that real layers make, put into a layer that does not make them.
//!
//! A check that no fault can turn red proves nothing. The decorator works on the contract alone, so
//! every fault can be planted into every adapter.

use dropproof::contract::{
    Answer, Class, Dialect, Ending, Error, Op, Pool, Result, Row, Script, Session, Statement,
    Statements, User, Value,
};
use futures::{Stream, future::BoxFuture};

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $fault:ident = $name:literal,)+) => {
        /// A planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $doc])+ $fault,)+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Fault] = &[$(Fault::$fault,)+];

            /// The name in reports and in the names of trials.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Fault::$fault => $name,)+
                }
            }
        }
    };
}

faults! {
    /// The id is counted by the client, and not the server's.
    IdGuessed = "id-guessed",
    /// The id is left at its default.
    IdForgotten = "id-forgotten",
    /// Text loses what needs more than three bytes, as in MySQL's `utf8mb3`.
    TextCut = "text-cut",
    /// Empty text becomes NULL, as in Oracle.
    EmptyIsNull = "empty-is-null",
    /// NUL ends text, as in C.
    NulEndsText = "nul-ends-text",
    /// The first of several rows is taken for the only one.
    FirstOfSeveral = "first-of-several",
    /// A lookup that finds nothing fails.
    MissingIsError = "missing-is-error",
    /// A session that has failed once fails for ever.
    StaysFailed = "stays-failed",
    /// An error is swallowed.
    ErrorSwallowed = "error-swallowed",
    /// The class of an error is lost.
    ClassLost = "class-lost",
    /// Statements of a transaction are run outside of it.
    CommitsEarly = "commits-early",
    /// A commit is not sent, and success is reported.
    CommitForgotten = "commit-forgotten",
}

/// A layer with a fault planted into it.
#[derive(Debug)]
pub struct Faulty<P> {
    inner: P,
    fault: Fault,
}

impl<P: Pool> Faulty<P> {
    /// Plants a fault.
    pub fn new(inner: P, fault: Fault) -> Self {
        Self { inner, fault }
    }
}

impl<P: Pool> Pool for Faulty<P> {
    type Session = FaultySession<P::Session>;

    async fn session(&self) -> Result<Self::Session> {
        let inner = self.inner.session().await?;
        Ok(FaultySession { inner, memory: Memory { fault: self.fault, ids: 0, failed: false } })
    }

    async fn close(self) -> Result<()> {
        self.inner.close().await
    }
}

/// A session of a [`Faulty`] layer.
#[derive(Debug)]
pub struct FaultySession<S> {
    inner: S,
    memory: Memory,
}

/// What a fault remembers between statements of a session.
#[derive(Debug)]
struct Memory {
    fault: Fault,
    ids: i64,
    failed: bool,
}

impl<S: Session> Session for FaultySession<S> {
    fn on(&mut self) -> impl Statements {
        FaultyStatements { inner: self.inner.on(), memory: &mut self.memory }
    }

    async fn transact(&mut self, script: Script) -> Result<()> {
        let result = match self.memory.fault {
            Fault::CommitsEarly => script.play(&mut self.inner.on()).await.map(drop),
            Fault::CommitForgotten => self.inner.transact(script.ending(Ending::Rollback)).await,
            _ => self.inner.transact(script).await,
        };
        self.memory.failed |= result.is_err();
        result
    }
}

struct FaultyStatements<'a, S> {
    inner: S,
    memory: &'a mut Memory,
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
}
