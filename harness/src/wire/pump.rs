//! The pump: it moves one connection's bytes, in both directions, in one task.
//!
//! One task, because a request must be named before its answer, and because a hop to another task
//! costs as much as a message. It is generic over the two streams, so that scripts can stand in for
//! sockets.

use std::{
    future::poll_fn,
    mem,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Malformed, Side,
    flow::Flow,
    framing::{Fate, Framing, Standing},
    gate::{Gate, Said, Turn},
};

/// How a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server closed it, after the client or on its own.
    Closed,
    /// It is to be broken.
    Reset,
}

/// A side that broke the protocol.
pub(super) type Broken = (Side, Malformed);

pub(super) struct Pump<'a, C, S> {
    client: &'a mut C,
    server: &'a mut S,
    requests: Flow,
    answers: Flow,
    framing: Box<dyn Framing>,
    gate: &'a Gate,
    connection: u32,
    /// How often a caller had left when that was last looked at.
    left: u64,
    /// Whether the answer under way was refused, so that the rest of it is kept back.
    refuses: bool,
    /// Whether the server's message named last is the last of its answer.
    completes: bool,
}

impl<'a, C, S> Pump<'a, C, S>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(
        (client, server): (&'a mut C, &'a mut S),
        framing: Box<dyn Framing>,
        (gate, connection): (&'a Gate, u32),
    ) -> Self {
        let (requests, answers) = (Flow::default(), Flow::default());
        let left = gate.left();
        Self {
            client,
            server,
            requests,
            answers,
            framing,
            gate,
            connection,
            left,
            refuses: false,
            completes: false,
        }
    }

    /// Runs until the server has closed the connection or it is broken.
    pub(super) async fn run(mut self) -> Result<End, Broken> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Moves all that can be moved now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, Broken>> {
        loop {
            let left = self.gate.left();
            if mem::replace(&mut self.left, left) != left {
                self.requests.leave();
            }
            match self.gate.turn(self.connection, cx.waker()) {
                Turn::Open => self.refuse(),
                // What the client sends meanwhile is taken in, so that it is known when it came.
                Turn::Shut => {
                    while self.requests.fill(self.client, cx) {
                        self.took(Side::Client);
                    }
                    return Poll::Pending;
                }
                Turn::Reset => return Poll::Ready(Ok(End::Reset)),
            }
            let moved = self.pass(Side::Client, cx)? || self.pass(Side::Server, cx)?;
            if self.answers.is_finished() {
                return Poll::Ready(Ok(End::Closed));
            }
            self.gate.settle(self.connection, self.framing.standing(), self.is_busy());
            if !moved {
                return Poll::Pending;
            }
        }
    }

    /// Notes that bytes were read.
    fn took(&self, from: Side) {
        if from == Side::Client {
            self.gate.search.read(self.connection, self.requests.latest());
        }
        self.gate.moved(self.connection, (from, 0));
    }

    /// Reads, names and writes once in one direction; says whether anything moved.
    fn pass(&mut self, from: Side, cx: &mut Context<'_>) -> Result<bool, Broken> {
        let read = match from {
            Side::Client => self.requests.fill(self.client, cx),
            Side::Server => self.answers.fill(self.server, cx),
        };
        if read {
            self.took(from);
        }
        let sorted = self.sort(from).map_err(|malformed| (from, malformed))?;
        let written = match from {
            Side::Client => self.requests.flush(self.server, cx),
            Side::Server => self.answers.flush(self.client, cx),
        };
        if 0 < written {
            self.gate.moved(self.connection, (from, written));
        }
        if from == Side::Client {
            self.requests.finish(self.server, cx);
        }
        let stop = self.flow(from).stop();
        let stopped = stop.is_some();
        if let Some(stop) = stop {
            self.gate.hold(stop);
        }
        Ok(read || sorted || 0 < written || stopped)
    }

    /// Names what was read and lets it go on; says whether anything did.
    fn sort(&mut self, from: Side) -> Result<bool, Malformed> {
        let (epoch, whole) = self.gate.epoch();
        let mut sorted = false;
        loop {
            sorted |= self.flow(from).take(whole && from == Side::Client)?;
            if !self.name(from, epoch)? {
                break;
            }
            sorted = true;
        }
        Ok(self.flow(from).take_rest() || sorted)
    }

    /// Names the next message, if it is there, and decides where it goes.
    fn name(&mut self, from: Side, epoch: u64) -> Result<bool, Malformed> {
        let Standing { phase, unanswered, .. } = self.framing.standing();
        let flow = match from {
            Side::Client => &mut self.requests,
            Side::Server => &mut self.answers,
        };
        let Some(bytes) = flow.unnamed() else { return Ok(false) };
        let Some(mut message) = self.framing.next(from, bytes)? else { return Ok(false) };

        let (begun, early) = (flow.begun(message.role, epoch), flow.is_early());
        let length = match mem::replace(&mut message.fate, Fate::Pass) {
            Fate::Pass => message.length,
            Fate::Replace(bytes) => {
                flow.replace(&message, &bytes);
                bytes.len()
            }
            Fate::Reply(reply) => {
                flow.refuse(&message);
                self.gate.note((self.connection, from, phase), message, Said::default(), begun);
                match from {
                    Side::Client => self.answers.reply(reply),
                    Side::Server => self.requests.reply(reply),
                }
                return Ok(true);
            }
        };
        message.length = length;
        let refused = from == Side::Server && self.refuses;
        if from == Side::Server {
            self.completes = self.framing.standing().unanswered < unanswered;
        }
        let refusable = from == Side::Server && !refused && {
            let header = flow.front().get(..self.framing.header());
            header.is_some_and(|header| self.framing.refusal(header).is_some())
        };
        let (status, header) = (self.framing.standing().status, self.framing.header());
        let said = Said { status, header, early, refusable };
        let stop = self.gate.note((self.connection, from, phase), message, said, begun);
        flow.admit(length, stop);
        if refused {
            self.refuses = !self.completes;
            if self.refuses || !self.framing.outlives_refusal() {
                self.answers.withhold(&[]);
            }
        }
        Ok(true)
    }

    /// Puts an error in the place of the message that was held, where that was asked for.
    fn refuse(&mut self) {
        if !self.gate.take_refusal(self.connection) {
            return;
        }
        let header = self.answers.front().get(..self.framing.header()).unwrap_or_default();
        if let Some(error) = self.framing.refusal(header) {
            self.answers.withhold(&error);
            self.refuses = !self.completes;
        }
    }

    fn flow(&mut self, from: Side) -> &mut Flow {
        match from {
            Side::Client => &mut self.requests,
            Side::Server => &mut self.answers,
        }
    }

    /// Whether the server will say or do something, whatever the client does.
    fn is_busy(&self) -> bool {
        // A server whose words the client does not take cannot go on.
        let heard = !self.answers.is_blocked();
        let left = self.requests.has_ended();
        let owes = self.framing.standing().owes;
        heard && (owes || left || self.requests.is_blocked() || self.answers.is_inside())
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> (usize, usize) {
        (self.requests.buffered(), self.answers.buffered())
    }
}
