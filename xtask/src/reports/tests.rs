//! Tests of the folder of reports.

use std::os::unix::fs::symlink;

use super::*;

/// A workplace without a run.
fn workplace(parent: &Path, files: &[(&str, &str)]) -> Workplace {
    let folder = tempfile::Builder::new().prefix("round-").tempdir_in(parent).unwrap();
    let workplace = Workplace { folder, held: Held::default() };
    files.iter().for_each(|(name, text)| workplace.write(name, text).unwrap());
    workplace
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refusal(folder: &Path) -> String {
    Reports::at(folder).unwrap_err().to_string()
}

#[test]
fn folder_with_other_files_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["thesis.tex", "a", "b", "c", ".git", "report.json"] {
        fs::write(folder.path().join(name), name).unwrap();
    }

    let error = Reports::at(folder.path()).unwrap_err();

    assert!(error.to_string().ends_with("it holds .git, a, b and 2 more"), "{error}");
    assert!(error.help().unwrap().to_string().contains("`--output`"));
    assert_eq!(names(folder.path()).len(), 6);
}

#[test]
fn folder_named_as_a_report_is_a_strange_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("report.json")).unwrap();

    assert!(refusal(folder.path()).ends_with("it holds report.json"));
}

#[test]
fn symbolic_link_is_refused_with_and_without_a_slash() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("report.json"), "{}").unwrap();
    symlink(&real, &link).unwrap();

    for typed in [link.clone(), link.join("")] {
        assert!(refusal(&typed).ends_with("it is a symbolic link"));
    }
    assert_eq!(names(&real), ["report.json"]);
}

#[test]
fn path_that_can_be_no_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();

    assert!(refusal(file.path()).ends_with("it is a file"));
    assert!(refusal(&file.path().join("a/b")).ends_with("is a file"));
    assert_eq!(refusal(Path::new("")), "`` is no folder");
}

#[test]
fn clearing_removes_reports_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let reports = Reports::at(&folder.path().join("new")).unwrap();
    reports.clear().unwrap();
    assert_eq!(names(folder.path()), [""; 0], "nothing is made either");

    reports.publish(workplace(folder.path(), &FILES.map(|name| (name, "old")))).unwrap();
    assert_eq!(names(&reports.folder).len(), FILES.len());
    // It came after the check.
    fs::write(reports.path("mine"), "").unwrap();
    reports.clear().unwrap();

    assert_eq!(names(&reports.folder), ["mine"]);
}

#[test]
fn later_report_replaces_an_earlier_one_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let reports = Reports::at(&folder.path().join("latest")).unwrap();
    let first = workplace(folder.path(), &FILES.map(|name| (name, "first")));
    let second = workplace(folder.path(), &[("run.log", "second"), ("records.jsonl", "")]);

    reports.publish(first).unwrap();
    reports.publish(second).unwrap();

    assert_eq!(names(&reports.folder), ["run.log"], "nothing of the first is left");
    assert_eq!(fs::read_to_string(reports.path("run.log")).unwrap(), "second");
    assert_eq!(names(folder.path()), ["latest"], "no workplace is left");
}

#[test]
fn runs_that_publish_at_the_same_time_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let reports = Reports::at(&folder.path().join("latest")).unwrap();

    std::thread::scope(|scope| {
        for run in ["one", "two", "three", "four"] {
            let (reports, folder) = (&reports, folder.path());
            scope.spawn(move || {
                for _ in 0..20 {
                    let files = FILES.map(|name| (name, run));
                    reports.publish(workplace(folder, &files)).unwrap();
                }
            });
        }
    });

    let texts = FILES.map(|name| fs::read_to_string(reports.path(name)).unwrap());
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[test]
fn file_of_another_file_system_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, "text").unwrap();

    copy(&from, &to).unwrap();

    assert_eq!(fs::read_to_string(&to).unwrap(), "text");
}
