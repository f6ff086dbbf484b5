//! `cargo xtask doctor`: what this machine has, and the command that mends what is missing.

use std::error::Error;

use clap::Args;
use dropproof_databases::{Settings, engine, images, strangers};
use tokio::process::Command;

use crate::{Ended, images::with_images, out::outln};

const EXAMPLES: &str = "\
Examples:
  cargo xtask doctor

The exit code is 1 where something is missing that `cargo xtask ci` cannot do without.";

/// Takes no options.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {}

/// What was found of one thing.
struct Finding {
    name: String,
    found: Result<String, String>,
    /// Whether it can be done without.
    needed: bool,
}

pub(crate) async fn run(Options {}: &Options) -> miette::Result<Ended> {
    let mut findings = vec![
        tool("rustc", "rustc", &["--version"], "rustup toolchain install 1.95.0").await,
        tool("clippy", "cargo", &["clippy", "--version"], "rustup component add clippy").await,
        tool("rustfmt", "cargo", &["fmt", "--version"], "rustup component add rustfmt").await,
    ];
    for installed in crate::ci::TOOLS {
        let mend = installed.install().join(" ");
        let arguments = [installed.subcommand, "--version"];
        findings.push(tool(installed.name, "cargo", &arguments, &format!("cargo {mend}")).await);
    }
    let mend = "cargo install --locked cargo-nextest";
    let nextest = tool("nextest", "cargo", &["nextest", "--version"], mend).await;
    findings.push(Finding { needed: false, ..nextest });
    findings.push(docker().await);
    for kind in with_images() {
        findings.push(image(kind).await);
    }
    findings.extend(left_over().await);
    for finding in &findings {
        show(finding);
    }
    let well = findings.iter().all(|finding| !finding.needed || finding.found.is_ok());
    Ok(if well { Ended::Well } else { Ended::Badly })
}

async fn tool(name: &str, program: &str, arguments: &[&str], mend: &str) -> Finding {
    let asked = Command::new(program).args(arguments).output().await;
    let found = match asked {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.lines().next().unwrap_or_default().to_owned())
        }
        _ => Err(format!("missing; `{mend}`")),
    };
    Finding { name: name.to_owned(), found, needed: true }
}

async fn docker() -> Finding {
    let found = match engine::state().await {
        Ok(state) => Ok(format!("engine {}, API {}", state.version, state.api)),
        Err(error) => Err(missing(&error, error.help())),
    };
    Finding { name: "docker".to_owned(), found, needed: false }
}

async fn image(kind: dropproof::database::Kind) -> Finding {
    let found = match images::at_hand(kind, &Settings::from_env()).await {
        Ok(Some(image)) => Ok(format!("image {image}")),
        Ok(None) => Err("no image; `cargo xtask images build`".to_owned()),
        Err(error) => Err(missing(&error, error.help())),
    };
    Finding { name: kind.to_string(), found, needed: false }
}

/// The containers of runs of which nothing is known: no run removes these.
async fn left_over() -> Vec<Finding> {
    // An engine that does not answer has been told of.
    let strangers = strangers().await.unwrap_or_default();
    let finding = |stranger: dropproof_databases::Stranger| {
        let found = Err(format!(
            "{}: kept, or left by a run `{}` elsewhere; where nobody needs it, \
             `docker rm --force --volumes {}`",
            stranger.name, stranger.run, stranger.name
        ));
        Finding { name: "container".to_owned(), found, needed: false }
    };
    strangers.into_iter().map(finding).collect()
}

fn missing(error: &(dyn Error + 'static), help: Option<String>) -> String {
    format!("{}. {}", dropproof::verdict::chain(error).join(": "), help.unwrap_or_default())
}

fn show(finding: &Finding) {
    use anstyle::{AnsiColor, Style};
    let (mark, colour, text) = match (&finding.found, finding.needed) {
        (Ok(text), _) => ("✓", AnsiColor::Green, text),
        (Err(text), true) => ("✗", AnsiColor::Red, text),
        (Err(text), false) => ("?", AnsiColor::Yellow, text),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    outln!("{style}{mark}{style:#} {:<12} {text}", finding.name);
}
