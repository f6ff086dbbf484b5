//! Names that a person typed: checked against those there are, with the nearest where one is wrong.

use miette::{Report, miette};

/// So many names are offered at the most.
const OFFERED_MAX: usize = 3;
/// Names less alike than this are no help.
const ALIKE_MIN: f64 = 0.7;

/// Finds a name among those there are.
///
/// A check may be given without its suite, so `full` may be longer than what was typed.
pub(crate) fn find<'a>(
    what: &str,
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<&'a str, Report> {
    let names: Vec<&str> = names.into_iter().collect();
    let short = |name: &&&str| name.rsplit('/').next() == Some(typed);
    if let Some(name) = names.iter().find(|name| **name == typed).or(names.iter().find(short)) {
        return Ok(name);
    }
    Err(miette!(help = help(typed, &names), "there is no {what} `{typed}`"))
}

fn help(typed: &str, names: &[&str]) -> String {
    let likeness = |name: &str| {
        let short = name.rsplit('/').next().unwrap_or(name);
        strsim::jaro_winkler(typed, name).max(strsim::jaro_winkler(typed, short))
    };
    let mut near: Vec<&str> =
        names.iter().copied().filter(|name| ALIKE_MIN <= likeness(name)).collect();
    near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    near.dedup();
    near.truncate(OFFERED_MAX);
    if near.is_empty() {
        let mut all = names.to_vec();
        all.dedup();
        return format!("there are: {}", all.join(", "));
    }
    format!("did you mean {}?", near.join(", or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKS: [&str; 3] = ["crud/text-comes-back", "crud/lookup-by-email", "drop-guard/begin"];

    #[test]
    fn claim_alone_names_its_check() {
        assert_eq!(find("check", "lookup-by-email", CHECKS).unwrap(), "crud/lookup-by-email");
    }

    #[test]
    fn nearest_name_is_offered_first() {
        let error = find("check", "crud/text-comes-bakc", CHECKS).unwrap_err();

        assert_eq!(error.to_string(), "there is no check `crud/text-comes-bakc`");
        let help = error.help().unwrap().to_string();
        assert!(help.starts_with("did you mean crud/text-comes-back"), "{help}");
    }

    #[test]
    fn far_name_lists_all() {
        let error = find("database", "xx", ["postgres", "sqlite"]).unwrap_err();

        assert_eq!(error.help().unwrap().to_string(), "there are: postgres, sqlite");
    }
}
