//! The wrapper without the feature `awaited`: nothing is noted, and nothing is left of it.

/// Notes nothing.
#[derive(Debug)]
pub(super) struct Watched;

impl Watched {
    #[inline]
    pub(super) fn here(_what: &'static str) -> Self {
        Self
    }

    #[inline]
    pub(super) fn enter(&mut self) {}

    #[inline]
    pub(super) fn leave(&mut self, _finished: bool) {}

    #[inline]
    pub(super) fn abandon(&mut self) {}
}
