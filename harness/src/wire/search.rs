//! A search for what must not be sent, in the bytes of clients.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A text that is looked for, or none.
#[derive(Debug, Default)]
pub(super) struct Search(Mutex<Sought>);

#[derive(Debug, Default)]
struct Sought {
    text: Vec<u8>,
    found: bool,
    /// The last bytes of each connection, in which the text may have begun.
    tails: BTreeMap<u32, Vec<u8>>,
}

impl Search {
    /// Looks for a text from here on.
    pub(super) fn begin(&self, text: &str) {
        *self.sought() = Sought { text: text.into(), ..Sought::default() };
    }

    /// Takes in what a client has sent.
    pub(super) fn read(&self, connection: u32, bytes: &[u8]) {
        let Sought { text, found, tails } = &mut *self.sought();
        if text.is_empty() || *found {
            return;
        }
        let tail = tails.entry(connection).or_default();
        let mut read = mem::take(tail);
        read.extend_from_slice(bytes);
        *found = read.windows(text.len()).any(|window| window == text);
        *tail = read.split_off(read.len().saturating_sub(text.len() - 1));
    }

    pub(super) fn has_found(&self) -> bool {
        self.sought().found
    }

    fn sought(&self) -> MutexGuard<'_, Sought> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole(&[(1, "my secret is"), (1, "safe")], true)]
    #[case::in_two(&[(1, "my sec"), (1, "ret is")], true)]
    #[case::byte_by_byte(&[(1, "s"), (1, "e"), (1, "c"), (1, "r"), (1, "e"), (1, "t")], true)]
    #[case::begun_twice(&[(1, "secsec"), (1, "ret")], true)]
    #[case::on_two_connections(&[(1, "sec"), (2, "ret")], false)]
    #[case::beside_another(&[(1, "sec"), (2, "x"), (1, "ret")], true)]
    #[case::another_text(&[(1, "sec ret")], false)]
    fn text_is_found_in_whatever_pieces(#[case] pieces: &[(u32, &str)], #[case] found: bool) {
        let search = Search::default();
        search.read(1, b"secret");
        assert!(!search.has_found(), "nothing is looked for yet");

        search.begin("secret");
        pieces.iter().for_each(|(connection, bytes)| search.read(*connection, bytes.as_bytes()));

        assert_eq!(search.has_found(), found);
    }
}
