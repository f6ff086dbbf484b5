//! Quiet comes when nothing is left to do, not before, and it comes also on a busy machine.

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
};

use super::{load::under_load, *};

/// An activity that the test moves by hand.
#[derive(Clone, Default)]
struct ByHand {
    moves: Arc<AtomicU64>,
    owes: Arc<AtomicBool>,
}

impl Activity for ByHand {
    fn activity(&self) -> (u64, bool) {
        (self.moves.load(SeqCst), !self.owes.load(SeqCst))
    }
}

async fn loopback() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let (there, here) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (there, (here, _)) = (there.expect("it listens"), here.expect("one connects"));
    there.set_nodelay(true).expect("the socket is open");
    here.set_nodelay(true).expect("the socket is open");
    (there, here)
}

#[test]
fn idle_runtime_is_quiet() {
    let runtime = Runtime::new().unwrap();

    runtime.block_on(runtime.quiet().wait(()));

    let parks = runtime.quiet().parks();
    assert!((4..20).contains(&parks), "{parks} parks");
}

#[test]
fn quiet_waits_for_ready_tasks() {
    let runtime = Runtime::new().unwrap();
    let done = Arc::new(AtomicBool::new(false));

    let seen = runtime.block_on(async {
        let working = Arc::clone(&done);
        tokio::spawn(async move {
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            working.store(true, SeqCst);
        });
        runtime.quiet().wait(()).await;
        done.load(SeqCst)
    });

    assert!(seen);
}

#[test]
fn waiter_in_a_task_is_woken() {
    let runtime = Runtime::new().unwrap();
    let quiet = runtime.quiet();

    let task = async { tokio::spawn(async move { quiet.wait(()).await }).await };

    runtime.block_on(task).unwrap();
}

#[test]
fn unsettled_activity_parks_without_spinning() {
    let runtime = Runtime::new().unwrap();
    let (quiet, activity) = (runtime.quiet(), ByHand::default());
    activity.owes.store(true, SeqCst);
    let (client, server) = runtime.block_on(loopback());
    let mut server = server.into_std().unwrap();
    server.set_nonblocking(false).unwrap();
    let asked = AtomicBool::new(false);

    thread::scope(|scope| {
        // A server on a thread of its own, which answers when the waiting has begun.
        scope.spawn(|| {
            server.read_exact(&mut [0]).unwrap();
            asked.store(true, SeqCst);
            server.write_all(b"a").unwrap();
        });
        runtime.block_on(async {
            let (mut client, owed) = (client, activity.clone());
            tokio::spawn(async move {
                client.write_all(b"q").await.unwrap();
                client.read_exact(&mut [0]).await.unwrap();
                owed.moves.fetch_add(1, SeqCst);
                owed.owes.store(false, SeqCst);
            });
            quiet.wait(activity.clone()).await;
        });
    });

    assert!(asked.load(SeqCst) && !activity.owes.load(SeqCst));
    assert!(quiet.parks() < 30, "{} parks", quiet.parks());
}

#[test]
fn dropped_wait_asks_for_no_more_turns() {
    let runtime = Runtime::new().unwrap();
    let quiet = runtime.quiet();

    let pending = runtime.block_on(async {
        let mut wait = tokio_test::task::spawn(quiet.wait(()));
        wait.poll().is_pending()
    });

    assert!(pending);
    assert_eq!(format!("{quiet:?}"), format!("Quiet {{ parks: {}, waiters: 0 }}", quiet.parks()));
}

/// A chain as between proxy and client: the one writes, the other sees it and answers.
#[rstest]
#[case::idle(false)]
#[case::busy(true)]
fn quiet_waits_for_bytes_between_sockets(#[case] busy: bool) {
    let trials = || {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            for trial in 0..300 {
                let activity = ByHand::default();
                let (mut client, mut proxy) = loopback().await;
                tokio::spawn(async move {
                    while client.read_exact(&mut [0]).await.is_ok() {
                        client.write_all(b"q").await.unwrap();
                    }
                });
                let moves = Arc::clone(&activity.moves);
                tokio::spawn(async move {
                    for _ in 0..3 {
                        proxy.write_all(b"a").await.unwrap();
                        proxy.read_exact(&mut [0]).await.unwrap();
                        moves.fetch_add(1, SeqCst);
                    }
                });
                runtime.quiet().wait(activity.clone()).await;
                assert_eq!(activity.moves.load(SeqCst), 3, "trial {trial}");
            }
        });
    };

    if busy { under_load(trials) } else { trials() }
}

#[test]
fn future_that_nobody_wakes_is_stuck() {
    let runtime = Runtime::new().unwrap();

    let stuck = runtime.block_on(async {
        let (_never, lease) = oneshot::channel::<()>();
        tokio::select! {
            biased;
            () = runtime.quiet().wait(()) => true,
            _ = lease => false,
        }
    });

    assert!(stuck);
}

/// The limit that the module documents: a timer is not something that will happen.
#[test]
fn timer_that_has_not_fired_is_not_seen() {
    let runtime = Runtime::new().unwrap();
    let fired = Arc::new(Notify::new());

    runtime.block_on(async {
        let waker = Arc::clone(&fired);
        let timer = tokio::time::timeout(Duration::from_secs(3600), waker.notified());
        tokio::select! {
            biased;
            () = runtime.quiet().wait(()) => {}
            _ = timer => panic!("nothing fires within the test"),
        }
    });
}

#[rstest]
#[case::unpolled(0, Cut::Dropped)]
#[case::inside(2, Cut::Dropped)]
#[case::last_poll(3, Cut::Finished(7))]
#[case::more_than_needed(9, Cut::Finished(7))]
fn cut_drops_after_so_many_polls(#[case] polls: u32, #[case] expected: Cut<u32>) {
    let dropped = Arc::new(AtomicBool::new(false));
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let guard = Guard(Arc::clone(&dropped));
    let polled = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&polled);
    let future = async move {
        let _guard = guard;
        for _ in 0..2 {
            counting.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
        }
        counting.fetch_add(1, SeqCst);
        7
    };

    let cut = Runtime::new().unwrap().block_on(cut_after(future, polls));

    assert_eq!(cut, expected);
    assert!(dropped.load(SeqCst));
    assert_eq!(polled.load(SeqCst), u64::from(polls.min(3)));
}
