//! SQL in names: short, on one line, and without a password.

/// Longer text is cut; it is a name and not a record.
const CHARACTERS_MAX: usize = 160;

/// Makes a statement's text fit for a name.
///
/// Where it has one of `words`, all from the first literal on is left out: literals can be written
/// in so many ways that looking for the end of one is a way to miss it.
pub(super) fn shown(text: &[u8], words: &[&str], literal: fn(&str) -> Option<usize>) -> String {
    let text = String::from_utf8_lossy(text);
    let secret = words.iter().any(|word| mentions(&text, word));
    let (text, hidden) = match secret.then(|| literal(&text)).flatten() {
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

fn mentions(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_is_shown_on_one_line() {
        assert_eq!(shown(b"SELECT  'a'\n FROM t", &["password"], |_| Some(0)), "SELECT 'a' FROM t");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "é".repeat(CHARACTERS_MAX + 1);

        assert_eq!(shown(text.as_bytes(), &[], |_| None), "é".repeat(CHARACTERS_MAX) + "…");
    }
}
