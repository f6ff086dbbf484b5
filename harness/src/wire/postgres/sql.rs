//! What of Postgres's SQL is a password.

use crate::wire::sql;

/// Makes a statement's text fit for a name.
pub(super) fn shown(text: &[u8]) -> String {
    sql::shown(text, &["password"], literal)
}

/// Finds where the first literal begins: a quote, or a dollar that no parameter's number follows.
fn literal(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().position(|(at, byte)| match byte {
        b'\'' => true,
        b'$' => !bytes.get(at + 1).is_some_and(u8::is_ascii_digit),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("ALTER ROLE me PASSWORD 'secret'", "ALTER ROLE me PASSWORD '…'")]
    #[case::case_and_space("create user me\n password\t'secret'", "create user me password '…'")]
    #[case::escape(r"ALTER ROLE me PASSWORD E'it\'s secret'", "ALTER ROLE me PASSWORD E '…'")]
    #[case::unicode("ALTER ROLE me PASSWORD U&'secret'", "ALTER ROLE me PASSWORD U& '…'")]
    #[case::dollar("ALTER ROLE me PASSWORD $x$secret$x$", "ALTER ROLE me PASSWORD '…'")]
    #[case::unclosed("ALTER ROLE me PASSWORD 'secret", "ALTER ROLE me PASSWORD '…'")]
    #[case::before("SELECT dblink('host=h password=secret')", "SELECT dblink( '…'")]
    #[case::parameter("UPDATE t SET password = $1", "UPDATE t SET password = $1")]
    fn statement_is_shown_without_password(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text.as_bytes()), expected);
    }
}
