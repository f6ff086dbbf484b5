//! The start-up: the client's first messages, and whose connection a cancel request means.
//!
//! They have no type byte. Encryption is asked for at most once each way, as the server allows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::Fields;
use crate::wire::Malformed;

/// The server's own limit (`MAX_STARTUP_PACKET_LENGTH`).
const LENGTH_MAX: u32 = 10_000;
/// The first byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// What a client may begin with.
pub(super) enum Request {
    /// Encryption, by the name of the message.
    Encryption(&'static str),
    /// That a request of another connection is cancelled, by that one's key.
    Cancel(Vec<u8>),
    /// A session.
    Session,
}

#[derive(Debug, Default)]
pub(super) struct Hello {
    tls_asked: bool,
    gss_asked: bool,
}

impl Hello {
    /// Reads the message at the front, and its length.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Option<(Request, usize)>, Malformed> {
        if bytes.first() == Some(&TLS_HANDSHAKE) {
            return Err(Malformed::Tls);
        }
        let Some(length) = bytes.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        if !(8..=LENGTH_MAX).contains(&length) {
            return Err(Malformed::Length { message: "StartupMessage", length });
        }
        let Some(body) = bytes.get(4..length as usize) else { return Ok(None) };
        let mut fields = Fields::new("StartupMessage", body, body.len());
        let version = (fields.number("version")?, fields.number("version")?);
        let (major, minor) = (version.0.unwrap_or_default(), version.1.unwrap_or_default());
        let request = match (major, minor) {
            (1234, 5678) => Request::Cancel(fields.rest().to_vec()),
            (1234, 5679) => once(&mut self.tls_asked, "SSLRequest", length)?,
            (1234, 5680) => once(&mut self.gss_asked, "GSSENCRequest", length)?,
            (3, _) => Request::Session,
            (major, minor) => return Err(Malformed::Version { major, minor }),
        };
        Ok(Some((request, length as usize)))
    }
}

fn once(asked: &mut bool, message: &'static str, length: u32) -> Result<Request, Malformed> {
    if *asked || length != 8 {
        return Err(Malformed::Length { message, length });
    }
    *asked = true;
    Ok(Request::Encryption(message))
}

/// The cancel keys of one proxy's connections. They are secrets: nothing shows them.
#[derive(Clone, Default)]
pub(in crate::wire) struct Keys(Arc<Mutex<BTreeMap<Vec<u8>, u32>>>);

impl Keys {
    pub(super) fn learn(&self, key: &[u8], connection: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_vec(), connection);
    }

    /// Names a cancel request by the connection that its key belongs to.
    pub(super) fn cancel(&self, key: &[u8]) -> String {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            Some(connection) => format!("CancelRequest of connection {connection}"),
            None => "CancelRequest of no connection".to_owned(),
        }
    }
}
