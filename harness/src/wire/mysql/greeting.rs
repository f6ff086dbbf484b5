//! The greeting: what server and client agree on before the client logs in.
//!
//! What would make messages look different from what is framed here is taken out of the greeting,
//! so that no client asks for it. The rest is left to the two sides.
//!
//! MariaDB has 32 more capabilities, in bytes that MySQL leaves empty. They are there where the
//! lowest bit is not set, which every MySQL sets.

use super::Fields;
use crate::wire::Malformed;

/// Set by MySQL; where it is not, the capabilities of MariaDB are read too.
const MYSQL: u64 = 1;
const PROTOCOL_41: u64 = 1 << 9;
const SSL: u64 = 1 << 11;
const DEPRECATE_EOF: u64 = 1 << 24;
const MULTI_FACTOR: u64 = 1 << 28;

/// What is taken out of the greeting, and refused where a client wants it nevertheless.
///
/// Left in: MariaDB's bulk execution and its results, which are answered like any execution, and
/// its extended metadata, which is content of a column's definition.
const UNFRAMED: [(u64, &str); 10] = [
    (1 << 5, "CLIENT_COMPRESS"),
    (SSL, "CLIENT_SSL"),
    (1 << 25, "CLIENT_OPTIONAL_RESULTSET_METADATA"),
    (1 << 26, "CLIENT_ZSTD_COMPRESSION_ALGORITHM"),
    (1 << 27, "CLIENT_QUERY_ATTRIBUTES"),
    (1 << 29, "CLIENT_CAPABILITY_EXTENSION"),
    (1 << 32, "MARIADB_CLIENT_PROGRESS"),
    (1 << 33, "MARIADB_CLIENT_COM_MULTI"),
    (1 << 36, "MARIADB_CLIENT_CACHE_METADATA"),
    (!0 << 38, "of an unknown extension"),
];

/// No greeting is longer.
const LENGTH_MAX: usize = 4096;
/// A HandshakeResponse up to the user's name; an SSLRequest is not longer than that.
const RESPONSE_MIN: usize = 32;

/// What two sides can do, or have agreed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities(u64);

impl Capabilities {
    /// Whether a result ends with an OK, and nothing ends its column definitions.
    pub(super) fn deprecate_eof(self) -> bool {
        self.0 & DEPRECATE_EOF != 0
    }

    /// Whether a login may ask for more than a password.
    pub(super) fn many_factors(self) -> bool {
        self.0 & MULTI_FACTOR != 0
    }
}

/// Refuses a greeting that is too long to be one, before it is waited for.
pub(super) fn bounded(length: usize) -> Result<(), Malformed> {
    let too_long = |length| Malformed::Length { message: "Greeting", length };
    match u32::try_from(length) {
        Ok(length) if LENGTH_MAX < length as usize => Err(too_long(length)),
        Ok(_) => Ok(()),
        Err(_) => Err(too_long(u32::MAX)),
    }
}

/// Reads the capabilities that a greeting offers, and takes out of `packet` what is not framed.
///
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html>
pub(super) fn offer(mut fields: Fields<'_>, packet: &mut [u8]) -> Result<Capabilities, Malformed> {
    let version = fields.byte("version")?;
    if version != 10 {
        return Err(Malformed::Version { major: version.into(), minor: 0 });
    }
    fields.text("server version")?;
    fields.bytes(4 + 8 + 1, "nonce")?;
    let at = packet.len() - fields.rest().len();
    // The capabilities lie in three places, and between them the character set and the status.
    let places = [at, at + 1, at + 5, at + 6, at + 14, at + 15, at + 16, at + 17];
    fields.bytes(18, "capabilities")?;

    let byte = |place: &usize| packet.get(*place).copied().unwrap_or_default();
    let mut offered = u64::from_le_bytes(places.each_ref().map(byte));
    if offered & MYSQL != 0 {
        // What follows is empty, or not what it seems.
        offered &= u64::from(u32::MAX);
    }
    let unframed = UNFRAMED.iter().fold(0, |all, (flag, _)| all | flag);
    for (place, taken) in places.iter().zip((offered & unframed).to_le_bytes()) {
        packet[*place] &= !taken;
    }
    Ok(Capabilities(offered & !unframed))
}

/// Reads what the client wants of the offer.
///
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html>
pub(super) fn agree(
    mut fields: Fields<'_>,
    offered: Capabilities,
) -> Result<Capabilities, Malformed> {
    let is_short = fields.length() <= RESPONSE_MIN;
    let mut wanted = u64::from(fields.wide("capabilities")?);
    if wanted & PROTOCOL_41 == 0 {
        // The response of version 3.20 has another form, and no status in its answers.
        return Err(Malformed::Version { major: 3, minor: 20 });
    }
    if wanted & SSL != 0 && is_short {
        return Err(Malformed::Encryption);
    }
    fields.bytes(4 + 1 + 19, "character set")?;
    let extended = u64::from(fields.wide("extended capabilities")?) << 32;
    if (wanted | offered.0) & MYSQL == 0 {
        wanted |= extended;
    }
    match UNFRAMED.iter().find(|(flag, _)| wanted & flag != 0) {
        Some((_, name)) => Err(Malformed::Capability { name }),
        None => Ok(Capabilities(wanted & offered.0)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A greeting with these capabilities, after the example of the protocol's documentation.
    fn greeting(capabilities: u64) -> Vec<u8> {
        let [a, b, c, d, e, f, g, h] = capabilities.to_le_bytes();
        let nonce = b"\x52\x42\x33\x76\x7a\x26\x47\x72\0";
        let middle = [a, b, 0x2d, 2, 0, c, d, 21, 0, 0, 0, 0, 0, 0, e, f, g, h];
        [&b"\x0a11.8.3-MariaDB\0\x0b\0\0\0"[..], nonce, &middle, b"abcdefghijkl\0p\0"].concat()
    }

    fn offered(capabilities: u64) -> (u64, Vec<u8>) {
        let mut packet = greeting(capabilities);
        let body = packet.clone();
        let offer = offer(Fields::new(&body, body.len()), &mut packet).unwrap();
        (offer.0, packet)
    }

    fn wants(capabilities: u64, offer: u64) -> Result<u64, Malformed> {
        let [low, high] = [0, 32].map(|shift| ((capabilities >> shift) as u32).to_le_bytes());
        let body = [&low[..], &[0; 24], &high, b"user\0\0"].concat();
        agree(Fields::new(&body, body.len()), Capabilities(offer)).map(|agreed| agreed.0)
    }

    #[rstest]
    #[case::mysql(0xdfff_ffff, 0xd1ff_f7df)]
    #[case::mysql_has_no_extension(0xff_0000_0001, 0x1)]
    #[case::mariadb(0x3d_81ff_f7fe, 0x2c_81ff_f7de)]
    #[case::unknown_extension(0xffff_ffff_0000_0000, 0x2c_0000_0000)]
    #[case::nothing(0, 0)]
    fn unframed_is_taken_out(#[case] offer: u64, #[case] left: u64) {
        let (read, passed) = offered(offer);

        // What MySQL has in the place of an extension is passed on as it is.
        let empty = if offer & MYSQL == 0 { 0 } else { offer >> 32 << 32 };
        assert_eq!((read, passed), (left, greeting(left | empty)));
    }

    #[rstest]
    #[case::intersection(0x0100_0200, 0x0080_0200, Ok(0x0200))]
    #[case::extension(0x4_0000_0200, 0x6_0000_0200, Ok(0x4_0000_0200))]
    #[case::mysql_has_no_extension(0xff_0000_0201, 0x0201, Ok(0x0201))]
    #[case::server_has_no_extension(0xff_0000_0200, 0x0201, Ok(0x0200))]
    #[case::old(0, 0x0200, Err(Malformed::Version { major: 3, minor: 20 }))]
    #[case::ssl(0x0a00, 0x0200, Err(Malformed::Capability { name: "CLIENT_SSL" }))]
    #[case::cache(
        0x10_0000_0200,
        0x0200,
        Err(Malformed::Capability { name: "MARIADB_CLIENT_CACHE_METADATA" })
    )]
    fn client_gets_what_is_offered(
        #[case] wanted: u64,
        #[case] offer: u64,
        #[case] agreed: Result<u64, Malformed>,
    ) {
        assert_eq!(wants(wanted, offer), agreed);
    }
}
