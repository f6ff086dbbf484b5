//! Silence: what is asked of the server after the caller has gone.
//!
//! A caller that left wants nothing any more. So after a cut the server gets no request that the
//! uncut run sends after that place; clean-up is another matter, and so is what had been handed over
//! when the caller left, which the wire knows.

use std::collections::BTreeMap;

use super::cut::{At, Cut};
use crate::wire::{Event, Phase, Side};

/// What clean-up says, by the beginning of its name; in both protocols.
const CLEAN_UP: [&str; 17] = [
    "Query \"ROLLBACK",
    "Query \"DISCARD",
    "Query \"DEALLOCATE",
    "Query \"CLOSE",
    "Query \"UNLISTEN",
    "Query \"\"",
    "Close",
    "Sync",
    "CopyFail",
    "Terminate",
    "CancelRequest",
    "ComQuery \"ROLLBACK",
    "ComStmtClose",
    "ComStmtReset",
    "ComPing",
    "ComResetConnection",
    "ComQuit",
];

/// The requests that must not come after a cut, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Later<'a>(Vec<&'a str>);

impl<'a> Later<'a> {
    /// What the uncut conversation says after a cut.
    pub(super) fn of(uncut: &'a [Event], cut: &Cut) -> Self {
        let At::Wire { index, .. } = cut.at else { return Self::default() };
        Self(requests(&uncut[index + 1..]).map(|request| request.name).collect())
    }

    /// Takes out those that were handed over before, and returns those that came after it all the
    /// same.
    pub(super) fn take(&mut self, heard: &'a [Event]) -> Vec<&'a str> {
        let mut came = Vec::new();
        for Request { name, early } in requests(heard) {
            let Some(at) = self.0.iter().position(|later| *later == name) else { continue };
            self.0.remove(at);
            if !early {
                came.push(name);
            }
        }
        came
    }

    /// Takes out those that others say as well.
    pub(super) fn leave_to(&mut self, others: &[Event]) {
        let theirs: Vec<&str> = requests(others).map(|request| request.name).collect();
        self.0.retain(|name| !theirs.contains(name));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A request that is no clean-up.
struct Request<'a> {
    /// The name of its first message, as in the names of cuts.
    name: &'a str,
    early: bool,
}

/// The whole requests of a conversation, without clean-up and without logins.
fn requests(conversation: &[Event]) -> impl Iterator<Item = Request<'_>> {
    let mut begun: BTreeMap<u32, Request<'_>> = BTreeMap::new();
    let said = conversation.iter();
    said.filter(|event| event.from == Side::Client && event.phase == Phase::Session)
        .filter_map(move |event| {
            let request = Request { name: &event.name, early: event.early };
            begun.entry(event.connection).or_insert(request);
            event.number.and_then(|_| begun.remove(&event.connection))
        })
        .filter(|request| !CLEAN_UP.iter().any(|clean_up| request.name.starts_with(clean_up)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::cut::{Depth, cuts};

    /// Lines as in a trace: who speaks, and the name; each request is a batch of its own.
    fn conversation(lines: &[&str]) -> Vec<Event> {
        let event = |(line, number): (&&str, u64)| {
            let (from, name) = line.split_once(' ').expect("a line has its side and its name");
            let from = if from == ">" { Side::Client } else { Side::Server };
            Event {
                connection: 1,
                from,
                phase: Phase::Session,
                name: name.to_owned(),
                detail: String::new(),
                status: None,
                number: Some(number),
                parts: Vec::new(),
                refusable: false,
                early: false,
            }
        };
        lines.iter().zip(1..).map(event).collect()
    }

    fn later<'a>(uncut: &'a [Event], name: &str) -> Later<'a> {
        let cuts = cuts(uncut, &[], Depth::Quick);
        let cut = cuts.iter().find(|cut| cut.name == name).expect("there is such a cut");
        Later::of(uncut, cut)
    }

    #[test]
    fn what_follows_is_later_and_clean_up_is_not() {
        let uncut = conversation(&[
            "> BEGIN",
            "< begun",
            "> INSERT",
            "< inserted",
            "> ComStmtClose",
            "> COMMIT",
            "< done",
        ]);

        assert_eq!(later(&uncut, "Sent(BEGIN)").take(&uncut), ["INSERT", "COMMIT"]);
        assert_eq!(later(&uncut, "Held(begun)").take(&uncut), ["INSERT", "COMMIT"]);
        assert_eq!(later(&uncut, "Unread(inserted)").take(&uncut), ["COMMIT"]);
        assert_eq!(later(&uncut, "Held(done)").len(), 0);
    }

    #[test]
    fn what_was_handed_over_before_does_not_count() {
        let uncut = conversation(&["> BEGIN", "< begun", "> INSERT", "< inserted", "> COMMIT"]);
        let mut heard = conversation(&["> INSERT", "< inserted", "> COMMIT"]);
        heard[0].early = true;

        assert_eq!(later(&uncut, "Held(begun)").take(&heard), ["COMMIT"]);
        assert!(later(&uncut, "Held(begun)").take(&heard[..2]).is_empty());
    }

    #[test]
    fn what_the_next_borrower_says_is_its_own() {
        let uncut = conversation(&["> BEGIN", "< begun", "> SELECT", "< row", "> INSERT"]);
        let mut later = later(&uncut, "Held(begun)");

        later.leave_to(&conversation(&["> SELECT"]));

        assert_eq!(later.take(&conversation(&["> SELECT", "< row", "> INSERT"])), ["INSERT"]);
    }
}
