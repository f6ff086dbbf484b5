//! What of MySQL's SQL is a password, and which statements a text has.

use std::collections::VecDeque;

use crate::wire::sql;

/// The verbs of more statements than this are not kept.
const STATEMENTS_MAX: usize = 64;
/// Verbs that say little without the next word.
const LONG: [&str; 4] = ["START", "CREATE", "ALTER", "DROP"];
const DIGITS: &str = "0123456789";

/// Makes a statement's text fit for a name.
pub(super) fn shown(text: &[u8]) -> String {
    sql::shown(text, &["password", "identified"], literal)
}

/// Finds where the first literal begins: a quote, or a number of another base.
fn literal(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().position(|(at, byte)| match byte {
        b'\'' | b'"' => true,
        b'0' => bytes.get(at + 1).is_some_and(|base| matches!(base, b'x' | b'X' | b'b' | b'B')),
        _ => false,
    })
}

/// The verbs of a text's statements, in order: `BEGIN`, `START TRANSACTION`, `INSERT`.
///
/// A statement that begins with no word has an empty verb.
pub(super) fn verbs(text: &[u8]) -> VecDeque<String> {
    let text = String::from_utf8_lossy(text);
    let mut rest = &*text;
    let mut verbs = VecDeque::new();
    while let Some(start) = beginning(rest)
        && verbs.len() < STATEMENTS_MAX
    {
        verbs.push_back(verb(start));
        rest = after_statement(start);
    }
    verbs
}

fn verb(statement: &str) -> String {
    let (first, rest) = word(statement);
    let second = match LONG.contains(&&*first) {
        true => beginning(rest).map(|rest| word(rest).0).unwrap_or_default(),
        false => String::new(),
    };
    if second.is_empty() { first } else { format!("{first} {second}") }
}

fn word(text: &str) -> (String, &str) {
    let other = |character: char| !character.is_ascii_alphabetic();
    let end = text.find(other).unwrap_or(text.len());
    (text[..end].to_ascii_uppercase(), &text[end..])
}

/// Skips what comes before a statement: space, comments, parentheses, empty statements.
fn beginning(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ';'));
        rest = match comment(rest) {
            Some(after) => after,
            None if rest.is_empty() => return None,
            None => return Some(rest),
        };
    }
}

/// What follows the comment at the front, if there is one.
///
/// Of a comment that MySQL executes only the opening is skipped: `/*!50003 CREATE … */`.
fn comment(text: &str) -> Option<&str> {
    if let Some(code) = text.strip_prefix("/*!").or_else(|| text.strip_prefix("/*M!")) {
        return Some(code.trim_start_matches(|c| DIGITS.contains(c)));
    }
    let line = text.starts_with('#') || text.starts_with("-- ") || text.starts_with("--\n");
    let end = match (line, text.starts_with("/*")) {
        (true, _) => "\n",
        (false, true) => "*/",
        (false, false) => return None,
    };
    Some(text.split_once(end).map_or("", |(_, after)| after))
}

/// What follows the statement at the front.
fn after_statement(text: &str) -> &str {
    let mut rest = text;
    while let Some(at) = rest.find([';', '\'', '"', '`', '#', '-', '/']) {
        let (found, after) = rest[at..].split_at(1);
        rest = match found {
            ";" => return after,
            "'" | "\"" | "`" => after_quoted(after, found),
            _ => comment(&rest[at..]).unwrap_or(after),
        };
    }
    ""
}

/// What follows a quoted text; a quote that is doubled ends one text and begins the next.
fn after_quoted<'a>(text: &'a str, quote: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find([quote.as_bytes()[0] as char, '\\']) {
        let (found, after) = rest[at..].split_at(1);
        match found {
            // In names a backslash is a character like any other.
            "\\" if quote != "`" => {
                rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
            }
            "\\" => rest = after,
            _ => return after,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::user("CREATE USER 'me'@'%' IDENTIFIED BY 'secret'", "CREATE USER '…'")]
    #[case::name("CREATE USER `me` IDENTIFIED BY 'secret'", "CREATE USER `me` IDENTIFIED BY '…'")]
    #[case::hash(
        "ALTER USER me IDENTIFIED WITH p AS 0x24",
        "ALTER USER me IDENTIFIED WITH p AS '…'"
    )]
    #[case::double("set\n password = \"secret\"", "set password = '…'")]
    #[case::function("SET PASSWORD = PASSWORD('secret')", "SET PASSWORD = PASSWORD( '…'")]
    #[case::server(
        "CREATE SERVER s OPTIONS (PASSWORD 'secret')",
        "CREATE SERVER s OPTIONS (PASSWORD '…'"
    )]
    #[case::parameter("UPDATE t SET password = ?", "UPDATE t SET password = ?")]
    #[case::none("SELECT \"a\", 0x10", "SELECT \"a\", 0x10")]
    fn statement_is_shown_without_password(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text.as_bytes()), expected);
    }

    #[rstest]
    #[case::one("begin", &["BEGIN"])]
    #[case::long("start\ttransaction READ ONLY", &["START TRANSACTION"])]
    #[case::several("BEGIN; INSERT INTO t VALUES (1);COMMIT", &["BEGIN", "INSERT", "COMMIT"])]
    #[case::ends("SELECT 1; ;", &["SELECT"])]
    #[case::parentheses("((SELECT 1) UNION SELECT 2)", &["SELECT"])]
    #[case::quoted("SELECT ';', \";\", `a;`; DO 1", &["SELECT", "DO"])]
    #[case::doubled("SELECT 'it''s;'; DO 1", &["SELECT", "DO"])]
    #[case::escaped(r"SELECT 'it\'s;', `\`; DO 1", &["SELECT", "DO"])]
    #[case::comments("-- a;\n/* b; */ SELECT 1 # c;\n - 1; DO 1", &["SELECT", "DO"])]
    #[case::executed("/*!50003 CREATE*/ /*!50020 TABLE*/ t (i INT)", &["CREATE"])]
    #[case::mariadb("/*M!100100 SET a = 1 */", &["SET"])]
    #[case::unclosed("SELECT '; DO 1", &["SELECT"])]
    #[case::wordless("1; DO 1", &["", "DO"])]
    #[case::nothing(" /* nothing", &[])]
    fn statements_are_told_apart(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(verbs(text.as_bytes()), expected);
    }

    #[test]
    fn verbs_of_many_statements_are_bounded() {
        assert_eq!(verbs("DO 1;".repeat(1000).as_bytes()).len(), STATEMENTS_MAX);
    }
}
