//! A seat: one session of a case, free or inside of a transaction that is dictated to it.
//!
//! The transaction is a future that nobody spawns. It is polled while its own session is asked for
//! something, and stands still else: so a case is interleaved in one way only.

use std::pin::pin;

use dropproof::contract::{
    self, Answer, Class, Dictation, Ending, Error, Gate, Op, Script, Session, Step,
};
use futures::future::{BoxFuture, Either, FutureExt, select};
use tokio::sync::oneshot::Receiver;

/// One session of a case.
pub(super) struct Seat<S> {
    at: At<S>,
}

enum At<S> {
    Free(S),
    Inside(Inside<S>),
    /// A future was dropped half-way, or is under way.
    Gone,
}

struct Inside<S> {
    playing: BoxFuture<'static, (S, contract::Result<()>)>,
    /// The transaction first, then its savepoints.
    levels: Vec<Level>,
}

struct Level {
    dictation: Dictation,
    /// Says that the savepoint has ended; a transaction ends with its future.
    ended: Option<Receiver<()>>,
}

/// What came first.
enum Came<T, S> {
    Answer(T, Inside<S>),
    /// The transaction has ended.
    End(S, contract::Result<()>),
}

impl<S: Session + 'static> Seat<S> {
    pub(super) fn new(session: S) -> Self {
        Self { at: At::Free(session) }
    }

    /// Whether a transaction is open.
    pub(super) fn is_inside(&self) -> bool {
        matches!(self.at, At::Inside(_))
    }

    /// Runs an operation where the session stands.
    pub(super) async fn run(&mut self, op: Op) -> contract::Result<Answer> {
        match self.leave() {
            At::Free(mut session) => {
                let answer = session.run(&op).await;
                self.at = At::Free(session);
                answer
            }
            At::Inside(inside) => {
                let answer = inside.levels.last().map(|level| level.dictation.run(op));
                let answer = inside.drive(received(answer)).await;
                self.sit(answer).unwrap_or_else(|ended| Err(early(ended)))
            }
            At::Gone => Err(gone()),
        }
    }

    /// Begins a transaction that will end so, or a savepoint in the open one.
    pub(super) async fn begin(&mut self, ending: Ending) -> contract::Result<()> {
        let gate = Gate::default();
        gate.open();
        let (dictation, dictated) = Dictation::new();
        let (script, _) = Script::new([Step::Hold(gate.clone()), dictated], ending);
        let inside = match self.leave() {
            At::Free(mut session) => {
                let playing = async move {
                    let ended = session.transact(script).await;
                    (session, ended)
                };
                Inside { playing: playing.boxed(), levels: vec![Level { dictation, ended: None }] }
            }
            At::Inside(mut inside) => {
                let ended = inside.levels.last().map(|level| level.dictation.nest(script));
                inside.levels.push(Level { dictation, ended });
                inside
            }
            At::Gone => return Err(gone()),
        };
        // The script comes to its gate once the transaction is open.
        let reached = async {
            gate.reached().await;
            Some(())
        };
        let began = inside.drive(reached).await;
        self.sit(began).or_else(|ended| ended)
    }

    /// Ends the innermost level, in the way that it was begun for.
    pub(super) async fn end(&mut self) -> contract::Result<()> {
        let At::Inside(mut inside) = self.leave() else { return Err(gone()) };
        let Some(Level { dictation, ended }) = inside.levels.pop() else { return Err(gone()) };
        drop(dictation);
        let came = match ended {
            Some(ended) => inside.drive(received(Some(ended))).await,
            None => {
                let (session, ended) = inside.playing.await;
                Came::End(session, ended)
            }
        };
        self.sit(came).or_else(|ended| ended)
    }

    fn leave(&mut self) -> At<S> {
        std::mem::replace(&mut self.at, At::Gone)
    }

    /// Takes the place to which it came; says how the transaction ended, where it did.
    fn sit<T>(&mut self, came: Came<T, S>) -> Result<T, contract::Result<()>> {
        match came {
            Came::Answer(answer, inside) => {
                self.at = At::Inside(inside);
                Ok(answer)
            }
            Came::End(session, ended) => {
                self.at = At::Free(session);
                Err(ended)
            }
        }
    }
}

impl<S> Inside<S> {
    /// Plays the transaction until something comes, or its end; none is a script that is on its way out.
    async fn drive<T>(mut self, coming: impl Future<Output = Option<T>>) -> Came<T, S> {
        let first = match select(pin!(coming), &mut self.playing).await {
            Either::Left((came, _)) => Ok(came),
            Either::Right((ended, _)) => Err(ended),
        };
        match first {
            Ok(Some(answer)) => Came::Answer(answer, self),
            Ok(None) => {
                let (session, ended) = self.playing.await;
                Came::End(session, ended)
            }
            Err((session, ended)) => Came::End(session, ended),
        }
    }
}

async fn received<T>(receiver: Option<Receiver<T>>) -> Option<T> {
    receiver?.await.ok()
}

/// A transaction that ended while a statement of it was asked for.
fn early(ended: contract::Result<()>) -> Error {
    ended.err().unwrap_or_else(|| Error::new(Class::Other, "the transaction ended by itself"))
}

fn gone() -> Error {
    Error::new(Class::Other, "there is no transaction")
}
