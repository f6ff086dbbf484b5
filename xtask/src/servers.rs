//! The servers of a run: started or found, prepared for tests, cleared and stopped after it.

use std::collections::{BTreeMap, BTreeSet};

use dropproof::{
    database::{Address, Kind, Prepared},
    report::DatabaseFacts,
    verdict::chain,
};
use dropproof_databases::{Error, Provider, Server, Settings, start_with};
use miette::{IntoDiagnostic, Report, WrapErr, miette};
use tokio::task::spawn_blocking;

use crate::progress::Terminal;

/// The servers of a run. Dropping them removes their containers.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    // Declared before the servers, so that our databases go before a container does.
    prepared: Vec<Prepared>,
    /// Why a database is not to be had.
    pub(crate) blocked: BTreeMap<Kind, String>,
    servers: Vec<Server>,
}

impl Servers {
    /// Gets the servers for these databases.
    ///
    /// One that nobody gave and that cannot be started blocks its questions; where it was asked for
    /// by name, that is an error.
    pub(crate) async fn start(
        databases: &BTreeSet<Kind>,
        named: &BTreeSet<Kind>,
        terminal: &Terminal,
    ) -> miette::Result<Self> {
        let settings = Settings::from_env();
        let mut servers = Self::default();
        for kind in databases.iter().copied().filter(|kind| kind.url_variable().is_some()) {
            let steps = terminal.steps(kind.name());
            let started = start_with(kind, &settings, &steps).await;
            drop(steps);
            match started {
                Ok(server) => servers.add(server, terminal).await?,
                Err(error) if error.is_absence() && !named.contains(&kind) => {
                    servers.blocked.insert(kind, reason(kind, &error));
                }
                Err(error) => {
                    servers.stop().await?;
                    return Err(report(&error).wrap_err(format!("there is no {kind} server")));
                }
            }
        }
        Ok(servers)
    }

    async fn add(&mut self, server: Server, terminal: &Terminal) -> miette::Result<()> {
        let (kind, url) = (server.kind(), server.url().clone());
        terminal.say(
            kind.name(),
            &format!(
                "{}, {}, ready in {:.1} s",
                server.version(),
                provider(&server),
                server.started_in().as_secs_f64()
            ),
        );
        // The container is removed when this fails, since the value is dropped.
        self.servers.push(server);
        let prepared = spawn_blocking(move || Prepared::on(url)).await.into_diagnostic()?;
        let prepared = prepared
            .into_diagnostic()
            .wrap_err_with(|| format!("no template could be made on {kind}"))?;
        self.prepared.push(prepared);
        Ok(())
    }

    /// Where they are, prepared for tests.
    pub(crate) fn addresses(&self) -> BTreeMap<Kind, Address> {
        let addresses = self.prepared.iter().map(Prepared::address);
        addresses.map(|address| (address.url.kind(), address.clone())).collect()
    }

    /// What reports say of them.
    pub(crate) fn facts(&self) -> BTreeMap<Kind, DatabaseFacts> {
        let facts = |server: &Server| DatabaseFacts {
            version: server.version().to_owned(),
            provider: provider(server),
        };
        self.servers.iter().map(|server| (server.kind(), facts(server))).collect()
    }

    /// Drops what was made on them, and removes the containers.
    pub(crate) async fn stop(mut self) -> miette::Result<()> {
        self.clear().await?;
        for server in self.servers {
            let kind = server.kind();
            let stopped = server.stop().await.into_diagnostic();
            stopped.wrap_err_with(|| format!("{kind} could not be stopped"))?;
        }
        Ok(())
    }

    /// Leaves containers running, and says how to use and remove them.
    pub(crate) async fn keep(mut self, terminal: &Terminal) -> miette::Result<()> {
        self.clear().await?;
        for server in self.servers {
            let (kind, url) = (server.kind(), server.url().expose().to_owned());
            let Some(kept) = server.keep() else { continue };
            let variable = kind.url_variable().unwrap_or_default();
            terminal.say("kept", &format!("export {variable}='{url}'"));
            terminal.say("", &format!("docker rm --force --volumes {}", kept.name));
        }
        Ok(())
    }

    async fn clear(&mut self) -> miette::Result<()> {
        for prepared in self.prepared.drain(..) {
            let kind = prepared.address().url.kind();
            let cleared = spawn_blocking(move || prepared.clear()).await.into_diagnostic()?;
            cleared
                .into_diagnostic()
                .wrap_err_with(|| format!("our databases on {kind} could not be dropped"))?;
        }
        Ok(())
    }
}

fn provider(server: &Server) -> &'static str {
    match server.provider() {
        Provider::Url => "url",
        Provider::Container => "container",
    }
}

/// The reason for a verdict: one line, with the way out.
fn reason(kind: Kind, error: &Error) -> String {
    let help = error.help().unwrap_or_default();
    format!("no {kind} server: {error}. {help}")
}

/// The error for a person: with its causes and its next step.
pub(crate) fn report(error: &Error) -> Report {
    let causes = chain(error).join(": ");
    match error.help() {
        Some(help) => miette!(help = help, "{causes}"),
        None => miette!("{causes}"),
    }
}
