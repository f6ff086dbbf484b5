//! Who is forgotten is told once, where he was made, and to the watch under which he was made.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    thread,
};

use futures::FutureExt;
use rstest::rstest;
use tokio::{runtime::Builder, task::yield_now};
use tokio_test::{assert_pending, assert_ready, task::spawn};

use super::*;

/// A future that needs so many polls more than one.
#[track_caller]
fn yields(times: u32) -> Awaited<impl Future<Output = u32>> {
    awaited(async move {
        for _ in 0..times {
            yield_now().await;
        }
        times
    })
}

fn fates(watch: &Watch) -> Vec<Fate> {
    watch.take().iter().map(Forgotten::fate).collect()
}

fn text_of_panic(body: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("it panics with a text")
}

/// A yield is ready at its second poll, so three polls are half-way and a fourth is the end.
#[rstest]
#[case::never_polled(0, &[Fate::NeverPolled])]
#[case::once(1, &[Fate::Dropped { polls: 1 }])]
#[case::half_way(3, &[Fate::Dropped { polls: 3 }])]
#[case::finished(4, &[])]
fn dropped_future_is_reported_by_its_polls(#[case] polls: u32, #[case] expected: &[Fate]) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let _runtime = runtime.enter();
    let watch = Watch::new();
    let mut future = spawn(yields(3));

    for poll in 1..=polls {
        if poll == 4 {
            assert_eq!(assert_ready!(future.poll()), 3);
        } else {
            assert_pending!(future.poll());
        }
    }
    assert_eq!(watch.take(), [], "nothing is told before it is dropped");
    drop(future);

    assert_eq!(fates(&watch), expected);
}

#[test]
fn place_is_where_the_future_was_made() {
    let watch = Watch::new();

    let (line, made) = (line!(), yields(0));
    drop(made);

    let reports = watch.take();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].place().file(), reports[0].place().line()), (file!(), line));
    assert!(reports[0].what().ends_with("tests::yields"), "{}", reports[0].what());
}

#[rstest]
#[case::unpolled(0)]
#[case::half_way(1)]
fn abandoned_future_is_not_reported(#[case] polls: u32) {
    let watch = Watch::new();
    let mut future = spawn(awaited(std::future::pending::<()>()));
    for _ in 0..polls {
        assert_pending!(future.poll());
    }

    future.enter(|_, future| future.abandon());
    if 0 < polls {
        assert_pending!(future.poll(), "a poll does not take the word back");
    }
    drop(future);

    assert_eq!(fates(&watch), []);
}

#[test]
fn watch_fails_with_every_report() {
    let text = text_of_panic(|| {
        let _watch = Watch::new();
        drop([yields(0), yields(0)]);
        assert_eq!(pin!(yields(1)).now_or_never(), None);
    });

    let lines: Vec<_> = text.lines().collect();
    let [head, first, second, third] = lines[..] else { panic!("{text}") };
    assert_eq!(head, "3 futures were forgotten");
    assert!(first < second, "{text}");
    assert!([first, second].iter().all(|line| line.ends_with("yields was never polled")), "{text}");
    assert!(third.ends_with("yields was dropped after 1 poll"), "{text}");
}

#[test]
fn watch_that_was_told_nothing_is_silent() {
    let watch = Watch::new();
    assert_eq!(yields(0).now_or_never(), Some(0));
    drop(watch);
}

/// Two panics at once would abort the process, and with it this test.
#[test]
fn body_that_panics_is_not_followed_by_another_panic() {
    let text = text_of_panic(|| {
        let _watch = Watch::new();
        drop(yields(0));
        let _held = yields(0);
        panic!("the body's own");
    });

    assert_eq!(text, "the body's own");
}

#[test]
fn future_that_panicked_is_not_reported() {
    let watch = Watch::new();
    let panics = awaited(async {
        let _inner = yields(0);
        panic!("on purpose");
    });
    let mut future = spawn(AssertUnwindSafe(panics).catch_unwind());

    assert!(assert_ready!(future.poll()).is_err());
    drop(future);

    assert_eq!(fates(&watch), []);
}

#[test]
fn innermost_watch_is_told() {
    let outer = Watch::new();
    let first = yields(0);
    let inner = Watch::new();
    drop(yields(0));
    drop(first);
    assert_eq!((fates(&outer).len(), fates(&inner).len()), (1, 1));

    drop(outer);
    drop(yields(0));
    assert_eq!(fates(&inner).len(), 1, "who leaves first need not be the innermost");
}

#[test]
fn threads_do_not_hear_of_each_other() {
    let watch = Watch::new();

    thread::scope(|scope| {
        scope.spawn(|| drop(yields(0)));
        scope.spawn(|| {
            let other = Watch::new();
            drop(yields(0));
            assert_eq!(fates(&other).len(), 1);
        });
    });

    assert_eq!(fates(&watch), []);
}

#[test]
fn future_that_moves_to_a_thread_is_told_to_its_watch() {
    let watch = Watch::new();
    let future = yields(1);

    let polled = thread::spawn(move || Box::pin(future).now_or_never()).join().unwrap();

    assert_eq!(polled, None);
    assert_eq!(fates(&watch), [Fate::Dropped { polls: 1 }]);
}

/// Reports from two threads come in any order, and are told in one.
#[test]
fn tasks_of_many_threads_take_the_watch_along() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let watch = Watch::new();

    let forgets = |times: u32| async move {
        for _ in 0..times {
            drop(yields(0));
            assert_eq!(Box::pin(yields(1)).now_or_never(), None);
            yield_now().await;
        }
        yields(times).await
    };
    let watched = [3, 4].map(|times| runtime.spawn(watch.over(forgets(times))));
    let unwatched = runtime.spawn(forgets(5));
    let ended = runtime.block_on(futures::future::join_all(watched.into_iter().chain([unwatched])));

    assert_eq!(ended.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), [3, 4, 5]);
    let expected = [[Fate::NeverPolled; 7], [Fate::Dropped { polls: 1 }; 7]];
    assert_eq!(fates(&watch), expected.concat());
}

#[test]
fn watch_is_left_where_a_task_panics() {
    let outer = Watch::new();
    let watch = Watch::new();
    let mut task =
        spawn(AssertUnwindSafe(watch.over(async { panic!("on purpose") })).catch_unwind());
    assert!(assert_ready!(task.poll()).is_err());
    drop((task, watch));

    drop(yields(0));

    assert_eq!(fates(&outer).len(), 1);
}
