//! What differs between databases at the claims of this suite, as data, with the manual that says
//! so.

use dropproof::database::Kind;

/// What is so on one kind of database by default.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) equality: Equality,
    /// Whether text that is longer than its column is refused; else it is kept whole.
    pub(super) refuses_long_text: bool,
    /// What a transaction reads that has read before another committed.
    pub(super) second_read: SecondRead,
    /// The statement that makes a transaction read alike throughout, where that is not the default.
    pub(super) repeatable_read: Option<&'static str>,
    /// Whether a transaction that reads alike throughout may write on what has changed meanwhile.
    pub(super) writes_on_stale_reads: bool,
    /// Whether a layer may count the rows that were changed, and leave out those that were as told.
    pub(super) may_count_changed_rows_only: bool,
}

/// Which texts the default collation takes for equal.
#[derive(Debug)]
pub(super) struct Equality {
    pub(super) ignores_case: bool,
    pub(super) ignores_accents: bool,
    pub(super) ignores_trailing_space: bool,
}

/// What becomes of a commit while another transaction has read and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecondRead {
    /// The other transaction sees it at its next statement.
    SeesCommit,
    /// The other transaction goes on to see what it saw.
    SeesSnapshot,
    /// It is refused until the other transaction ends.
    CommitRefused,
}

const EXACT: Equality =
    Equality { ignores_case: false, ignores_accents: false, ignores_trailing_space: false };

/// Text is compared byte by byte, and a value that is too long is refused:
/// <https://www.postgresql.org/docs/18/collation.html#COLLATION-NONDETERMINISTIC>,
/// <https://www.postgresql.org/docs/18/datatype-character.html>.
/// READ COMMITTED is the default, and REPEATABLE READ refuses to write on what has changed:
/// <https://www.postgresql.org/docs/18/transaction-iso.html>.
const POSTGRES: Facts = Facts {
    equality: EXACT,
    refuses_long_text: true,
    second_read: SecondRead::SeesCommit,
    repeatable_read: Some("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    writes_on_stale_reads: false,
    may_count_changed_rows_only: false,
};

/// The default collation is `utf8mb4_0900_ai_ci`, which does not pad:
/// <https://dev.mysql.com/doc/refman/9.7/en/charset-unicode-sets.html>.
/// Strict mode refuses long text: <https://dev.mysql.com/doc/refman/9.7/en/sql-mode.html>.
/// REPEATABLE READ is the default, and its writes see the newest rows:
/// <https://dev.mysql.com/doc/refman/9.7/en/innodb-consistent-read.html>.
/// The client says which rows are counted: <https://dev.mysql.com/doc/c-api/9.7/en/mysql-affected-rows.html>.
const MYSQL: Facts = Facts {
    equality: Equality { ignores_case: true, ignores_accents: true, ignores_trailing_space: false },
    refuses_long_text: true,
    second_read: SecondRead::SeesSnapshot,
    repeatable_read: None,
    writes_on_stale_reads: true,
    may_count_changed_rows_only: true,
};

/// The default collation is `utf8mb4_uca1400_ai_ci`, which pads with spaces unless its name has
/// `nopad`: <https://mariadb.com/docs/server/reference/data-types/string-data-types/character-sets/supported-character-sets-and-collations>.
/// A write on a row that has changed since the snapshot is refused:
/// <https://mariadb.com/docs/server/server-usage/storage-engines/innodb/innodb-system-variables#innodb_snapshot_isolation>.
const MARIADB: Facts = Facts {
    equality: Equality { ignores_case: true, ignores_accents: true, ignores_trailing_space: true },
    refuses_long_text: true,
    second_read: SecondRead::SeesSnapshot,
    repeatable_read: None,
    writes_on_stale_reads: false,
    may_count_changed_rows_only: true,
};

/// Text is compared byte by byte: <https://www.sqlite.org/datatype3.html#collation>; the length of a
/// type is not looked at: <https://www.sqlite.org/datatype3.html#affinity_name_examples>.
/// Without a write-ahead log a reader holds back the commits of others:
/// <https://www.sqlite.org/lockingv3.html>.
const SQLITE: Facts = Facts {
    equality: EXACT,
    refuses_long_text: false,
    second_read: SecondRead::CommitRefused,
    repeatable_read: None,
    writes_on_stale_reads: false,
    may_count_changed_rows_only: false,
};

/// What is so on a kind of database.
pub(super) fn facts(kind: Kind) -> &'static Facts {
    match kind {
        Kind::Postgres => &POSTGRES,
        Kind::MySql => &MYSQL,
        Kind::MariaDb => &MARIADB,
        Kind::Sqlite => &SQLITE,
        // The harness may learn of more kinds; their facts are to be looked up first.
        other => panic!("nobody has said what is so on {other}"),
    }
}
