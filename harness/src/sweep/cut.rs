//! Cuts: the places of an operation's conversation, by name.
//!
//! A cut is named by its content, because that is what a person compares and what a list of known
//! issues holds; its number is only the order. Two cuts of one operation may have the same content,
//! then the later ones are counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::wire::{Event, Place, Side};

/// What closes a statement, by the beginning of its name.
const CLOSES: [&str; 2] = ["Close ", "ComStmtClose"];

/// How many of the cuts are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Every `Sent`, `Held` and `Unread`, a reset at every `Held`, and each kind of message split
    /// once; with warm caches.
    #[default]
    Quick,
    /// Also every message split, a reset at every place, and every place with cold caches.
    Full,
}

impl Depth {
    /// The name in reports and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Depth::Quick => "quick",
            Depth::Full => "full",
        }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no depth has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a depth; there are quick and full")]
pub struct UnknownDepth(String);

impl FromStr for Depth {
    type Err = UnknownDepth;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = [Depth::Quick, Depth::Full].into_iter().find(|depth| depth.name() == name);
        found.ok_or_else(|| UnknownDepth(name.to_owned()))
    }
}

/// A place where an operation is dropped, and what the network does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The place.
    pub(super) at: At,
    /// How the network goes on.
    pub(super) then: Then,
    /// Whether the client has not been used before.
    pub(super) cold: bool,
    /// The place by its content: `Held(CommandComplete "BEGIN")`.
    pub name: String,
}

/// Where a cut is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In the conversation, where an event of this name must be found.
    Wire {
        place: Place,
        event: String,
        /// The index of the event in the uncut conversation.
        index: usize,
    },
    /// After so many polls.
    Poll(u32),
}

/// How the network goes on after a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It delivers what was held.
    Release,
    /// It breaks the connection.
    Reset,
}

impl Cut {
    /// The cut after so many polls.
    pub(super) fn poll(polls: u32) -> Self {
        let name = format!("Poll({polls})");
        Self { at: At::Poll(polls), then: Then::Release, cold: false, name }
    }

    /// The same cut on a client that was not used before.
    fn cold(self) -> Self {
        Self { cold: true, name: format!("cold {}", self.name), ..self }
    }

    fn reset(&self) -> Self {
        Self { then: Then::Reset, name: format!("{} then reset", self.name), ..self.clone() }
    }

    /// Whether the network breaks the connection after it.
    pub(super) fn is_reset(&self) -> bool {
        self.then == Then::Reset
    }

    fn is_held(&self) -> bool {
        matches!(self.at, At::Wire { place: Place::Held(_), .. })
    }

    fn is_split(&self) -> bool {
        matches!(self.at, At::Wire { place: Place::Split(..), .. })
    }
}

/// The cuts of an operation, those of the quick depth first; so a number names the same cut in both
/// depths.
pub(super) fn cuts(warm: &[Event], cold: &[Event], depth: Depth) -> Vec<Cut> {
    let places = places(warm);
    let resets = places.iter().map(Cut::reset);
    let mut quick: Vec<Cut> = Vec::new();
    let mut rest: Vec<Cut> = Vec::new();
    let mut kinds = BTreeSet::new();
    for (cut, reset) in places.iter().zip(resets) {
        let is_quick = !cut.is_split() || kinds.insert(kind(&cut.name));
        if is_quick { &mut quick } else { &mut rest }.push(cut.clone());
        if cut.is_held() { &mut quick } else { &mut rest }.push(reset);
    }
    match depth {
        Depth::Quick => quick,
        Depth::Full => {
            let cold = self::places(cold).into_iter().filter(|cut| !cut.is_split()).map(Cut::cold);
            quick.into_iter().chain(rest).chain(cold).collect()
        }
    }
}

/// Takes the closing of statements from the end of a conversation.
///
/// A statement that is dropped is closed by whoever sends for the client, and nobody waits for it. So
/// when it comes last it is said before the operation has ended, or after it.
pub(super) fn without_last_close(mut conversation: Vec<Event>) -> Vec<Event> {
    let ends = |event: &Event| event.from == Side::Client && event.number.is_some();
    while let Some(end) = conversation.iter().rposition(ends) {
        let of_connection = conversation[end].connection;
        let before = conversation[..end]
            .iter()
            .rposition(|event| event.connection == of_connection && ends(event));
        let begin = before.map_or(0, |before| before + 1);
        let is_part =
            |event: &Event| event.connection == of_connection && event.from == Side::Client;
        let first = conversation[begin..=end].iter().find(|event| is_part(event));
        if !first.is_some_and(|first| CLOSES.iter().any(|close| first.name.starts_with(close))) {
            break;
        }
        let answer = |event: &Event| event.name.starts_with("CloseComplete");
        let answered = conversation[end..].iter().position(answer);
        conversation.truncate(answered.map_or(conversation.len(), |at| end + at));
        let part = conversation.split_off(begin);
        conversation.extend(part.into_iter().filter(|event| !is_part(event)));
    }
    conversation
}

/// The cuts of what is said after a cut: with a release and with a reset at each place.
pub(super) fn clean_up_cuts(conversation: &[Event]) -> Vec<Cut> {
    let places = places(conversation).into_iter().filter(|cut| !cut.is_split());
    places.flat_map(|cut| [cut.clone(), cut.reset()]).collect()
}

/// Of the cuts at which an answer is held, so many of the later half, evenly spread: they lie in the
/// work of a transaction, and not in its begin.
pub(super) fn in_the_work(cuts: &[Cut], count: usize) -> Vec<&Cut> {
    let is_plain = |cut: &&Cut| cut.is_held() && cut.then == Then::Release && !cut.cold;
    let held: Vec<&Cut> = cuts.iter().filter(is_plain).collect();
    let half = &held[held.len() / 2..];
    let last = half.len().saturating_sub(1);
    let index = |n: usize| n * last / count.saturating_sub(1).max(1);
    let mut chosen: Vec<&Cut> = (0..count).filter_map(|n| half.get(index(n)).copied()).collect();
    chosen.dedup();
    chosen
}

/// The kind of message that is split, and where: what comes before and after its content.
fn kind(name: &str) -> (String, String) {
    let (message, part) = name.rsplit_once(", ").unwrap_or((name, ""));
    let kind = message.split([' ', ')']).next().unwrap_or_default();
    (kind.to_owned(), part.split(')').next().unwrap_or_default().to_owned())
}

/// The places of an uncut conversation, in the order in which they are met.
///
/// A client's batch is `Sent`; a server's message is `Held`, then `Split`, then `Unread`.
fn places(conversation: &[Event]) -> Vec<Cut> {
    let mut named = BTreeMap::new();
    let mut cuts = Vec::new();
    let mut batches: BTreeMap<u32, &str> = BTreeMap::new();
    for (index, event) in conversation.iter().enumerate() {
        if event.from == Side::Client {
            // The first message of a batch tells what it is; the last is but a Sync.
            batches.entry(event.connection).or_insert(&event.name);
        }
        let Some(number) = event.number else { continue };
        let mut cut = |place, name: String| {
            let times: &mut u32 = named.entry(name.clone()).or_default();
            *times += 1;
            let name = if *times == 1 { name } else { format!("{name} #{times}") };
            let at = At::Wire { place, event: event.name.clone(), index };
            cuts.push(Cut { at, then: Then::Release, cold: false, name });
        };
        let content = &event.name;
        match event.from {
            Side::Client => {
                let content = batches.remove(&event.connection).unwrap_or(content);
                cut(Place::Sent(number), format!("Sent({content})"));
            }
            Side::Server => {
                cut(Place::Held(number), format!("Held({content})"));
                for part in &event.parts {
                    cut(Place::Split(number, *part), format!("Split({content}, {part})"));
                }
                cut(Place::Unread(number), format!("Unread({content})"));
            }
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Part, Phase};

    fn event(connection: u32, from: Side, name: &str, number: Option<u64>) -> Event {
        Event {
            connection,
            from,
            phase: Phase::Session,
            name: name.to_owned(),
            detail: String::new(),
            status: None,
            number,
            parts: Vec::new(),
            refusable: false,
            early: false,
        }
    }

    fn names(conversation: &[Event]) -> Vec<String> {
        places(conversation).into_iter().map(|cut| cut.name).collect()
    }

    fn swept(conversation: &[Event], depth: Depth) -> Vec<String> {
        cuts(conversation, conversation, depth).into_iter().map(|cut| cut.name).collect()
    }

    #[test]
    fn batch_is_named_by_its_first_message() {
        let conversation = [
            event(1, Side::Client, "Parse \"SELECT 1\"", None),
            event(1, Side::Client, "Sync", Some(1)),
            event(1, Side::Server, "ParseComplete", Some(1)),
        ];

        assert_eq!(
            names(&conversation),
            ["Sent(Parse \"SELECT 1\")", "Held(ParseComplete)", "Unread(ParseComplete)"]
        );
    }

    #[test]
    fn equal_content_is_counted() {
        let ready = |number| event(1, Side::Server, "Ready", Some(number));

        assert_eq!(
            names(&[ready(1), ready(2)]),
            ["Held(Ready)", "Unread(Ready)", "Held(Ready) #2", "Unread(Ready) #2"]
        );
    }

    #[test]
    fn batches_of_two_connections_are_kept_apart() {
        let conversation = [
            event(1, Side::Client, "Bind", None),
            event(2, Side::Client, "Query \"A\"", Some(1)),
            event(1, Side::Client, "Sync", Some(2)),
        ];

        assert_eq!(names(&conversation), ["Sent(Query \"A\")", "Sent(Bind)"]);
    }

    #[test]
    fn what_is_no_place_is_no_cut() {
        assert!(names(&[event(1, Side::Server, "NoticeResponse", None)]).is_empty());
    }

    fn answers() -> [Event; 2] {
        let answer = |name, number| {
            let parts = vec![Part::InHeader, Part::InBody];
            Event { parts, ..event(1, Side::Server, name, Some(number)) }
        };
        [answer("Row 1 column", 1), answer("Row 2 columns", 2)]
    }

    #[test]
    fn quick_splits_each_kind_of_message_once_and_resets_where_it_is_held() {
        assert_eq!(
            swept(&answers(), Depth::Quick),
            [
                "Held(Row 1 column)",
                "Held(Row 1 column) then reset",
                "Split(Row 1 column, in its header)",
                "Split(Row 1 column, in its body)",
                "Unread(Row 1 column)",
                "Held(Row 2 columns)",
                "Held(Row 2 columns) then reset",
                "Unread(Row 2 columns)",
            ]
        );
    }

    #[test]
    fn full_goes_on_where_quick_ends() {
        let (quick, full) = (swept(&answers(), Depth::Quick), swept(&answers(), Depth::Full));

        assert_eq!(full[..quick.len()], quick);
        let rest = &full[quick.len()..];
        for name in [
            "Split(Row 2 columns, in its body)",
            "Split(Row 1 column, in its body) then reset",
            "Unread(Row 1 column) then reset",
            "cold Held(Row 2 columns)",
        ] {
            assert!(rest.contains(&name.to_owned()), "{name} is not in {rest:#?}");
        }
    }

    #[test]
    fn cuts_in_the_work_are_spread_over_its_later_half() {
        let conversation: Vec<Event> =
            (1..=8).map(|n| event(1, Side::Server, &format!("answer {n}"), Some(n))).collect();
        let cuts = cuts(&conversation, &conversation, Depth::Full);
        let names = |count| {
            let chosen = in_the_work(&cuts, count).into_iter();
            chosen.map(|cut| cut.name.as_str()).collect::<Vec<_>>()
        };

        assert_eq!(names(3), ["Held(answer 5)", "Held(answer 6)", "Held(answer 8)"]);
        assert_eq!(names(1), ["Held(answer 5)"]);
    }

    #[test]
    fn closing_that_comes_last_is_nobodys() {
        let client = |name: &str, number| event(1, Side::Client, name, number);
        let server = |name: &str, number| event(1, Side::Server, name, Some(number));
        let conversation = vec![
            client("Close statement", None),
            client("Sync", Some(1)),
            client("Query \"COMMIT\"", Some(2)),
            server("CloseComplete", 1),
            server("ReadyForQuery idle", 2),
            client("Close statement", None),
            client("Sync", Some(3)),
            server("CommandComplete \"COMMIT\"", 3),
            server("ReadyForQuery idle", 4),
            server("CloseComplete", 5),
            server("ReadyForQuery idle", 6),
        ];

        let own = without_last_close(conversation);

        let numbers: Vec<_> = own.iter().filter_map(|event| event.number).collect();
        assert_eq!(numbers, [1, 2, 1, 2, 3, 4]);
    }
}
