//! One direction of a connection: the bytes between being read and being written.
//!
//! Bytes go from `inbound` (read, not yet named) to `outbound` (to be written), and by way of
//! `kept` where a batch is kept back until it is whole. Nothing is read while there is something
//! to write, so each buffer holds [`PREFIX_MAX`] bytes at the most; `kept` has a limit of its own.
//!
//! A side that fails has hung up, as far as the other is concerned: errors of reading are the end
//! of the stream, and what cannot be written is let go.

use std::{
    mem,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::{
    Malformed, Place,
    framing::{Message, PREFIX_MAX, Role},
    gate::Reached,
};

/// The longest batch that is kept back for [`Place::Sent`].
pub(super) const BATCH_MAX: usize = 16 * 1024 * 1024;

/// A place that was met and takes hold when the bytes before it are delivered.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) reached: Reached,
    pub(super) epoch: u64,
    /// So many bytes of the message are delivered before it takes hold.
    pub(super) before: usize,
}

impl Stop {
    fn place(&self) -> Place {
        self.reached.place
    }
}

#[derive(Debug, Default)]
pub(super) struct Flow {
    inbound: BytesMut,
    kept: BytesMut,
    outbound: BytesMut,
    /// The bytes of the message named last that have not left `inbound`, or not come there.
    rest: usize,
    /// The bytes of a refused message that have not come, or are not dropped.
    skip: usize,
    /// The epoch in which the batch under way began.
    begun: Option<u64>,
    stop: Option<Stop>,
    /// The bytes of `inbound` that were there when the caller left.
    early: usize,
    /// How many bytes were read last.
    latest: usize,
    /// Whether the source has said all.
    ended: bool,
    /// Whether the sink takes no more.
    deaf: bool,
}

impl Flow {
    /// Reads once, where there is room; says whether it did.
    pub(super) fn fill(
        &mut self,
        source: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> bool {
        let room = PREFIX_MAX - self.inbound.len();
        let stopped = self.stop.is_some() && self.may_take() == 0;
        if self.ended || stopped || room == 0 || !self.outbound.is_empty() {
            return false;
        }
        self.inbound.reserve(room);
        match pin!(source.read_buf(&mut (&mut self.inbound).limit(room))).poll(cx) {
            Poll::Ready(count) => {
                self.latest = count.unwrap_or_default();
                self.ended = self.latest == 0;
                true
            }
            Poll::Pending => false,
        }
    }

    /// What was read last, right after it was.
    pub(super) fn latest(&self) -> &[u8] {
        &self.inbound[self.inbound.len() - self.latest..]
    }

    /// Writes what is ready; returns how many bytes were written or let go.
    pub(super) fn flush(
        &mut self,
        sink: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> usize {
        let mut moved = 0;
        while !self.outbound.is_empty() {
            let written = match self.deaf {
                true => 0,
                false => match Pin::new(&mut *sink).poll_write(cx, &self.outbound) {
                    Poll::Ready(written) => written.unwrap_or_default(),
                    Poll::Pending => return moved,
                },
            };
            self.deaf |= written == 0;
            let count = if self.deaf { self.outbound.len() } else { written };
            self.outbound.advance(count);
            moved += count;
        }
        moved
    }

    /// Tells the sink that nothing more comes, once, after the last byte.
    pub(super) fn finish(&mut self, sink: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) {
        // A sink that refuses has hung up already.
        if self.is_finished() && !self.deaf && Pin::new(sink).poll_shutdown(cx).is_ready() {
            self.deaf = true;
        }
    }

    /// The bytes that are not named yet, where the next message may be named.
    pub(super) fn unnamed(&self) -> Option<&[u8]> {
        let free = self.rest == 0
            && self.skip == 0
            && self.stop.is_none()
            && self.outbound.len() < PREFIX_MAX;
        (free && !self.inbound.is_empty()).then_some(&self.inbound)
    }

    /// Notes that the caller has left, so that what is here was sent before.
    pub(super) fn leave(&mut self) {
        self.early = self.inbound.len();
    }

    /// Whether the message at the front was sent before the caller left.
    pub(super) fn is_early(&self) -> bool {
        0 < self.early
    }

    /// Takes the epoch of the batch that a message of `role` belongs to.
    pub(super) fn begun(&mut self, role: Role, epoch: u64) -> u64 {
        match role {
            Role::Part => *self.begun.get_or_insert(epoch),
            Role::End => self.begun.take().unwrap_or(epoch),
            Role::Answer | Role::Aside => epoch,
        }
    }

    /// Lets the message just named go on, up to its stop.
    pub(super) fn admit(&mut self, length: usize, stop: Option<Stop>) {
        self.rest = length;
        self.stop = stop;
    }

    /// Drops the message just named, which is whole.
    pub(super) fn refuse(&mut self, message: &Message) {
        self.early = self.early.saturating_sub(message.length);
        self.inbound.advance(message.length);
    }

    /// Puts other bytes in the place of the message just named, which is whole.
    pub(super) fn replace(&mut self, message: &Message, bytes: &[u8]) {
        let rest = self.inbound.split_off(message.length);
        self.inbound.clear();
        self.inbound.extend_from_slice(bytes);
        self.inbound.unsplit(rest);
    }

    /// The front of what was read, where the message named last still lies in full.
    pub(super) fn front(&self) -> &[u8] {
        &self.inbound
    }

    /// Drops the message named last, of which nothing was moved on, and puts these bytes in its place.
    pub(super) fn withhold(&mut self, instead: &[u8]) {
        self.skip = mem::take(&mut self.rest);
        self.outbound.extend_from_slice(instead);
    }

    /// Adds bytes of our own.
    pub(super) fn reply(&mut self, bytes: &[u8]) {
        self.outbound.extend_from_slice(bytes);
    }

    /// Moves on what may go on; says whether anything did. `keep`: whole batches only.
    pub(super) fn take(&mut self, keep: bool) -> Result<bool, Malformed> {
        let stopped = matches!(self.stop.as_ref().map(Stop::place), Some(Place::Sent(_)));
        let keep = keep || stopped;
        // What was kept goes before what is not.
        let late = !keep && self.give();
        let skipped = self.skip.min(self.inbound.len());
        self.skip -= skipped;
        self.inbound.advance(skipped);
        let count = self.may_take().min(self.inbound.len());
        let target = if keep { &mut self.kept } else { &mut self.outbound };
        target.extend_from_slice(&self.inbound[..count]);
        self.early = self.early.saturating_sub(count);
        self.inbound.advance(count);
        self.rest -= count;
        if let Some(stop) = &mut self.stop {
            stop.before -= count;
        }
        if BATCH_MAX < self.kept.len() {
            return Err(Malformed::Batch { bytes_max: BATCH_MAX });
        }
        let whole = self.rest == 0 && self.begun.is_none() && !stopped;
        Ok((whole && self.give()) || late || count + skipped != 0)
    }

    /// Lets the batch go that was kept back; says whether there was one.
    fn give(&mut self) -> bool {
        let kept = !self.kept.is_empty();
        if kept {
            self.outbound.unsplit(self.kept.split());
        }
        kept
    }

    /// Moves on all that is left of a source that ended inside a message.
    pub(super) fn take_rest(&mut self) -> bool {
        if self.ended && self.inbound.is_empty() && self.rest != 0 {
            // The place was in a message that will never be whole.
            self.stop = None;
        }
        let stuck = self.ended && self.stop.is_none();
        let given = stuck && self.give();
        let left = stuck && !self.inbound.is_empty();
        if left {
            self.outbound.unsplit(self.inbound.split());
            self.rest = 0;
        }
        given || left
    }

    /// Takes the stop, once all before it is delivered.
    pub(super) fn stop(&mut self) -> Option<Stop> {
        let taken = self.stop.as_ref().is_some_and(|stop| stop.before == 0);
        if taken && self.outbound.is_empty() { self.stop.take() } else { None }
    }

    /// Whether the source ended and all it said is delivered.
    pub(super) fn is_finished(&self) -> bool {
        self.has_ended()
            && self.inbound.is_empty()
            && self.kept.is_empty()
            && self.outbound.is_empty()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether something waits for the sink.
    pub(super) fn is_blocked(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// Whether a message has begun and is not whole.
    pub(super) fn is_inside(&self) -> bool {
        self.rest + self.skip != 0 || !self.inbound.is_empty()
    }

    /// How many bytes of the message named last may go on before its stop.
    fn may_take(&self) -> usize {
        self.stop.as_ref().map_or(self.rest, |stop| stop.before.min(self.rest))
    }

    /// The bytes here, without a batch that is kept back.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.inbound.len() + self.outbound.len()
    }
}
