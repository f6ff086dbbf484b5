//! The runner: one visit after the other, each on a stage that is as it was before.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Class, Error, Swept, Visit, scene::Scene, stage::Stage, visit::Reference};
use crate::{database::Fresh, poll::Runtime};

/// One visit may take this long; it takes some milliseconds.
const VISIT_MAX: Duration = Duration::from_secs(30);
/// Where there is no wire, cuts are visited until there were so many: another thread may answer
/// before the future has to wait.
const POLL_CUTS: usize = 32;

/// Visits the cuts of a scene.
pub(super) struct Runner<'a, S> {
    pub(super) fresh: &'a Fresh,
    pub(super) scene: &'a S,
}

impl<S: Scene> Runner<'_, S> {
    /// Visits every cut.
    ///
    /// # Errors
    ///
    /// Fails where a question was not answered; what the layer does wrong is no error.
    pub(super) fn run(&self) -> Result<Swept, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (mut stage, reference) = self.reference(&runtime).await?;
            let counted = self.fresh.server().map(|_| reference.cuts.len());
            let mut visits = vec![reference.visit.clone()];
            if !reference.visit.class.is_upheld() {
                stage.close(self.fresh).await?;
                return Ok(Swept { visits, counted: Some(0) });
            }
            for cut in reference.every_cut() {
                let began = Instant::now();
                let confirm = !visits.iter().any(|visit| visit.class == Class::Stuck);
                let visit = self.visit(&stage, &reference, &cut, confirm);
                let Some(mut visit) = bounded(&cut.name, visit).await? else { continue };
                if !visit.class.is_upheld() && counted.is_none() {
                    // What it left holds the one file, and cannot be ended from outside.
                    visits.push(visit);
                    break;
                }
                visit.unchanged &= self.scene.keeps_the_client();
                if !visit.unchanged {
                    let state = stage.state.clone();
                    stage.close(self.fresh).await?;
                    stage = self.stage(&runtime, state).await?;
                }
                visit.took = began.elapsed();
                visits.push(visit);
                if counted.is_none() && POLL_CUTS < visits.len() {
                    break;
                }
            }
            if visits.len() == 1 {
                return Err(Error::NoCut);
            }
            stage.close(self.fresh).await?;
            Ok(Swept { visits, counted })
        })
    }

    /// Visits one cut by its number, from one; zero is the uncut run.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run); fails also where there is no such cut.
    pub(super) fn replay(&self, number: usize) -> Result<Visit, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (stage, reference) = self.reference(&runtime).await?;
            let counted = reference.cuts.len();
            let visit = match (number, reference.cut(number)) {
                (0, _) => Some(reference.visit),
                (_, None) => None,
                (_, Some(cut)) => {
                    bounded(&cut.name, self.visit(&stage, &reference, &cut, true)).await?
                }
            };
            stage.close(self.fresh).await?;
            visit.ok_or(Error::NoSuchCut { number, counted })
        })
    }

    async fn open(&self, runtime: &Runtime, state: Option<S::State>) -> Result<Stage<S>, Error> {
        bounded("opening", Stage::open(self.fresh, self.scene, runtime, state)).await
    }

    /// Opens the client, with warm caches where it is kept: the operation has been run once.
    async fn stage(&self, runtime: &Runtime, state: S::State) -> Result<Stage<S>, Error> {
        let stage = self.open(runtime, Some(state)).await?;
        if self.scene.keeps_the_client() {
            let lease = self.scene.lease(&stage.client).await?;
            self.scene.act(&stage.client, lease).await?;
            stage.settle().await;
        }
        Ok(stage)
    }

    /// The uncut run, and a stage for the first cut.
    ///
    /// It is run twice where the client is kept, since cold and warm caches make different
    /// conversations. The first run is judged before anything is built on what it leaves.
    async fn reference(&self, runtime: &Runtime) -> Result<(Stage<S>, Reference<S>), Error> {
        let stage = self.open(runtime, None).await?;
        let cold = bounded("the uncut run", self.uncut(&stage)).await?;
        if !cold.visit.class.is_upheld() {
            return Ok((stage, cold));
        }
        if self.scene.keeps_the_client() {
            let warm = bounded("the uncut run", self.uncut(&stage)).await?;
            return Ok((stage, warm));
        }
        let state = stage.state.clone();
        stage.close(self.fresh).await?;
        Ok((self.stage(runtime, state).await?, cold))
    }
}

async fn bounded<T>(cut: &str, visit: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let limit = VISIT_MAX;
    // Boxed: the futures of a layer are large.
    timeout(limit, Box::pin(visit))
        .await
        .map_err(|_| Error::Endless { cut: cut.to_owned(), limit })?
}
