//! What is noted of a wrapped future, until it has come to an end or is dropped.

use std::{panic::Location, sync::Arc, thread};

use super::{
    forgotten::{Fate, Forgotten},
    watch::{Book, innermost},
};

/// A future's way, and the book of the watch that asks for it.
#[derive(Debug)]
pub(super) struct Watched {
    book: Option<Arc<Book>>,
    place: &'static Location<'static>,
    what: &'static str,
    polls: u64,
    stage: Stage,
}

#[derive(Debug, PartialEq)]
enum Stage {
    /// Somebody has still to wait for it.
    Open,
    /// It is polled just now; it stays so where the poll panics.
    Inside,
    /// It has finished, or nobody wants it to.
    Over,
}

impl Watched {
    #[track_caller]
    pub(super) fn here(what: &'static str) -> Self {
        let (book, place) = (innermost(), Location::caller());
        Self { book, place, what, polls: 0, stage: Stage::Open }
    }

    pub(super) fn enter(&mut self) {
        self.polls += 1;
        if self.stage == Stage::Open {
            self.stage = Stage::Inside;
        }
    }

    pub(super) fn leave(&mut self, finished: bool) {
        if self.stage == Stage::Inside {
            self.stage = if finished { Stage::Over } else { Stage::Open };
        }
    }

    pub(super) fn abandon(&mut self) {
        self.stage = Stage::Over;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.stage != Stage::Open || thread::panicking() {
            return;
        }
        if let Some(book) = self.book.take() {
            let fate = match self.polls {
                0 => Fate::NeverPolled,
                polls => Fate::Dropped { polls },
            };
            book.add(Forgotten { place: *self.place, what: self.what, fate });
        }
    }
}
