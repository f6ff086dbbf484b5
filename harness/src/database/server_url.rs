//! The URL of a server: its parts, and the URL that a client library gets.
//!
//! A library reads more out of a URL than a server, a login and a database. Parameters name another
//! host, another database or a socket, so a URL that is passed on as it came leads the library past
//! the proxy or into the user's tables. So the URL is taken apart here, a parameter that could lead
//! away is an error, and the URL for a library is made from the parts alone.
//!
//! Only loopback hosts are accepted. The proxy speaks plain text, so a server elsewhere would get
//! its password over a network in the clear; and test traffic has no business on another machine.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

use super::Kind;

/// What stands in a part of a URL as it is:
/// <https://datatracker.ietf.org/doc/html/rfc3986#section-2.3>.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters that ask for TLS, in lower case: those of libpq and sqlx, of MySQL's clients and of
/// mysql_async.
const TLS: [&str; 4] = ["sslmode", "ssl-mode", "ssl_mode", "require_ssl"];

/// The values of [`TLS`] that a conversation in plain text satisfies, in lower case.
const PLAIN: [&str; 5] = ["disable", "disabled", "allow", "prefer", "preferred"];

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
    user: String,
    password: String,
    address: SocketAddr,
    database: String,
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
    /// The user or the database is missing.
    #[error("the URL names no {part}; expected {}", expected(*kind))]
    Missing {
        /// The kind of database it was given for.
        kind: Kind,
        /// What is missing.
        part: &'static str,
    },
    /// The bytes of a part are no text.
    #[error("the {part} in the URL is not UTF-8; escape each byte of its UTF-8 form as %XX")]
    Undecodable {
        /// The part.
        part: &'static str,
    },
    /// A parameter could lead the client library away from this server, login or database.
    #[error(
        "the URL has the parameter `{name}`: it could lead a client library to another server, \
         login or database; remove it, and give these as {}",
        expected(*kind)
    )]
    Parameter {
        /// The kind of database it was given for.
        kind: Kind,
        /// The name of the parameter.
        name: String,
    },
    /// A parameter asks for TLS.
    #[error(
        "`{name}={value}` asks for TLS: the proxy between library and server speaks plain text on \
         127.0.0.1; remove the parameter"
    )]
    Tls {
        /// The name of the parameter.
        name: String,
        /// Its value.
        value: String,
    },
    /// Something follows a `#`.
    #[error("the URL has a fragment, the part from `#` on; write a `#` of a password as %23")]
    Fragment,
}

fn expected(kind: Kind) -> String {
    format!("{kind}://USER:PASSWORD@127.0.0.1:PORT/DATABASE")
}

impl ServerUrl {
    /// Reads a URL for a kind of database.
    ///
    /// Of its parameters only a TLS mode is accepted that plain text satisfies, such as
    /// `sslmode=disable`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the URL, and never repeats its password.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, BadUrl> {
        let url = Url::parse(text).map_err(|source| BadUrl::Unreadable { kind, source })?;
        let (schemes, port_default): (&[&str], u16) = match kind {
            Kind::Postgres => (&["postgres", "postgresql"], 5432),
            Kind::MySql => (&["mysql"], 3306),
            Kind::MariaDb => (&["mariadb", "mysql"], 3306),
            Kind::Sqlite => (&[], 0),
        };
        if !schemes.contains(&url.scheme()) {
            return Err(BadUrl::Scheme { kind, scheme: url.scheme().to_owned() });
        }
        let ip = loopback(&url)?;
        if url.fragment().is_some() {
            return Err(BadUrl::Fragment);
        }
        for (name, value) in url.query_pairs() {
            check(kind, &name, &value)?;
        }
        let user = decoded("user", url.username())?;
        let password = decoded("password", url.password().unwrap_or_default())?;
        let database = decoded("database", url.path().trim_start_matches('/'))?;
        let missing = |part| Err(BadUrl::Missing { kind, part });
        if user.is_empty() {
            return missing("user");
        }
        if database.is_empty() {
            return missing("database");
        }
        let address = SocketAddr::new(ip, url.port().unwrap_or(port_default));
        Ok(Self { kind, user, password, address, database })
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

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password; empty where the URL has none.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The database that the URL names.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The same login on another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// The same login and database behind another port of this machine, as of a proxy.
    #[must_use]
    pub fn with_address(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The whole URL with its password, to be handed to a client and to nothing that is printed.
    ///
    /// It has the parts of this value and nothing else, under a scheme that every client knows.
    #[must_use]
    pub fn expose(&self) -> String {
        let scheme = match self.kind {
            Kind::MySql | Kind::MariaDb => "mysql",
            kind @ (Kind::Postgres | Kind::Sqlite) => kind.name(),
        };
        let mut login = escaped(&self.user);
        if !self.password.is_empty() {
            write!(login, ":{}", escaped(&self.password)).expect("a String takes everything");
        }
        format!("{scheme}://{login}@{}/{}", self.address, escaped(&self.database))
    }
}

/// Refuses a parameter, unless it changes nothing that dropproof decides.
fn check(kind: Kind, name: &str, value: &str) -> Result<(), BadUrl> {
    let asks = value.to_ascii_lowercase();
    if !TLS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(BadUrl::Parameter { kind, name: name.to_owned() });
    }
    if PLAIN.contains(&asks.as_str()) || asks == "false" {
        return Ok(());
    }
    Err(BadUrl::Tls { name: name.to_owned(), value: value.to_owned() })
}

fn loopback(url: &Url) -> Result<IpAddr, BadUrl> {
    let ip = match url.host() {
        // The `url` crate keeps the host of a scheme that it does not know as text.
        Some(Host::Domain(name)) if name.eq_ignore_ascii_case("localhost") => {
            Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
        }
        Some(Host::Domain(name)) => name.parse().ok(),
        Some(Host::Ipv4(ip)) => Some(ip.into()),
        Some(Host::Ipv6(ip)) => Some(ip.into()),
        None => None,
    };
    ip.filter(IpAddr::is_loopback)
        .ok_or_else(|| BadUrl::NotLoopback { host: url.host_str().unwrap_or_default().to_owned() })
}

fn decoded(part: &'static str, text: &str) -> Result<String, BadUrl> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| BadUrl::Undecodable { part })
}

fn escaped(part: &str) -> String {
    utf8_percent_encode(part, ESCAPED).to_string()
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, user, address, database, password: _ } = self;
        write!(f, "{kind}://{}@{address}/{}", escaped(user), escaped(database))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

#[cfg(test)]
mod tests;
