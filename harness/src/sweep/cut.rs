//! Cuts: the places of an operation's conversation, by name.
//!
//! A cut is named by its content, because that is what a person compares and what a list of known
//! issues holds; its number is only the order. Two cuts of one operation may have the same content,
//! then the later ones are counted.

use std::collections::BTreeMap;

use crate::wire::{Event, Place, Side};

/// A place where an operation is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The place.
    pub(super) at: At,
    /// The place by its content: `Held(CommandComplete "BEGIN")`.
    pub name: String,
}

impl Cut {
    /// The cut after so many polls.
    pub(super) fn poll(polls: u32) -> Self {
        Self { at: At::Poll(polls), name: format!("Poll({polls})") }
    }
}

/// Where a cut is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In the conversation, where an event of this name must be found.
    Wire(Place, String),
    /// After so many polls.
    Poll(u32),
}

/// The cuts of an uncut conversation, in the order in which they are met.
///
/// A client's batch is `Sent`; a server's message is `Held`, then `Unread`.
pub(super) fn cuts(conversation: &[Event]) -> Vec<Cut> {
    let mut named = BTreeMap::new();
    let mut cuts = Vec::new();
    let mut batches: BTreeMap<u32, &str> = BTreeMap::new();
    for event in conversation {
        if event.from == Side::Client {
            // The first message of a batch tells what it is; the last is but a Sync.
            batches.entry(event.connection).or_insert(&event.name);
        }
        let Some(number) = event.number else { continue };
        match event.from {
            Side::Client => {
                let content = batches.remove(&event.connection).unwrap_or(&event.name);
                cuts.push(cut("Sent", Place::Sent(number), content, event, &mut named));
            }
            Side::Server => {
                cuts.push(cut("Held", Place::Held(number), &event.name, event, &mut named));
                cuts.push(cut("Unread", Place::Unread(number), &event.name, event, &mut named));
            }
        }
    }
    cuts
}

fn cut(
    kind: &str,
    place: Place,
    content: &str,
    event: &Event,
    named: &mut BTreeMap<String, u32>,
) -> Cut {
    let name = format!("{kind}({content})");
    let times = named.entry(name.clone()).or_default();
    *times += 1;
    let name = if *times == 1 { name } else { format!("{name} #{times}") };
    Cut { at: At::Wire(place, event.name.clone()), name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Phase;

    fn event(connection: u32, from: Side, name: &str, number: Option<u64>) -> Event {
        Event {
            connection,
            from,
            phase: Phase::Session,
            name: name.to_owned(),
            detail: String::new(),
            status: None,
            number,
        }
    }

    fn names(conversation: &[Event]) -> Vec<String> {
        cuts(conversation).into_iter().map(|cut| cut.name).collect()
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
}
