//! Shutting down: the runtime that a layer lives on ends in the middle of an operation.
//!
//! That is how a process or a test leaves that does not wait. Whatever is to clean up goes at the same
//! time, or is asked for where no runtime is left: a session may be dropped together with its runtime,
//! and it may outlive it.

use std::{
    any::Any,
    fmt,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::time::Instant;

use super::{
    Class, Cut, Error, Evidence, Swept, Visit,
    apart::{Apart, Far, Turns},
    class::Finding,
    cut::{At, in_the_work},
    layer::Layer,
    leaving::CUTS,
    reference::Reference,
    runner::{POLL_CUTS, Runner, bounded},
    scene::{Borrower, Scene},
    stage::Stage,
    visit::{conversation, go_on, left_open, met, missed, opened, unclosed, visit},
};
use crate::{
    contract::{self, BoxedPool, Pool},
    poll::{self, cut_after},
};

/// What goes first, the runtime or what lives on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Operation and pool are tasks of the runtime, and go with it.
    With,
    /// They are dropped after it, where there is none.
    After,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Order::With => "with its runtime",
            Order::After => "after its runtime",
        })
    }
}

/// An operation under way.
struct UnderWay<'a> {
    apart: Apart<'a>,
    act: BoxFuture<'static, contract::Result<()>>,
    evidence: Evidence,
}

/// What its runtime has left.
struct Outlived<'a> {
    far: Far<'a>,
    evidence: Evidence,
    found: Vec<Finding>,
}

impl Runner<'_, Layer> {
    /// Ends the layer's runtime at some cuts in the work of the operation, with the operation and
    /// before it.
    pub(super) fn shut_down(&self) -> Result<Swept, Error> {
        let runtime = poll::Runtime::new()?;
        let (reference, cuts, state) = runtime.block_on(async {
            let (stage, reference, cuts) = self.reference(&runtime).await?;
            let state = stage.state.clone();
            stage.close(self.fresh).await?;
            Ok::<_, Error>((reference, cuts, state))
        })?;
        let mut visits = vec![reference.visit.clone()];
        if !reference.visit.class.is_upheld() {
            return Ok(Swept { visits, counted: Some(0) });
        }
        let is_counted = self.fresh.server().is_some();
        let chosen = if is_counted { in_the_work(&cuts, CUTS) } else { cuts.iter().collect() };
        let both = |cut| [Order::With, Order::After].map(|order| (cut, order));
        let places: Vec<(&Cut, Order)> = chosen.into_iter().flat_map(both).collect();
        for (cut, order) in &places {
            let began = Instant::now();
            let Some(under_way) = self.under_way(&runtime, cut)? else { continue };
            let Some(outlived) = end(under_way, cut, *order)? else { continue };
            let name = format!("{} {order}", cut.name);
            let judged = self.after_runtime(&runtime, (&reference, &state), outlived);
            let mut visit = runtime.block_on(bounded(&name, judged))?;
            (visit.cut, visit.took) = (name, began.elapsed());
            // What is left on the one file holds it, and cannot be ended from outside.
            let is_held = Class::Panicked < visit.class;
            visits.push(visit);
            if !is_counted && (is_held || POLL_CUTS <= visits.len()) {
                break;
            }
        }
        if visits.len() == 1 {
            return Err(Error::NoCut);
        }
        Ok(Swept { visits, counted: is_counted.then_some(places.len()) })
    }

    /// Opens the layer on a runtime of its own, and runs the operation until it comes to a cut; `None`
    /// where it ended before so many polls.
    fn under_way<'a>(
        &self,
        runtime: &'a poll::Runtime,
        cut: &Cut,
    ) -> Result<Option<UnderWay<'a>>, Error> {
        let apart = Apart::open(self.fresh, self.scene, runtime)?;
        let Apart { turns, pool } = &apart;
        let bring_back = || self.fresh.witness().bring_back(self.scene.watched());
        let lease = || turns.finish("a lease", pool.session());
        let operation = |session| self.scene.operation.run(Arc::clone(pool), session);
        // The caches are as they were when the cuts were counted.
        runtime.block_on(bring_back())?;
        turns.finish("warming up", operation(lease()??))??;
        let before = runtime.block_on(bring_back())?;
        let mut act = operation(lease()??);
        match (&cut.at, turns.far.wire()) {
            (At::Wire { place, event, .. }, Some(wire)) => {
                wire.arm(*place);
                turns.settle(&cut.name, &mut act)?;
                met(cut, event, &wire)?;
            }
            (At::Poll(polls), _) => {
                let polled = turns.own.block_on(cut_after(&mut act, *polls));
                if let poll::Cut::Finished(ended) = polled {
                    return Ok(ended.map(|()| None)?);
                }
            }
            (At::Wire { .. }, None) => return Err(missed(cut, "there is no wire")),
        }
        let said = turns.far.wire().map(|wire| conversation(Some(&wire)).len());
        let evidence = Evidence { before, dropped_after: said, ..Evidence::default() };
        Ok(Some(UnderWay { apart, act, evidence }))
    }

    /// What is left when the runtime has gone, and whether a pool on another one works.
    async fn after_runtime(
        &self,
        runtime: &poll::Runtime,
        (reference, state): (&Reference<Layer>, &<Layer as Scene>::State),
        Outlived { far, mut evidence, mut found }: Outlived<'_>,
    ) -> Result<Visit, Error> {
        let (wire, witness) = (far.wire(), self.fresh.witness());
        found.extend(unclosed(wire.as_ref().map_or(0, |wire| wire.connections().len())));
        evidence.left_open = left_open(witness, wire.as_ref()).await?;
        found.extend(opened(&evidence.left_open));
        evidence.after = witness.read(self.scene.watched()).await?;
        let seen = self.scene.comparable(&evidence.after);
        if seen != reference.before && seen != reference.after {
            found.push((Class::Torn, "a part of the work is there".to_owned()));
        }
        evidence.conversation = conversation(wire.as_ref());
        drop(far);

        let stage = Stage::open(self.fresh, self.scene, runtime, Some(state.clone())).await?;
        let tables = (&reference.before, &seen);
        let (fresh, known) = (self.fresh, Some(&reference.known));
        let borrower = Borrower { stage: &stage, fresh, tables, known, confirm: true };
        found.extend(self.scene.borrow(borrower).await?.findings);
        if wire.is_none() && evidence.left_open.is_empty() {
            // Another thread may have begun what was asked only after the first look.
            evidence.left_open = left_open(witness, None).await?;
            found.extend(opened(&evidence.left_open));
        }
        stage.close(self.fresh).await?;
        let mildest = if seen == reference.before { Class::Discarded } else { Class::Finished };
        Ok(visit("", found, mildest, evidence))
    }
}

/// Ends the runtime of an operation that is under way, and lets the network go on; `None` where the
/// operation ended when it was polled once more.
fn end<'a>(
    UnderWay { apart: Apart { pool, turns }, act, evidence }: UnderWay<'a>,
    cut: &Cut,
    order: Order,
) -> Result<Option<Outlived<'a>>, Error> {
    let Turns { own, far } = turns;
    let mut found = Vec::new();
    match order {
        Order::With => {
            drop(own.spawn(hold(pool)));
            let task = own.spawn(act);
            own.block_on(own.quiet().wait(()));
            found.extend(panicked(|| drop(own)));
            match task.now_or_never() {
                Some(Err(ended)) if ended.is_panic() => found.push(finding(&*ended.into_panic())),
                Some(Err(_)) | None => {}
                Some(Ok(_)) => return Ok(None),
            }
        }
        Order::After => {
            found.extend(panicked(|| drop(own)));
            found.extend(panicked(|| drop(act)));
            found.extend(panicked(|| drop(pool)));
        }
    }
    if let Some(wire) = far.wire() {
        wire.leave();
        go_on(Some(&wire), cut);
    }
    far.settle(&cut.name)?;
    Ok(Some(Outlived { far, evidence, found }))
}

/// Holds a pool as long as there is a runtime.
async fn hold(pool: Arc<BoxedPool>) {
    pending::<()>().await;
    drop(pool);
}

/// Does what must not panic, and says what it panicked with.
fn panicked(drop: impl FnOnce()) -> Option<Finding> {
    catch_unwind(AssertUnwindSafe(drop)).err().map(|panic| finding(&*panic))
}

fn finding(panic: &(dyn Any + Send)) -> Finding {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    (Class::Panicked, format!("a drop panics: {words}"))
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn panic_is_found_with_its_words() {
        let said = |drop: fn()| panicked(drop).map(|(_, words)| words);

        assert_eq!(said(|| ()), None);
        assert_eq!(said(|| panic!("no runtime")).as_deref(), Some("a drop panics: no runtime"));
        assert_eq!(said(|| panic!("no {}", 1)).as_deref(), Some("a drop panics: no 1"));
        assert_eq!(said(|| panic_any(1)).as_deref(), Some("a drop panics: no words"));
    }
}
