//! Variables of the environment that would change what a run judges.
//!
//! A run obeys its own options and what `--help` names. It starts its children without the variables
//! of this table, so that a variable left in a shell never turns a violation into a pass. Variables
//! that say how a program is built (`RUSTFLAGS`, `CARGO_PROFILE_*`, a linker, a target folder) stay:
//! what they build is judged by the same rules, and a second set of flags would build all twice.

use std::{collections::BTreeMap, env, ffi::OsString};

use dropproof::run;
use tokio::process::Command;

use crate::{progress::Terminal, target, workspace};

/// Variables with one reader, and why a run does not obey them.
struct Family {
    names: &'static [Names],
    reason: &'static str,
}

enum Names {
    /// This variable.
    Exact(&'static str),
    /// All that begin so.
    Prefix(&'static str),
    /// All that begin and end so.
    Around(&'static str, &'static str),
}

use Names::{Around, Exact, Prefix};

const FAMILIES: [Family; 7] = [
    Family {
        names: &[Exact("NEXTEST"), Prefix("NEXTEST_"), Prefix("__NEXTEST_")],
        reason: "nextest would repeat trials, or run others than those that are planned",
    },
    Family {
        names: &[Around("CARGO_TARGET_", "_RUNNER")],
        reason: "cargo would have another program run the trials",
    },
    Family {
        names: &[Prefix("RUST_TEST_")],
        reason: "libtest would run tests in another order, or another number at a time",
    },
    Family {
        names: &[Prefix("PROPTEST_")],
        reason: "proptest would try other cases; --seed and --cases choose them",
    },
    Family {
        names: &[Prefix("INSTA_")],
        reason: "insta would accept a trace that nobody has reviewed; run `cargo insta review`",
    },
    Family {
        names: &[
            Exact(target::PLAN_VARIABLE),
            Exact("DROPPROOF_REPLAY"),
            Exact("DROPPROOF_CUT"),
            Exact(run::VARIABLE),
        ],
        reason: "the test binary would do something else than judge this run",
    },
    Family {
        // https://www.postgresql.org/docs/current/libpq-envars.html, and what client libraries took over.
        names: &[
            Prefix("PGSSL"),
            Exact("PGHOST"),
            Exact("PGHOSTADDR"),
            Exact("PGPORT"),
            Exact("PGDATABASE"),
            Exact("PGUSER"),
            Exact("PGPASSWORD"),
            Exact("PGPASSFILE"),
            Exact("PGSERVICE"),
            Exact("PGSERVICEFILE"),
            Exact("PGOPTIONS"),
            Exact("PGAPPNAME"),
            Exact("PGCLIENTENCODING"),
            Exact("PGDATESTYLE"),
            Exact("PGTZ"),
            Exact("PGGEQO"),
            Exact("PGCONNECT_TIMEOUT"),
            Exact("PGTARGETSESSIONATTRS"),
        ],
        reason: "client libraries would open other connections than those that are judged",
    },
];

impl Family {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|names| match names {
            Exact(exact) => name == *exact,
            Prefix(start) => name.starts_with(start),
            Around(start, end) => name.starts_with(start) && name.ends_with(end),
        })
    }
}

/// Makes a command that does not see the variables that are set and not obeyed.
pub(crate) fn command(program: impl Into<OsString>) -> Command {
    let mut command = Command::new(program.into());
    let set = env::vars_os().map(|(name, _)| name);
    for name in set.filter(|name| FAMILIES.iter().any(|family| family.has(&name.to_string_lossy())))
    {
        command.env_remove(name);
    }
    command
}

/// The command of the cargo that runs this program, in the root of the workspace.
///
/// # Errors
///
/// Fails if there is no workspace.
pub(crate) fn cargo() -> miette::Result<Command> {
    let mut cargo = command(workspace::cargo());
    cargo.current_dir(workspace::root()?);
    Ok(cargo)
}

/// Says which variables are set and not obeyed.
pub(crate) fn tell(terminal: &Terminal) {
    let set = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for (reason, names) in ignored(set) {
        terminal.say("ignored", &format!("{}: {reason}", names.join(", ")));
    }
}

/// The variables that are not obeyed, by the reason, in the order of the table.
fn ignored(set: impl Iterator<Item = String>) -> Vec<(&'static str, Vec<String>)> {
    let mut found = BTreeMap::<usize, Vec<String>>::new();
    for name in set {
        if let Some(family) = FAMILIES.iter().position(|family| family.has(&name)) {
            found.entry(family).or_default().push(name);
        }
    }
    found
        .into_iter()
        .map(|(family, mut names)| {
            names.sort();
            (FAMILIES[family].reason, names)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_found_among_other_variables() {
        let set = [
            "PATH",
            "RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "DROPPROOF_POSTGRES_URL",
            "DROPPROOF_PLAN",
            "PROPTEST_CASES",
            "INSTA_UPDATE",
            "RUST_TEST_SHUFFLE",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
            "NEXTEST_RETRIES",
            "NEXTEST",
            "PGOPTIONS",
        ];
        let found = ignored(set.into_iter().map(str::to_owned));

        let names: Vec<_> = found.into_iter().map(|(_, names)| names.join(" ")).collect();
        let expected = [
            "NEXTEST NEXTEST_RETRIES",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
            "RUST_TEST_SHUFFLE",
            "PROPTEST_CASES",
            "INSTA_UPDATE",
            "DROPPROOF_PLAN",
            "PGOPTIONS",
        ];
        assert_eq!(names, expected);
    }
}
