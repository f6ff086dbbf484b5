//! Steps that a check dictates to a script while it is played, because what comes next depends on
//! what was answered: the id that the server made, or what another session does in between.

use tokio::sync::{mpsc, oneshot};

use super::{Answer, Op, Result, Script, Statements, Step, script};

/// The end of a check: what is dictated is done in order.
///
/// Dropping it lets the script go on to its next step.
#[derive(Debug)]
pub struct Dictation(mpsc::UnboundedSender<Order>);

/// The end of a script: [`Step::Dictated`] does what comes, until nothing more can come.
#[derive(Debug)]
pub struct Dictated(mpsc::UnboundedReceiver<Order>);

#[derive(Debug)]
enum Order {
    Run(Op, oneshot::Sender<Result<Answer>>),
    Nest(Script, oneshot::Sender<()>),
}

impl Dictation {
    /// Makes both ends; the step is part of one script.
    #[must_use]
    pub fn new() -> (Self, Step) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Step::Dictated(Dictated(receiver)))
    }

    /// Runs an operation; what is returned has what it gave, also where it failed: the script goes on.
    /// It is closed without an answer where the script is not played any more.
    #[must_use]
    pub fn run(&self, op: Op) -> oneshot::Receiver<Result<Answer>> {
        let (sender, receiver) = oneshot::channel();
        self.dictate(Order::Run(op, sender));
        receiver
    }

    /// Plays a script in a transaction inside the open one; what is returned says when it has ended.
    ///
    /// As with [`Step::Nested`], one that fails takes the script around it with it.
    #[must_use]
    pub fn nest(&self, script: Script) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.dictate(Order::Nest(script, sender));
        receiver
    }

    fn dictate(&self, order: Order) {
        // A script that is gone drops the order, and with it the sender of the answer.
        self.0.send(order).ok();
    }
}

impl Dictated {
    /// Does what comes. Who dropped the receiver does not want the answer any more.
    pub(super) async fn play<S: Statements>(mut self, on: &mut S) -> Result<()> {
        while let Some(order) = self.0.recv().await {
            match order {
                Order::Run(op, answer) => answer.send(on.run(&op).await).ok(),
                Order::Nest(inner, ended) => {
                    script::nested(on, inner).await?;
                    ended.send(()).ok()
                }
            };
        }
        Ok(())
    }
}
