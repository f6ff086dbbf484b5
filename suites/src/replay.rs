//! One cut again, for who has no `cargo xtask replay`: a variable gives the token.

use std::process::ExitCode;

use dropproof::{database::Database, report::replayed, run::Run, sweep::Depth};

use crate::trials::{Trials, record};

/// The environment variable that asks for one cut instead of a run, and gives its token.
pub(crate) const VARIABLE: &str = "DROPPROOF_REPLAY";

/// The reason nothing is replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is no token.
    #[error("`{token}` in {VARIABLE} is no token; it is `<trial>:<number>`, as under a violation")]
    NoToken {
        /// What was given.
        token: String,
    },
    /// There is no such trial here.
    #[error("no trial of this test target is named `{trial}`, which {VARIABLE} asks for")]
    NoTrial {
        /// Its name.
        trial: String,
    },
}

/// Visits the cut of a token, zero being the run without a cut, and shows what it rests on.
pub(crate) fn run(trials: Trials, token: &str, run: &Run) -> Result<ExitCode, Error> {
    let (name, cut) = token
        .rsplit_once(':')
        .and_then(|(trial, cut)| Some((trial, cut.parse().ok()?)))
        .ok_or_else(|| Error::NoToken { token: token.to_owned() })?;
    let (trial, judge) = trials
        .plan
        .trials
        .into_iter()
        .zip(trials.judges)
        .find(|(trial, _)| trial.name == name)
        .ok_or_else(|| Error::NoTrial { trial: name.to_owned() })?;
    // A cut of any depth can be named.
    let run = Run { replay: Some(cut), depth: Depth::Full, ..run.clone() };
    let (text, upheld) =
        replayed(&record(&trial, &judge, Database::from_env(trial.database), &run));
    anstream::println!("{text}");
    Ok(if upheld { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_and_what_is_no_trial_are_told_apart() {
        let told = |token| run(Trials::default(), token, &Run::default()).unwrap_err().to_string();

        assert!(told("crud/a").contains("is no token"));
        assert!(told("crud/a:x").contains("is no token"));
        assert!(told("sqlite-mine/crud/a:1").contains("`sqlite-mine/crud/a`"));
    }
}
