//! The conversation is held at exactly the armed place, and goes on from there.

use std::sync::atomic::Ordering::SeqCst;

use rstest::rstest;
use tokio::io::{self, AsyncReadExt};

use super::fake::{ANSWERS, BATCHES, BEGIN, COMMIT, Client, INSERT, Server};
use crate::{
    poll::{Quiet, Runtime, load::under_load},
    wire::{Count, Part, Place, Protocol, Proxy, Side, Status, Wire},
};

pub(super) struct Stage {
    pub(super) proxy: Proxy,
    pub(super) wire: Wire,
    pub(super) server: Server,
    pub(super) client: Client,
    pub(super) quiet: Quiet,
}

/// Plays on a stage with one client that has logged in, while it is quiet.
pub(super) fn play(test: impl AsyncFnOnce(Stage)) {
    let runtime = Runtime::new().expect("the system gives an event queue");
    let quiet = runtime.quiet();
    runtime.block_on(async {
        let server = Server::start().await;
        let proxy = Proxy::start(Protocol::Postgres, server.address).await.expect("it can listen");
        let wire = proxy.wire();
        let client = Client::log_in(proxy.address()).await.expect("the fake answers");
        quiet.wait(wire.clone()).await;
        test(Stage { proxy, wire, server, client, quiet }).await;
    });
}

/// Runs the transaction until `until` comes, and drops it there.
pub(super) async fn cut(client: &mut Client, until: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = until => {}
        done = client.transact() => panic!("the transaction was not held: {done:?}"),
    }
}

fn name(wire: &Wire) -> String {
    wire.reached().map_or_else(|| "nothing".to_owned(), |reached| reached.event.name)
}

#[test]
fn uncut_conversation_is_named_in_order() {
    play(async |mut stage| {
        stage.wire.mark();
        stage.client.transact().await.unwrap();

        let trace = stage.wire.trace();
        let numbered = |from| {
            let places = trace.events().iter().filter(move |event| event.from == from);
            places.filter(|e| e.number.is_some()).map(|e| e.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(numbered(Side::Client), BATCHES);
        assert_eq!(numbered(Side::Server), ANSWERS);
        assert_eq!(stage.wire.count(), Count { batches: 3, messages: 9 });
        assert_eq!(trace.events().last().unwrap().status, Some(Status::Idle));
        assert_eq!((stage.wire.unanswered(), stage.wire.reached()), (0, None));
        assert_eq!(stage.wire.failures().len(), 0);
    });
}

#[rstest]
fn sent_keeps_the_whole_batch_back(#[values(1, 2, 3)] batch: u64) {
    play(async |mut stage| {
        let before = stage.server.heard.load(SeqCst);
        stage.wire.arm(Place::Sent(batch));
        let until = async {
            stage.wire.held().await;
            stage.quiet.wait(stage.wire.clone()).await;
        };

        cut(&mut stage.client, until).await;

        let index = usize::try_from(batch).unwrap() - 1;
        let earlier: usize = [BEGIN, INSERT, COMMIT][..index].iter().map(|b| b.len()).sum();
        assert_eq!(name(&stage.wire), BATCHES[index]);
        assert_eq!(stage.server.heard.load(SeqCst) - before, earlier);

        stage.wire.release();
        stage.quiet.wait(stage.wire.clone()).await;

        let whole = earlier + [BEGIN, INSERT, COMMIT][index].len();
        assert_eq!(stage.server.heard.load(SeqCst) - before, whole);
        assert_eq!(stage.wire.unanswered(), 0);
    });
}

#[rstest]
fn held_gives_the_client_all_before(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9)] message: u64) {
    play(async |mut stage| {
        stage.wire.arm(Place::Held(message));
        let read = stage.client.read.clone();
        let until = async {
            stage.wire.held().await;
            stage.quiet.wait(stage.wire.clone()).await;
        };

        cut(&mut stage.client, until).await;

        let index = usize::try_from(message).unwrap() - 1;
        assert_eq!((name(&stage.wire).as_str(), read.load(SeqCst)), (ANSWERS[index], index));
        let unread = stage.client.stream.try_read(&mut [0; 64]);
        assert_eq!(unread.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    });
}

/// The measure of quiet: in 540 cuts the client has never a byte left to read.
#[rstest]
#[case::idle(false)]
#[case::busy(true)]
fn quiet_at_a_cut_leaves_nothing_unread(#[case] busy: bool) {
    let cuts = || {
        play(async |stage| {
            for number in (1..=9).cycle().take(540) {
                let mut client = Client::log_in(stage.proxy.address()).await.unwrap();
                stage.quiet.wait(stage.wire.clone()).await;
                stage.wire.arm(Place::Held(number));
                let until = async {
                    stage.wire.held().await;
                    stage.quiet.wait(stage.wire.clone()).await;
                };

                cut(&mut client, until).await;

                let unread = client.stream.try_read(&mut [0; 64]);
                assert_eq!(unread.unwrap_err().kind(), io::ErrorKind::WouldBlock, "{number}");
                stage.wire.release();
            }
        });
    };

    if busy { under_load(cuts) } else { cuts() }
}

#[rstest]
fn unread_drops_before_the_message_is_read(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9)] message: u64) {
    play(async |mut stage| {
        stage.wire.arm(Place::Unread(message));
        let read = stage.client.read.clone();

        cut(&mut stage.client, stage.wire.held()).await;

        let index = usize::try_from(message).unwrap() - 1;
        assert_eq!(name(&stage.wire), ANSWERS[index]);
        stage.quiet.wait(stage.wire.clone()).await;
        let mut unread = Vec::new();
        while let Ok(count @ 1..) = stage.client.stream.try_read_buf(&mut unread) {
            assert!(count < 256);
        }
        // What it had not come to read of the batch before is there as well, the message last.
        let messages = count_messages(&unread);
        assert_eq!(read.load(SeqCst) + messages, index + 1);
        assert_ne!(messages, 0);
    });
}

fn count_messages(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [tag, 0, 0, 0, length, ..] = *bytes {
        bytes = &bytes[1 + usize::from(length)..];
        count += usize::from(tag != b'N');
    }
    assert!(bytes.is_empty(), "half a message: {}", bytes.escape_ascii());
    count
}

#[rstest]
fn released_conversation_goes_on(
    #[values(Place::Sent(2), Place::Held(5), Place::Unread(5), Place::Split(5, Part::InHeader))]
    place: Place,
) {
    play(async |mut stage| {
        stage.wire.arm(place);
        let release = async {
            stage.wire.held().await;
            stage.quiet.wait(stage.wire.clone()).await;
            stage.wire.release();
        };

        let ((), done) = tokio::join!(release, stage.client.transact());

        done.unwrap();
        assert_eq!(stage.wire.reached().map(|reached| reached.place), Some(place));
        assert_eq!(stage.wire.count(), Count { batches: 3, messages: 9 });
    });
}

#[rstest]
fn reset_breaks_both_sides(
    #[values(Place::Sent(2), Place::Held(5), Place::Unread(5))] place: Place,
) {
    play(async |mut stage| {
        stage.wire.arm(place);
        cut(&mut stage.client, stage.wire.held()).await;

        stage.wire.reset();
        stage.quiet.wait(stage.wire.clone()).await;

        let mut rest = Vec::new();
        let error = stage.client.stream.read_to_end(&mut rest).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(stage.server.resets.load(SeqCst), 1);
        assert_eq!(stage.wire.connections(), []);
        assert_eq!(stage.wire.failures().len(), 0);
    });
}

#[test]
fn hold_stops_every_connection() {
    play(async |mut stage| {
        let mut other = Client::log_in(stage.proxy.address()).await.unwrap();
        stage.quiet.wait(stage.wire.clone()).await;
        stage.wire.arm(Place::Held(1));
        cut(&mut stage.client, stage.wire.held()).await;
        let before = (stage.wire.forwarded(), stage.server.heard.load(SeqCst));

        let (address, quiet, wire) = (stage.proxy.address(), &stage.quiet, &stage.wire);
        let newcomer = Client::log_in(address);
        tokio::select! {
            biased;
            () = quiet.wait(wire.clone()) => {}
            _ = async { tokio::join!(other.transact(), newcomer) } => panic!("the wire is held"),
        }

        assert_eq!((wire.forwarded(), stage.server.heard.load(SeqCst)), before);
    });
}

#[test]
fn bytes_are_counted_for_the_client_that_got_them() {
    play(async |stage| {
        let mut other = Client::log_in(stage.proxy.address()).await.unwrap();
        let delivered = || stage.wire.connections().iter().map(|c| c.delivered).collect::<Vec<_>>();
        let before = delivered();
        other.transact().await.unwrap();
        stage.quiet.wait(stage.wire.clone()).await;

        // Three answers: of 17, 37 and 31 bytes.
        assert_eq!(before[0], before[1]);
        assert_eq!(delivered(), [before[0], before[1] + 85]);
    });
}

#[test]
fn disarmed_place_is_passed() {
    play(async |mut stage| {
        stage.wire.arm(Place::Held(3));
        stage.wire.disarm();

        stage.client.transact().await.unwrap();

        assert_eq!((stage.wire.reached(), stage.wire.count().messages), (None, 9));
    });
}

#[test]
fn disarming_lets_half_a_batch_go() {
    play(async |stage| {
        let before = stage.server.heard.load(SeqCst);
        stage.wire.arm(Place::Sent(1));
        let half = &INSERT[..INSERT.len() - 5];
        assert_eq!(stage.client.stream.try_write(half).unwrap(), half.len());
        stage.quiet.wait(stage.wire.clone()).await;
        assert_eq!(stage.server.heard.load(SeqCst), before);

        stage.wire.disarm();
        stage.quiet.wait(stage.wire.clone()).await;

        assert_eq!(stage.server.heard.load(SeqCst) - before, half.len());
    });
}

#[test]
fn batch_begun_before_arming_is_no_place() {
    play(async |stage| {
        let (half, sync) = INSERT.split_at(INSERT.len() - 5);
        assert_eq!(stage.client.stream.try_write(half).unwrap(), half.len());
        stage.quiet.wait(stage.wire.clone()).await;
        stage.wire.arm(Place::Sent(1));

        assert_eq!(stage.client.stream.try_write(sync).unwrap(), sync.len());
        stage.quiet.wait(stage.wire.clone()).await;

        assert_eq!((stage.wire.is_held(), stage.wire.count().batches), (false, 0));
        assert_eq!(stage.wire.count().messages, 5);
    });
}

#[test]
fn left_connection_is_open_until_the_server_closes() {
    play(async |stage| {
        assert_eq!(stage.wire.connections().len(), 1);

        stage.client.leave().await.unwrap();
        stage.quiet.wait(stage.wire.clone()).await;

        assert_eq!(stage.wire.connections(), []);
    });
}
