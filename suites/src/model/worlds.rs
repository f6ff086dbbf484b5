//! The worlds that a case may come to: what is dropped has done nothing, or all of its work.
//!
//! Nobody can say beforehand which of them it will be, and the witness says it afterwards. So a case
//! is planned once for each: a later operation may answer otherwise there, or mean nothing.

use std::collections::BTreeMap;

use super::{
    case::{Case, Operation, Place},
    plan::{Cut, Model, Step},
    rules::Rules,
};

/// What becomes of the operation that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum World {
    /// It has ended before it could be.
    Uncut,
    /// It has done nothing.
    Nothing,
    /// It has done all of its work.
    Whole,
}

/// A case as it is played, in each world that it may come to.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Where nothing is dropped.
    pub(super) uncut: Vec<Step>,
    pub(super) cut: Option<Fork>,
}

/// The worlds after a drop, each with the steps of the whole case: they are the same before it.
#[derive(Clone, Debug)]
pub(super) struct Fork {
    /// The number of the step that is dropped, from zero.
    pub(super) at: usize,
    pub(super) place: Place,
    /// Nothing of it first, then all of it, where that may be.
    pub(super) worlds: Vec<Vec<Step>>,
}

/// Plans a case. What is still open at its end is rolled back, from the inside out.
pub(super) fn plan(case: &Case, rules: Rules) -> Plan {
    let played = |world| {
        let mut model = Model::of(case, rules, world);
        model.roll_back();
        (model.steps, model.cut)
    };
    let (mut uncut, cut) = played(World::Uncut);
    let Some(Cut { at, place, whole }) = cut else { return Plan { uncut, cut: None } };
    let whole = whole.then_some(World::Whole);
    let worlds: Vec<Vec<Step>> =
        [World::Nothing].into_iter().chain(whole).map(|world| played(world).0).collect();
    // A transaction that began before the drop learns in one world alone how it is to end.
    for (i, step) in uncut.iter_mut().take(at).enumerate() {
        step.ending = step.ending.or(worlds.iter().find_map(|steps| steps[i].ending));
    }
    Plan { uncut, cut: Some(Fork { at, place, worlds }) }
}

/// The case without what is left out of it in every world.
pub(super) fn applied(case: &Case, rules: Rules) -> Case {
    let worlds = [World::Uncut, World::Nothing, World::Whole];
    let taken: BTreeMap<usize, Operation> =
        worlds.iter().flat_map(|world| Model::of(case, rules, *world).taken).collect();
    Case { sessions: case.sessions, operations: taken.into_values().collect() }
}

/// The numbers of the operations that mean something where nothing is dropped.
pub(super) fn taken(case: &Case, rules: Rules) -> Vec<usize> {
    let taken = Model::of(case, rules, World::Uncut).taken.into_iter();
    taken.map(|(number, _)| number).collect()
}
