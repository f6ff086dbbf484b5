//! A stream that says its pieces one per read and takes all that is written.
//!
//! A piece may wait until so many bytes were heard, where a protocol has the sides take turns.
//!
//! `tokio_test::io::Mock` must be told what will be written; for hostile bytes nobody knows.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug, Default)]
pub(super) struct Script {
    says: VecDeque<(usize, Vec<u8>)>,
    pub(super) heard: Vec<u8>,
    /// Whether it hangs up after its last piece; else it stays silent.
    hangs_up: bool,
    /// Whether it takes no bytes.
    pub(super) deaf: bool,
}

impl Script {
    pub(super) fn new(says: impl IntoIterator<Item = Vec<u8>>, hangs_up: bool) -> Self {
        Self::in_turn(says.into_iter().map(|piece| (0, piece)), hangs_up)
    }

    /// Each piece comes with the bytes that are heard before it is said.
    pub(super) fn in_turn(
        says: impl IntoIterator<Item = (usize, Vec<u8>)>,
        hangs_up: bool,
    ) -> Self {
        let says = says.into_iter().filter(|(_, piece)| !piece.is_empty()).collect();
        Self { says, hangs_up, ..Self::default() }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let heard = self.heard.len();
        let Some(mut piece) = self.says.pop_front_if(|(before, _)| *before <= heard) else {
            let ends = self.says.is_empty() && self.hangs_up;
            return if ends { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        let rest = piece.1.split_off(piece.1.len().min(buffer.remaining()));
        buffer.put_slice(&piece.1);
        if !rest.is_empty() {
            self.says.push_front((0, rest));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Pending;
        }
        self.heard.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
