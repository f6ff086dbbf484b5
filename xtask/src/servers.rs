//! The servers of a run, as a person hears of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use dropproof::{database::Kind, report::DatabaseFacts, verdict::chain};
use dropproof_databases::{Error, Estate, Owner, Progress, Provider, Server, Settings};
use miette::{Report, miette};

use crate::progress::Terminal;

/// Gets the servers for these databases, all at the same time.
///
/// One that nobody gave and that cannot be started blocks its questions; where it was asked for by
/// name, that is an error.
pub(crate) async fn start(
    estate: &Estate,
    databases: &BTreeSet<Kind>,
    named: &BTreeSet<Kind>,
    settings: &Settings,
    terminal: &Terminal,
) -> miette::Result<Owner> {
    let steps = Mutex::new(BTreeMap::new());
    let hear = |kind: Option<Kind>, text: &str| {
        let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
        let name = kind.map_or("orphans", Kind::name);
        steps.entry(kind).or_insert_with(|| terminal.steps(name)).step(text);
    };
    let started = Owner::start(estate, databases, named, settings, &hear).await;
    drop(steps);
    let owner = started.map_err(|error| report(&error))?;
    for server in owner.servers() {
        let (version, seconds) = (server.version(), server.started_in().as_secs_f64());
        let text = format!("{version}, {}, ready in {seconds:.1} s", provider(server));
        terminal.say(server.kind().name(), &text);
    }
    Ok(owner)
}

/// What reports say of the servers.
pub(crate) fn facts(owner: &Owner) -> BTreeMap<Kind, DatabaseFacts> {
    let facts = |server: &Server| DatabaseFacts {
        version: server.version().to_owned(),
        provider: provider(server),
    };
    owner.servers().map(|server| (server.kind(), facts(server))).collect()
}

/// Checks that every server still runs, and removes all; the first failure is the one to hear of.
pub(crate) async fn stop(owner: Owner) -> miette::Result<()> {
    let checked = owner.check().await;
    let stopped = owner.stop().await;
    checked.and(stopped).map_err(|error| report(&error))
}

/// Leaves containers running, and says how to use and remove them.
pub(crate) async fn keep(owner: Owner, terminal: &Terminal) -> miette::Result<()> {
    for (url, kept) in owner.keep().await.map_err(|error| report(&error))? {
        let variable = url.kind().url_variable().unwrap_or_default();
        terminal.say("kept", &format!("export {variable}='{}'", url.expose()));
        terminal.say("", &format!("docker rm --force --volumes {}", kept.name));
    }
    Ok(())
}

fn provider(server: &Server) -> &'static str {
    match server.provider() {
        Provider::Url => "url",
        Provider::Container => "container",
    }
}

/// The error for a person: with its causes and its next step.
pub(crate) fn report(error: &Error) -> Report {
    if let Error::NoServer { source, .. } = error {
        return report(source).wrap_err(error.to_string());
    }
    let causes = chain(error).join(": ");
    match error.help() {
        Some(help) => miette!(help = help, "{causes}"),
        None => miette!("{causes}"),
    }
}
