//! The fields of a message's content, read from the front.
//!
//! A long message is named by its beginning, so what is missing at the end is a fault only where
//! the content is there in full.

use crate::wire::Malformed;

#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    message: &'static str,
    rest: &'a [u8],
    whole: bool,
    length: usize,
}

impl<'a> Fields<'a> {
    /// Reads `body`, the beginning or the whole of a content of `length` bytes.
    pub(super) fn new(message: &'static str, body: &'a [u8], length: usize) -> Self {
        Self { message, rest: body, whole: body.len() == length, length }
    }

    /// The length of the whole content.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn fault(&self, part: &'static str) -> Malformed {
        Malformed::Content { message: self.message, part }
    }

    /// Reads text up to its zero; where the beginning ends before, all there is.
    pub(super) fn text(&mut self, part: &'static str) -> Result<&'a [u8], Malformed> {
        match self.rest.iter().position(|byte| *byte == 0) {
            Some(end) => {
                let text = &self.rest[..end];
                self.rest = &self.rest[end + 1..];
                Ok(text)
            }
            None if self.whole => Err(self.fault(part)),
            None => {
                let text = self.rest;
                self.rest = &[];
                Ok(text)
            }
        }
    }

    /// Reads so many bytes; `None` where the beginning ends before.
    pub(super) fn bytes(
        &mut self,
        count: usize,
        part: &'static str,
    ) -> Result<Option<&'a [u8]>, Malformed> {
        match self.rest.split_at_checked(count) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(Some(bytes))
            }
            None if self.whole => Err(self.fault(part)),
            None => {
                self.rest = &[];
                Ok(None)
            }
        }
    }

    pub(super) fn byte(&mut self, part: &'static str) -> Result<u8, Malformed> {
        let byte = self.bytes(1, part)?.and_then(<[u8]>::first).copied();
        byte.ok_or_else(|| self.fault(part))
    }

    pub(super) fn number(&mut self, part: &'static str) -> Result<Option<u16>, Malformed> {
        let bytes = self.bytes(2, part)?.and_then(<[u8]>::first_chunk);
        Ok(bytes.map(|bytes| u16::from_be_bytes(*bytes)))
    }

    pub(super) fn wide(&mut self, part: &'static str) -> Result<Option<i32>, Malformed> {
        let bytes = self.bytes(4, part)?.and_then(<[u8]>::first_chunk);
        Ok(bytes.map(|bytes| i32::from_be_bytes(*bytes)))
    }
}
