//! Of the programs of which the compiler says nothing, the wrapper tells when they run.
//!
//! Each is written here once more, under its name, with `awaited` around the future that it forgets.
//! Only a task that is forgotten needs it around the task's handle.

use std::{
    collections::BTreeSet,
    fs,
    future::{Ready, ready},
    panic::catch_unwind,
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use dropproof::poll::{Fate, Watch, awaited};
use rstest::rstest;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The programs, in the order of their names.
const FORGETFUL: [(&str, fn()); 6] = [
    ("drop-of-a-future", drop_of_a_future),
    ("future-behind-into-future", future_behind_into_future),
    ("future-written-by-hand", future_written_by_hand),
    ("futures-in-a-vec", futures_in_a_vec),
    ("let-named-underscore", let_named_underscore),
    ("task-that-is-forgotten", task_that_is_forgotten),
];

async fn mark() {
    ready(()).await;
}

fn drop_of_a_future() {
    drop(awaited(mark()));
}

struct Query;

impl IntoFuture for Query {
    type Output = ();
    type IntoFuture = Ready<()>;

    fn into_future(self) -> Self::IntoFuture {
        ready(())
    }
}

fn future_behind_into_future() {
    drop(awaited(Query));
}

struct Commit;

impl Future for Commit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

fn future_written_by_hand() {
    drop(awaited(Commit));
}

fn futures_in_a_vec() {
    drop(vec![awaited(mark()), awaited(mark())]);
}

fn let_named_underscore() {
    let _marked = awaited(mark());
}

fn task_that_is_forgotten() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
    drop(awaited(runtime.spawn(mark())));
}

/// Its future is waited for: what it lacks then is the guard that was to be held meanwhile.
const AWAITED: [&str; 1] = ["tail-behind-a-guard"];

#[test]
fn every_program_that_nobody_catches_is_here() {
    let folder = Path::new(FOLDER).join("../../snapshots/ui");
    let snapshots = fs::read_dir(folder).expect("there is a folder").filter_map(|entry| {
        let path = entry.expect("the entry can be read").path();
        let text = fs::read_to_string(&path).expect("it can be read");
        let name = path.file_stem()?.to_str()?.to_owned();
        text.ends_with("---\nnothing is said\n").then_some(name)
    });

    let names = FORGETFUL.iter().map(|(name, _)| *name).chain(AWAITED);
    let here: BTreeSet<_> = names.map(str::to_owned).collect();
    assert_eq!(snapshots.collect::<BTreeSet<_>>(), here);
}

#[rstest]
fn forgetful_program_is_reported(#[values(0, 1, 2, 3, 4, 5)] program: usize) {
    let (name, forget) = FORGETFUL[program];
    let watch = Watch::new();

    forget();

    let futures = if name == "futures-in-a-vec" { 2 } else { 1 };
    let fates: Vec<_> = watch.take().iter().map(|forgotten| forgotten.fate()).collect();
    assert_eq!(fates, vec![Fate::NeverPolled; futures], "{name}");
}

#[test]
fn readme_shows_what_a_watch_prints() {
    let panic = catch_unwind(|| {
        let _watch = Watch::new();
        FORGETFUL.iter().for_each(|(_, forget)| forget());
    });

    let text = panic.expect_err("they forget").downcast::<String>().expect("it is a text");
    insta::with_settings!({
        snapshot_path => Path::new(FOLDER).join("../../snapshots/awaited"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("forgotten", text); });
    let readme =
        fs::read_to_string(Path::new(FOLDER).join("../../README.md")).expect("it is there");
    assert!(readme.contains(&format!("```text\n{text}\n```\n")), "the README has to show:\n{text}");
}
