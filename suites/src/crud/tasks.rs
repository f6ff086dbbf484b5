//! Tasks: they are listed, found by id, renamed and deleted.

use dropproof::{
    contract::{Ending, Gate, Op, Pool, Script, Session, Step, Task, UserChange},
    database::Kind,
    verdict::{Error, Verdict},
};
use serde_json::json;

use super::{
    databases::facts,
    interleave::{Under, play_to},
    steps::{
        changed, column, counted, create_task, done, is_usable, rename, run, see_change,
        sees_seven, task, tasks,
    },
};
use crate::{
    Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

pub(super) const LIST: Scenario = Scenario {
    check: "crud/every-task-is-listed-once-with-its-done-flag",
    originals: &[Original {
        claim: "crud-task-list-outer-join",
        traces: traces!("crud-task-list-outer-join"),
        pairs: &[
            Pair { theirs: ("list", 0), ours: "list the tasks", on: EVERYWHERE },
            Pair {
                theirs: ("after_deleting_the_done_row", 0),
                ours: "list the flags without a mark",
                on: EVERYWHERE,
            },
            Pair { theirs: ("empty", 0), ours: "list none", on: EVERYWHERE },
        ],
        left_out: &[(
            ("after_updating_the_first", 0),
            "an order that nobody asked for; a list is ordered by id here",
        )],
        deviations: &[],
    }],
};

/// The second of three tasks is marked.
pub(super) async fn every_task_is_listed_once_with_its_done_flag(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let mut model = Vec::new();
    for title in ["t0", "t1", "t2"] {
        let id = session.run(&create_task(title)).await?.id()?;
        model.push(Task { id, title: Some(title.to_owned()), done: false });
    }
    changed(&mut session, &Op::Mark(model[1].id)).await?;
    model[1].done = true;

    subject.listen();
    let listed =
        subject.trace.see("list the tasks", tasks(&mut session), |tasks| shown(tasks)).await?;
    let as_rows: Vec<_> = listed.iter().map(|t| json!([t.id, t.title, t.done])).collect();
    subject.trace.fact(Fact::Value, as_rows);
    if listed != model {
        return Ok(Verdict::violated(format!("{model:?} are listed as {listed:?}")));
    }
    if let Some(verbs) = subject.verbs().filter(|verbs| *verbs != ["SELECT"]) {
        return Ok(Verdict::violated(format!("one list took the statements {verbs:?}")));
    }

    changed(&mut session, &Op::Unmark(model[1].id)).await?;
    model[1].done = false;
    let step = "list the flags without a mark";
    let listed = subject.trace.see(step, tasks(&mut session), |tasks| shown(tasks)).await?;
    subject.trace.fact(Fact::Value, listed.iter().map(|task| task.done).collect::<Vec<_>>());
    if listed != model {
        return Ok(Verdict::violated(format!("{model:?} are listed as {listed:?}")));
    }
    for task in &model {
        changed(&mut session, &Op::DeleteTask(task.id)).await?;
    }
    let listed = subject.trace.see("list none", tasks(&mut session), |tasks| shown(tasks)).await?;
    subject.trace.fact(Fact::Value, json!(listed.iter().map(|task| task.id).collect::<Vec<_>>()));
    Ok(Verdict::upheld_if(listed.is_empty(), || format!("no tasks are listed as {listed:?}")))
}

fn shown(tasks: &[Task]) -> String {
    let marks = tasks.iter().map(|task| if task.done { "done" } else { "not done" });
    format!("[{}]", marks.collect::<Vec<_>>().join(", "))
}

pub(super) const FOUND: Scenario = Scenario {
    check: "crud/task-is-found-by-its-id-alone",
    originals: &[Original {
        claim: "crud-task-get-none",
        traces: traces!("crud-task-get-none"),
        pairs: &[
            Pair { theirs: ("get", 0), ours: "get the task", on: EVERYWHERE },
            Pair { theirs: ("get", 1), ours: "get one that is not there", on: EVERYWHERE },
            Pair { theirs: ("get", 2), ours: "get zero", on: EVERYWHERE },
            Pair { theirs: ("get", 3), ours: "get a negative id", on: EVERYWHERE },
            Pair { theirs: ("get", 4), ours: "get the largest of 32 bits", on: EVERYWHERE },
            Pair { theirs: ("get", 5), ours: "get one beyond 32 bits", on: EVERYWHERE },
            Pair { theirs: ("get", 6), ours: "get the largest of 64 bits", on: EVERYWHERE },
            Pair { theirs: ("session_usable_after", 0), ours: "select 7", on: EVERYWHERE },
        ],
        left_out: &[(("get", 7), "an id beyond 64 bits cannot be written down in Rust")],
        deviations: &[
            Deviation {
                theirs: ("get", 5),
                fact: Fact::Error,
                on: &[Kind::Postgres],
                ours: "null",
                because: "its ids have 32 bits, and its driver refuses a longer one; ours have 64",
            },
            Deviation {
                theirs: ("get", 6),
                fact: Fact::Error,
                on: &[Kind::Postgres],
                ours: "null",
                because: "its ids have 32 bits, and its driver refuses a longer one; ours have 64",
            },
        ],
    }],
};

/// An id that is cut to 32 bits on its way would find the task.
pub(super) async fn task_is_found_by_its_id_alone(subject: &Subject) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let id = session.run(&create_task("t0")).await?.id()?;

    for (step, asked) in [
        ("get the task", id),
        ("get one that is not there", id + 98),
        ("get zero", 0),
        ("get a negative id", -1),
        ("get the largest of 32 bits", i32::MAX.into()),
        ("get one beyond 32 bits", (1 << 32) + id),
        ("get the largest of 64 bits", i64::MAX),
    ] {
        let shown = |task: &Option<Task>| {
            task.as_ref().map_or("none".to_owned(), |task| format!("found {:?}", task.title))
        };
        let found = subject.trace.see(step, task(&mut session, asked), shown).await;
        let title = match found {
            Ok(found) => found.map(|task| task.title.unwrap_or_default()),
            Err(error) => {
                let class = error.class();
                return Ok(Verdict::violated(format!("{step}: an error of class `{class}`")));
            }
        };
        subject.trace.fact(Fact::Value, title.clone());
        let expected = (asked == id).then(|| "t0".to_owned());
        if title != expected {
            return Ok(Verdict::violated(format!("{step}: found {title:?}, not {expected:?}")));
        }
    }
    Ok(Verdict::upheld_if(sees_seven(subject, &mut session).await, || {
        "the session is not usable after tasks were not found".to_owned()
    }))
}

/// Nothing is there with the id, or no longer: another has deleted it after it was read.
pub(super) async fn change_of_what_is_missing_changes_nothing(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let id = session.run(&create_task("t0")).await?.id()?;
    let other = session.run(&create_task("t1")).await?.id()?;
    task(&mut session, id).await?;
    subject.witness().query(format!("DELETE FROM tasks WHERE id = {id}")).await?;
    let before = subject.witness().tables().await?;

    let full_name = Some(Some("ghost".to_owned()));
    let change = UserChange { full_name, ..UserChange::default() };
    for (step, op) in [
        ("rename a task that another has deleted", rename(id, "ghost")),
        ("delete it", Op::DeleteTask(id)),
        ("unmark it", Op::Unmark(id)),
        ("unmark a task that is not marked", Op::Unmark(other)),
        ("change a user who is not there", Op::UpdateUser { id, change }),
    ] {
        let told = changed(&mut session, &op).await?;
        if told != 0 {
            let told = counted(&told);
            return Ok(Verdict::violated(format!("{step}: {told}, the layer reported")));
        }
        let after = subject.witness().tables().await?;
        if after != before {
            return Ok(Verdict::violated(format!("{step}: {before:?} became {after:?}")));
        }
    }
    Ok(Verdict::upheld_if(is_usable(&mut session).await, || {
        "the session is not usable after nothing was changed".to_owned()
    }))
}

pub(super) const READ_BACK: Scenario = Scenario {
    check: "crud/write-is-read-back-at-once",
    originals: &[
        Original {
            claim: "crud-task-create",
            traces: traces!("crud-task-create"),
            pairs: &[
                Pair { theirs: ("create", 0), ours: "create with text", on: EVERYWHERE },
                Pair { theirs: ("create", 1), ours: "create without", on: EVERYWHERE },
                Pair { theirs: ("create", 2), ours: "create with 4-byte text", on: EVERYWHERE },
                Pair { theirs: ("create", 3), ours: "create with 1024", on: EVERYWHERE },
                Pair { theirs: ("rows", 0), ours: "all of them", on: EVERYWHERE },
            ],
            left_out: &[(
                ("create", 4),
                "titles have no limit here; crud/text-that-is-too-long-is-refused-or-kept-whole \
                 has the same rule for names",
            )],
            deviations: &[Deviation {
                theirs: ("rows", 0),
                fact: Fact::Rows,
                on: &[Kind::Sqlite],
                ours: "4",
                because: "the fifth there is the title that is too long, which SQLite takes",
            }],
        },
        Original {
            claim: "crud-task-update",
            traces: traces!("crud-task-update"),
            pairs: &[
                Pair { theirs: ("update", 0), ours: "rename it", on: EVERYWHERE },
                Pair { theirs: ("update", 1), ours: "rename it alike", on: EVERYWHERE },
            ],
            left_out: &[
                (
                    ("row_deleted_by_another_before_commit", 0),
                    "a client library reports that no row was changed, and the check \
                     crud/change-of-what-is-missing-changes-nothing judges it; to raise an error \
                     of it is the business of a session that knows its objects",
                ),
                (
                    ("update_to_the_value_another_has_already_written", 0),
                    "the same as renaming alike, where there is no unit of work",
                ),
            ],
            deviations: &[Deviation {
                theirs: ("update", 1),
                fact: Fact::Verbs,
                on: &[Kind::Postgres, Kind::MySql, Kind::MariaDb],
                ours: r#"["UPDATE", "SELECT"]"#,
                because: "the original's session knows that nothing changed; ours sends what it \
                    is told",
            }],
        },
    ],
};

pub(super) async fn write_is_read_back_at_once(subject: &Subject) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let long = "x".repeat(1024);
    let mut id = 0;
    for (step, title) in [
        ("create with text", Some("buy milk")),
        ("create without", None),
        ("create with 4-byte text", Some("우유 \u{1f95b}")),
        ("create with 1024", Some(long.as_str())),
    ] {
        subject.listen();
        let create = Op::CreateTask { title: title.map(str::to_owned) };
        id = session.run(&create).await?.id()?;
        let read = task(&mut session, id).await?.and_then(|task| task.title);
        subject.trace.note(step, "read back");
        subject.trace.fact(Fact::Value, read.as_deref() == title);
        subject.verbs();
        if read.as_deref() != title {
            return Ok(Verdict::violated(format!("{step}: the session still reads {read:?}")));
        }
    }
    subject.trace.note("all of them", "created");
    subject.rows("tasks").await?;

    for step in ["rename it", "rename it alike"] {
        subject.listen();
        let told = changed(&mut session, &rename(id, "new")).await?;
        let read = task(&mut session, id).await?.and_then(|task| task.title);
        subject.trace.note(step, "read back");
        subject.trace.fact(Fact::Value, read.clone());
        subject.verbs();
        if read.as_deref() != Some("new") {
            return Ok(Verdict::violated(format!("{step}: the session still reads {read:?}")));
        }
        let spared = step == "rename it alike"
            && facts(subject.kind()).may_count_changed_rows_only
            && told == 0;
        if told != 1 && !spared {
            return Ok(Verdict::violated(format!("{step}: {}, not 1", counted(&told))));
        }
    }
    let stored = column(subject, "SELECT title FROM tasks ORDER BY id DESC").await?;
    Ok(Verdict::upheld_if(stored.first() == Some(&"new".into()), || {
        format!("a title that was renamed to `new` is stored as {:?}", stored.first())
    }))
}

pub(super) const DELETE: Scenario = Scenario {
    check: "crud/delete-takes-the-mark-along-at-commit",
    originals: &[Original {
        claim: "crud-task-delete",
        traces: traces!("crud-task-delete"),
        pairs: &[
            Pair { theirs: ("delete", 0), ours: "delete the marked task", on: EVERYWHERE },
            Pair { theirs: ("commit", 0), ours: "commit that", on: EVERYWHERE },
            Pair { theirs: ("delete", 1), ours: "delete the other task", on: EVERYWHERE },
            Pair { theirs: ("commit", 1), ours: "commit that too", on: EVERYWHERE },
            Pair { theirs: ("get_again", 0), ours: "get the deleted task", on: EVERYWHERE },
        ],
        left_out: &[(("delete_none", 0), "there is no way to say it in Rust")],
        deviations: &[
            at_delete(("delete", 0), r#"["DELETE"]"#),
            at_delete(("delete", 1), r#"["DELETE"]"#),
            at_delete(("commit", 0), "[]"),
            at_delete(("commit", 1), "[]"),
        ],
    }],
};

/// The statements of a delete, as the original's session and as a client library sends them.
const fn at_delete(theirs: (&'static str, usize), ours: &'static str) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Verbs,
        on: &[Kind::Postgres, Kind::MySql, Kind::MariaDb],
        ours,
        because: "the original's session reads what hangs on the object at once, and deletes row \
            by row at the commit; here the server cascades at the statement",
    }
}

pub(super) async fn delete_takes_the_mark_along_at_commit(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let trace = &subject.trace;
    let mut session = subject.pool.session().await?;
    let marked = session.run(&create_task("t0")).await?.id()?;
    let other = session.run(&create_task("t1")).await?.id()?;
    changed(&mut session, &Op::Mark(marked)).await?;

    for (id, delete, commit, before) in [
        (marked, "delete the marked task", "commit that", 2),
        (other, "delete the other task", "commit that too", 1),
    ] {
        let gate = Gate::default();
        let steps = [run(Op::DeleteTask(id)), Step::Hold(gate.clone())];
        let (script, _) = Script::new(steps, Ending::Commit);
        subject.listen();
        let Under::Held(rest) = play_to(trace, delete, session.transact(script), &gate).await?
        else {
            return Err(Error::Vacuous { why: "the transaction ended at once".to_owned() });
        };
        let seen = subject.rows("tasks").await?;
        subject.verbs();
        if seen != before {
            return Ok(Verdict::violated(format!("{seen} tasks are there before the commit")));
        }
        subject.listen();
        gate.open();
        trace.see(commit, rest, done).await?;
        let (left, marks) = (subject.rows("tasks").await?, column(subject, "SELECT id FROM dones"));
        let marks = marks.await?.len();
        trace.fact(Fact::Value, marks);
        subject.verbs();
        if (left, marks) != (before - 1, 0) {
            return Ok(Verdict::violated(format!(
                "after the delete of one of {before} tasks {left} are there, and {marks} marks"
            )));
        }
    }
    let again =
        see_change(subject, &mut session, "delete it again", &Op::DeleteTask(marked)).await?;
    let gone = trace.see("get the deleted task", task(&mut session, marked), |task| {
        task.as_ref().map_or("none".to_owned(), |_| "found".to_owned())
    });
    let gone = gone.await?;
    trace.fact(Fact::Value, gone.as_ref().map(|task| task.id));
    Ok(Verdict::upheld_if(again == 0 && gone.is_none(), || {
        format!("a second delete changed {again} rows, and the task reads {gone:?}")
    }))
}
