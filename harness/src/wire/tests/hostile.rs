//! Bytes that no client or server would send: an error at the worst, and bounded memory.

use std::{path::Path, task::Poll};

use proptest::{collection::vec, prelude::*};
use rstest::rstest;
use tokio_test::task;

use super::{
    script::Script,
    splits::{self, Way},
};
use crate::wire::{
    Malformed, Part, Place, Protocol, Side,
    flow::BATCH_MAX,
    framing::PREFIX_MAX,
    gate::Gate,
    proxy::Speaker,
    pump::{Broken, End, Pump},
};

const START_UP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0u\0\0";

fn pump(gate: &Gate, client: &mut Script, server: &mut Script) -> Option<Result<End, Broken>> {
    pump_as(Protocol::Postgres, gate, client, server)
}

/// Pumps until nothing moves, and looks at the buffers after every poll.
pub(super) fn pump_as(
    protocol: Protocol,
    gate: &Gate,
    client: &mut Script,
    server: &mut Script,
) -> Option<Result<End, Broken>> {
    let connection = gate.enter();
    let framing = Speaker::new(protocol).framing(connection);
    let mut pump = Pump::new((client, server), framing, (gate, connection));
    let mut polls = task::spawn(());
    let end = polls.enter(|cx, _| pump.poll(cx));
    let (requests, answers) = pump.buffered();
    assert!(requests.max(answers) <= 2 * PREFIX_MAX, "{requests} and {answers} are buffered");
    match end {
        Poll::Ready(end) => Some(end),
        Poll::Pending => None,
    }
}

/// A message of some type, with a length that mostly fits.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![
        4 => prop::sample::select(&b"QPBDECSHFdcfXpRKSNAZCDTt123nsIEGHWVv"[..]),
        1 => any::<u8>(),
    ];
    let length = prop_oneof![8 => Just(None), 1 => any::<u32>().prop_map(Some)];
    (tag, length, vec(prop_oneof![Just(0), any::<u8>()], 0..40)).prop_map(|(tag, length, body)| {
        let fitting = u32::try_from(body.len() + 4).expect("it is short");
        let length = length.unwrap_or(fitting).to_be_bytes();
        [&[tag][..], &length, &body].concat()
    })
}

/// What a side says: pieces of messages, cut anywhere, or noise.
fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let messages = (vec(message(), 0..12), 1..30_usize)
        .prop_map(|(messages, size)| messages.concat().chunks(size).map(<[u8]>::to_vec).collect());
    prop_oneof![3 => messages, 1 => vec(vec(any::<u8>(), 1..60), 0..6)]
}

pub(super) fn place() -> impl Strategy<Value = Option<Place>> {
    let number = 1..6_u64;
    let place = (0..4, number).prop_map(|(kind, number)| match kind {
        0 => Place::Sent(number),
        1 => Place::Held(number),
        2 => Place::Unread(number),
        _ => Place::Split(number, Part::InBody),
    });
    prop::option::of(place)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the sides say after or instead of a start-up, the pump neither panics nor grows, and
    /// passes nothing on that was not said.
    #[test]
    fn hostile_sides_do_no_harm(
        greets in any::<bool>(),
        client in pieces(),
        server in pieces(),
        place in place(),
        hangs_up in any::<bool>(),
    ) {
        let greeting = if greets { START_UP.to_vec() } else { Vec::new() };
        let said: Vec<_> = [vec![greeting], client].concat();
        let (all, answers) = (said.concat(), server.concat());
        let (mut client, mut server) = (Script::new(said, hangs_up), Script::new(server, hangs_up));
        let gate = Gate::default();
        gate.mark(place);

        let end = pump(&gate, &mut client, &mut server);

        prop_assert!(!greets || all.starts_with(&server.heard));
        // `N` answers what was not passed on.
        prop_assert!(!greets || answers.starts_with(&client.heard));
        prop_assert!(hangs_up || !matches!(end, Some(Ok(_))));
        prop_assert!(!(hangs_up && end.is_none()) || gate.is_held());
    }

    /// A recorded conversation of which one byte is wrong is passed on or refused.
    #[test]
    fn damaged_conversation_does_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/wire/postgres/recorded/sqlx_copy.txt");
        let mut conversation = splits::read(Path::new(path));
        let line = at.index(conversation.len());
        let bytes = &mut conversation[line].1;
        let length = bytes.len();
        bytes[at.index(length)] = byte;
        let of = |side| {
            let lines = conversation.iter().filter(move |line| line.0 == Way::Said(side));
            Script::new(lines.map(|line| line.1.clone()), true)
        };

        let end = pump(&Gate::default(), &mut of(Side::Client), &mut of(Side::Server));

        prop_assert!(end.is_some());
    }
}

fn data(tag: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(u32::try_from(length + 4).expect("it is short").to_be_bytes());
    bytes.resize(length + 5, b'x');
    bytes
}

#[rstest]
#[case::passed(None, false)]
#[case::held(Some(Place::Held(1)), true)]
#[case::unread(Some(Place::Unread(1)), true)]
fn long_message_is_passed_in_pieces(#[case] place: Option<Place>, #[case] held: bool) {
    let long = data(b'd', 10 * PREFIX_MAX);
    let mut client = Script::new([START_UP.to_vec()], false);
    let mut server = Script::new([long.clone()], false);
    let gate = Gate::default();
    gate.mark(place);

    assert_eq!(pump(&gate, &mut client, &mut server), None);

    let nothing = matches!(place, Some(Place::Held(_)));
    assert_eq!(client.heard, if nothing { Vec::new() } else { long });
    assert_eq!(gate.is_held(), held);
    assert_eq!(gate.trace().events()[1].name, format!("CopyData {} bytes", 10 * PREFIX_MAX));
}

#[test]
fn client_that_does_not_read_is_waited_for() {
    let mut client = Script::new([START_UP.to_vec()], false);
    client.deaf = true;
    let mut server = Script::new([data(b'd', 10 * PREFIX_MAX)], false);
    let gate = Gate::default();

    assert_eq!(pump(&gate, &mut client, &mut server), None);

    let (_, settled) = gate.activity();
    assert!(settled, "a server that nobody hears cannot go on");
}

#[rstest]
fn hold_waits_until_all_before_is_delivered(
    #[values(Place::Held(2), Place::Unread(1))] place: Place,
) {
    let mut client = Script::new([START_UP.to_vec()], false);
    client.deaf = true;
    let mut server = Script::new([[data(b'd', 9), data(b'd', 9)].concat()], false);
    let gate = Gate::default();
    gate.mark(Some(place));

    assert_eq!(pump(&gate, &mut client, &mut server), None);

    assert_eq!((gate.count().messages > 0, gate.is_held()), (true, false));
}

#[test]
fn client_that_leaves_inside_a_batch_is_not_held() {
    let mut part = data(b'Q', 2 * PREFIX_MAX);
    part.truncate(PREFIX_MAX + 9);
    let said = [START_UP.to_vec(), part].concat();
    let mut client = Script::new([said.clone()], true);
    let mut server = Script::new([], true);
    let gate = Gate::default();
    gate.mark(Some(Place::Sent(2)));

    let end = pump(&gate, &mut client, &mut server);

    assert_eq!((end, gate.is_held()), (Some(Ok(End::Closed)), false));
    assert_eq!(server.heard.len(), said.len());
}

#[test]
fn batch_that_is_too_long_to_keep_is_an_error() {
    let copies = [START_UP.to_vec()].into_iter().chain((0..40).map(|_| data(b'd', BATCH_MAX / 32)));
    let mut client = Script::new(copies, false);
    let mut server = Script::new([], false);
    let gate = Gate::default();
    gate.mark(Some(Place::Sent(2)));

    let end = pump(&gate, &mut client, &mut server);

    assert_eq!(end, Some(Err((Side::Client, Malformed::Batch { bytes_max: BATCH_MAX }))));
    assert_eq!(server.heard, START_UP);
}
