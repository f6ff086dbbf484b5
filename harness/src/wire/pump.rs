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
    framing::{Fate, Framing},
    gate::{Gate, Turn},
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
        Self { client, server, requests, answers, framing, gate, connection, left: gate.left() }
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
                Turn::Open => {}
                // What the client sends meanwhile is taken in, so that it is known when it came.
                Turn::Shut => {
                    while self.requests.fill(self.client, cx) {
                        self.gate.moved(0);
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

    /// Reads, names and writes once in one direction; says whether anything moved.
    fn pass(&mut self, from: Side, cx: &mut Context<'_>) -> Result<bool, Broken> {
        let read = match from {
            Side::Client => self.requests.fill(self.client, cx),
            Side::Server => self.answers.fill(self.server, cx),
        };
        if read {
            self.gate.moved(0);
        }
        let sorted = self.sort(from).map_err(|malformed| (from, malformed))?;
        let written = match from {
            Side::Client => self.requests.flush(self.server, cx),
            Side::Server => self.answers.flush(self.client, cx),
        };
        if 0 < written {
            self.gate.moved(written);
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
        let phase = self.framing.standing().phase;
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
                self.gate.note((self.connection, from, phase), message, (None, 0, false), begun);
                match from {
                    Side::Client => self.answers.reply(reply),
                    Side::Server => self.requests.reply(reply),
                }
                return Ok(true);
            }
        };
        message.length = length;
        let said = (self.framing.standing().status, self.framing.header(), early);
        let stop = self.gate.note((self.connection, from, phase), message, said, begun);
        flow.admit(length, stop);
        Ok(true)
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
