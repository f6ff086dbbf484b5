//! Cutting again: whoever borrows next is dropped too, in the middle of the clean-up.
//!
//! The clean-up after a cut is a conversation like any other: a ROLLBACK that a guard has queued, a
//! ping before a lease, a reset of the session. It belongs to nobody who waits, or to the next
//! borrower, who may be dropped as well.

use std::pin::pin;

use tokio::time::Instant;

use super::{
    Cut, Error, Leaving, Swept,
    cut::{At, clean_up_cuts, in_the_work},
    runner::{Fit, Kept, POLL_CUTS, Runner, bounded},
    scene::Scene,
    stage::Stage,
    visit::{How, conversation, go_on, leave_at, met, missed},
};
use crate::{
    poll::{self, Runtime, cut_after},
    wire::Event,
};

impl<S: Scene> Runner<'_, S> {
    /// Drops the operation at one cut in its work, and then whoever borrows next, at every place of
    /// the clean-up.
    pub(super) fn cut_again(&self) -> Result<Swept, Error> {
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
            let first = match is_counted {
                true => in_the_work(&cuts, 1).first().copied(),
                false => cuts.first(),
            };
            let first = first.ok_or(Error::NoCut)?;
            let seconds = if is_counted {
                // What the first cut does alone comes first: a clean-up that fails has no places.
                let visit = self.visit(&kept.stage, &reference, first, How::drop(true));
                if let Some(visit) = bounded(&first.name, visit).await? {
                    kept.fit = self.fit(&reference, first, &visit);
                    visits.push(visit);
                }
                if visits.iter().any(|visit| !visit.class.is_upheld()) {
                    kept.stage.close(self.fresh).await?;
                    return Ok(Swept { visits, counted: Some(1) });
                }
                // A connection that was put in the place of the one that was cut has cold caches.
                kept = self.ready(&runtime, kept, &reference, first).await?;
                let said = self.clean_up_after(&kept.stage, first);
                kept.fit = Fit::Spent;
                clean_up_cuts(&bounded(&first.name, said).await?)
            } else {
                self.cuts(&reference)
            };
            let counted = is_counted.then_some(visits.len() - 1 + seconds.len());
            for second in &seconds {
                let began = Instant::now();
                kept = self.ready(&runtime, kept, &reference, first).await?;
                let how = How { second: Some(second), ..How::after(&visits) };
                let visit = self.visit(&kept.stage, &reference, first, how);
                let visited = bounded(&second.name, visit).await?;
                // What was cut in its clean-up may be half-way in ways that no cache shows.
                kept.fit = Fit::Spent;
                let Some(mut visit) = visited else { continue };
                visit.took = began.elapsed();
                visit.unchanged = false;
                let is_last =
                    !is_counted && (!visit.class.is_upheld() || POLL_CUTS <= visits.len());
                visits.push(visit);
                if is_last {
                    break;
                }
            }
            kept.stage.close(self.fresh).await?;
            Ok(Swept { visits, counted })
        })
    }

    /// Goes on after a cut, and cuts what the client does then for whoever borrows next: the borrower
    /// is dropped. Says whether it came there, which where there is no wire it need not.
    pub(super) async fn cut_clean_up(
        &self,
        stage: &Stage<S>,
        first: &Cut,
        second: &Cut,
    ) -> Result<bool, Error> {
        let wire = stage.wire();
        match (&second.at, &wire) {
            (At::Wire { place, event, .. }, Some(wire)) => {
                wire.arm_next(*place);
                go_on(Some(wire), first);
                {
                    let mut borrower = pin!(async {
                        let lease = self.scene.lease(&stage.client);
                        let lease = stage.unless_stuck(false, lease).await;
                        stage.settle().await;
                        drop(lease);
                        stage.settle().await;
                    });
                    tokio::select! {
                        biased;
                        () = wire.held() => {}
                        () = &mut borrower => {}
                    }
                }
                met(second, event, wire)?;
                go_on(Some(wire), second);
                Ok(true)
            }
            (At::Poll(polls), _) => {
                let lease = cut_after(Box::pin(self.scene.lease(&stage.client)), *polls);
                // A lease that never comes is dropped like any other; the next one shows it.
                let cut = stage.unless_stuck(true, lease).await;
                Ok(!matches!(cut, Some(poll::Cut::Finished(_))))
            }
            (At::Wire { .. }, None) => Err(missed(second, "there is no wire")),
        }
    }

    /// What the client says after a cut, until the next borrower has come and gone.
    async fn clean_up_after(&self, stage: &Stage<S>, first: &Cut) -> Result<Vec<Event>, Error> {
        self.fresh.witness().bring_back(self.scene.watched()).await?;
        let lease = self.scene.lease(&stage.client).await?;
        stage.settle().await;
        let act = self.scene.act(&stage.client, lease);
        leave_at(stage, first, act, Leaving::Drop).await?;
        let wire = stage.wire();
        let said = conversation(wire.as_ref()).len();
        go_on(wire.as_ref(), first);
        let lease = stage.unless_stuck(false, self.scene.lease(&stage.client)).await;
        stage.settle().await;
        drop(lease);
        stage.settle().await;
        Ok(conversation(wire.as_ref()).split_off(said))
    }
}
