//! Recorded conversations come through unchanged and named alike, wherever reads split them.
//!
//! Each file is a conversation of a client library with Postgres 18 under trust authentication, the
//! cancel key zeroed: a line per read, `>` from the client and `<` from the server.

use std::{fs, path::PathBuf, task::Poll};

use rstest::rstest;
use tokio_test::{io::Builder, task};

use crate::wire::{
    Side, Trace,
    gate::Gate,
    postgres::{Keys, Postgres},
    pump::{End, Pump},
};

type Conversation = Vec<(Side, Vec<u8>)>;

pub(super) fn read(path: &PathBuf) -> Conversation {
    let text = fs::read_to_string(path).expect("the recording is there");
    let line = |line: &str| match line.split_at(2) {
        ("> ", bytes) => (Side::Client, unescape(bytes)),
        ("< ", bytes) => (Side::Server, unescape(bytes)),
        _ => panic!("a line of a recording begins with > or <: {line}"),
    };
    text.lines().map(line).collect()
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
fn play(conversation: &Conversation) -> Trace {
    let (mut client, mut server) = (Builder::new(), Builder::new());
    for (side, bytes) in conversation {
        match side {
            Side::Client => (client.read(bytes), server.write(bytes)),
            Side::Server => (client.write(bytes), server.read(bytes)),
        };
    }
    let (mut client, mut server) = (client.build(), server.build());
    let gate = Gate::default();
    let connection = gate.enter();
    let framing = Box::new(Postgres::new(connection, Keys::default()));
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
fn splits_change_nothing(#[files("src/wire/postgres/recorded/*.txt")] path: PathBuf) {
    let conversation = read(&path);
    let whole = play(&conversation);
    assert!(whole.events().len() > 20, "{whole}");

    for (index, (side, bytes)) in conversation.iter().enumerate() {
        for at in 1..bytes.len() {
            let (front, back) = bytes.split_at(at);
            let mut split = conversation.clone();
            split[index] = (*side, front.to_vec());
            split.insert(index + 1, (*side, back.to_vec()));
            assert_eq!(play(&split), whole, "line {} split at {at}", index + 1);
        }
    }
}

#[rstest]
fn single_bytes_change_nothing(#[files("src/wire/postgres/recorded/*.txt")] path: PathBuf) {
    let conversation = read(&path);
    let bytes = |(side, bytes): &(Side, Vec<u8>)| {
        bytes.iter().map(|byte| (*side, vec![*byte])).collect::<Vec<_>>()
    };

    let single = conversation.iter().flat_map(bytes).collect();

    assert_eq!(play(&single), play(&conversation));
}
