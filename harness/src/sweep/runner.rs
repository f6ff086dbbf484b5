//! The runner: one visit after the other, each on a stage that is as it was before.

use std::{cmp::Ordering, time::Duration};

use tokio::time::{Instant, timeout};

use super::{
    Cut, Depth, Error, Swept, Visit, cut::cuts, reference::Reference, scene::Scene, stage::Stage,
    visit::How,
};
use crate::{database::Fresh, poll::Runtime};

/// One visit may take this long; it takes some milliseconds.
const VISIT_MAX: Duration = Duration::from_secs(30);
/// Where there is no wire, the operation is dropped after up to so many polls,
const POLLS_MAX: u32 = 8;
/// so many times each at the most,
const ROUNDS_MAX: usize = 400;
/// until so many cuts were visited: another thread may answer before the future has to wait.
pub(super) const POLL_CUTS: usize = 32;

/// Visits the cuts of a scene.
pub(super) struct Runner<'a, S> {
    pub(super) fresh: &'a Fresh,
    pub(super) scene: &'a S,
    pub(super) depth: Depth,
}

/// A stage between two cuts, with what the visits before have left of it.
pub(super) struct Kept<S: Scene> {
    pub(super) stage: Stage<S>,
    pub(super) fit: Fit,
}

/// What a stage is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// The next cut.
    Ready,
    /// The next cut, once the operation was run on it: it has a new connection.
    Cooled,
    /// Nothing more.
    Spent,
}

impl<S: Scene> Runner<'_, S> {
    /// Visits every cut.
    pub(super) fn run(&self) -> Result<Swept, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (stage, reference, cuts) = self.reference(&runtime).await?;
            let is_counted = self.fresh.server().is_some();
            let mut kept = Kept { stage, fit: Fit::Ready };
            let mut visits = vec![reference.visit.clone()];
            if !reference.visit.class.is_upheld() {
                kept.stage.close(self.fresh).await?;
                return Ok(Swept { visits, counted: Some(0) });
            }
            for cut in &cuts {
                let began = Instant::now();
                kept = self.ready(&runtime, kept, &reference, cut).await?;
                let visit = self.visit(&kept.stage, &reference, cut, How::after(&visits));
                let Some(mut visit) = bounded(&cut.name, visit).await? else { continue };
                kept.fit = self.fit(&reference, cut, &visit);
                visit.took = began.elapsed();
                // What a broken one left on the one file holds it, and cannot be ended from outside.
                let is_last =
                    !is_counted && (!visit.class.is_upheld() || POLL_CUTS <= visits.len());
                visits.push(visit);
                if is_last {
                    break;
                }
            }
            if visits.len() == 1 {
                return Err(Error::NoCut);
            }
            kept.stage.close(self.fresh).await?;
            // One that was not met is an error, but where the polls were fewer.
            let counted = is_counted.then_some(visits.len() - 1);
            Ok(Swept { visits, counted })
        })
    }

    /// Visits one cut by its number, from one; zero is the uncut run.
    pub(super) fn replay(&self, number: usize) -> Result<Visit, Error> {
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let (stage, reference, cuts) = self.reference(&runtime).await?;
            let kept = Kept { stage, fit: Fit::Ready };
            let Some(index) = number.checked_sub(1) else {
                kept.stage.close(self.fresh).await?;
                return Ok(reference.visit);
            };
            let missing = Error::NoSuchCut { number, counted: cuts.len() };
            let cut = cuts.get(index).ok_or(missing)?;
            let kept = self.ready(&runtime, kept, &reference, cut).await?;
            let visit = self.visit(&kept.stage, &reference, cut, How::drop(true));
            let visit = bounded(&cut.name, visit).await?;
            kept.stage.close(self.fresh).await?;
            visit.ok_or(Error::NoSuchCut { number, counted: cuts.len() })
        })
    }

    async fn open(&self, runtime: &Runtime, state: Option<S::State>) -> Result<Stage<S>, Error> {
        bounded("opening", Stage::open(self.fresh, self.scene, runtime, state)).await
    }

    /// Makes a stage fit for a cut.
    pub(super) async fn ready(
        &self,
        runtime: &Runtime,
        Kept { mut stage, fit }: Kept<S>,
        reference: &Reference<S>,
        cut: &Cut,
    ) -> Result<Kept<S>, Error> {
        if fit == Fit::Cooled && !cut.cold {
            bounded("warming up", self.warm(&stage)).await?;
            if stage.connections() == reference.visit.connections {
                return Ok(Kept { stage, fit: Fit::Ready });
            }
        }
        if fit != Fit::Ready || cut.cold {
            let state = stage.state.clone();
            stage.close(self.fresh).await?;
            stage = self.open(runtime, Some(state)).await?;
            if !cut.cold && self.scene.keeps_the_client() {
                bounded("warming up", self.warm(&stage)).await?;
            }
        }
        Ok(Kept { stage, fit: Fit::Ready })
    }

    /// Runs the operation, which fills the caches of the client.
    async fn warm(&self, stage: &Stage<S>) -> Result<(), Error> {
        for _ in 0..S::WARMING {
            self.fresh.witness().bring_back(self.scene.watched()).await?;
            let lease = self.scene.lease(&stage.client).await?;
            self.scene.act(&stage.client, lease).await?;
            stage.settle().await;
        }
        Ok(())
    }

    pub(super) fn fit(&self, reference: &Reference<S>, cut: &Cut, visit: &Visit) -> Fit {
        let Reference { visit: uncut, replaces, .. } = reference;
        if cut.cold || !self.scene.keeps_the_client() || !visit.class.is_upheld() {
            return Fit::Spent;
        }
        if visit.unchanged {
            return Fit::Ready;
        }
        if self.scene.has_company() {
            // What goes on beside it makes its conversation depend on more than caches.
            return Fit::Spent;
        }
        match visit.connections.cmp(&uncut.connections) {
            // It has what the uncut run leaves too: connections of the borrowers alone.
            Ordering::Equal if *replaces => Fit::Ready,
            Ordering::Equal | Ordering::Less => Fit::Cooled,
            Ordering::Greater => Fit::Spent,
        }
    }

    /// The uncut run, a stage for the first cut, and the cuts.
    ///
    /// It is run twice where the client is kept, since cold and warm caches make different
    /// conversations. The first run is judged before anything is built on what it leaves.
    pub(super) async fn reference(
        &self,
        runtime: &Runtime,
    ) -> Result<(Stage<S>, Reference<S>, Vec<Cut>), Error> {
        let stage = self.open(runtime, None).await?;
        let cold = bounded("the uncut run", self.uncut(&stage)).await?;
        if !cold.visit.class.is_upheld() {
            return Ok((stage, cold, Vec::new()));
        }
        if self.scene.keeps_the_client() {
            let mut warm = bounded("the uncut run", self.uncut(&stage)).await?;
            warm.spoken_cold = cold.spoken;
            let cuts = self.cuts(&warm);
            return Ok((stage, warm, cuts));
        }
        let state = stage.state.clone();
        stage.close(self.fresh).await?;
        // Every client is a new one here, so there is no colder one.
        let cuts = self.cuts(&cold);
        Ok((self.open(runtime, Some(state)).await?, cold, cuts))
    }

    pub(super) fn cuts(&self, reference: &Reference<S>) -> Vec<Cut> {
        let round = || (u32::from(!S::MAY_BE_SILENT)..=POLLS_MAX).map(Cut::poll);
        if self.fresh.server().is_none() {
            return (0..ROUNDS_MAX).flat_map(|_| round()).collect();
        }
        let mut cuts = cuts(&reference.spoken, &reference.spoken_cold, self.depth);
        cuts.retain(|cut| self.scene.visits(cut));
        if cuts.is_empty() && S::MAY_BE_SILENT {
            // No socket wakes it, so its polls are the same in every run.
            cuts.extend(round());
        }
        cuts
    }
}

pub(super) async fn bounded<T>(
    cut: &str,
    visit: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let limit = VISIT_MAX;
    // Boxed: the futures of a layer are large.
    timeout(limit, Box::pin(visit))
        .await
        .map_err(|_| Error::Endless { cut: cut.to_owned(), limit })?
}
