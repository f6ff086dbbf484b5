//! Users: they are created, found by their email, and changed.

use dropproof::{
    contract::{BoxedSession, Class, NewUser, Op, Pool, Session, User, UserChange, Value},
    database::Kind,
    verdict::{Error, Verdict},
};

use super::{
    databases::facts,
    steps::{HASH, changed, done, is_usable, lookup, new_user, sees_seven},
};
use crate::{
    Subject,
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Pair, traces},
    trace::Fact,
};

/// The server's ids are moved on first, so that one who counts for himself is wrong.
pub(super) async fn create_returns_the_id_that_the_server_made(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let witness = subject.witness();
    witness
        .query(
            "INSERT INTO users (email, hashed_password) VALUES ('gone', 'hash'); DELETE FROM users",
        )
        .await?;

    let mut session = subject.pool.session().await?;
    let mut returned = Vec::new();
    for email in ["kim@x.org", "lee@x.org", "émile@x.org"] {
        let id = session.run(&Op::CreateUser(new_user(email))).await?.id()?;
        returned.push(vec![Value::Int(id), email.into()]);
    }

    let made = witness.query("SELECT id, email FROM users ORDER BY id").await?;
    Ok(Verdict::upheld_if(returned == made, || {
        format!("ids were returned as {returned:?}, but the server made {made:?}")
    }))
}

pub(super) const LOOKUP: Scenario = Scenario {
    check: "crud/lookup-by-email-finds-one-or-none-or-fails",
    originals: &[Original {
        claim: "crud-get-by-email-missing",
        traces: traces!("crud-get-by-email-missing"),
        pairs: &[
            Pair { theirs: ("no_row", 1), ours: "look for nobody@x.org", on: EVERYWHERE },
            Pair { theirs: ("two_rows", 1), ours: "look for lee@x.org", on: EVERYWHERE },
            Pair { theirs: ("session_usable_after", 3), ours: "select 7", on: EVERYWHERE },
        ],
        left_out: &[
            (("no_row", 0), "a form that fails on none is the claim's mistake, and a fault here"),
            (("session_usable_after", 0), "it follows that form"),
            (("two_rows", 0), "a form that fails on none, again"),
            (("session_usable_after", 1), "it follows that form"),
            (("session_usable_after", 2), "asked once, after the failure"),
            (("two_rows", 2), "the form that takes the first of several is a fault here"),
        ],
        deviations: &[],
    }],
};

pub(super) async fn lookup_by_email_finds_one_or_none_or_fails(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    for email in ["kim@x.org", "émile@x.org", "lee@x.org", "lee@x.org"] {
        session.run(&Op::CreateUser(new_user(email))).await?;
    }

    for email in ["kim@x.org", "émile@x.org"] {
        let found = see_lookup(subject, &mut session, email).await?;
        if found.as_ref().is_none_or(|user| user.email != email) {
            return Ok(Verdict::violated(format!("one user has the email {email}: {found:?}")));
        }
    }
    match see_lookup(subject, &mut session, "nobody@x.org").await {
        Ok(None) => {}
        other => return Ok(Verdict::violated(format!("nobody has the email: {other:?}"))),
    }
    match see_lookup(subject, &mut session, "lee@x.org").await {
        Err(error) if error.class() == Class::Ambiguous => {}
        other => return Ok(Verdict::violated(format!("two users have the email: {other:?}"))),
    }
    Ok(Verdict::upheld_if(sees_seven(subject, &mut session).await, || {
        "the session is not usable after a lookup that failed".to_owned()
    }))
}

pub(super) const COLLATION: Scenario = Scenario {
    check: "crud/lookup-by-email-follows-the-collation",
    originals: &[Original {
        claim: "crud-get-by-email-found",
        traces: traces!("crud-get-by-email-found"),
        pairs: &[
            Pair { theirs: ("lookup", 0), ours: "look for kim@x.org", on: EVERYWHERE },
            Pair { theirs: ("lookup", 1), ours: "look for lee@x.org", on: EVERYWHERE },
            Pair { theirs: ("lookup", 2), ours: "look for émile@x.org", on: EVERYWHERE },
            Pair { theirs: ("statements", 0), ours: "all three", on: EVERYWHERE },
            Pair { theirs: ("lookup_variant", 0), ours: "look for KIM@X.ORG", on: EVERYWHERE },
            Pair { theirs: ("lookup_variant", 1), ours: "look for emile@x.org", on: EVERYWHERE },
            Pair { theirs: ("lookup_variant", 2), ours: "look for kim@x.org ", on: EVERYWHERE },
        ],
        left_out: &[],
        deviations: &[Deviation {
            theirs: ("lookup_variant", 2),
            fact: Fact::Value,
            on: &[Kind::MariaDb],
            ours: "\"kim@x.org\"",
            because: "the original was measured on MySQL, whose default collation does not pad",
        }],
    }],
};

pub(super) async fn lookup_by_email_follows_the_collation(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let emails = ["kim@x.org", "lee@x.org", "émile@x.org"];
    for email in emails {
        session.run(&Op::CreateUser(new_user(email))).await?;
    }

    subject.listen();
    for email in emails {
        let found = see_lookup(subject, &mut session, email).await?.map(|user| user.email);
        if found.as_deref() != Some(email) {
            return Ok(Verdict::violated(format!("{email} finds {found:?}")));
        }
    }
    subject.trace.note("all three", "found");
    subject.verbs();

    let equality = &facts(subject.kind()).equality;
    for (email, is_equal, stored) in [
        ("KIM@X.ORG", equality.ignores_case, "kim@x.org"),
        ("emile@x.org", equality.ignores_accents, "émile@x.org"),
        ("kim@x.org ", equality.ignores_trailing_space, "kim@x.org"),
    ] {
        let found = see_lookup(subject, &mut session, email).await?.map(|user| user.email);
        let expected = is_equal.then(|| stored.to_owned());
        if found != expected {
            return Ok(Verdict::violated(format!(
                "{email:?} finds {found:?}, and {expected:?} by the collation"
            )));
        }
    }
    Ok(Verdict::Upheld)
}

async fn see_lookup(
    subject: &Subject,
    session: &mut BoxedSession,
    email: &str,
) -> Result<Option<User>, dropproof::contract::Error> {
    let shown = |user: &Option<User>| {
        user.as_ref().map_or("nobody".to_owned(), |user| format!("found {}", user.email))
    };
    let found =
        subject.trace.see(&format!("look for {email}"), lookup(session, email), shown).await?;
    subject.trace.fact(Fact::Value, found.as_ref().map(|user| user.email.clone()));
    Ok(found)
}

pub(super) const PARTIAL: Scenario = Scenario {
    check: "crud/update-writes-only-the-named-columns",
    originals: &[Original {
        claim: "crud-update-partial",
        traces: traces!("crud-update-partial"),
        pairs: &[Pair {
            theirs: ("corrected_not_set", 0),
            ours: "change the name",
            on: EVERYWHERE,
        }],
        left_out: &[
            (("password_not_set", 0), "a field that may be unset is an Option, which is not read"),
            (("password_none", 0), "hashing is the application's"),
            (("password_empty", 0), "hashing is the application's"),
        ],
        deviations: &[],
    }],
};

/// Between reading a user and changing one column, another writes the other columns.
pub(super) async fn update_writes_only_the_named_columns(
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut session = subject.pool.session().await?;
    let mut ids = Vec::new();
    for email in ["kim@x.org", "lee@x.org"] {
        let new = NewUser { full_name: Some("A".to_owned()), ..new_user(email) };
        ids.push(session.run(&Op::CreateUser(new)).await?.id()?);
    }
    let (kim, lee) = (ids[0], ids[1]);
    let untouched = stored(subject, lee).await?;
    let named = |name: Option<&str>| UserChange {
        full_name: Some(name.map(str::to_owned)),
        ..UserChange::default()
    };
    let email = UserChange { email: Some("new@x.org".to_owned()), ..UserChange::default() };
    let hash = UserChange { hashed_password: Some("new".to_owned()), ..UserChange::default() };

    let mut email_now = "kim@x.org";
    for (step, change, name, expected) in [
        ("change the name", named(Some("D")), "outside", ["kim@x.org", HASH, "D"]),
        ("change the email", email, "outside", ["new@x.org", HASH, "outside"]),
        ("change the hash", hash, "again", ["new@x.org", "new", "again"]),
        ("take the name away", named(None), "last", ["new@x.org", "new", ""]),
        ("change nothing", UserChange::default(), "kept", ["new@x.org", "new", "kept"]),
    ] {
        lookup(&mut session, email_now).await?;
        let outside = format!("UPDATE users SET full_name = '{name}' WHERE id = {kim}");
        subject.witness().query(outside).await?;
        let update = Op::UpdateUser { id: kim, change };
        subject.trace.see(step, changed(&mut session, &update), done).await?;

        let now = stored(subject, kim).await?;
        subject.trace.fact(Fact::Value, now[2].clone());
        subject.trace.note("the witness sees", format_args!("{now:?}"));
        if now != expected {
            return Ok(Verdict::violated(format!("{step}: {now:?} is stored, not {expected:?}")));
        }
        let other = stored(subject, lee).await?;
        if other != untouched {
            return Ok(Verdict::violated(format!("{step}: another user became {other:?}")));
        }
        email_now = expected[0];
    }
    Ok(Verdict::upheld_if(is_usable(&mut session).await, || "it is not usable".to_owned()))
}

/// Email, hash and name of a user, as the witness sees them; no name is shown as empty.
async fn stored(subject: &Subject, id: i64) -> Result<Vec<String>, Error> {
    let sql = format!("SELECT email, hashed_password, full_name FROM users WHERE id = {id}");
    let text = |value| match value {
        Value::Text(text) => text,
        Value::Int(number) => number.to_string(),
        Value::Null => String::new(),
    };
    Ok(subject.witness().query(sql).await?.into_iter().flatten().map(text).collect())
}
