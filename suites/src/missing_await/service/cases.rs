//! What is asked of the service, which awaits are forgotten in it, and what must come of it.

use dropproof_app::{Answer, Awaits, Method};
use serde_json::Value;

/// A request, and what must come of it.
#[derive(Clone, Copy)]
pub(super) struct Case {
    /// What is asked for, and what is forgotten.
    pub(super) step: &'static str,
    pub(super) asks: Asks,
    pub(super) awaits: Awaits,
    pub(super) expire_on_commit: bool,
    /// What it is answered with each time, as [`told`] says it.
    pub(super) told: &'static str,
    /// The titles that another connection reads after each time that it was asked for.
    pub(super) stored: &'static [&'static [&'static str]],
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// A task that is `new`.
    Create,
    /// That `t0` is `changed`.
    Update,
    /// That `t0` goes.
    Delete,
}

impl Asks {
    pub(super) fn method(self) -> Method {
        match self {
            Asks::Create => Method::POST,
            Asks::Update => Method::PUT,
            Asks::Delete => Method::DELETE,
        }
    }

    /// The title that is written.
    pub(super) const fn title(self) -> Option<&'static str> {
        match self {
            Asks::Create => Some("new"),
            Asks::Update => Some("changed"),
            Asks::Delete => None,
        }
    }
}

/// An answer in short: the status, and the title, or the class of what has failed.
pub(super) fn told(answer: &Answer) -> String {
    let Answer { status, body, failed } = answer;
    match (failed, body.get("title")) {
        (Some(class), _) => format!("{} {}", status.as_u16(), class.name()),
        (None, Some(Value::String(title))) => format!("{} {title}", status.as_u16()),
        (None, _) => format!("{} {body}", status.as_u16()),
    }
}

const ALL: Awaits = Awaits { commit: true, refresh: true };
const NO_COMMIT: Awaits = Awaits { commit: false, refresh: true };
const NO_REFRESH: Awaits = Awaits { commit: true, refresh: false };
const NEITHER: Awaits = Awaits { commit: false, refresh: false };

const CREATE: Case = Case {
    step: "create",
    asks: Asks::Create,
    awaits: ALL,
    expire_on_commit: true,
    told: "200 new",
    stored: &[&["new"]],
};
const UPDATE: Case = Case {
    step: "update",
    asks: Asks::Update,
    awaits: ALL,
    expire_on_commit: true,
    told: "200 changed",
    stored: &[&["changed"]],
};
const DELETE: Case = Case {
    step: "delete",
    asks: Asks::Delete,
    awaits: ALL,
    expire_on_commit: true,
    told: "200 null",
    stored: &[&[]],
};

pub(super) const UNCOMMITTED: [Case; 2] = [
    Case {
        step: "create without commit",
        awaits: NO_COMMIT,
        told: "500 not-found",
        stored: &[&[]],
        ..CREATE
    },
    Case {
        step: "create without commit and expiry",
        awaits: NO_COMMIT,
        expire_on_commit: false,
        told: "500 not-found",
        stored: &[&[]],
        ..CREATE
    },
];

pub(super) const UNREFRESHED: [Case; 2] = [
    Case {
        step: "create without refresh",
        awaits: NO_REFRESH,
        told: "500 expired",
        stored: &[&["new"], &["new", "new"]],
        ..CREATE
    },
    Case {
        step: "create without refresh and expiry",
        awaits: NO_REFRESH,
        expire_on_commit: false,
        stored: &[&["new"], &["new", "new"]],
        ..CREATE
    },
];

pub(super) const WRITES: [Case; 10] = [
    CREATE,
    Case {
        step: "create without commit and refresh",
        awaits: NEITHER,
        told: "500 expired",
        stored: &[&[]],
        ..CREATE
    },
    Case {
        step: "create without commit, refresh and expiry",
        awaits: NEITHER,
        expire_on_commit: false,
        told: "500 expired",
        stored: &[&[]],
        ..CREATE
    },
    UPDATE,
    Case {
        step: "update without commit",
        awaits: NO_COMMIT,
        told: "200 t0",
        stored: &[&["t0"]],
        ..UPDATE
    },
    Case { step: "update without refresh", awaits: NO_REFRESH, told: "500 expired", ..UPDATE },
    Case {
        step: "update without commit and refresh",
        awaits: NEITHER,
        stored: &[&["t0"]],
        ..UPDATE
    },
    Case {
        step: "update without commit, refresh and expiry",
        awaits: NEITHER,
        expire_on_commit: false,
        stored: &[&["t0"]],
        ..UPDATE
    },
    DELETE,
    Case { step: "delete without commit", awaits: NO_COMMIT, stored: &[&["t0"]], ..DELETE },
];
