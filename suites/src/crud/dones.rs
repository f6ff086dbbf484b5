//! Dones: a task is marked once, and unmarked once.

use dropproof::{
    contract::{self, BoxedSession, Class, Op, Pool, Session},
    verdict::{Error, Verdict},
};
use futures::future::join;

use super::steps::{broken_failure, changed, create_task, see_change, sees_seven, task};
use crate::{
    Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const MARKS: Scenario = Scenario {
    check: "crud/task-is-marked-once",
    originals: &[Original {
        claim: "crud-done-resource",
        traces: traces!("crud-done-resource"),
        pairs: &[
            Pair { theirs: ("put", 0), ours: "mark the task", on: EVERYWHERE },
            Pair { theirs: ("put_again", 0), ours: "mark it again", on: EVERYWHERE },
            Pair { theirs: ("delete", 0), ours: "unmark it", on: EVERYWHERE },
            Pair { theirs: ("delete_again", 0), ours: "unmark it again", on: EVERYWHERE },
            Pair { theirs: ("put_for_absent_task", 0), ours: "mark none", on: EVERYWHERE },
            Pair {
                theirs: ("two_concurrent_puts_both_saw_none", 0),
                ours: "two mark it at the same time",
                on: EVERYWHERE,
            },
        ],
        left_out: &[],
        deviations: &[
            Deviation {
                theirs: ("put_again", 0),
                fact: Fact::Value,
                on: EVERYWHERE,
                ours: "null",
                because: "the original's service looks first, and says so by itself; here the \
                    server is asked, because a look is no lock",
            },
            Deviation {
                theirs: ("put_again", 0),
                fact: Fact::Error,
                on: EVERYWHERE,
                ours: "\"constraint\"",
                because: "as above: the server refuses the second mark",
            },
        ],
    }],
};

pub(super) async fn task_is_marked_once(subject: &Subject) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let id = session.run(&create_task("t0")).await?.id()?;
    for (step, op, rows) in [
        ("mark the task", Op::Mark(id), Ok(1)),
        ("mark it again", Op::Mark(id), Err(1)),
        ("unmark it", Op::Unmark(id), Ok(1)),
        ("unmark it again", Op::Unmark(id), Ok(0)),
        ("mark none", Op::Mark(id + 998), Err(0)),
    ] {
        let told = see_change(subject, &mut session, step, &op).await;
        if let Ok(told) = &told {
            subject.trace.fact(Fact::Value, if *told == 1 { "ok" } else { "absent" });
        }
        let marks = subject.rows("dones").await?;
        let left = match (rows, &told) {
            (Ok(expected), Ok(told)) if *told == expected => usize::from(step == "mark the task"),
            (Ok(expected), told) => {
                return Ok(Verdict::violated(format!("{step}: {told:?}, not {expected} rows")));
            }
            (Err(left), _) => left,
        };
        if rows.is_err()
            && let Some(broken) = broken_failure(step, told, Class::Constraint)
        {
            return Ok(broken);
        }
        if marks != left {
            return Ok(Verdict::violated(format!("{step}: {marks} marks are there, not {left}")));
        }
    }
    if !sees_seven(subject, &mut session).await {
        return Ok(Verdict::violated("the session is not usable after marks were refused"));
    }
    two_mark_it_at_the_same_time(subject, &mut session, id).await
}

/// Both have seen that it is not marked; one of them wins.
async fn two_mark_it_at_the_same_time(
    subject: &Subject,
    first: &mut BoxedSession,
    id: i64,
) -> Result<Verdict, Error> {
    let step = "two mark it at the same time";
    let mut second = subject.pool.session().await?;
    for session in [&mut *first, &mut second] {
        if task(session, id).await?.is_none_or(|task| task.done) {
            return Err(Error::Vacuous { why: "the task was marked before".to_owned() });
        }
    }
    subject.trace.waits_for(step);
    let mark = Op::Mark(id);
    let (one, other) = join(changed(first, &mark), changed(&mut second, &mark)).await;
    let outcomes = [one, other];
    let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(1))).count();
    let lost: Vec<contract::Error> = outcomes.into_iter().filter_map(Result::err).collect();
    let classes: Vec<&str> = lost.iter().map(|error| error.class().name()).collect();
    subject.trace.note(step, format_args!("{won} has done it, the other: error {classes:?}"));
    subject.trace.fact(Fact::Changed, won);
    if let [class] = classes.as_slice() {
        subject.trace.fact(Fact::Error, *class);
    }
    let marks = subject.rows("dones").await?;
    let as_it_must = won == 1 && classes == [Class::Constraint.name()] && marks == 1;
    Ok(Verdict::upheld_if(as_it_must, || {
        format!("{step}: {won} did it, errors {classes:?}, {marks} marks")
    }))
}
