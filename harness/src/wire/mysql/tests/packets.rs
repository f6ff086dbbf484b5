//! Packets, turns, and what is not what it should be.

use rstest::rstest;

use super::{
    COLUMN, EOF, ERR, Line, OK, PREPARED, client, goes_on, names, packet, say, server, session,
};
use crate::wire::{
    Malformed, Side, Status,
    framing::{Framing, PREFIX_MAX, Role},
    mysql::MySql,
};

/// The beginning of a packet that is as long as one can be.
fn full(payload: &[u8]) -> Vec<u8> {
    let mut bytes = [b"\xff\xff\xff\0", payload].concat();
    bytes.resize(PREFIX_MAX, b'x');
    bytes
}

fn next(framing: &mut MySql, side: Side, bytes: &[u8]) -> (String, Role, usize) {
    let message = framing.next(side, bytes).unwrap().unwrap();
    (message.name, message.role, message.length)
}

#[test]
fn long_command_goes_on_in_the_next_packets() {
    let mut framing = session(true);
    let whole = 0xff_ffff + 4;

    let (name, role, length) = next(&mut framing, Side::Client, &full(b"\x03DO '"));
    assert!(name.starts_with("ComQuery \"DO 'xxx"), "{name}");
    assert_eq!((role, length), (Role::Part, whole));
    let goes_on = next(&mut framing, Side::Client, &full(b""));
    assert_eq!(goes_on, ("Continuation 16777215 bytes".to_owned(), Role::Part, whole));
    let ends = next(&mut framing, Side::Client, &packet(2, b""));
    assert_eq!(ends, ("Continuation 0 bytes".to_owned(), Role::End, 4));

    assert_eq!(framing.standing().unanswered, 1);
    names(&mut framing, &[server(OK, "Ok \"DO\""), client(b"\x0e", "ComPing")]);
}

#[test]
fn long_file_ends_with_an_empty_message_of_its_own() {
    let mut framing = session(true);
    say(&mut framing, client(b"\x03LOAD", "")).unwrap();
    say(&mut framing, server(b"\xfbf", "")).unwrap();

    assert_eq!(next(&mut framing, Side::Client, &full(b"")).1, Role::Part);
    assert_eq!(next(&mut framing, Side::Client, &packet(4, b"")).1, Role::Part);
    assert!(!framing.standing().owes);
    let end = next(&mut framing, Side::Client, &packet(5, b""));

    assert_eq!(end, ("InfileEnd".to_owned(), Role::End, 4));
    assert!(framing.standing().owes);
}

/// A value of 16 MiB begins like the end of the rows.
#[rstest]
fn long_row_is_one_place(#[values(true, false)] deprecate_eof: bool) {
    let mut framing = session(deprecate_eof);
    say(&mut framing, client(b"\x03SELECT x", "")).unwrap();
    for payload in [&b"\x01"[..], COLUMN, EOF].iter().take(if deprecate_eof { 2 } else { 3 }) {
        say(&mut framing, server(payload, "")).unwrap();
    }

    let row = next(&mut framing, Side::Server, &full(b"\xfe\0\0\0\x01\0\0\0\0"));
    assert_eq!(row, ("Row 1 column".to_owned(), Role::Answer, 0xff_ffff + 4));
    let rest = next(&mut framing, Side::Server, &packet(1, b"\xfe\0\0\x02\0"));
    assert_eq!(rest, ("Continuation 5 bytes".to_owned(), Role::Aside, 9));

    assert_eq!(framing.standing().unanswered, 1);
}

#[rstest]
#[case::nothing(b"", None)]
#[case::header(b"\x01\0\0", None)]
#[case::payload(b"\x02\0\0\0\x03", None)]
#[case::whole(b"\x02\0\0\0\x03;rest", Some(6))]
fn packet_is_waited_for(#[case] bytes: &[u8], #[case] length: Option<usize>) {
    let message = session(true).next(Side::Client, bytes).unwrap();

    assert_eq!(message.map(|message| message.length), length);
}

#[rstest]
#[case::idle(&[server(b"\0\0\0\x02\0\0\0", "Ok ComPing")], Status::Idle)]
#[case::open(&[server(b"\0\0\0\x03\0\0\0", "Ok ComPing")], Status::InTransaction)]
#[case::read_only(&[server(b"\0\0\0\0\x20\0\0", "Ok ComPing")], Status::InTransaction)]
#[case::after_counters(
    &[server(b"\0\xfc\0\x01\xfc\0\x01\x01\0", "Ok ComPing 256 rows")],
    Status::InTransaction
)]
#[case::error_tells_none(
    &[
        server(b"\0\0\0\x01\0\0\0", "Ok ComPing"), client(b"\x0e", "ComPing"),
        server(ERR, "Err 1096 HY000"),
    ],
    Status::InTransaction
)]
#[case::rows(
    &[
        server(OK, "Ok ComPing"), client(b"\x03SELECT 1", "ComQuery \"SELECT 1\""),
        server(b"\x01", "ColumnCount 1"), server(COLUMN, "Column"),
        server(b"\xfe\0\0\x01\0\0\0", "Ok \"SELECT\""),
    ],
    Status::InTransaction
)]
fn status_is_the_one_announced_last(#[case] lines: &[Line<'_>], #[case] status: Status) {
    let mut framing = session(true);

    names(&mut framing, &[client(b"\x0e", "ComPing")]);
    names(&mut framing, lines);

    assert_eq!(framing.standing().status, Some(status));
}

/// The EOF after definitions announces a status as well.
#[rstest]
#[case::definitions(b"\xfe\0\0\x01\0", Status::InTransaction)]
#[case::warnings_are_none(b"\xfe\x01\0\0\0", Status::Idle)]
fn eof_announces_the_status(#[case] eof: &[u8], #[case] status: Status) {
    let mut framing = session(false);
    for line in
        [client(b"\x03SELECT 1", ""), server(b"\x01", ""), server(COLUMN, ""), server(eof, "")]
    {
        say(&mut framing, line).unwrap();
    }

    assert_eq!(framing.standing().status, Some(status));
}

#[rstest]
#[case::file_is_the_clients_turn(&[client(b"\x03LOAD", ""), server(b"\xfbf", "")], 1, false)]
#[case::file_is_sent(&[client(b"\x03LOAD", ""), server(b"\xfbf", ""), goes_on(b"", "")], 1, true)]
#[case::rows_are_the_servers(&[client(b"\x03SELECT", ""), server(b"\x01", "")], 1, true)]
#[case::one_of_two(&[client(b"\x0e", ""), client(b"\x0e", ""), server(OK, "")], 1, true)]
#[case::close_is_not_answered(&[client(b"\x19\x01\0\0\0", "")], 0, false)]
#[case::server_hangs_up(&[client(b"\x01", "")], 0, true)]
#[case::user_is_asked(&[client(b"\x11u", ""), server(b"\xfep\0", "")], 1, false)]
#[case::definitions_are_left(&[client(b"\x16SELECT ?", ""), server(PREPARED, "")], 1, true)]
fn standing_tells_whose_turn_it_is(
    #[case] lines: &[Line<'_>],
    #[case] unanswered: usize,
    #[case] owes: bool,
) {
    let mut framing = session(true);

    for line in lines {
        say(&mut framing, *line).unwrap();
    }

    assert_eq!((framing.standing().unanswered, framing.standing().owes), (unanswered, owes));
}

#[test]
fn server_may_say_why_it_ends_a_session() {
    let mut framing = session(true);

    let message = say(&mut framing, server(b"\xff\xbf\x0f#HY000inactive", "")).unwrap();

    assert_eq!((message.name.as_str(), message.role), ("Err 4031 HY000", Role::Aside));
    assert!(framing.standing().owes);
}

#[rstest]
#[case::unasked(&[server(OK, "")], "an answer out of turn")]
#[case::odd_sequence(&[goes_on(b"\x0e", "")], "a packet out of turn")]
#[case::empty(&[client(b"", "")], "a command whose type cannot be read")]
#[case::unknown(&[client(b"\x12", "")], "a message of type `\\x12`, which is unknown")]
#[case::statement(&[client(b"\x19\x01", "")], "ComStmtClose whose statement cannot be read")]
#[case::long_data(&[client(b"\x18\x01\0\0\0", "")], "ComStmtSendLongData whose parameter cannot be read")]
#[case::outcome(&[client(b"\x0e", ""), server(b"\x01", "")], "ComPing whose answer cannot be read")]
#[case::nothing(&[client(b"\x0e", ""), server(b"", "")], "ComPing whose answer cannot be read")]
#[case::short_ok(&[client(b"\x0e", ""), server(b"\0\0\0\x02", "")], "Ok whose status cannot be read")]
#[case::short_rows(&[client(b"\x0e", ""), server(b"\0\xfc\0", "")], "Ok whose row count cannot be read")]
#[case::short_err(&[client(b"\x0e", ""), server(b"\xff\x01", "")], "Err whose code cannot be read")]
#[case::short_state(&[client(b"\x0e", ""), server(b"\xff\x01\0#HY", "")], "Err whose state cannot be read")]
#[case::count(&[client(b"\x03", ""), server(b"\xfc\x01", "")], "ColumnCount whose count cannot be read")]
#[case::huge_count(
    &[client(b"\x03", ""), server(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", "")],
    "ColumnCount whose count cannot be read"
)]
#[case::metadata(&[client(b"\x03", ""), server(b"\x01\x00", "")], "ColumnCount whose count cannot be read")]
#[case::definition(&[client(b"\x03", ""), server(b"\x01", ""), server(OK, "")], "Column whose catalog cannot be read")]
#[case::field(&[client(b"\x04t", ""), server(b"\x01", "")], "Column whose catalog cannot be read")]
#[case::row(
    &[client(b"\x03", ""), server(b"\x01", ""), server(COLUMN, ""), server(b"\x05abc", "")],
    "Row whose value cannot be read"
)]
#[case::empty_row(
    &[client(b"\x03", ""), server(b"\x01", ""), server(COLUMN, ""), server(b"", "")],
    "Row whose header cannot be read"
)]
#[case::binary_row(
    &[client(b"\x1c\x01\0\0\0", ""), server(b"\x01", "")],
    "Row whose header cannot be read"
)]
#[case::prepared(&[client(b"\x16", ""), server(b"\x01", "")], "PrepareOk whose header cannot be read")]
#[case::short_prepared(
    &[client(b"\x16", ""), server(b"\0\x01\0\0\0\x01", "")],
    "PrepareOk whose column count cannot be read"
)]
fn nonsense_is_an_error(#[case] lines: &[Line<'_>], #[case] error: &str) {
    let mut framing = session(true);
    let (last, before) = lines.split_last().unwrap();
    for line in before {
        say(&mut framing, *line).unwrap();
    }

    assert_eq!(say(&mut framing, *last).unwrap_err().to_string(), error);
}

#[test]
fn eof_that_is_missing_is_an_error() {
    let mut framing = session(false);
    for line in [client(b"\x03", ""), server(b"\x01", ""), server(COLUMN, "")] {
        say(&mut framing, line).unwrap();
    }

    let error = say(&mut framing, server(b"\x03row", "")).unwrap_err();

    assert_eq!(error, Malformed::Content { message: "Eof", part: "header" });
}

#[test]
fn client_waits_for_the_greeting() {
    let error = MySql::default().next(Side::Client, &packet(0, b"\x0e")).unwrap_err();

    assert_eq!(error, Malformed::Turn { message: "a packet" });
}

#[test]
fn nothing_secret_is_named() {
    let mut framing = session(true);
    let lines: [Line<'_>; 12] = [
        client(b"\x03CREATE USER u IDENTIFIED BY 'secret'", ""),
        server(OK, ""),
        client(b"\x16SET PASSWORD = 'secret'", ""),
        server(b"\0\x01\0\0\0\0\0\x01\0\0\0\0", ""),
        server(COLUMN, ""),
        client(b"\x18\x01\0\0\0\0\0secret", ""),
        client(b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\x06secret", ""),
        server(b"\xff\x48\x04#HY000secret", ""),
        client(b"\x11secret\0\x06secret\0secret\0", ""),
        server(b"\xfemysql_clear_password\0", ""),
        goes_on(b"secret\0", ""),
        server(b"\x01secret", ""),
    ];

    for line in lines {
        let message = say(&mut framing, line).unwrap();
        assert!(!format!("{message:?}").contains("secret"), "{message:?}");
    }
}

#[test]
fn bound_values_are_told_by_type() {
    let mut framing = session(true);
    say(&mut framing, client(b"\x16SELECT ?, ?", "")).unwrap();
    for payload in [PREPARED, COLUMN, COLUMN, COLUMN] {
        say(&mut framing, server(payload, "")).unwrap();
    }

    let execute = b"\x17\x01\0\0\0\0\x01\0\0\0\x02\x01\x08\0\xfd\0\x01\0\0\0\0\0\0\0";
    let message = say(&mut framing, client(execute, "")).unwrap();

    assert_eq!(message.detail, "longlong, null");
}
