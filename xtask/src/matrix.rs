//! `cargo xtask matrix`: the jobs of a CI matrix, one for each database.

use clap::{Args, ValueEnum};
use dropproof::database::Kind;
use dropproof_databases::versions;
use serde_json::json;

use crate::{Ended, out::outln};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask matrix                     the databases, with the versions that there are images of
  cargo xtask matrix --format github     the `matrix` of a GitHub workflow, as JSON on one line";

/// How the matrix is written.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// For a person, or for a workflow
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Github,
}

pub(crate) fn run(options: &Options) -> Ended {
    let databases = Kind::ALL.map(Kind::name);
    match options.format {
        Format::Github => outln!("{}", json!({ "database": databases })),
        Format::Text => {
            for kind in Kind::ALL {
                let versions = versions(kind);
                let versions = if versions.is_empty() { vec!["embedded"] } else { versions };
                outln!("{kind:<10}{}", versions.join(", "));
            }
        }
    }
    Ended::Well
}
