//! The fields of a packet's content, read from the front.
//!
//! Numbers begin with their lowest byte. A long packet is named by its beginning, so what is
//! missing at the end is a fault only where the content is there in full.

use crate::wire::Malformed;

/// The first byte of a value that is null.
const NULL: u8 = 0xfb;

#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    message: &'static str,
    rest: &'a [u8],
    whole: bool,
    length: usize,
}

impl<'a> Fields<'a> {
    /// Reads `body`, the beginning or the whole of a content of `length` bytes.
    pub(super) fn new(body: &'a [u8], length: usize) -> Self {
        Self { message: "a packet", rest: body, whole: body.len() == length, length }
    }

    /// The same fields, with the name of the message for faults.
    pub(super) fn of(self, message: &'static str) -> Self {
        Self { message, ..self }
    }

    /// The length of the whole content.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The first byte that is left.
    pub(super) fn first(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn fault(&self, part: &'static str) -> Malformed {
        Malformed::Content { message: self.message, part }
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

    /// Reads so many bytes, all of which must be there.
    fn array<const COUNT: usize>(&mut self, part: &'static str) -> Result<[u8; COUNT], Malformed> {
        let bytes = self.bytes(COUNT, part)?.and_then(<[u8]>::first_chunk).copied();
        bytes.ok_or_else(|| self.fault(part))
    }

    pub(super) fn byte(&mut self, part: &'static str) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array(part)?))
    }

    pub(super) fn number(&mut self, part: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array(part)?))
    }

    pub(super) fn wide(&mut self, part: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array(part)?))
    }

    /// Reads text up to its zero, which must be there.
    pub(super) fn text(&mut self, part: &'static str) -> Result<&'a [u8], Malformed> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or_else(|| self.fault(part))?;
        let text = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    /// Reads a number whose first byte tells its length; `None` where the beginning ends before.
    pub(super) fn counter(&mut self, part: &'static str) -> Result<Option<u64>, Malformed> {
        let Some([first]) = self.bytes(1, part)? else { return Ok(None) };
        let width = match *first {
            0..=0xfa => return Ok(Some(u64::from(*first))),
            0xfc => 2,
            0xfd => 3,
            0xfe => 8,
            _ => return Err(self.fault(part)),
        };
        let Some(bytes) = self.bytes(width, part)? else { return Ok(None) };
        let mut number = [0; 8];
        number[..width].copy_from_slice(bytes);
        Ok(Some(u64::from_le_bytes(number)))
    }

    /// Reads past a null; says whether there was one.
    pub(super) fn null(&mut self) -> bool {
        let rest = self.rest.strip_prefix(&[NULL]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The widths of "Integer Types, int<lenenc>".
    #[rstest]
    #[case::byte(&[0xfa], Ok(Some(0xfa)))]
    #[case::two(&[0xfc, 0xfb, 0x00], Ok(Some(0xfb)))]
    #[case::three(&[0xfd, 0x01, 0x02, 0x03], Ok(Some(0x03_02_01)))]
    #[case::eight(&[0xfe, 1, 0, 0, 0, 0, 0, 0, 0x80], Ok(Some(0x8000_0000_0000_0001)))]
    #[case::truncated(&[0xfd, 0x01, 0x02], Err(()))]
    #[case::null(&[0xfb], Err(()))]
    #[case::error(&[0xff], Err(()))]
    #[case::nothing(&[], Err(()))]
    fn counter_tells_its_width(#[case] bytes: &[u8], #[case] expected: Result<Option<u64>, ()>) {
        let mut fields = Fields::new(bytes, bytes.len());

        assert_eq!(fields.counter("count").map_err(|_| ()), expected);
    }

    #[test]
    fn what_is_cut_off_is_no_fault() {
        let mut fields = Fields::new(&[0xfe, 1, 2], 1000);

        assert_eq!(fields.counter("count").unwrap(), None);
        assert_eq!(fields.bytes(4, "value").unwrap(), None);
    }
}
