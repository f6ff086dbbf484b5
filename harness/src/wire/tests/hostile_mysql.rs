//! Bytes that no MySQL client or server would send: an error at the worst, and bounded memory.

use std::path::Path;

use proptest::{collection::vec, prelude::*};

use super::{
    holds_mysql::{GREETING, RESPONSE},
    hostile::{place, pump_as},
    script::Script,
    splits::{self, Way},
};
use crate::wire::{Place, Protocol, Side, framing::PREFIX_MAX, gate::Gate};

/// The commands whose answers have the most forms, and what answers begin with.
const BEGINNINGS: &[u8] = &[
    0x00, 0x01, 0x02, 0x03, 0x04, 0x09, 0x0e, 0x11, 0x16, 0x17, 0x18, 0x19, 0x1c, 0x1f, 0xfa, 0xfb,
    0xfc, 0xfe, 0xff,
];

/// A packet that mostly begins like one, with a length that mostly fits.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let beginning = prop_oneof![
        8 => prop::sample::select(BEGINNINGS).prop_map(|byte| vec![byte]),
        2 => Just(b"\x03def".to_vec()),
        1 => vec(any::<u8>(), 0..3),
    ];
    let length = prop_oneof![
        12 => Just(None),
        1 => any::<u32>().prop_map(|length| Some(length & 0xff_ffff)),
        1 => Just(Some(0xff_ffff)),
    ];
    let body = vec(prop_oneof![3 => Just(0), 1 => 1..3_u8, 1 => any::<u8>()], 0..40);
    let sequence = prop_oneof![3 => Just(0), 1 => any::<u8>()];
    (beginning, length, body, sequence).prop_map(|(beginning, length, body, sequence)| {
        let payload = [beginning, body].concat();
        let fitting = u32::try_from(payload.len()).expect("it is short");
        let [low, middle, high, _] = length.unwrap_or(fitting).to_le_bytes();
        [&[low, middle, high, sequence][..], &payload].concat()
    })
}

/// What a side says: pieces of packets, cut anywhere, or noise.
fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let packets = (vec(packet(), 0..16), 1..40_usize)
        .prop_map(|(packets, size)| packets.concat().chunks(size).map(<[u8]>::to_vec).collect());
    prop_oneof![4 => packets, 1 => vec(vec(any::<u8>(), 1..60), 0..6)]
}

/// A login that succeeds, then what the two sides say, in turn.
fn scripts(client: Vec<Vec<u8>>, server: Vec<Vec<u8>>, hangs_up: bool) -> (Script, Script) {
    const OK: &[u8] = b"\x07\0\0\x02\0\0\0\x02\0\0\0";
    let begun = [(GREETING.len(), RESPONSE.to_vec())].into_iter();
    let client = begun.chain(client.into_iter().map(|piece| (GREETING.len() + OK.len(), piece)));
    let begun = [(0, GREETING.to_vec()), (RESPONSE.len(), OK.to_vec())].into_iter();
    let server = begun.chain(server.into_iter().map(|piece| (RESPONSE.len() + 1, piece)));
    (Script::in_turn(client, hangs_up), Script::in_turn(server, hangs_up))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the sides say after a login, the pump neither panics nor grows, and passes nothing
    /// on that was not said.
    #[test]
    fn hostile_sides_do_no_harm(
        client in pieces(),
        server in pieces(),
        place in place(),
        hangs_up in any::<bool>(),
    ) {
        let requests = [vec![RESPONSE.to_vec()], client.clone()].concat().concat();
        let answers = server.concat();
        let (mut client, mut server) = scripts(client, server, hangs_up);
        let gate = Gate::default();
        gate.mark(place);

        let end = pump_as(Protocol::MySql, &gate, &mut client, &mut server);

        prop_assert!(requests.starts_with(&server.heard));
        // The login is the server's as well, and the greeting was changed.
        let heard = client.heard.get(GREETING.len() + 11..).unwrap_or_default();
        prop_assert!(answers.starts_with(heard));
        prop_assert!(hangs_up || !matches!(end, Some(Ok(_))));
    }

    /// Whatever a server says instead of a greeting is passed on or refused.
    #[test]
    fn hostile_greeting_does_no_harm(server in pieces(), place in place()) {
        let mut server = Script::new(server, true);
        let mut client = Script::new([], false);
        let gate = Gate::default();
        gate.mark(place);

        let end = pump_as(Protocol::MySql, &gate, &mut client, &mut server);

        prop_assert!(end.is_some() || gate.is_held());
    }

    /// A recorded conversation of which one byte is wrong is passed on or refused.
    #[test]
    fn damaged_conversation_does_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/wire/mysql/recorded/mysql_async_mysql_pool_and_file.txt"
        );
        let mut conversation = splits::read(Path::new(path));
        conversation.retain(|line| line.0 != Way::Put);
        let line = at.index(conversation.len());
        let bytes = &mut conversation[line].1;
        let length = bytes.len();
        bytes[at.index(length)] = byte;
        let of = |side| {
            let mut heard = 0;
            let said = conversation.iter().filter_map(|(way, bytes)| {
                let said = (*way == Way::Said(Side::Client)) == (side == Side::Client);
                heard += if said { 0 } else { bytes.len() };
                said.then(|| (heard, bytes.clone()))
            });
            Script::in_turn(said.collect::<Vec<_>>(), true)
        };
        let (mut client, mut server) = (of(Side::Client), of(Side::Server));

        let end = pump_as(Protocol::MySql, &Gate::default(), &mut client, &mut server);

        // A length that grew is waited for.
        prop_assert!(end.is_some() || !client.heard.is_empty() || line == 0);
    }
}

#[test]
fn only_the_greeting_is_changed() {
    let refusal = b"\x03\0\0\x01\xff\x10\x04";
    let mut server = Script::new([[GREETING, refusal].concat()], false);
    let mut client = Script::new([], false);

    let end = pump_as(Protocol::MySql, &Gate::default(), &mut client, &mut server);

    let (greeting, rest) = client.heard.split_at(GREETING.len());
    assert_eq!((end, rest), (None, &refusal[..]));
    assert_ne!(greeting, GREETING);
}

/// A row of several packets passes in pieces, and is one place.
#[test]
fn long_row_is_passed_in_pieces() {
    let part = |length: usize, sequence: u8| {
        let [low, middle, high, ..] = length.to_le_bytes();
        let mut bytes = vec![low, middle, high, sequence];
        bytes.resize(4 + length, b'x');
        bytes
    };
    let mut row = [part(0xff_ffff, 3), part(9, 4)].concat();
    // A text of 16 MiB begins with its length.
    row[4..13].copy_from_slice(b"\xfe\xff\xff\xff\0\0\0\0\0");
    let query = b"\x09\0\0\0\x03SELECT x".to_vec();
    let begun =
        b"\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0";
    let end = b"\x07\0\0\x05\xfe\0\0\x02\0\0\0";
    let (mut client, mut server) =
        scripts(vec![query], vec![begun.to_vec(), row.clone(), end.to_vec()], false);
    let gate = Gate::default();
    gate.mark(Some(Place::Unread(6)));

    assert_eq!(pump_as(Protocol::MySql, &gate, &mut client, &mut server), None);

    assert!(gate.is_held());
    let trace = gate.trace();
    let [.., row_event, rest, last] = trace.events() else { panic!("{trace}") };
    assert_eq!((row_event.name.as_str(), row_event.number), ("Row 1 column", Some(5)));
    assert_eq!((rest.name.as_str(), rest.number), ("Continuation 9 bytes", None));
    assert_eq!((last.name.as_str(), last.number), ("Ok \"SELECT\"", Some(6)));
    let greeted = GREETING.len() + 11 + begun.len();
    assert!(client.heard[greeted..].starts_with(&row));
    assert!(PREFIX_MAX < row.len());
}
