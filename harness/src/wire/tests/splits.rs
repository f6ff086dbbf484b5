//! Recorded conversations come through unchanged and named alike, wherever reads split them.
//!
//! Each file is a conversation of a client library: a line per read, `>` from the client and `<`
//! from the server. Those with Postgres 18 are under trust authentication, the cancel key zeroed.
//! Those with MySQL 9.7 and MariaDB 11.8 begin with the greeting of the server, `(`, and what the
//! client got of it, `)`; the two by hand fetch from a cursor, send ahead, and are without rights.

use std::{
    fs,
    path::{Path, PathBuf},
    task::Poll,
};

use rstest::rstest;
use tokio_test::{io::Builder, task};

use crate::wire::{
    Protocol, Side, Trace,
    gate::Gate,
    proxy::Speaker,
    pump::{End, Pump},
};

pub(super) type Conversation = Vec<(Way, Vec<u8>)>;

/// Who says something, and who hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The side says it to the other.
    Said(Side),
    /// The server says it, and the client gets something else.
    Withheld,
    /// The client gets it instead.
    Put,
}

pub(super) fn read(path: &Path) -> Conversation {
    let text = fs::read_to_string(path).expect("the recording is there");
    let line = |line: &str| match line.split_at(2) {
        ("> ", bytes) => (Way::Said(Side::Client), unescape(bytes)),
        ("< ", bytes) => (Way::Said(Side::Server), unescape(bytes)),
        ("( ", bytes) => (Way::Withheld, unescape(bytes)),
        (") ", bytes) => (Way::Put, unescape(bytes)),
        _ => panic!("a line of a recording begins with its way: {line}"),
    };
    text.lines().map(line).collect()
}

/// What no trace may show.
const SECRET: &str = "never-shown";

/// The protocol of a recording, by the folder that it lies in.
fn protocol(path: &Path) -> Protocol {
    match path.components().any(|component| component.as_os_str() == "mysql") {
        true => Protocol::MySql,
        false => Protocol::Postgres,
    }
}

/// Reads what `escape_ascii` writes.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match (byte, byte == b'\\') {
            (byte, false) => byte,
            _ => match rest.next().expect("an escape goes on") {
                b't' => b'\t',
                b'r' => b'\r',
                b'n' => b'\n',
                b'x' => {
                    let digits: String = rest.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).expect("two digits follow")
                }
                byte => byte,
            },
        });
    }
    bytes
}

/// Plays a conversation through a pump; the scripts fail where a byte is lost or changed.
fn play(protocol: Protocol, conversation: &Conversation) -> Trace {
    let (mut client, mut server) = (Builder::new(), Builder::new());
    for (way, bytes) in conversation {
        match way {
            Way::Said(Side::Client) => (client.read(bytes), server.write(bytes)),
            Way::Said(Side::Server) => (client.write(bytes), server.read(bytes)),
            Way::Withheld => (&mut client, server.read(bytes)),
            Way::Put => (client.write(bytes), &mut server),
        };
    }
    let (mut client, mut server) = (client.build(), server.build());
    let gate = Gate::default();
    let connection = gate.enter();
    let framing = Speaker::new(protocol).framing(connection);
    let pump = Pump::new((&mut client, &mut server), framing, (&gate, connection));
    let mut run = task::spawn(pump.run());
    loop {
        match run.poll() {
            Poll::Ready(end) => {
                assert_eq!(end, Ok(End::Closed));
                return gate.trace();
            }
            Poll::Pending => assert!(run.is_woken(), "stuck after\n{}", gate.trace()),
        }
    }
}

#[rstest]
fn splits_change_nothing(
    #[files("src/wire/postgres/recorded/*.txt")]
    #[files("src/wire/mysql/recorded/*.txt")]
    path: PathBuf,
) {
    let (protocol, conversation) = (protocol(&path), read(&path));
    let whole = play(protocol, &conversation);
    assert!(whole.events().len() > 20, "{whole}");

    for (index, (way, bytes)) in conversation.iter().enumerate() {
        for at in 1..bytes.len() {
            let (front, back) = bytes.split_at(at);
            let mut split = conversation.clone();
            split[index] = (*way, front.to_vec());
            split.insert(index + 1, (*way, back.to_vec()));
            assert_eq!(play(protocol, &split), whole, "line {} split at {at}", index + 1);
        }
    }
}

#[rstest]
fn single_bytes_change_nothing(
    #[files("src/wire/postgres/recorded/*.txt")]
    #[files("src/wire/mysql/recorded/*.txt")]
    path: PathBuf,
) {
    let (protocol, conversation) = (protocol(&path), read(&path));
    let bytes = |(way, bytes): &(Way, Vec<u8>)| {
        bytes.iter().map(|byte| (*way, vec![*byte])).collect::<Vec<_>>()
    };

    let single = conversation.iter().flat_map(bytes).collect();

    assert_eq!(play(protocol, &single), play(protocol, &conversation));
}

/// The password of the recorded user is bound as a value, too, and set for another user.
#[rstest]
fn recorded_secret_is_not_named(#[files("src/wire/mysql/recorded/*.txt")] path: PathBuf) {
    let conversation = read(&path);
    let said = conversation.iter().flat_map(|(_, bytes)| bytes).copied().collect::<Vec<_>>();
    let speaks = path.to_string_lossy().contains("errors_and_rows");
    assert!(!speaks || said.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()));

    let trace = play(Protocol::MySql, &conversation);

    assert!(!format!("{trace:?}").contains(SECRET));
}
