//! What the original service did at each of the cases, and what differs here.

use dropproof::database::Kind;

use crate::{
    cell::Scenario,
    oracle::{Deviation, EVERYWHERE, Original, Theirs, pair, traces},
    trace::Fact,
};

const fn unreadable(theirs: Theirs) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Error,
        on: EVERYWHERE,
        ours: "\"expired\"",
        because: "there it is the framework that finds the answer not to be of the object",
    }
}

const fn says(theirs: Theirs, on: &'static [Kind], ours: &'static str) -> Deviation {
    Deviation {
        theirs,
        fact: Fact::Verbs,
        on,
        ours,
        because: "there a read of what is not known, or of what refers to a row, asks by itself",
    }
}

const NO_HANDLER: &str = "a handler that returns the future does not compile";
const PLAIN_CALL: &str = "a delete is a plain call here, which cannot be awaited";

pub(in super::super) const COMMIT: Scenario = Scenario {
    check: "missing-await/forgotten-commit-stores-nothing",
    originals: &[Original {
        claim: "await-missing-commit-only",
        traces: traces!("await-missing-commit-only"),
        pairs: &[
            pair(("post", 0), "create without commit"),
            pair(("database", 0), "after create without commit"),
            pair(("post", 1), "create without commit and expiry"),
            pair(("database", 1), "after create without commit and expiry"),
        ],
        left_out: &[],
        deviations: &[],
    }],
};

pub(in super::super) const REFRESH: Scenario = Scenario {
    check: "missing-await/forgotten-refresh-leaves-nothing-to-read",
    originals: &[Original {
        claim: "await-missing-refresh-only",
        traces: traces!("await-missing-refresh-only"),
        pairs: &[
            pair(("post", 0), "create without refresh"),
            pair(("database", 0), "after create without refresh"),
            pair(("client_tries_again", 0), "create without refresh again"),
            pair(("database", 1), "after create without refresh again"),
            pair(("post", 1), "create without refresh and expiry"),
            pair(("database", 2), "after create without refresh and expiry"),
            pair(("client_tries_again", 1), "create without refresh and expiry again"),
            pair(("database", 3), "after create without refresh and expiry again"),
        ],
        left_out: &[],
        deviations: &[
            unreadable(("post", 0)),
            unreadable(("client_tries_again", 0)),
            says(("database", 0), &[Kind::Postgres], "[\"INSERT\"]"),
            says(("database", 1), &[Kind::Postgres], "[\"INSERT\"]"),
        ],
    }],
};

pub(in super::super) const STORED: Scenario = Scenario {
    check: "missing-await/success-equals-what-is-stored",
    originals: &[BOTH, UPDATE, DELETE],
};

const BOTH: Original = Original {
    claim: "await-missing-crud-both",
    traces: traces!("await-missing-crud-both"),
    pairs: &[
        pair(("post", 0), "create without commit and refresh"),
        pair(("database", 0), "after create without commit and refresh"),
        pair(("post", 1), "create without commit, refresh and expiry"),
        pair(("database", 1), "after create without commit, refresh and expiry"),
    ],
    left_out: &[],
    deviations: &[unreadable(("post", 0)), unreadable(("post", 1))],
};

const UPDATE: Original = Original {
    claim: "await-missing-update",
    traces: traces!("await-missing-update"),
    pairs: &[
        pair(("put", 0), "update"),
        pair(("database", 0), "after update"),
        pair(("put", 1), "update without commit"),
        pair(("database", 1), "after update without commit"),
        pair(("put", 2), "update without refresh"),
        pair(("database", 2), "after update without refresh"),
        pair(("put", 3), "update without commit and refresh"),
        pair(("database", 3), "after update without commit and refresh"),
        pair(("put", 5), "update without commit, refresh and expiry"),
        pair(("database", 5), "after update without commit, refresh and expiry"),
    ],
    left_out: &[(("put", 4), NO_HANDLER), (("database", 4), NO_HANDLER)],
    deviations: &[
        unreadable(("put", 2)),
        says(("database", 2), &[Kind::Postgres], "[\"SELECT\",\"UPDATE\"]"),
    ],
};

const DELETE: Original = Original {
    claim: "await-missing-delete",
    traces: traces!("await-missing-delete"),
    pairs: &[
        pair(("delete", 0), "delete"),
        pair(("database", 0), "after delete"),
        pair(("delete", 2), "delete without commit"),
        pair(("database", 2), "after delete without commit"),
    ],
    left_out: &[
        (("delete", 1), PLAIN_CALL),
        (("database", 1), PLAIN_CALL),
        (("delete", 3), PLAIN_CALL),
        (("database", 3), PLAIN_CALL),
        (("delete", 4), NO_HANDLER),
        (("database", 4), NO_HANDLER),
    ],
    deviations: &[
        says(("database", 0), EVERYWHERE, "[\"SELECT\",\"DELETE\"]"),
        says(("database", 2), EVERYWHERE, "[\"SELECT\"]"),
    ],
};
