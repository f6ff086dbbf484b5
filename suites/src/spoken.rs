//! What a conversation says of the statements in it: which were executed, and how far one came.
//!
//! Postgres names the statement when it has completed it; MySQL's client when it asks for it.

use dropproof::wire::{Event, Phase, Place, Side, Status, Wire};

/// The verbs of the statements that were executed, in order.
pub(crate) fn verbs(conversation: &[Event]) -> Vec<String> {
    session(conversation).filter_map(executed).filter_map(verb).collect()
}

/// The farthest that a statement came.
pub(crate) fn reached(conversation: &[Event]) -> &'static str {
    let names = |names: &[&str]| {
        session(conversation).any(|event| {
            event.from == Side::Client && names.iter().any(|name| event.name.starts_with(name))
        })
    };
    if session(conversation).any(|event| executed(event).is_some()) {
        "was executed"
    } else if names(&["Bind"]) {
        "was refused by the server"
    } else if names(&["Parse", "ComStmtPrepare"]) {
        "was prepared, and not sent"
    } else {
        "was not sent"
    }
}

/// What there is at the place that the conversation has come to: of a batch its first message, which
/// tells what it is.
pub(crate) fn met(wire: &Wire) -> Option<String> {
    let reached = wire.reached()?;
    let Place::Sent(number) = reached.place else { return Some(reached.event.name) };
    let said = wire.trace();
    let by_client =
        |event: &&Event| event.connection == reached.event.connection && event.from == Side::Client;
    let mut batch = String::new();
    let mut ended = true;
    for event in said.events().iter().filter(by_client) {
        if ended {
            batch.clone_from(&event.name);
        }
        ended = event.number.is_some();
        if event.number == Some(number) {
            break;
        }
    }
    Some(batch)
}

/// What was said since the last mark, a line for each message.
pub(crate) fn lines(wire: &Wire) -> String {
    wire.trace().events().iter().map(|event| format!("{event}\n")).collect()
}

/// How many connections are in a transaction, as their server has announced.
pub(crate) fn transactions(wire: &Wire) -> usize {
    let is_inside = |status| matches!(status, Some(Status::InTransaction | Status::Failed));
    wire.connections().iter().filter(|connection| is_inside(connection.status)).count()
}

fn session(conversation: &[Event]) -> impl Iterator<Item = &Event> {
    conversation.iter().filter(|event| event.phase == Phase::Session)
}

/// The text that says what was executed, where the event says so.
fn executed(event: &Event) -> Option<&str> {
    let named = |name| event.name.strip_prefix(name);
    match event.from {
        Side::Server => named("CommandComplete \""),
        Side::Client => named("ComQuery \"").or_else(|| named("ComStmtExecute \"")),
    }
}

fn verb(text: &str) -> Option<String> {
    let word = text.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    // MySQL's long form of the same statement.
    Some(if word == "START" { "BEGIN".to_owned() } else { word.to_ascii_uppercase() })
}
