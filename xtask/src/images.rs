//! `cargo xtask images`: the images of the databases.

use clap::{Args, Subcommand};
use dropproof::database::Kind;
use dropproof_databases::{Estate, Settings, images};
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
  cargo xtask images build postgres mysql
  cargo xtask images build --all-versions
  cargo xtask images remove postgres

`cargo xtask test` gets an image by itself: it takes the one at hand, pulls where a registry answers,
else builds. DROPPROOF_POSTGRES_IMAGE, DROPPROOF_MYSQL_IMAGE and DROPPROOF_MARIADB_IMAGE name other images
to be used as they are, and DROPPROOF_POSTGRES_VERSION=15 asks for an older version.";

/// What is done with the images.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// Include the older versions that the checks must hold on
    #[arg(long, global = true)]
    all_versions: bool,
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
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let all = options.all_versions;
    let work = async {
        match &options.action {
            None | Some(Action::List) => list(&chosen(&[], all)?, terminal).await,
            Some(Action::Build { databases }) => {
                build(&chosen(databases, all)?, estate, terminal).await
            }
            Some(Action::Remove { databases }) => remove(&chosen(databases, all)?, terminal).await,
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
pub(crate) async fn provide(estate: &Estate, terminal: &Terminal) -> miette::Result<()> {
    let settings = Settings::from_env().owned_by(estate);
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

/// One version of a database, as the settings ask for it.
struct Version {
    kind: Kind,
    name: String,
    settings: Settings,
}

/// The version of a database that is asked for, and all others after it or none.
fn versions(kind: Kind, all: bool) -> Vec<Version> {
    let settings = Settings::from_env();
    let mut versions = vec![Version { kind, name: kind.to_string(), settings: settings.clone() }];
    for version in settings.other_versions(kind).into_iter().filter(|_| all) {
        let settings = settings.clone().with_version(kind, version);
        versions.push(Version { kind, name: format!("{kind} {version}"), settings });
    }
    versions
}

fn chosen(names: &[String], all: bool) -> miette::Result<Vec<Version>> {
    let named: Vec<Kind> =
        names.iter().map(|name| database(name)).collect::<miette::Result<_>>()?;
    if let Some(kind) = named.iter().find(|kind| kind.url_variable().is_none()) {
        return Err(miette!("{kind} is embedded and has no image"));
    }
    let kinds = if named.is_empty() { with_images().collect() } else { named };
    Ok(kinds.into_iter().flat_map(|kind| versions(kind, all)).collect())
}

async fn list(versions: &[Version], terminal: &Terminal) -> miette::Result<()> {
    for Version { kind, name, settings } in versions {
        match images::at_hand(*kind, settings).await.map_err(|error| report(&error))? {
            Some(image) => terminal.say(name, &image),
            None => terminal.say(name, "none at hand; `cargo xtask images build` makes one"),
        }
    }
    Ok(())
}

async fn build(versions: &[Version], estate: &Estate, terminal: &Terminal) -> miette::Result<()> {
    for Version { kind, name, settings } in versions {
        let steps = terminal.steps(name);
        let settings = settings.clone().owned_by(estate);
        let built = images::build(*kind, &settings, &steps).await;
        drop(steps);
        terminal.say(name, &format!("{} is built", built.map_err(|error| report(&error))?));
    }
    Ok(())
}

async fn remove(versions: &[Version], terminal: &Terminal) -> miette::Result<()> {
    for Version { kind, name, settings } in versions {
        let removed = images::remove(*kind, settings).await.map_err(|error| report(&error))?;
        terminal.say(name, if removed { "removed" } else { "there was none" });
    }
    Ok(())
}
