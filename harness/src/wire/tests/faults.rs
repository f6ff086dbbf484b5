//! Faults at a place: a message in two pieces, an answer that is late, an answer that is an error.

use std::sync::atomic::Ordering::SeqCst;

use rstest::rstest;
use tokio::io::AsyncWriteExt;

use super::{
    fake::{ANSWERS, COMMIT, INSERT},
    holds::{cut, play},
};
use crate::wire::{Count, Part, Place, Side, Status};

#[rstest]
#[case::in_header(Part::InHeader, 2)]
#[case::after_header(Part::AfterHeader, 5)]
#[case::in_body(Part::InBody, 8)]
fn split_delivers_the_first_bytes_and_no_more(#[case] part: Part, #[case] bytes: usize) {
    play(async |mut stage| {
        // ReadyForQuery has one byte of body, which has no middle.
        let number = ANSWERS.iter().position(|name| name.starts_with("CommandComplete"));
        stage.wire.arm(Place::Split(number.unwrap() as u64 + 1, part));

        cut(&mut stage.client, stage.wire.held()).await;
        stage.quiet.wait(stage.wire.clone()).await;

        let mut unread = Vec::new();
        while let Ok(count @ 1..) = stage.client.stream.try_read_buf(&mut unread) {
            assert!(count < 256);
        }
        assert_eq!(unread.len(), bytes, "{}", unread.escape_ascii());
    });
}

/// Slices: each message of the server comes in two writes, and the client is run in between.
#[rstest]
fn conversation_in_pieces_is_the_same(#[values(0, 1, 2)] part: usize) {
    play(async |mut stage| {
        let part = Part::ALL[part];
        stage.wire.arm(Place::Split(1, part));
        let pieces = async {
            for number in 2..=9 {
                stage.wire.held().await;
                stage.quiet.wait(stage.wire.clone()).await;
                stage.wire.arm_next(Place::Split(number, part));
                stage.wire.release();
            }
            stage.wire.held().await;
            stage.wire.release();
        };

        let ((), done) = tokio::join!(pieces, stage.client.transact());

        done.unwrap();
        assert_eq!(stage.wire.count(), Count { batches: 3, messages: 9 });
        assert_eq!(stage.wire.trace().events().last().unwrap().status, Some(Status::Idle));
    });
}

/// A delay: the answer comes when a condition is met, and the caller only waits.
#[test]
fn answer_that_is_delayed_comes_when_its_condition_is_met() {
    play(async |mut stage| {
        stage.wire.arm(Place::Held(5));
        let read = stage.client.read.clone();
        let condition = async {
            stage.wire.held().await;
            stage.quiet.wait(stage.wire.clone()).await;
            let before = read.load(SeqCst);
            stage.wire.release();
            before
        };

        let (before, done) = tokio::join!(condition, stage.client.transact());

        done.unwrap();
        assert_eq!((before, read.load(SeqCst)), (4, 9));
    });
}

/// What a client sends while the conversation is held is told apart by when its caller left.
#[test]
fn what_is_sent_before_the_caller_leaves_is_early() {
    play(async |mut stage| {
        stage.wire.arm(Place::Held(1));
        let until = async {
            stage.wire.held().await;
            stage.quiet.wait(stage.wire.clone()).await;
        };
        cut(&mut stage.client, until).await;

        stage.client.stream.write_all(INSERT).await.unwrap();
        stage.quiet.wait(stage.wire.clone()).await;
        stage.wire.leave();
        stage.wire.release();
        stage.quiet.wait(stage.wire.clone()).await;
        stage.client.stream.write_all(COMMIT).await.unwrap();
        stage.quiet.wait(stage.wire.clone()).await;

        let trace = stage.wire.trace();
        let said = trace.events().iter().filter(|event| event.from == Side::Client);
        let said: Vec<(&str, bool)> = said.map(|e| (e.name.as_str(), e.early)).collect();
        assert_eq!(said.first(), Some(&("Query \"BEGIN\"", false)));
        assert!(said.contains(&("Sync", true)), "{said:?}");
        assert_eq!(said.last(), Some(&("Query \"COMMIT\"", false)));
    });
}

/// A refused answer is an error to the client, and the rest of it is kept back.
#[test]
fn refused_message_is_an_error_and_the_rest_is_kept_back() {
    play(async |mut stage| {
        // The BindComplete of the INSERT.
        stage.wire.arm(Place::Held(4));
        let until = async {
            stage.wire.held().await;
            stage.quiet.wait(stage.wire.clone()).await;
        };
        cut(&mut stage.client, until).await;
        assert!(stage.wire.reached().unwrap().event.refusable);

        stage.wire.refuse();
        stage.wire.release();
        stage.quiet.wait(stage.wire.clone()).await;

        let mut unread = Vec::new();
        while let Ok(count @ 1..) = stage.client.stream.try_read_buf(&mut unread) {
            assert!(count < 256);
        }
        let tags = tags(&unread);
        assert_eq!(tags, *b"EZ", "{}", unread.escape_ascii());
        assert_eq!(stage.wire.unanswered(), 0);
    });
}

fn tags(mut bytes: &[u8]) -> Vec<u8> {
    let mut tags = Vec::new();
    while let [tag, 0, 0, 0, length, ..] = *bytes {
        bytes = &bytes[1 + usize::from(length)..];
        tags.push(tag);
    }
    tags
}
