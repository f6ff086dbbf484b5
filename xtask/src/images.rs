//! `cargo xtask images`: the images of the databases.

use clap::{Args, Subcommand};
use dropproof::database::Kind;
use dropproof_databases::{Settings, images};
use miette::miette;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    progress::Terminal,
    selection::database,
    servers::report,
};

const EXAMPLES: &str = "\
Examples:
  cargo xtask images                    which are at hand
  cargo xtask images build              build those that are missing, from Debian packages
  cargo xtask images build postgres
  cargo xtask images remove postgres

`cargo xtask test` gets an image by itself: it takes the one at hand, pulls where a registry answers,
else builds. DROPPROOF_POSTGRES_IMAGE names another image to be used as it is.";

/// What is done with the images.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show which images are at hand
    List,
    /// Build images from Debian packages, also where one is at hand
    Build {
        /// The databases; all that have images, where none is given
        databases: Vec<String>,
    },
    /// Remove images that were built
    Remove {
        /// The databases
        #[arg(required = true)]
        databases: Vec<String>,
    },
}

pub(crate) async fn run(
    options: &Options,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let work = async {
        match &options.action {
            None | Some(Action::List) => list(terminal).await,
            Some(Action::Build { databases }) => build(&chosen(databases)?, terminal).await,
            Some(Action::Remove { databases }) => remove(&chosen(databases)?, terminal).await,
        }
    };
    match interrupt.unless(work).await {
        Ok(done) => done.map(|()| Ended::Well),
        Err(Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
    }
}

/// The databases that have images.
pub(crate) fn with_images() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.url_variable().is_some())
}

/// Gets the images that are missing, where this machine can; the tests need them.
pub(crate) async fn provide(terminal: &Terminal) -> miette::Result<()> {
    let settings = Settings::from_env();
    for kind in with_images() {
        let steps = terminal.steps(kind.name());
        let got = images::obtain(kind, &settings, &steps).await;
        drop(steps);
        match got {
            Ok(image) => terminal.say(kind.name(), &image),
            // Whoever cannot do without the database says so.
            Err(error) if error.is_absence() => terminal.say(kind.name(), &error.to_string()),
            Err(error) => return Err(report(&error)),
        }
    }
    Ok(())
}

fn chosen(names: &[String]) -> miette::Result<Vec<Kind>> {
    let named: Vec<Kind> =
        names.iter().map(|name| database(name)).collect::<miette::Result<_>>()?;
    match named.iter().find(|kind| kind.url_variable().is_none()) {
        Some(kind) => Err(miette!("{kind} is embedded and has no image")),
        None if named.is_empty() => Ok(with_images().collect()),
        None => Ok(named),
    }
}

async fn list(terminal: &Terminal) -> miette::Result<()> {
    let settings = Settings::from_env();
    for kind in with_images() {
        match images::at_hand(kind, &settings).await.map_err(|error| report(&error))? {
            Some(image) => terminal.say(kind.name(), &image),
            None => terminal.say(kind.name(), "none at hand; `cargo xtask images build` makes one"),
        }
    }
    Ok(())
}

async fn build(databases: &[Kind], terminal: &Terminal) -> miette::Result<()> {
    for kind in databases {
        let steps = terminal.steps(kind.name());
        let built = images::build(*kind, &steps).await;
        drop(steps);
        terminal.say(kind.name(), &format!("{} is built", built.map_err(|error| report(&error))?));
    }
    Ok(())
}

async fn remove(databases: &[Kind], terminal: &Terminal) -> miette::Result<()> {
    for kind in databases {
        let removed = images::remove(*kind).await.map_err(|error| report(&error))?;
        terminal.say(kind.name(), if removed { "removed" } else { "there was none" });
    }
    Ok(())
}
