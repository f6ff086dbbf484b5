//! Passwords: that they are stored as hashes, and are nowhere else, nor on their way.

use dropproof::{
    contract::{Capability, Pool, UnitOptions, UserUpdate, Value},
    verdict::{Error, Level, Verdict},
};

use super::steps::{OPTIONS, from_outside, user};
use crate::{Check, Fault, Subject};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "session-scope/password-is-stored-as-its-hash",
    level: Level::Must,
    requirement: "A password MUST be stored as a hash that verifies it, at the creation and \
                at an update, MUST NOT be in the row nor among the bytes that are sent, and an update with a \
                password MUST write no other column.",
    claims: &["crud-update-hash-password", "crud-create-user"],
    needs: &[Capability::UnitOfWork],
    since: "0.1.0",
    background: "The creation hashes, and the update is written later by someone who passes \
                the changes through. Give the plain password a type of its own, which no column \
                takes.",
    catches: &[
        (Fault::HashForgotten, "is stored in plain text"),
        (Fault::PasswordSent, "is sent in plain text"),
        (Fault::WritesAllColumns, "other columns"),
    ],
    run: |cell| cell.play(password_is_stored_as_its_hash),
}];

/// Email, hash and name of the only user, as the witness reads them.
async fn stored(subject: &Subject) -> Result<[String; 3], Error> {
    let row = subject.witness().rows("users").await?.pop();
    let text = |column: Option<&Value>| match column {
        Some(Value::Text(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    let columns = row.map(|row| [1, 2, 3].map(|column| text(row.get(column))));
    columns.ok_or_else(|| Error::Vacuous { why: "there is no user".to_owned() })
}

async fn password_is_stored_as_its_hash(subject: &Subject) -> Result<Verdict, Error> {
    // Readable after the commit, so that no transaction is open while somebody else writes.
    let units = subject.pool.units(UnitOptions { expire_on_commit: false, ..OPTIONS })?;
    let mut unit = units.unit();
    let object = unit.add(user());
    subject.look_for("first");
    unit.commit().await?;
    let mut sent = subject.has_found();
    let created = stored(subject).await?;
    from_outside(subject, "UPDATE users SET full_name = ?", ["outside".into()]).await?;
    let password = Some("second".to_owned());
    unit.update_user(&object, UserUpdate { password, ..UserUpdate::default() })?;
    subject.look_for("second");
    unit.commit().await?;
    unit.close().await?;
    sent |= subject.has_found();
    let updated = stored(subject).await?;

    for (row, password, other) in [(&created, "first", "second"), (&updated, "second", "first")] {
        let [_, hash, _] = row;
        if row.iter().any(|column| column.contains(password)) {
            return Ok(Verdict::violated("the password is stored in plain text"));
        }
        if !units.verifies(password, hash) || units.verifies(other, hash) {
            return Ok(Verdict::violated("the hash does not verify its password alone"));
        }
    }
    if sent {
        return Ok(Verdict::violated("the password is sent in plain text"));
    }
    let [email, _, name] = &updated;
    Ok(if email == "a@example.org" && name == "outside" {
        Verdict::Upheld
    } else {
        let message = format!("an update of the password wrote other columns: {email}, {name}");
        Verdict::violated(message)
    })
}
