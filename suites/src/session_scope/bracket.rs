//! Brackets: an enter, a body and an exit that is told how the body has ended.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
};

use dropproof::{
    contract::{self, Bracket, Capability, Class, Ended},
    verdict::{Error, Level, Verdict},
};
use futures::{FutureExt, future::BoxFuture};

use super::steps::units;
use crate::{Check, Fault, Subject};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "session-scope/exit-is-told-how-the-body-ended",
    level: Level::Must,
    requirement: "A bracket MUST run its exit exactly where its enter succeeded and its \
                body came to an end, with what the enter gave and how the body ended; an error of \
                the exit MUST replace that of the body, and a body that is dropped has no exit.",
    claims: &["guard-async-with-protocol", "guard-async-with-error"],
    needs: &[Capability::UnitOfWork],
    since: "0.1.0",
    background: "Python's `async with` awaits its exit even while a cancellation passes \
                through. A dropped future in Rust awaits nothing any more, so what must be done on \
                every way out belongs into a drop, and the exit is for what may be left out.",
    catches: &[(Fault::ExitSkipped, "the body fails"), (Fault::ExitHidesError, "the exit fails")],
    run: |cell| cell.play(exit_is_told_how_the_body_ended),
}];

/// What has happened in a bracket, in order.
type Log = Arc<Mutex<Vec<String>>>;

/// A bracket by its name and its parts, with what it gives and what has happened then.
type Case = (&'static str, Acts, Result<i64, Class>, &'static [&'static str]);

/// A bracket's parts, which fail or not.
#[derive(Clone, Copy, Debug)]
struct Acts {
    enters: bool,
    works: bool,
    exits: bool,
}

async fn exit_is_told_how_the_body_ended(subject: &Subject) -> Result<Verdict, Error> {
    let units = units(subject)?;
    let planted = Err(Class::Planted);
    let all = Acts { enters: true, works: true, exits: true };
    let cases: [Case; 5] = [
        ("all is well", all, Ok(8), &["enter", "body 7", "exit 7 Returned"]),
        ("the enter fails", Acts { enters: false, ..all }, planted, &["enter"]),
        (
            "the body fails",
            Acts { works: false, ..all },
            planted,
            &["enter", "body 7", "exit 7 Failed(Planted)"],
        ),
        (
            "the exit fails",
            Acts { exits: false, ..all },
            Err(Class::Data),
            &["enter", "body 7", "exit 7 Returned"],
        ),
        (
            "the body and the exit fail",
            Acts { works: false, exits: false, ..all },
            Err(Class::Data),
            &["enter", "body 7", "exit 7 Failed(Planted)"],
        ),
    ];
    for (name, acts, expected, order) in cases {
        let log = Log::default();
        let ended = units.bracket(bracket(&log, acts, ready(()).boxed())).await;
        let ended = ended.map_err(|error| error.class());
        let seen = log.lock().expect("nobody panics with it").clone();
        if ended != expected || seen != order {
            return Ok(Verdict::violated(format!(
                "{name}: it gives {ended:?} by {seen:?}, not {expected:?} by {order:?}"
            )));
        }
    }

    let log = Log::default();
    let mut dropped = units.bracket(bracket(&log, all, pending().boxed()));
    let waits = (&mut dropped).now_or_never().is_none();
    drop(dropped);
    let seen = log.lock().expect("nobody panics with it").clone();
    Ok(match (waits, seen.as_slice()) {
        (true, [enter, body]) if enter == "enter" && body == "body 7" => Verdict::Upheld,
        _ => Verdict::violated(format!("a body that is dropped: {seen:?}")),
    })
}

/// A bracket that logs what it does, and whose body waits for a future.
fn bracket(log: &Log, acts: Acts, until: BoxFuture<'static, ()>) -> Bracket {
    let note = |log: &Log| {
        let log = Arc::clone(log);
        move |line: String| log.lock().expect("nobody panics with it").push(line)
    };
    let fails = |class| contract::Error::new(class, "it was told to");
    let (entered, worked, exited) = (note(log), note(log), note(log));
    Bracket {
        enter: Box::new(move || {
            entered("enter".to_owned());
            ready(if acts.enters { Ok(7) } else { Err(fails(Class::Planted)) }).boxed()
        }),
        body: Box::new(move |value| {
            worked(format!("body {value}"));
            async move {
                until.await;
                if acts.works { Ok(value + 1) } else { Err(fails(Class::Planted)) }
            }
            .boxed()
        }),
        exit: Box::new(move |value, ended: Ended| {
            exited(format!("exit {value} {ended:?}"));
            ready(if acts.exits { Ok(()) } else { Err(fails(Class::Data)) }).boxed()
        }),
    }
}
