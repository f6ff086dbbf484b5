//! Greeting and login: what is agreed on, who speaks next, and what is refused.

use rstest::rstest;

use super::{ERR, Line, MARIADB, MYSQL, OK, WANTS, client, goes_on, greeted, names, say, server};
use crate::wire::{
    Malformed, Phase, Status,
    framing::{Fate, Framing, Role, Standing},
    mysql::MySql,
};

const SWITCH: &[u8] = b"\xfecaching_sha2_password\0abcdefghijklmnopqrst\0";
const KEY: &[u8] = b"\x01-----BEGIN PUBLIC KEY-----";

#[rstest]
#[case::mysql(MYSQL, b"\xdf\xf7\x2d\x02\0\xff\xd1\x15\0\0\0\0\0\0\0\0\0\0")]
#[case::mariadb(MARIADB, b"\xde\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x2c\0\0\0")]
fn greeting_loses_what_is_not_framed(#[case] greeting: &[u8], #[case] middle: &[u8]) {
    let message = say(&mut MySql::default(), server(greeting, "")).unwrap();

    let Fate::Replace(bytes) = message.fate else { panic!("{:?}", message.fate) };
    let at = bytes.windows(9).position(|bytes| bytes == b"abcdefgh\0").unwrap() + 9;
    assert_eq!((bytes.len(), &bytes[at..at + 18]), (greeting.len() + 4, middle));
    assert_eq!((&bytes[4..at], &bytes[at + 18..]), (&greeting[..at - 4], &greeting[at + 14..]));
}

/// Each line with whether the server is to speak next.
#[rstest]
#[case::native(&[(server(OK, "Ok login"), false)])]
#[case::fast(&[
    (server(b"\x01\x03", "AuthMoreData fast"), true),
    (server(OK, "Ok login"), false),
])]
#[case::rsa(&[
    (server(SWITCH, "AuthSwitchRequest \"caching_sha2_password\""), false),
    (goes_on(b"scrambled", "AuthResponse"), true),
    (server(b"\x01\x04", "AuthMoreData full"), false),
    (goes_on(b"\x02", "AuthResponse"), true),
    (server(KEY, "AuthMoreData"), false),
    (goes_on(b"encrypted", "AuthResponse"), true),
    (server(OK, "Ok login"), false),
])]
#[case::parsec(&[
    (server(b"\xfeparsec\0abcdefghijklmnopqrstuvwxyz012345", "AuthSwitchRequest \"parsec\""), false),
    (goes_on(b"", "AuthResponse"), true),
    (server(b"P\0saltsaltsaltsalt", "AuthMoreData"), false),
    (goes_on(b"signed", "AuthResponse"), true),
    (server(OK, "Ok login"), false),
])]
#[case::ancient_switch(&[
    (server(b"\xfe", "AuthSwitchRequest \"\""), false),
    (goes_on(b"scrambled", "AuthResponse"), true),
    (server(OK, "Ok login"), false),
])]
#[case::commands_sent_ahead(&[
    (client(b"\x0e", "ComPing"), true),
    (server(OK, "Ok login"), true),
    (server(OK, "Ok ComPing"), false),
])]
fn login_asks_as_often_as_it_takes(#[case] lines: &[(Line<'_>, bool)]) {
    let mut framing = greeted(MYSQL, WANTS[0]);
    assert_eq!((framing.standing().unanswered, framing.standing().owes), (1, true));
    assert_eq!((framing.standing().phase, framing.standing().status), (Phase::StartUp, None));

    for (line, owes) in lines {
        names(&mut framing, &[*line]);
        assert_eq!(framing.standing().owes, *owes, "{}", line.3);
    }

    let (phase, status) = (Phase::Session, Some(Status::Idle));
    assert_eq!(framing.standing(), Standing { phase, status, unanswered: 0, owes: false });
}

#[rstest]
#[case::offered(b"\xdf\xf7\xff\x11", "AuthNextFactor \"fido\"")]
#[case::not_agreed_on(WANTS[0], "AuthMoreData")]
fn second_factor_is_asked_for(#[case] wants: &[u8], #[case] name: &str) {
    let mut framing = greeted(MYSQL, wants);

    names(&mut framing, &[server(b"\x02fido\0challenge", name)]);

    assert_eq!((framing.standing().unanswered, framing.standing().owes), (1, false));
}

#[test]
fn server_is_waited_for_from_the_start() {
    let mut framing = MySql::default();
    let phase = Phase::StartUp;
    assert_eq!(framing.standing(), Standing { phase, status: None, unanswered: 1, owes: true });

    say(&mut framing, server(MYSQL, "")).unwrap();

    assert_eq!(framing.standing(), Standing { phase, status: None, unanswered: 0, owes: false });
}

#[rstest]
#[case::too_many_connections(b"\xff\x10\x04Too many connections", "Err 1040")]
#[case::host_not_allowed(b"\xff\x6a\x04Host '::1' is not allowed", "Err 1130")]
#[case::with_state(b"\xff\x10\x04#08004Too many connections", "Err 1040 08004")]
fn server_may_refuse_to_greet(#[case] payload: &[u8], #[case] name: &str) {
    let mut framing = MySql::default();

    let message = say(&mut framing, server(payload, "")).unwrap();

    assert_eq!((message.name.as_str(), message.role), (name, Role::Answer));
    // It hangs up now.
    assert_eq!((framing.standing().unanswered, framing.standing().owes), (0, true));
}

#[rstest]
#[case::refused(&[server(ERR, "Err 1096 HY000")])]
#[case::client_leaves_inside(&[
    server(SWITCH, "AuthSwitchRequest \"caching_sha2_password\""),
    client(b"\x01", "ComQuit"),
])]
fn failed_login_ends_with_the_connection(#[case] lines: &[Line<'_>]) {
    let mut framing = greeted(MYSQL, WANTS[0]);

    names(&mut framing, lines);

    assert_eq!((framing.standing().phase, framing.standing().owes), (Phase::StartUp, true));
}

#[rstest]
#[case::tls(
    b"\x00\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    "TLS was asked for and not offered: the proxy speaks plain text, turn TLS off"
)]
#[case::compression(
    b"\x20\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0u\0",
    "the capability CLIENT_COMPRESS was asked for and not offered: the proxy does not frame it"
)]
#[case::old(b"\x01\0\0\0\0u\0", "a start-up of version 3.20, which is unknown")]
#[case::short(b"\0\x02\0\0\0", "HandshakeResponse whose character set cannot be read")]
#[case::nothing(b"", "HandshakeResponse whose capabilities cannot be read")]
fn bad_response_is_refused(#[case] payload: &[u8], #[case] error: &str) {
    let mut framing = MySql::default();
    say(&mut framing, server(MYSQL, "")).unwrap();

    assert_eq!(say(&mut framing, goes_on(payload, "")).unwrap_err().to_string(), error);
}

#[rstest]
#[case::version(b"\x09", "a start-up of version 9.0, which is unknown")]
#[case::endless(b"\x0a9.7.0", "Greeting whose server version cannot be read")]
#[case::short(b"\x0a9.7.0\0abcd", "Greeting whose nonce cannot be read")]
#[case::incapable(
    b"\x0a9.7.0\0\x0b\0\0\0abcdefgh\0\xff\xff",
    "Greeting whose capabilities cannot be read"
)]
#[case::nothing(b"", "Greeting whose version cannot be read")]
fn bad_greeting_is_refused(#[case] payload: &[u8], #[case] error: &str) {
    assert_eq!(say(&mut MySql::default(), server(payload, "")).unwrap_err().to_string(), error);
}

#[test]
fn endless_greeting_is_not_waited_for() {
    let error = MySql::default().next(crate::wire::Side::Server, b"\xff\xff\xff\0").unwrap_err();

    assert_eq!(error, Malformed::Length { message: "Greeting", length: 0xff_ffff });
}
