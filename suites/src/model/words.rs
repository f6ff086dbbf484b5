//! The words of a case (titles, names, emails, hashes), and which of them are simpler.

use super::case::{Action, Case, Change, Operation};

/// Titles and names, the simplest first: of the alphabet, empty, more than one byte, markup.
pub(super) const TEXTS: [&str; 4] = ["a", "b", "", "é'😀"];
/// Few, so that two users have the same.
pub(super) const EMAILS: [&str; 3] = ["a@x.org", "b@x.org", "c@x.org"];
pub(super) const HASHES: [&str; 2] = ["hash", "other"];

/// How far the words of an action are from the simplest ones.
pub(super) fn oddity(action: &Action) -> usize {
    let of = |words: &[&str], word: &str| {
        words.iter().position(|other| *other == word).unwrap_or(words.len())
    };
    let text =
        |text: &Option<String>| text.as_ref().map_or(TEXTS.len() + 1, |text| of(&TEXTS, text));
    match action {
        Action::CreateTask(title) | Action::RenameTask(_, title) => text(title),
        Action::FindUser(email) => of(&EMAILS, email),
        Action::CreateUser(email, name) => of(&EMAILS, email) + text(name),
        Action::UpdateUser(_, Change { email, hashed_password, full_name }) => {
            let email = email.as_ref().map_or(0, |email| 1 + of(&EMAILS, email));
            let hash = hashed_password.as_ref().map_or(0, |hash| 1 + of(&HASHES, hash));
            email + hash + full_name.as_ref().map_or(0, |name| 1 + text(name))
        }
        _ => 0,
    }
}

/// The simpler actions, the simplest first.
pub(super) fn simpler_actions(action: &Action) -> Vec<Action> {
    let texts = || TEXTS.iter().map(|text| Some((*text).to_owned()));
    let mut all = vec![
        Action::ListTasks,
        Action::CreateTask(Some(TEXTS[0].to_owned())),
        Action::Mark(1),
        Action::CreateUser(EMAILS[0].to_owned(), Some(TEXTS[0].to_owned())),
    ];
    match action {
        Action::FindTask(row) => all.extend((1..*row).map(Action::FindTask)),
        Action::FindUser(_) => all.extend(emails().map(Action::FindUser)),
        Action::CreateTask(_) => all.extend(texts().map(Action::CreateTask)),
        Action::Mark(row) => all.extend((1..*row).map(Action::Mark)),
        Action::Unmark(row) => all.extend((1..*row).map(Action::Unmark)),
        Action::DeleteTask(row) => all.extend((1..*row).map(Action::DeleteTask)),
        Action::RenameTask(row, title) => {
            all.extend((1..*row).map(|row| Action::RenameTask(row, title.clone())));
            all.extend(texts().map(|title| Action::RenameTask(*row, title)));
        }
        Action::CreateUser(email, name) => {
            all.extend(emails().map(|email| Action::CreateUser(email, name.clone())));
            all.extend(texts().map(|name| Action::CreateUser(email.clone(), name)));
        }
        Action::UpdateUser(row, change) => {
            all.extend((1..*row).map(|row| Action::UpdateUser(row, change.clone())));
            let changes = simpler_changes(change).into_iter();
            all.extend(changes.map(|change| Action::UpdateUser(*row, change)));
        }
        Action::Rollback | Action::Leave | Action::Fail => {
            all.extend([Action::Commit, Action::Rollback, Action::Leave]);
        }
        Action::Commit
        | Action::ListTasks
        | Action::ReadNowhere
        | Action::StoreNull
        | Action::Begin => {}
    }
    all
}

fn emails() -> impl Iterator<Item = String> {
    EMAILS.iter().map(ToString::to_string)
}

/// Fewer columns, or simpler ones; one column for another.
fn simpler_changes(change: &Change) -> Vec<Change> {
    let one = |text: &str| Some(text.to_owned());
    let mut all = vec![Change::default()];
    all.extend(
        HASHES.iter().map(|hash| Change { hashed_password: one(hash), ..Change::default() }),
    );
    all.extend(TEXTS.iter().map(|name| Change { full_name: Some(one(name)), ..Change::default() }));
    all.extend(emails().map(|email| Change { email: Some(email), ..Change::default() }));
    all.extend([
        Change { email: None, ..change.clone() },
        Change { hashed_password: None, ..change.clone() },
        Change { full_name: None, ..change.clone() },
    ]);
    all
}

/// Exchanges two words wherever they stand: which is the first and which the second does not matter.
pub(super) fn with_words_exchanged(case: &Case) -> Vec<Case> {
    let texts = TEXTS.map(|text| Some(text.to_owned())).into_iter().chain([None]);
    let texts: Vec<Option<String>> = texts.collect();
    let titles = pairs(texts.len()).map(|(a, b)| {
        let mut case = case.clone();
        for title in case.operations.iter_mut().filter_map(|operation| text(&mut operation.action))
        {
            exchange(title, &texts[a], &texts[b]);
        }
        case
    });
    let emails = pairs(EMAILS.len()).map(|(a, b)| {
        let mut case = case.clone();
        for email in case.operations.iter_mut().filter_map(|operation| email(&mut operation.action))
        {
            exchange(email, &EMAILS[a].to_owned(), &EMAILS[b].to_owned());
        }
        case
    });
    titles.chain(emails).collect()
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
}

fn exchange<T: Clone + PartialEq>(word: &mut T, a: &T, b: &T) {
    if word == a {
        word.clone_from(b);
    } else if word == b {
        word.clone_from(a);
    }
}

fn text(action: &mut Action) -> Option<&mut Option<String>> {
    match action {
        Action::CreateTask(text) | Action::RenameTask(_, text) | Action::CreateUser(_, text) => {
            Some(text)
        }
        Action::UpdateUser(_, change) => change.full_name.as_mut(),
        _ => None,
    }
}

fn email(action: &mut Action) -> Option<&mut String> {
    match action {
        Action::FindUser(email) | Action::CreateUser(email, _) => Some(email),
        Action::UpdateUser(_, change) => change.email.as_mut(),
        _ => None,
    }
}

/// Exchanges two columns in all updates: which column is lost and which is written depend on each other.
pub(super) fn with_columns_exchanged(case: &Case) -> Vec<Case> {
    [(0, 1), (0, 2), (1, 2)].map(|(a, b)| exchanged_columns(case, a, b)).into()
}

fn exchanged_columns(case: &Case, a: usize, b: usize) -> Case {
    let mut case = case.clone();
    for Operation { action, .. } in &mut case.operations {
        if let Action::UpdateUser(_, change) = action {
            let mut words = places(change);
            words.swap(a, b);
            *change = change_of(words);
        }
    }
    case
}

/// Which of its words each column gets; NULL comes after the words of the name.
fn places(Change { email, hashed_password, full_name }: &Change) -> [Option<usize>; 3] {
    let place = |words: &[&str], word: &String| words.iter().position(|other| other == word);
    let name = |name: &Option<String>| match name {
        Some(name) => place(&TEXTS, name).unwrap_or(0),
        None => TEXTS.len(),
    };
    [
        email.as_ref().map(|email| place(&EMAILS, email).unwrap_or(0)),
        hashed_password.as_ref().map(|hash| place(&HASHES, hash).unwrap_or(0)),
        full_name.as_ref().map(name),
    ]
}

fn change_of([email, hash, name]: [Option<usize>; 3]) -> Change {
    let word = |words: &[&str], place: usize| words[place.min(words.len() - 1)].to_owned();
    Change {
        email: email.map(|place| word(&EMAILS, place)),
        hashed_password: hash.map(|place| word(&HASHES, place)),
        full_name: name.map(|place| TEXTS.get(place).map(ToString::to_string)),
    }
}
