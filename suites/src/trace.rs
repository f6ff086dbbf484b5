//! The event trace of a scenario: what was done, and what the layer and the witness said.
//!
//! It holds nothing that differs between equal runs, nor between databases that behave alike: no
//! ids of connections, no times, no words of a server.

use std::{cell::RefCell, fmt};

use dropproof::contract;

/// The events of a scenario, in order.
#[derive(Debug, Default)]
pub struct Trace {
    events: RefCell<Vec<String>>,
    step: RefCell<String>,
}

impl Trace {
    /// Names the step that is under way, for the case that it never ends.
    pub(crate) fn waits_for(&self, step: &str) {
        step.clone_into(&mut self.step.borrow_mut());
    }

    /// The step that is under way.
    pub(crate) fn step(&self) -> String {
        self.step.borrow().clone()
    }

    /// Runs a step, and writes down what it gave or the class of its error.
    pub(crate) async fn see<T>(
        &self,
        step: &str,
        future: impl Future<Output = contract::Result<T>>,
        shown: impl FnOnce(&T) -> String,
    ) -> contract::Result<T> {
        self.waits_for(step);
        let result = future.await;
        let outcome = match &result {
            Ok(value) => shown(value),
            Err(error) => format!("error {}", error.class()),
        };
        self.note(step, outcome);
        result
    }

    /// Writes down an event.
    pub(crate) fn note(&self, step: &str, outcome: impl fmt::Display) {
        self.events.borrow_mut().push(format!("{step}: {outcome}"));
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.borrow().iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}
