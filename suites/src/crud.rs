//! The suite `crud`: users, tasks and dones are created, read, changed and deleted as the notes say.
//!
//! Here are the rows; the bodies lie by theme in the files beside, and what differs between
//! databases is in `databases`.

mod databases;
mod dones;
mod interleave;
mod statements;
mod steps;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod transactions;
mod users;

use dropproof::verdict::Level;

use crate::{Check, Fault};

/// The checks, in report order.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "crud/create-returns-the-id-that-the-server-made",
        level: Level::Must,
        requirement: "A created row MUST be returned with the id that the server made for it.",
        claims: &["crud-create-user"],
        needs: &[],
        since: "0.1.0",
        background: "A layer that counts ids itself, or returns the object before the server \
            has answered, is right until a second client writes. Ask the server: RETURNING, \
            or the last insert id of the same connection.",
        catches: &[
            (Fault::IdGuessed, "but the server made"),
            (Fault::IdForgotten, "but the server made"),
        ],
        run: |cell| cell.play(users::create_returns_the_id_that_the_server_made),
    },
    Check {
        id: "crud/text-comes-back-as-it-was-stored",
        level: Level::Must,
        requirement: "Text MUST come back as it was stored, byte for byte, and NULL as NULL; \
            text that the server refuses MUST be an error that leaves the session usable.",
        claims: &["crud-create-user", "crud-task-create"],
        needs: &[],
        since: "0.1.0",
        background: "Text is lost where a connection speaks another character set than the \
            table, where empty text is taken for NULL, and where a length is counted up to \
            the first NUL. Postgres refuses NUL (22021); the other databases keep it.",
        catches: &[
            (Fault::TextCut, "came back as"),
            (Fault::EmptyIsNull, "came back as"),
            (Fault::NulEndsText, "NUL"),
        ],
        run: text::text_comes_back_as_it_was_stored,
    },
    Check {
        id: users::LOOKUP.check,
        level: Level::Must,
        requirement: "A lookup by email MUST give the user with that email, or none, and MUST \
            fail where two users have it.",
        claims: &["crud-get-by-email-found", "crud-get-by-email-missing"],
        needs: &[],
        since: "0.1.0",
        background: "Calls that promise one row often take the first of several without a \
            word, and calls that promise an optional row often fail on none. Ask for two rows and count them.",
        catches: &[
            (Fault::FirstOfSeveral, "two users have the email"),
            (Fault::MissingIsError, "nobody has the email"),
        ],
        run: |cell| {
            cell.play_scenario(&users::LOOKUP, users::lookup_by_email_finds_one_or_none_or_fails)
        },
    },
    Check {
        id: statements::FAILED.check,
        level: Level::Must,
        requirement: "A statement that fails MUST be an error of its class, undo its \
            transaction, and leave the session usable.",
        claims: &["crud-get-by-email-missing", "crud-done-resource"],
        needs: &[],
        since: "0.1.0",
        background: "A server that has refused a statement inside a transaction refuses all \
            others until a rollback. A layer that gives the connection back without one \
            hands the failure to the next borrower.",
        catches: &[
            (Fault::StaysFailed, "the session is not usable"),
            (Fault::ErrorSwallowed, "gave no error"),
            (Fault::ClassLost, "is of class `other`"),
            (Fault::CommitsEarly, "is still there"),
        ],
        run: |cell| {
            cell.play_scenario(
                &statements::FAILED,
                statements::failed_statement_leaves_the_session_usable,
            )
        },
    },
    Check {
        id: transactions::SEEN_AFTER_COMMIT.check,
        level: Level::Must,
        requirement: "What a session writes in a transaction MUST be seen by another session \
            after the commit, and MUST NOT be seen before it.",
        claims: &["crud-create-user", "crud-autoflush-off", "guard-uncommitted-rolled-back"],
        needs: &[],
        since: "0.1.0",
        background: "Statements that are sent on another connection than the transaction's \
            are committed one by one; a commit that is not awaited is not sent at all.",
        catches: &[
            (Fault::CommitsEarly, "before the commit"),
            (Fault::CommitForgotten, "after the commit"),
        ],
        run: |cell| {
            cell.play_scenario(
                &transactions::SEEN_AFTER_COMMIT,
                transactions::work_is_seen_only_after_commit,
            )
        },
    },
    Check {
        id: "crud/text-that-is-too-long-is-refused-or-kept-whole",
        level: Level::Must,
        requirement: "Text that is longer than its column MUST be refused with class `data`, \
            or kept whole where the database has no lengths, and MUST NOT be cut.",
        claims: &["crud-task-create"],
        needs: &[],
        since: "0.1.0",
        background: "MySQL cuts text in silence where its strict mode is off, and some layers \
            turn it off at the login. SQLite takes a length in a type for a comment.",
        catches: &[(Fault::LongTextCut, "characters")],
        run: |cell| cell.play(text::text_that_is_too_long_is_refused_or_kept_whole),
    },
    Check {
        id: users::COLLATION.check,
        level: Level::Must,
        requirement: "A lookup MUST find what the default collation of the database takes for \
            equal, and nothing else.",
        claims: &["crud-get-by-email-found"],
        needs: &[],
        since: "0.1.0",
        background: "Of one email in two spellings MySQL and MariaDB find the same user, \
            Postgres and SQLite none. A layer that compares by itself, or changes the text \
            on its way, gives one database the answer of another.",
        catches: &[(Fault::LowersCase, "finds"), (Fault::ComparesBytes, "finds")],
        run: |cell| {
            cell.play_scenario(&users::COLLATION, users::lookup_by_email_follows_the_collation)
        },
    },
    Check {
        id: users::PARTIAL.check,
        level: Level::Must,
        requirement: "An update MUST write the columns that it names, of the row that it \
            names, and MUST leave all others as they are.",
        claims: &["crud-update-partial"],
        needs: &[],
        since: "0.1.0",
        background: "A layer that writes back the whole object which it has read takes away \
            what others wrote meanwhile; one that loses the condition writes every row.",
        catches: &[
            (Fault::WritesAllColumns, "is stored, not"),
            (Fault::UpdatesEveryRow, "another user"),
        ],
        run: |cell| {
            cell.play_scenario(&users::PARTIAL, users::update_writes_only_the_named_columns)
        },
    },
    Check {
        id: tasks::LIST.check,
        level: Level::Must,
        requirement: "A list MUST have every task once, with whether it is done, and MUST take \
            one statement.",
        claims: &["crud-task-list-outer-join"],
        needs: &[],
        since: "0.1.0",
        background: "An inner join loses the tasks that are not done. A layer that loads \
            relations one by one asks once for each row. MySQL has no boolean: the flag \
            comes as a number.",
        catches: &[(Fault::InnerJoin, "are listed as"), (Fault::OneQueryPerRow, "one list took")],
        run: |cell| {
            cell.play_scenario(&tasks::LIST, tasks::every_task_is_listed_once_with_its_done_flag)
        },
    },
    Check {
        id: tasks::FOUND.check,
        level: Level::Must,
        requirement: "A task MUST be found by its id, and every other id of 64 bits MUST find \
            none, without an error.",
        claims: &["crud-task-get-none"],
        needs: &[],
        since: "0.1.0",
        background: "An id that is cut to 32 bits finds another's row. Calls that promise an \
            optional row often fail on none.",
        catches: &[
            (Fault::NarrowId, "get one beyond 32 bits"),
            (Fault::MissingIsError, "an error of class `not-found`"),
        ],
        run: |cell| cell.play_scenario(&tasks::FOUND, tasks::task_is_found_by_its_id_alone),
    },
    Check {
        id: "crud/change-of-what-is-missing-changes-nothing",
        level: Level::Must,
        requirement: "An update or delete of what is not there MUST report that no row was \
            changed, and MUST change none.",
        claims: &["crud-task-update", "crud-task-delete", "crud-done-resource"],
        needs: &[],
        since: "0.1.0",
        background: "A row can be deleted between reading and writing it. A layer that does \
            not look at the count, or makes the row anew, hides it.",
        catches: &[(Fault::CountsOne, "the layer reported"), (Fault::UpdateInserts, "became")],
        run: |cell| cell.play(tasks::change_of_what_is_missing_changes_nothing),
    },
    Check {
        id: tasks::READ_BACK.check,
        level: Level::Must,
        requirement: "A session MUST read what it has written at once; an update MUST report \
            one row, also where it changes nothing.",
        claims: &["crud-task-create", "crud-task-update"],
        needs: &[],
        since: "0.1.0",
        background: "A cache of rows that a write does not clear goes on to answer with the \
            old row. MySQL counts changed rows unless the client asks for matched ones, so \
            that an update to the same value looks like a row that is not there.",
        catches: &[(Fault::StaleRead, "still reads")],
        run: |cell| cell.play_scenario(&tasks::READ_BACK, tasks::write_is_read_back_at_once),
    },
    Check {
        id: tasks::DELETE.check,
        level: Level::Must,
        requirement: "A delete MUST take away the task and what refers to it, together, at the \
            commit, and MUST leave other tasks.",
        claims: &["crud-task-delete"],
        needs: &[],
        since: "0.1.0",
        background: "SQLite checks references only where a connection asks for it, and MySQL \
            can be told not to: what refers to the task is left behind then.",
        catches: &[
            (Fault::KeysUnchecked, "and 1 marks"),
            (Fault::DeletesEveryRow, "are there, and"),
            (Fault::CommitsEarly, "before the commit"),
            (Fault::CommitForgotten, "are there, and"),
        ],
        run: |cell| {
            cell.play_scenario(&tasks::DELETE, tasks::delete_takes_the_mark_along_at_commit)
        },
    },
    Check {
        id: dones::MARKS.check,
        level: Level::Must,
        requirement: "A second mark, and the mark of a task that is not there, MUST be errors \
            of class `constraint`; of two at the same time one MUST win.",
        claims: &["crud-done-resource"],
        needs: &[],
        since: "0.1.0",
        background: "Looking first and then writing is no lock. A layer that tries again after \
            an error can make it go away, together with what another has written.",
        catches: &[
            (Fault::ErrorSwallowed, "gave no error"),
            (Fault::RetryHidesError, "gave no error"),
            (Fault::ClassLost, "is of class `other`"),
        ],
        run: |cell| cell.play_scenario(&dones::MARKS, dones::task_is_marked_once),
    },
    Check {
        id: statements::PARAMETERS.check,
        level: Level::Must,
        requirement: "A statement with too few or too many parameters MUST be an error, MUST \
            have no effect, and MUST leave the session usable, or closed and replaced by the \
            pool.",
        claims: &["crud-bind-name-params"],
        needs: &[],
        since: "0.1.0",
        background: "SQLite takes a parameter that was not given for NULL, and Postgres takes \
            one more of a known type. The layer knows both numbers, and is the only one that \
            can say it.",
        catches: &[
            (Fault::MissingIsNull, "write with none for one: gave no error"),
            (Fault::MisfitBreaksPool, "the next session is not usable"),
        ],
        run: |cell| {
            cell.play_scenario(
                &statements::PARAMETERS,
                statements::wrong_number_of_parameters_is_refused,
            )
        },
    },
    Check {
        id: statements::RAW.check,
        level: Level::Must,
        requirement: "A statement outside of a transaction MUST be seen by others at once; one \
            inside MUST be seen after the commit, and never where there is none.",
        claims: &["crud-raw-cursor-commit"],
        needs: &[],
        since: "0.1.0",
        background: "Drivers of other languages turn autocommit off, and whoever forgets the \
            commit loses the work. In Rust the drivers leave it on.",
        catches: &[
            (Fault::BeginsUnasked, "are seen"),
            (Fault::CommitsEarly, "is seen before the commit"),
            (Fault::CommitForgotten, "after it"),
        ],
        run: |cell| {
            cell.play_scenario(
                &statements::RAW,
                statements::statement_outside_of_a_transaction_is_committed_at_once,
            )
        },
    },
    Check {
        id: statements::BULK.check,
        level: Level::Must,
        requirement: "An insert of many rows MUST store all of them, or none where one is \
            refused.",
        claims: &["crud-raw-cursor-commit"],
        needs: &[],
        since: "0.1.0",
        background: "A layer that splits a long statement stores a part of it where a later \
            part fails; the last, shorter part is easily lost.",
        catches: &[
            (Fault::BulkLosesLast, "are stored"),
            (Fault::BulkIsSplit, "of a bulk insert that failed"),
        ],
        run: |cell| {
            cell.play_scenario(
                &statements::BULK,
                statements::bulk_insert_is_stored_whole_or_not_at_all,
            )
        },
    },
    Check {
        id: transactions::ISOLATION.check,
        level: Level::Must,
        requirement: "A transaction that has read MUST read again as the isolation level of \
            the database says.",
        claims: &["crud-refresh-reloads"],
        needs: &[],
        since: "0.1.0",
        background: "By default Postgres shows another's commit, MySQL and MariaDB do not, and \
            SQLite holds it back. A layer that reads outside of the transaction, or out of a \
            cache, gives another answer.",
        catches: &[(Fault::CommitsEarly, "in one transaction")],
        run: |cell| {
            cell.play_scenario(
                &transactions::ISOLATION,
                transactions::transaction_reads_as_its_isolation_level_says,
            )
        },
    },
    Check {
        id: transactions::STALE_WRITE.check,
        level: Level::Must,
        requirement: "A transaction that writes on what has changed since it read MUST be \
            refused with class `conflict` where the database does so, and MUST have no \
            effect then.",
        claims: &["crud-refresh-reloads", "crud-task-update"],
        needs: &[],
        since: "0.1.0",
        background: "MariaDB refuses it by default (1020), Postgres under REPEATABLE READ, \
            MySQL lets the last writer win. Who takes the refusal for success has lost the \
            write.",
        catches: &[
            (Fault::ConflictHidden, "the error is"),
            (Fault::LastStepLost, "on what has changed"),
        ],
        run: |cell| {
            cell.play_scenario(
                &transactions::STALE_WRITE,
                transactions::write_on_a_stale_read_follows_the_isolation_level,
            )
        },
    },
    crate::model::CHECK,
];
