//! SQL in names: short, on one line, and without a password.

/// Longer text is cut; it is a name and not a record.
const CHARACTERS_MAX: usize = 160;

/// Makes a statement's text fit for a name.
///
/// Where it speaks of a password, all from the first literal on is left out: literals can be
/// written in so many ways that looking for the end of one is a way to miss it.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let (text, hidden) = match mentions_password(&text).then(|| literal(&text)).flatten() {
        Some(start) => (&text[..start], "'…'"),
        None => (&*text, ""),
    };
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if !hidden.is_empty() {
        line.push(' ');
        line.push_str(hidden);
    }
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn mentions_password(text: &str) -> bool {
    let word = b"password";
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
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
    #[case::none("SELECT  'a'\n FROM t", "SELECT 'a' FROM t")]
    fn statement_is_shown_without_password(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text.as_bytes()), expected);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "é".repeat(CHARACTERS_MAX + 1);

        assert_eq!(shown(text.as_bytes()), "é".repeat(CHARACTERS_MAX) + "…");
    }
}
