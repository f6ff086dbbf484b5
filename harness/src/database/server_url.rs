//! The URL of a server: what is accepted, and a form that never shows the password.
//!
//! Only loopback hosts are accepted. The proxy speaks plain text, so a server elsewhere would get
//! its password over a network in the clear; and test traffic has no business on another machine.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use url::{Host, Url};

use super::Kind;

/// The address of a server and the login that we use on it.
///
/// `Debug` and `Display` leave the password out.
///
/// ```
/// use dropproof::database::{Kind, ServerUrl};
///
/// let url = ServerUrl::parse(Kind::Postgres, "postgres://me:secret@localhost:5432/mine")?;
/// assert_eq!(url.to_string(), "postgres://me@127.0.0.1:5432/mine");
/// # Ok::<(), dropproof::database::BadUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    kind: Kind,
    url: Url,
    address: SocketAddr,
}

/// The reason a URL cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadUrl {
    /// The text is no URL.
    #[error("the URL cannot be read; expected {}", expected(*kind))]
    Unreadable {
        /// The kind of database it was given for.
        kind: Kind,
        /// What the parser said.
        source: url::ParseError,
    },
    /// The scheme belongs to another database.
    #[error("the scheme `{scheme}` is not {kind}'s; expected {}", expected(*kind))]
    Scheme {
        /// The kind of database it was given for.
        kind: Kind,
        /// The scheme found.
        scheme: String,
    },
    /// The host is not this machine.
    #[error("the host `{host}` is not this machine; only 127.0.0.1, [::1] and localhost are used")]
    NotLoopback {
        /// The host found.
        host: String,
    },
    /// The login or the database is missing, or the login cannot be decoded.
    #[error("the URL names no {part}; expected {}", expected(*kind))]
    Missing {
        /// The kind of database it was given for.
        kind: Kind,
        /// What is missing.
        part: &'static str,
    },
}

fn expected(kind: Kind) -> String {
    format!("{kind}://USER:PASSWORD@127.0.0.1:PORT/DATABASE")
}

impl ServerUrl {
    /// Reads a URL for a kind of database.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the URL, and never repeats its password.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, BadUrl> {
        let mut url = Url::parse(text).map_err(|source| BadUrl::Unreadable { kind, source })?;
        let (schemes, port_default): (&[&str], u16) = match kind {
            Kind::Postgres => (&["postgres", "postgresql"], 5432),
            Kind::MySql => (&["mysql"], 3306),
            Kind::MariaDb => (&["mariadb", "mysql"], 3306),
            Kind::Sqlite => (&[], 0),
        };
        if !schemes.contains(&url.scheme()) {
            return Err(BadUrl::Scheme { kind, scheme: url.scheme().to_owned() });
        }
        if kind == Kind::MariaDb {
            // The one that every client knows.
            url.set_scheme("mysql").expect("one unknown scheme may follow another");
        }
        let ip = loopback(&url)?;
        let missing = |part| BadUrl::Missing { kind, part };
        if url.username().is_empty() {
            return Err(missing("user"));
        }
        if url.path().len() <= 1 {
            return Err(missing("database"));
        }
        let address = SocketAddr::new(ip, url.port().unwrap_or(port_default));
        url.set_ip_host(ip).map_err(|()| missing("host"))?;
        url.set_port(Some(address.port())).map_err(|()| missing("port"))?;
        Ok(Self { kind, url, address })
    }

    /// The kind of database.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The user, decoded.
    #[must_use]
    pub fn user(&self) -> String {
        decoded(self.url.username())
    }

    /// The password, decoded; empty where the URL has none.
    #[must_use]
    pub fn password(&self) -> String {
        decoded(self.url.password().unwrap_or_default())
    }

    /// The database that the URL names.
    #[must_use]
    pub fn database(&self) -> String {
        decoded(self.url.path().trim_start_matches('/'))
    }

    /// The same login on another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        let mut other = self.clone();
        other.url.set_path(database);
        other
    }

    /// The same login and database behind another port of this machine, as of a proxy.
    #[must_use]
    pub fn with_address(&self, address: SocketAddr) -> Self {
        let mut other = self.clone();
        other.url.set_ip_host(address.ip()).expect("the URL has a host");
        other.url.set_port(Some(address.port())).expect("the URL has a host");
        other.address = address;
        other
    }

    /// The whole URL with its password, to be handed to a client and to nothing that is printed.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }
}

fn loopback(url: &Url) -> Result<IpAddr, BadUrl> {
    let ip = match url.host() {
        Some(Host::Domain("localhost")) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        // The `url` crate keeps the host of a scheme that it does not know as text.
        Some(Host::Domain(name)) => name.parse().ok(),
        Some(Host::Ipv4(ip)) => Some(ip.into()),
        Some(Host::Ipv6(ip)) => Some(ip.into()),
        None => None,
    };
    ip.filter(IpAddr::is_loopback)
        .ok_or_else(|| BadUrl::NotLoopback { host: url.host_str().unwrap_or_default().to_owned() })
}

fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, url, address } = self;
        write!(f, "{kind}://{}@{address}{}", url.username(), url.path())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::host("postgres://u:pw@db.example.org/d", "`db.example.org` is not this machine")]
    #[case::address("postgres://u:pw@10.0.0.1/d", "`10.0.0.1` is not this machine")]
    #[case::no_host("postgres:///d", "`` is not this machine")]
    #[case::scheme("mysql://u:pw@127.0.0.1/d", "`mysql` is not postgres's")]
    #[case::port("postgres://u:pw@127.0.0.1:99999/d", "cannot be read")]
    #[case::no_url("127.0.0.1", "cannot be read")]
    #[case::no_user("postgres://127.0.0.1/d", "names no user")]
    #[case::no_database("postgres://u:pw@127.0.0.1", "names no database")]
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
            ("a@b".into(), "p/w".into(), "d".into(), "[::1]:99".parse().unwrap())
        );
        assert!(!format!("{url} {url:?}").contains("p%2Fw"));
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
}
