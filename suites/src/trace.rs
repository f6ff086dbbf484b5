//! The event trace of a scenario: what was done, and what the layer and the witness said.
//!
//! It holds nothing that differs between equal runs, nor between databases that behave alike: no
//! ids of connections, no times, no words of a server. An event carries [`Fact`]s besides, by which
//! it is compared with what the original system did.

use std::{
    cell::{Ref, RefCell},
    fmt,
};

use dropproof::contract;
use serde_json::Value;

/// What an event says beyond its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// How many rows the witness sees.
    Rows,
    /// How many transactions the server says are open.
    OpenTransactions,
    /// How many sessions the pool does not lend, because they are lent.
    ConnectionsOut,
    /// The verbs of the statements that were executed; nobody sees them where there is no wire.
    Verbs,
    /// How far a statement came; nobody sees it where there is no wire.
    Reached,
    /// The class of the error.
    Error,
    /// How many rows a statement changed, as the layer says.
    Changed,
    /// What was read.
    Value,
    /// The status of an answer of a service.
    Status,
    /// Its body.
    Body,
}

impl Fact {
    /// The name in a trace, `None` where the outcome of the event says it already, or where it
    /// cannot be seen on every database.
    const fn shown_as(self) -> Option<&'static str> {
        match self {
            Fact::Rows => Some("rows"),
            Fact::OpenTransactions => Some("open transactions"),
            Fact::ConnectionsOut => Some("connections out"),
            Fact::Reached => Some("the statement"),
            Fact::Verbs | Fact::Error | Fact::Changed | Fact::Value | Fact::Status | Fact::Body => {
                None
            }
        }
    }
}

/// One thing that was done.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) step: String,
    outcome: String,
    facts: Vec<(Fact, Value)>,
}

impl Event {
    /// What is known of the event.
    pub(crate) fn fact(&self, fact: Fact) -> Option<&Value> {
        self.facts.iter().find(|(known, _)| *known == fact).map(|(_, value)| value)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, outcome, facts } = self;
        write!(f, "{step}: {outcome}")?;
        for (fact, value) in facts {
            match (fact.shown_as(), value) {
                (Some(name), Value::String(value)) => write!(f, "; {name} {value}")?,
                (Some(name), value) => write!(f, "; {name} {value}")?,
                (None, _) => {}
            }
        }
        Ok(())
    }
}

/// The events of a scenario, in order.
#[derive(Debug, Default)]
pub struct Trace {
    events: RefCell<Vec<Event>>,
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
        match &result {
            Ok(value) => self.note(step, shown(value)),
            Err(error) => {
                let class = error.class();
                self.note(step, format_args!("error {class}"));
                self.fact(Fact::Error, class.name());
            }
        }
        result
    }

    /// Writes down an event.
    pub(crate) fn note(&self, step: &str, outcome: impl fmt::Display) {
        let (step, outcome, facts) = (step.to_owned(), outcome.to_string(), Vec::new());
        self.events.borrow_mut().push(Event { step, outcome, facts });
    }

    /// Writes down what else is known of the last event.
    pub(crate) fn fact(&self, fact: Fact, value: impl Into<Value>) {
        if let Some(event) = self.events.borrow_mut().last_mut() {
            event.facts.push((fact, value.into()));
        }
    }

    /// The events so far.
    pub(crate) fn events(&self) -> Ref<'_, [Event]> {
        Ref::map(self.events.borrow(), Vec::as_slice)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.borrow().iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}
