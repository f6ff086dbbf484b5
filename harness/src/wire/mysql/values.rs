//! The values that a message carries, by type and length: never what they are.

use super::Fields;
use crate::wire::{Malformed, framing::counted};

/// More values than this are not listed.
const LISTED_MAX: usize = 32;
/// The flag of a bulk execution that the types are sent.
const BULK_TYPES: u16 = 128;

/// Lists the types of the values that an execution binds, where it tells them.
///
/// What cannot be read is left out: the server is the one to refuse it.
pub(super) fn bound(mut fields: Fields<'_>, parameters: usize) -> Option<String> {
    if parameters == 0 {
        return None;
    }
    let nulls = fields.bytes(parameters.div_ceil(8), "nulls").ok()??;
    if fields.byte("new types").ok()? != 1 {
        return None;
    }
    let types = fields.bytes(2 * parameters, "types").ok()??;
    let is_null = |at: usize| nulls.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let value = |(at, kind): (usize, &[u8])| if is_null(at) { "null" } else { name(kind[0]) };
    let values = types.chunks(2).enumerate().take(LISTED_MAX).map(value);
    Some(values.collect::<Vec<_>>().join(", "))
}

/// Lists the types of the values that each row of a bulk execution binds.
pub(super) fn bound_in_bulk(mut fields: Fields<'_>, parameters: usize) -> Option<String> {
    if fields.number("flags").ok()? & BULK_TYPES == 0 {
        return None;
    }
    let types = fields.bytes(2 * parameters, "types").ok()??;
    let values = types.chunks(2).take(LISTED_MAX).map(|kind| name(kind[0]));
    Some(values.collect::<Vec<_>>().join(", "))
}

/// Names a type, as `enum_field_types` does.
fn name(kind: u8) -> &'static str {
    match kind {
        0 => "decimal",
        1 => "tiny",
        2 => "short",
        3 => "long",
        4 => "float",
        5 => "double",
        6 => "null",
        7 => "timestamp",
        8 => "longlong",
        9 => "int24",
        10 => "date",
        11 => "time",
        12 => "datetime",
        13 => "year",
        15 => "varchar",
        16 => "bit",
        245 => "json",
        246 => "newdecimal",
        247 => "enum",
        248 => "set",
        249..=252 => "blob",
        253 => "var_string",
        254 => "string",
        255 => "geometry",
        _ => "unknown",
    }
}

/// Lists the lengths of a row's values in the text protocol.
pub(super) fn lengths(mut fields: Fields<'_>, columns: u16) -> Result<String, Malformed> {
    let mut shown = Vec::new();
    for _ in 0..usize::from(columns).min(LISTED_MAX) {
        if fields.null() {
            shown.push("null".to_owned());
            continue;
        }
        let Some(length) = fields.counter("value's length")? else { break };
        let length = usize::try_from(length).map_err(|_| fields.fault("value's length"))?;
        fields.bytes(length, "value")?;
        shown.push(counted(length, "byte"));
    }
    Ok(shown.join(", "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::types(b"\x02\x01\x08\0\xfd\0\x01\0\0\0\0\0\0\0", 2, "longlong, null")]
    #[case::ninth(
        b"\0\x01\x01\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0",
        9,
        "tiny, tiny, tiny, tiny, tiny, tiny, tiny, tiny, null"
    )]
    #[case::as_before(b"\0\0secret", 2, "")]
    #[case::none(b"", 0, "")]
    #[case::truncated(b"\0\x01\x08", 2, "")]
    fn bound_values_are_listed_by_type(
        #[case] bytes: &[u8],
        #[case] parameters: usize,
        #[case] expected: &str,
    ) {
        let listed = bound(Fields::new(bytes, bytes.len()), parameters);

        assert_eq!(listed.unwrap_or_default(), expected);
    }

    #[rstest]
    #[case::types(b"\x80\0\x08\0\xfd\0\0\x01", 2, "longlong, var_string")]
    #[case::as_before(b"\0\0secret", 2, "")]
    fn bulk_values_are_listed_by_type(
        #[case] bytes: &[u8],
        #[case] parameters: usize,
        #[case] expected: &str,
    ) {
        let listed = bound_in_bulk(Fields::new(bytes, bytes.len()), parameters);

        assert_eq!(listed.unwrap_or_default(), expected);
    }

    #[test]
    fn row_is_listed_by_length() {
        let row = b"\x06secret\xfb\x00";

        assert_eq!(lengths(Fields::new(row, row.len()), 3).unwrap(), "6 bytes, null, 0 bytes");
        assert!(lengths(Fields::new(row, row.len()), 4).is_err());
        assert_eq!(lengths(Fields::new(&row[..3], 1000), 3).unwrap(), "6 bytes");
    }
}
