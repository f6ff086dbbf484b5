//! The grammar of each command's answer, with the bytes of the protocol's documentation.

use rstest::rstest;

use super::{
    BINARY_ROW, COLUMN, END, END_MORE, EOF, EOF_CURSOR, EOF_MORE, ERR, Line, MORE, OK, ONE_ROW,
    PARAMETER, PREPARED, ROW, client, goes_on, names, say, server, session,
};
use crate::wire::{
    Phase, Status,
    framing::{Framing, Standing},
    mysql::MySql,
};

#[rstest]
#[case::ping(&[client(b"\x0e", "ComPing"), server(OK, "Ok ComPing")])]
#[case::error(&[client(b"\x03DO", "ComQuery \"DO\""), server(ERR, "Err 1096 HY000")])]
#[case::error_without_state(&[client(b"\x0e", "ComPing"), server(b"\xff\x10\x04No", "Err 1040")])]
#[case::statistics(&[client(b"\x09", "ComStatistics"), server(b"\0Uptime: 1", "Statistics")])]
#[case::reset(&[client(b"\x1f", "ComResetConnection"), server(OK, "Ok ComResetConnection")])]
#[case::init(&[client(b"\x02secret", "ComInitDb"), server(OK, "Ok ComInitDb")])]
#[case::kill(&[client(b"\x0c\x09\0\0\0", "ComProcessKill"), server(OK, "Ok ComProcessKill")])]
#[case::insert(&[
    client(b"\x03insert into t values (1)", "ComQuery \"insert into t values (1)\""),
    server(ONE_ROW, "Ok \"INSERT\" 1 row"),
])]
#[case::no_verb(&[client(b"\x03;", "ComQuery \";\""), server(ERR, "Err 1096 HY000")])]
#[case::wordless(&[client(b"\x031", "ComQuery \"1\""), server(OK, "Ok ComQuery")])]
#[case::file(&[
    client(b"\x03LOAD DATA LOCAL INFILE 'f'", "ComQuery \"LOAD DATA LOCAL INFILE 'f'\""),
    server(b"\xfbf", "InfileRequest"),
    goes_on(b"1\n2\n", "InfileData 4 bytes"),
    client(b"\x0e", "InfileData 1 byte"),
    goes_on(b"", "InfileEnd"),
    server(ONE_ROW, "Ok \"LOAD\" 1 row"),
])]
#[case::file_refused(&[
    client(b"\x03LOAD", "ComQuery \"LOAD\""),
    server(b"\xfbf", "InfileRequest"),
    goes_on(b"1\n", "InfileData 2 bytes"),
    server(ERR, "Err 1096 HY000"),
    goes_on(b"1\n", "InfileData 2 bytes"),
    goes_on(b"", "InfileEnd"),
    client(b"\x0e", "ComPing"),
    server(OK, "Ok ComPing"),
])]
#[case::unanswered(&[
    client(b"\x18\x01\0\0\0\0\0secret", "ComStmtSendLongData"),
    client(b"\x19\x01\0\0\0", "ComStmtClose"),
    client(b"\x0e", "ComPing"),
    server(OK, "Ok ComPing"),
])]
#[case::sent_ahead(&[
    client(b"\x0e", "ComPing"),
    client(b"\x03DO 1", "ComQuery \"DO 1\""),
    client(b"\x1f", "ComResetConnection"),
    server(OK, "Ok ComPing"),
    server(ERR, "Err 1096 HY000"),
    server(OK, "Ok ComResetConnection"),
])]
#[case::change_user(&[
    client(b"\x11u\0\x06secret\0", "ComChangeUser"),
    server(b"\xfemysql_native_password\0abcdefghijklmnopqrst\0",
     "AuthSwitchRequest \"mysql_native_password\""),
    goes_on(b"secret", "AuthResponse"),
    server(OK, "Ok ComChangeUser"),
])]
fn command_is_answered(#[case] lines: &[Line<'_>], #[values(true, false)] deprecate_eof: bool) {
    let mut framing = session(deprecate_eof);

    names(&mut framing, lines);

    let (phase, status) = (Phase::Session, Some(Status::Idle));
    let status = if lines.iter().any(|line| line.2 == ONE_ROW) {
        Some(Status::InTransaction)
    } else {
        status
    };
    assert_eq!(framing.standing(), Standing { phase, status, unanswered: 0, owes: false });
}

/// What begins with EOF ends definitions only where the client knows no better, and ends rows.
#[rstest]
#[case::rows(true, &[
    client(b"\x03SELECT @@version_comment", "ComQuery \"SELECT @@version_comment\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(ROW, "Row 1 column"),
    server(b"\xfb", "Row 1 column"), server(END, "Ok \"SELECT\""),
])]
#[case::rows_with_eof(false, &[
    client(b"\x03SELECT @@version_comment", "ComQuery \"SELECT @@version_comment\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(EOF, "Eof"),
    server(ROW, "Row 1 column"), server(EOF, "Eof \"SELECT\""),
])]
#[case::no_rows(true, &[
    client(b"\x03SHOW x", "ComQuery \"SHOW x\""), server(b"\x02", "ColumnCount 2"),
    server(COLUMN, "Column"), server(COLUMN, "Column"), server(END, "Ok \"SHOW\""),
])]
#[case::error_among_rows(true, &[
    client(b"\x03SELECT 1", "ComQuery \"SELECT 1\""), server(b"\x01", "ColumnCount 1"),
    server(COLUMN, "Column"), server(b"\x011", "Row 1 column"), server(ERR, "Err 1096 HY000"),
])]
#[case::empty_text_is_no_ok(true, &[
    client(b"\x03SELECT ''", "ComQuery \"SELECT ''\""), server(b"\x01", "ColumnCount 1"),
    server(COLUMN, "Column"), server(b"\0", "Row 1 column"), server(END, "Ok \"SELECT\""),
])]
#[case::several(true, &[
    client(b"\x03BEGIN; SELECT 1; COMMIT", "ComQuery \"BEGIN; SELECT 1; COMMIT\""),
    server(MORE, "Ok \"BEGIN\""), server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"),
    server(b"\x011", "Row 1 column"), server(END_MORE, "Ok \"SELECT\""), server(OK, "Ok \"COMMIT\""),
])]
#[case::several_with_eof(false, &[
    client(b"\x03SELECT 1; DO 1", "ComQuery \"SELECT 1; DO 1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(EOF_MORE, "Eof"),
    server(b"\x011", "Row 1 column"), server(EOF_MORE, "Eof \"SELECT\""), server(OK, "Ok \"DO\""),
])]
#[case::several_stop_at_an_error(true, &[
    client(b"\x03DO 1; DO 2; DO 3", "ComQuery \"DO 1; DO 2; DO 3\""),
    server(MORE, "Ok \"DO\""), server(ERR, "Err 1096 HY000"),
])]
#[case::procedure(true, &[
    client(b"\x03CALL p(); DO 1", "ComQuery \"CALL p(); DO 1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(END_MORE, "Ok \"CALL\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(END_MORE, "Ok \"CALL\""),
    server(MORE, "Ok \"CALL\""), server(OK, "Ok \"DO\""),
])]
#[case::fields(false, &[
    client(b"\x04t\0%", "ComFieldList"), server(COLUMN, "Column"), server(EOF, "Eof ComFieldList"),
])]
#[case::option(false, &[client(b"\x1b\0\0", "ComSetOption"), server(EOF, "Eof ComSetOption")])]
#[case::option_without_eof(true, &[client(b"\x1b\0\0", "ComSetOption"), server(END, "Ok ComSetOption")])]
#[case::prepare(true, &[
    client(b"\x16SELECT CONCAT(?, ?) AS col1", "ComStmtPrepare \"SELECT CONCAT(?, ?) AS col1\""),
    server(PREPARED, "PrepareOk 2 parameters, 1 column"), server(PARAMETER, "Parameter"),
    server(PARAMETER, "Parameter"), server(COLUMN, "Column"),
])]
#[case::prepare_with_eof(false, &[
    client(b"\x16SELECT CONCAT(?, ?) AS col1", "ComStmtPrepare \"SELECT CONCAT(?, ?) AS col1\""),
    server(PREPARED, "PrepareOk 2 parameters, 1 column"), server(PARAMETER, "Parameter"),
    server(PARAMETER, "Parameter"), server(EOF, "Eof"), server(COLUMN, "Column"), server(EOF, "Eof"),
])]
#[case::prepare_columns(false, &[
    client(b"\x16SELECT 1", "ComStmtPrepare \"SELECT 1\""),
    server(b"\0\x01\0\0\0\x01\0\0\0\0\0\0", "PrepareOk 0 parameters, 1 column"),
    server(COLUMN, "Column"), server(EOF, "Eof"),
])]
#[case::prepare_parameters(true, &[
    client(b"\x16DO ?", "ComStmtPrepare \"DO ?\""),
    server(b"\0\x01\0\0\0\0\0\x01\0\0\0\0", "PrepareOk 1 parameter, 0 columns"),
    server(PARAMETER, "Parameter"),
])]
#[case::prepare_nothing(false, &[
    client(b"\x16BEGIN", "ComStmtPrepare \"BEGIN\""),
    server(b"\0\x01\0\0\0\0\0\0\0\0\0\0", "PrepareOk 0 parameters, 0 columns"),
])]
#[case::prepare_refused(false, &[
    client(b"\x16SELEC", "ComStmtPrepare \"SELEC\""), server(ERR, "Err 1096 HY000"),
])]
#[case::executed_before_it_was_prepared(true, &[
    client(b"\x16DO 1", "ComStmtPrepare \"DO 1\""),
    client(b"\x17\xff\xff\xff\xff\0\x01\0\0\0", "ComStmtExecute \"DO 1\""),
    server(b"\0\x01\0\0\0\0\0\0\0\0\0\0", "PrepareOk 0 parameters, 0 columns"),
    server(OK, "Ok \"DO\""),
])]
fn result_is_framed(#[case] deprecate_eof: bool, #[case] lines: &[Line<'_>]) {
    let mut framing = session(deprecate_eof);

    names(&mut framing, lines);

    assert_eq!((framing.standing().unanswered, framing.standing().owes), (0, false));
    names(&mut framing, &[client(b"\x0e", "ComPing"), server(OK, "Ok ComPing")]);
}

/// A session that has prepared `SELECT CONCAT(?, ?) AS col1`.
fn prepared(deprecate_eof: bool) -> MySql {
    let mut framing = session(deprecate_eof);
    let definitions: &[&[u8]] = match deprecate_eof {
        true => &[PARAMETER, PARAMETER, COLUMN],
        false => &[PARAMETER, PARAMETER, EOF, COLUMN, EOF],
    };
    say(&mut framing, client(b"\x16SELECT CONCAT(?, ?) AS col1", "")).unwrap();
    for payload in [&[PREPARED], definitions].concat() {
        say(&mut framing, server(payload, "")).unwrap();
    }
    framing
}

#[rstest]
#[case::execute(false, &[
    client(b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\xfd\0\x03foo\x03bar",
     "ComStmtExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(EOF, "Eof"),
    server(BINARY_ROW, "Row 1 column"), server(EOF, "Eof \"SELECT\""),
])]
#[case::cursor(false, &[
    client(b"\x17\x01\0\0\0\x01\x01\0\0\0\0\0", "ComStmtExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(EOF_CURSOR, "Eof \"SELECT\""),
    client(b"\x1c\x01\0\0\0\x02\0\0\0", "ComStmtFetch \"SELECT CONCAT(?, ?) AS col1\""),
    server(BINARY_ROW, "Row"), server(BINARY_ROW, "Row"), server(EOF_CURSOR, "Eof \"SELECT\""),
    client(b"\x1c\x01\0\0\0\x02\0\0\0", "ComStmtFetch \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\xfe\0\0\x80\0", "Eof \"SELECT\""),
])]
#[case::cursor_without_eof(true, &[
    client(b"\x17\x01\0\0\0\x01\x01\0\0\0\0\0", "ComStmtExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"),
    server(b"\xfe\0\0\x42\0\0\0", "Ok \"SELECT\""),
    client(b"\x1c\x01\0\0\0\x02\0\0\0", "ComStmtFetch \"SELECT CONCAT(?, ?) AS col1\""),
    server(BINARY_ROW, "Row"), server(b"\xfe\0\0\x82\0\0\0", "Ok \"SELECT\""),
])]
#[case::no_cursor_was_asked_for(false, &[
    client(b"\x17\x01\0\0\0\0\x01\0\0\0\0\0", "ComStmtExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(EOF_CURSOR, "Eof"),
    server(BINARY_ROW, "Row 1 column"), server(EOF, "Eof \"SELECT\""),
])]
#[case::no_cursor_was_opened(false, &[
    client(b"\x17\x01\0\0\0\x01\x01\0\0\0\0\0", "ComStmtExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(EOF, "Eof"),
    server(BINARY_ROW, "Row 1 column"), server(EOF, "Eof \"SELECT\""),
])]
#[case::bulk(true, &[
    client(b"\xfa\x01\0\0\0\x80\0\xfd\0\xfd\0\0\x01a\0\x01b",
     "ComStmtBulkExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(ONE_ROW, "Ok \"SELECT\" 1 row"),
])]
#[case::bulk_with_unit_results(true, &[
    client(b"\xfa\x01\0\0\0\xc0\0", "ComStmtBulkExecute \"SELECT CONCAT(?, ?) AS col1\""),
    server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"), server(BINARY_ROW, "Row 1 column"),
    server(END, "Ok \"SELECT\""),
])]
#[case::long_data(true, &[
    client(b"\x18\x01\0\0\0\0\0ab", "ComStmtSendLongData \"SELECT CONCAT(?, ?) AS col1\""),
    client(b"\x1a\x01\0\0\0", "ComStmtReset \"SELECT CONCAT(?, ?) AS col1\""),
    server(OK, "Ok ComStmtReset"),
])]
#[case::closed(true, &[
    client(b"\x19\x01\0\0\0", "ComStmtClose \"SELECT CONCAT(?, ?) AS col1\""),
    client(b"\x17\x01\0\0\0\0\x01\0\0\0", "ComStmtExecute"), server(ERR, "Err 1096 HY000"),
])]
#[case::forgotten(true, &[
    client(b"\x1f", "ComResetConnection"), client(b"\x19\x01\0\0\0", "ComStmtClose"),
    server(OK, "Ok ComResetConnection"),
])]
fn prepared_statement_is_framed(#[case] deprecate_eof: bool, #[case] lines: &[Line<'_>]) {
    let mut framing = prepared(deprecate_eof);

    names(&mut framing, lines);

    assert_eq!((framing.standing().unanswered, framing.standing().owes), (0, false));
}
