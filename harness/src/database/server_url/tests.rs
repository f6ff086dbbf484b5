//! Every parameter that a client library documents, and every part of a URL, as text and back.

use rstest::rstest;

use super::*;

/// What tokio-postgres 0.7.18 documents (`config.rs`).
const TOKIO_POSTGRES: &[&str] = &[
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// What sqlx 0.9.0 reads (`options/parse.rs`) for Postgres, MySQL and SQLite.
const SQLX: &[&str] = &[
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[search_path]",
    "sslca",
    "charset",
    "collation",
    "socket",
    "timezone",
    "time-zone",
    "mode",
    "cache",
    "immutable",
    "vfs",
];

/// What mysql_async 0.37.1 reads (`opts/mod.rs`).
const MYSQL_ASYNC: &[&str] = &[
    "pool_min",
    "pool_max",
    "inactive_connection_ttl",
    "ttl_check_interval",
    "conn_ttl",
    "abs_conn_ttl",
    "abs_conn_ttl_jitter",
    "tcp_keepalive",
    "max_allowed_packet",
    "wait_timeout",
    "enable_cleartext_plugin",
    "reset_connection",
    "tcp_nodelay",
    "stmt_cache_size",
    "prefer_socket",
    "secure_auth",
    "client_found_rows",
    "socket",
    "compression",
    "verify_ca",
    "verify_identity",
    "built_in_roots",
];

fn url(kind: Kind, parameters: &str) -> String {
    format!("{kind}://u:pw@127.0.0.1/d?{parameters}")
}

#[rstest]
fn every_documented_parameter_is_refused_by_name(
    #[values(Kind::Postgres, Kind::MySql, Kind::MariaDb)] kind: Kind,
    #[values(TOKIO_POSTGRES, SQLX, MYSQL_ASYNC)] documented: &[&str],
) {
    for name in documented {
        for spelled in [(*name).to_owned(), name.to_uppercase()] {
            let error =
                ServerUrl::parse(kind, &url(kind, &format!("{spelled}=other"))).unwrap_err();

            assert!(
                matches!(&error, BadUrl::Parameter { name, .. } if *name == spelled),
                "{error}"
            );
            assert!(error.to_string().contains("remove it"), "{error}");
        }
    }
}

#[test]
fn escaped_parameter_is_refused_and_its_value_is_not_repeated() {
    let text = url(Kind::Postgres, "sslmode=disable&%70assword=secret");

    let error = ServerUrl::parse(Kind::Postgres, &text).unwrap_err().to_string();

    assert!(error.contains("`password`") && !error.contains("secret"), "{error}");
}

#[rstest]
#[case("sslmode=require")]
#[case("sslmode=verify-full")]
#[case("sslmode=")]
#[case("ssl-mode=REQUIRED")]
#[case("ssl-mode=VERIFY_CA")]
#[case("require_ssl=true")]
fn tls_has_a_sentence_of_its_own(#[case] parameter: &str) {
    let error = ServerUrl::parse(Kind::MySql, &url(Kind::MySql, parameter)).unwrap_err();

    let text = error.to_string();
    assert!(text.starts_with(&format!("`{parameter}` asks for TLS")), "{text}");
}

#[rstest]
#[case("sslmode=disable")]
#[case("sslmode=prefer")]
#[case("ssl-mode=DISABLED")]
#[case("ssl-mode=PREFERRED&require_ssl=false")]
fn plain_text_may_be_asked_for_and_is_not_passed_on(#[case] parameters: &str) {
    let url = ServerUrl::parse(Kind::MySql, &url(Kind::MySql, parameters)).unwrap();

    assert_eq!(url.expose(), "mysql://u:pw@127.0.0.1:3306/d");
}

#[rstest]
#[case::host("postgres://u:pw@db.example.org/d", "`db.example.org` is not this machine")]
#[case::hosts("postgres://u:pw@127.0.0.1,10.9.9.9/d", "is not this machine")]
#[case::address("postgres://u:pw@10.0.0.1/d", "`10.0.0.1` is not this machine")]
#[case::no_host("postgres:///d", "`` is not this machine")]
#[case::scheme("mysql://u:pw@127.0.0.1/d", "`mysql` is not postgres's")]
#[case::port("postgres://u:pw@127.0.0.1:99999/d", "cannot be read")]
#[case::no_url("127.0.0.1", "cannot be read")]
#[case::no_user("postgres://127.0.0.1/d", "names no user")]
#[case::no_database("postgres://u:pw@127.0.0.1", "names no database")]
#[case::fragment("postgres://u:pw@127.0.0.1/d#e", "has a fragment")]
#[case::no_text("postgres://u:%ffpw@127.0.0.1/d", "the password in the URL is not UTF-8")]
fn bad_url_names_its_fault(#[case] text: &str, #[case] part: &str) {
    let message = ServerUrl::parse(Kind::Postgres, text).unwrap_err().to_string();

    assert!(message.contains(part), "{message}");
    assert!(!message.contains("pw@"), "{message}");
}

#[test]
fn parts_are_decoded() {
    let url = ServerUrl::parse(Kind::Postgres, "postgresql://a%40b:p%2Fw@[::1]:99/d").unwrap();

    assert_eq!(
        (url.user(), url.password(), url.database(), url.address()),
        ("a@b", "p/w", "d", "[::1]:99".parse().unwrap())
    );
    assert!(!format!("{url} {url:?}").contains("p%2Fw"));
}

#[test]
fn parts_that_mean_something_in_a_url_stay_parts() {
    let text = "postgres://a%3Ab:p%23%3F%25@127.0.0.1/d%3Fhost=10.9.9.9%2Fe";
    let url = ServerUrl::parse(Kind::Postgres, text).unwrap();

    assert_eq!((url.database(), url.password()), ("d?host=10.9.9.9/e", "p#?%"));
    assert_eq!(ServerUrl::parse(Kind::Postgres, &url.expose()).unwrap(), url);
    assert_eq!(Url::parse(&url.expose()).unwrap().query(), None);
}

#[rstest]
#[case("LOCALHOST")]
#[case("LocalHost")]
fn localhost_is_read_in_any_case(#[case] host: &str) {
    let url = ServerUrl::parse(Kind::Postgres, &format!("postgres://u@{host}/d")).unwrap();

    assert_eq!(url.expose(), "postgres://u@127.0.0.1:5432/d");
}

#[rstest]
#[case("mariadb://u:pw@127.0.0.1/d")]
#[case("mysql://u:pw@127.0.0.1/d")]
fn clients_get_a_scheme_that_they_know(#[case] text: &str) {
    let url = ServerUrl::parse(Kind::MariaDb, text).unwrap();

    assert_eq!(url.expose(), "mysql://u:pw@127.0.0.1:3306/d");
    assert_eq!(url.to_string(), "mariadb://u@127.0.0.1:3306/d");
}

#[test]
fn another_address_keeps_the_login() {
    let url = ServerUrl::parse(Kind::Postgres, "postgres://u:pw@127.0.0.1/d").unwrap();

    let proxied = url.with_address("127.0.0.1:4000".parse().unwrap()).with_database("e");

    assert_eq!(proxied.expose(), "postgres://u:pw@127.0.0.1:4000/e");
    assert_eq!(proxied.address().port(), 4000);
}
