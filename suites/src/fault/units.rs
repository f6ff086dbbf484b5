//! The faults of units of work, of their scopes and of their registries.

mod objects;
mod registry;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use async_trait::async_trait;
use dropproof::contract::{
    Body, Bracket, Ended, Entity, Form, Handle, Key, New, Pending, Registry, Result, Row,
    Statement, Unit, Units, UserUpdate, Value,
};
use futures::future::BoxFuture;
use tokio::{runtime, task};

use super::Fault;
use objects::{Anew, Remembers};
use registry::FaultyRegistry;

/// Plants a fault into what makes units of work.
pub(super) fn plant(inner: Arc<dyn Units>, fault: Fault) -> Arc<dyn Units> {
    Arc::new(FaultyUnits { inner, fault, common: Common::default() })
}

struct FaultyUnits {
    inner: Arc<dyn Units>,
    fault: Fault,
    common: Common,
}

/// What the units of a maker must not have in common.
#[derive(Clone, Default)]
struct Common(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    units: usize,
    pending: Vec<(usize, New)>,
    objects: Vec<(i64, Handle)>,
    /// What was made of an object, and the object.
    made: Vec<(usize, Handle)>,
}

impl Common {
    /// A fault that panics does not hold the lock, so a poisoned one is whole.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object that another was made of.
    fn original(&self, object: &Handle) -> Handle {
        let shared = self.lock();
        let is_it = |made: &&(usize, Handle)| made.0 == object.identity();
        Arc::clone(shared.made.iter().find(is_it).map_or(object, |(_, original)| original))
    }
}

impl FaultyUnits {
    fn faulty(&self) -> FaultyUnit {
        let number = {
            let mut shared = self.common.lock();
            shared.units += 1;
            shared.units
        };
        let (fault, common) = (self.fault, self.common.clone());
        FaultyUnit {
            inner: Some(self.inner.unit()),
            fault,
            common,
            number,
            in_scope: false,
            asking: false,
            closed: false,
            last: None,
            known: None,
            password: None,
        }
    }
}

impl Units for FaultyUnits {
    fn unit(&self) -> Box<dyn Unit> {
        Box::new(self.faulty())
    }

    fn scope(&self, _form: Form, body: Body) -> BoxFuture<'static, Result<()>> {
        let (mut unit, fault) = (self.faulty(), self.fault);
        Box::pin(async move {
            unit.in_scope = true;
            let ended = body(&mut unit).await;
            unit.in_scope = false;
            if fault == Fault::LeaksOnError && ended.is_err() {
                mem::forget(unit.inner.take());
                return ended;
            }
            unit.close().await?;
            if fault == Fault::ScopeClosesTwice {
                unit.close().await?;
            }
            ended
        })
    }

    fn bracket(&self, bracket: Bracket) -> BoxFuture<'static, Result<i64>> {
        let fault = self.fault;
        Box::pin(async move {
            let Bracket { enter, body, exit } = bracket;
            let entered = enter().await?;
            let worked = body(entered).await;
            let ended = match &worked {
                Ok(_) => Ended::Returned,
                Err(error) => Ended::Failed(error.class()),
            };
            if fault == Fault::ExitSkipped && worked.is_err() {
                return worked;
            }
            let exited = exit(entered, ended).await;
            if fault != Fault::ExitHidesError {
                exited?;
            }
            worked
        })
    }

    fn registry(&self, key: Key) -> Arc<dyn Registry> {
        let key = match self.fault {
            Fault::RegistryByThread => Key::Thread,
            Fault::RegistryByTask => Key::Task,
            _ => key,
        };
        let inner = self.inner.registry(key);
        Arc::new(FaultyRegistry { inner, fault: self.fault, kept: Mutex::default() })
    }

    fn closed(&self) -> usize {
        self.inner.closed()
    }

    fn verifies(&self, password: &str, hash: &str) -> bool {
        self.inner.verifies(password, hash)
    }
}

struct FaultyUnit {
    /// `None` once it is leaked.
    inner: Option<Box<dyn Unit>>,
    fault: Fault,
    common: Common,
    number: usize,
    /// Whether the body of a scope is under way.
    in_scope: bool,
    /// Whether an answer is awaited.
    asking: bool,
    closed: bool,
    /// The answer to the last statement.
    last: Option<Vec<Row>>,
    /// A user as it was known when it was updated.
    known: Option<Row>,
    /// The password that was set last.
    password: Option<String>,
}

impl FaultyUnit {
    fn inner(&mut self) -> &mut dyn Unit {
        &mut **self.inner.as_mut().expect("it is leaked at its end alone")
    }

    /// What the fault makes of an object, of which these columns are known.
    fn made_of(&self, object: Handle, known: Option<Row>) -> Handle {
        let made: Handle = match self.fault {
            Fault::ReadsExpired => {
                Arc::new(Remembers { object: Arc::clone(&object), known: Mutex::new(known) })
            }
            Fault::LosesIdentity => Arc::new(Anew(Arc::clone(&object))),
            _ => return object,
        };
        self.common.lock().made.push((made.identity(), object));
        made
    }

    async fn commit_with_fault(&mut self) -> Result<()> {
        match self.fault {
            Fault::CommitForgotten | Fault::RefreshBeforeCommit => self.inner().flush().await,
            Fault::PasswordSent => {
                if let Some(password) = self.password.take() {
                    let sql = "SELECT id FROM users WHERE hashed_password = ?";
                    self.inner().execute(&Statement::new(sql, [password.as_str().into()])).await?;
                }
                self.inner().commit().await
            }
            Fault::BeginsUnasked => {
                self.inner().commit().await?;
                self.inner().execute(&Statement::new("SELECT 1", [])).await.map(drop)
            }
            Fault::SharesPending => {
                let (others, own): (Vec<_>, Vec<_>) = mem::take(&mut self.common.lock().pending)
                    .into_iter()
                    .partition(|(unit, _)| *unit != self.number);
                drop(own);
                for (_, new) in others {
                    self.inner().add(new);
                }
                self.inner().commit().await
            }
            Fault::WritesAllColumns => {
                self.inner().flush().await?;
                if let Some(row) = self.known.take() {
                    let sql = "UPDATE users SET email = ?, full_name = ? WHERE id = ?";
                    let [id, email, _, name] = <[Value; 4]>::try_from(row).unwrap_or_else(|row| {
                        panic!("a user has four columns, and not {row:?}");
                    });
                    self.inner().execute(&Statement::new(sql, [email, name, id])).await?;
                }
                self.inner().commit().await
            }
            _ => self.inner().commit().await,
        }
    }

    async fn execute_with_fault(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        match self.fault {
            Fault::FlushesAlways => {
                self.inner().flush().await?;
                self.inner().execute(statement).await
            }
            Fault::AnswersCrossed => {
                let answer = self.inner().execute(statement).await?;
                Ok(self.last.replace(answer.clone()).unwrap_or(answer))
            }
            Fault::StreamLosesLast => {
                let mut answer = self.inner().execute(statement).await?;
                answer.pop();
                Ok(answer)
            }
            Fault::SharesPending => {
                let others = self.common.lock().pending.len();
                let rows = self.inner().execute(statement).await?;
                Ok(if others == 0 {
                    rows
                } else {
                    rows.iter().cycle().take(others).cloned().collect()
                })
            }
            _ => self.inner().execute(statement).await,
        }
    }

    async fn refresh_with_fault(&mut self, object: &Handle) -> Result<()> {
        let original = self.common.original(object);
        match self.fault {
            Fault::StaleRead if original.read().is_ok() => Ok(()),
            Fault::RefreshBeforeCommit => {
                self.inner().refresh(&original).await?;
                self.inner().commit().await
            }
            Fault::RefreshFlushes => {
                self.inner().flush().await?;
                self.inner().refresh(&original).await
            }
            _ => self.inner().refresh(&original).await,
        }
    }

    async fn get_with_fault(&mut self, entity: Entity, id: i64) -> Result<Option<Handle>> {
        if self.fault == Fault::SharesIdentity {
            let shared = self.common.lock();
            if let Some((_, object)) = shared.objects.iter().find(|(known, _)| *known == id) {
                return Ok(Some(Arc::clone(object)));
            }
        }
        let found = self.inner().get(entity, id).await?;
        if let Some(object) = &found {
            self.common.lock().objects.push((id, Arc::clone(object)));
        }
        Ok(found.map(|object| self.made_of(object, None)))
    }
}

/// Asks the server, so that a drop meanwhile is known.
macro_rules! ask {
    ($unit:ident, $asked:expr) => {{
        $unit.asking = true;
        let answer = $asked.await;
        $unit.asking = false;
        answer
    }};
}

#[async_trait]
impl Unit for FaultyUnit {
    fn add(&mut self, new: New) -> Handle {
        if self.fault == Fault::SharesPending {
            self.common.lock().pending.push((self.number, new.clone()));
        }
        if let New::User { password, .. } = &new {
            self.password = Some(password.clone());
        }
        let known = match &new {
            New::Task { title } => vec![Value::Null, title.as_deref().into()],
            New::Done { id } => vec![(*id).into()],
            New::User { email, full_name, .. } => {
                vec![Value::Null, email.as_str().into(), Value::Null, full_name.as_deref().into()]
            }
        };
        let object = self.inner().add(new);
        self.made_of(object, Some(known))
    }

    fn add_all(&mut self, new: Vec<New>) -> Vec<Handle> {
        new.into_iter().map(|new| self.add(new)).collect()
    }

    fn update_user(&mut self, user: &Handle, update: UserUpdate) -> Result<()> {
        self.known = user.read().ok();
        self.password = update.password.clone().or(self.password.take());
        let user = self.common.original(user);
        match (self.fault, update) {
            (Fault::HashForgotten, UserUpdate { password: Some(plain), email, full_name }) => {
                user.write("hashed_password", Value::Text(plain))?;
                self.inner().update_user(&user, UserUpdate { password: None, email, full_name })
            }
            (_, update) => self.inner().update_user(&user, update),
        }
    }

    fn delete(&mut self, object: &Handle) {
        let object = self.common.original(object);
        self.inner().delete(&object);
    }

    fn pending(&self) -> Pending {
        self.inner.as_ref().map_or_else(Pending::default, |inner| inner.pending())
    }

    async fn get(&mut self, entity: Entity, id: i64) -> Result<Option<Handle>> {
        ask!(self, self.get_with_fault(entity, id))
    }

    async fn execute(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        ask!(self, self.execute_with_fault(statement))
    }

    async fn flush(&mut self) -> Result<()> {
        match self.fault {
            Fault::FlushForgotten => Ok(()),
            _ => ask!(self, self.inner().flush()),
        }
    }

    async fn commit(&mut self) -> Result<()> {
        ask!(self, self.commit_with_fault())
    }

    async fn refresh(&mut self, object: &Handle) -> Result<()> {
        ask!(self, self.refresh_with_fault(object))
    }

    async fn rollback(&mut self) -> Result<()> {
        match self.fault {
            Fault::RollbackForgotten => Ok(()),
            Fault::RollbackHidesError => ask!(self, self.inner().rollback()).or(Ok(())),
            _ => ask!(self, self.inner().rollback()),
        }
    }

    async fn close(&mut self) -> Result<()> {
        self.closed = true;
        ask!(self, self.inner().close())
    }
}

impl Drop for FaultyUnit {
    fn drop(&mut self) {
        if self.fault == Fault::LeaksUnclosed && !self.closed {
            mem::forget(self.inner.take());
        }
        if !self.in_scope && !self.asking {
            return;
        }
        let leaks = match self.fault {
            Fault::LeaksSession => true,
            Fault::LeaksOnPanic => thread::panicking(),
            Fault::LeaksAfterRuntime => runtime::Handle::try_current().is_err(),
            Fault::LeaksInTask => task::try_id().is_some(),
            _ => false,
        };
        if leaks {
            mem::forget(self.inner.take());
        }
    }
}
