//! The original system: what it did at the claims of a check, and what of it must be the same here.
//!
//! The traces in `suites/oracle` were measured once with the stack that the claims are about. One
//! table, [`FIELDS`], says which of their fields an event of ours has too, and why the others are
//! left out. A check pairs its steps with their events. What differs must be listed as a deviation
//! with its reason, and a deviation that is listed and not met is an error like any other.

use dropproof::{contract::Class, database::Kind};
use serde_json::{Map, Value};

use crate::{
    Trace,
    trace::{Event, Fact},
};

/// What the original system did at a claim.
#[derive(Debug)]
pub(crate) struct Original {
    pub(crate) claim: &'static str,
    /// Its events on Postgres, MySQL and SQLite, one JSON object a line.
    pub(crate) traces: [&'static str; 3],
    pub(crate) pairs: &'static [Pair],
    /// Events that have no counterpart, with the reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds it against the traces"))]
    pub(crate) left_out: &'static [(Theirs, &'static str)],
    pub(crate) deviations: &'static [Deviation],
}

/// An event of the original: its step, and the how-manieth of that name it is, from zero.
pub(crate) type Theirs = (&'static str, usize);

/// An event of the original, and the step of ours that does the same.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) theirs: Theirs,
    pub(crate) ours: &'static str,
    /// The databases whose traces have it so.
    pub(crate) on: &'static [Kind],
}

/// A pair on every database.
pub(crate) const fn pair(theirs: Theirs, ours: &'static str) -> Pair {
    Pair { theirs, ours, on: EVERYWHERE }
}

/// A difference that has a reason.
///
/// Where layers differ, all that they do is listed, what the original does among it.
#[derive(Debug)]
pub(crate) struct Deviation {
    pub(crate) theirs: Theirs,
    pub(crate) fact: Fact,
    pub(crate) on: &'static [Kind],
    /// What is so here, as JSON.
    pub(crate) ours: &'static str,
    #[expect(dead_code, reason = "it must be given, for the people who read it")]
    pub(crate) because: &'static str,
}

/// Every database: those of the original, and MariaDB, which is compared with its MySQL.
pub(crate) const EVERYWHERE: &[Kind] = &Kind::ALL;

/// Takes a claim's traces into the binary.
///
/// One that was measured without a database is the same on each.
macro_rules! traces {
    ($claim:literal, none) => {
        [include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/", $claim, ".none.jsonl")); 3]
    };
    ($claim:literal) => {
        [
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/oracle/",
                $claim,
                ".postgres.jsonl"
            )),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/", $claim, ".mysql.jsonl")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/", $claim, ".sqlite.jsonl")),
        ]
    };
}
pub(crate) use traces;

/// What becomes of a field of the original.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// It is compared with what is known of our event.
    Is(Fact),
    /// It is not compared.
    LeftOut(#[expect(dead_code, reason = "for the people who read the table")] &'static str),
}

/// Every field of the traces, and what it is here.
const FIELDS: &[(&str, Field)] = &[
    ("rows_visible_from_other_connection", Field::Is(Fact::Rows)),
    ("visible_from_other_connection", Field::Is(Fact::Rows)),
    ("server_open_transactions", Field::Is(Fact::OpenTransactions)),
    ("connections_checked_out", Field::Is(Fact::ConnectionsOut)),
    ("statements", Field::Is(Fact::Verbs)),
    ("statements_sent", Field::Is(Fact::Verbs)),
    ("log", Field::Is(Fact::Verbs)),
    ("error", Field::Is(Fact::Error)),
    ("failed", Field::Is(Fact::Error)),
    ("affected", Field::Is(Fact::Changed)),
    ("tag", Field::Is(Fact::Changed)),
    ("ok", Field::Is(Fact::Changed)),
    ("value", Field::Is(Fact::Value)),
    ("found", Field::Is(Fact::Value)),
    ("got", Field::Is(Fact::Value)),
    ("done", Field::Is(Fact::Value)),
    ("done_rows", Field::Is(Fact::Value)),
    ("other_connection_sees", Field::Is(Fact::Value)),
    ("round_trip", Field::Is(Fact::Value)),
    ("sees_other_commit", Field::Is(Fact::Value)),
    ("driver_error", Field::LeftOut("the class of the error is made from it")),
    ("code", Field::LeftOut("the class of the error is made from it")),
    ("message", Field::LeftOut("the words of a library")),
    ("title", Field::LeftOut("it names the case")),
    ("email", Field::LeftOut("it names the case")),
    ("form", Field::LeftOut("it names the case")),
    ("outcome", Field::LeftOut("it names the case")),
    ("autoflush", Field::LeftOut("it names the case")),
    ("expire_on_commit", Field::LeftOut("it names the case")),
    ("removed", Field::LeftOut("it names the case")),
    ("order", Field::LeftOut("what follows on a scope is the language's")),
    ("own_count_before_flush", Field::Is(Fact::Value)),
    ("insert_sent_by_the_query", Field::LeftOut("what the query sees says it")),
    ("own_count_after_flush", Field::LeftOut("the check wants one")),
    ("local_change_survives", Field::LeftOut("the check compares the columns")),
    ("full_name", Field::LeftOut("the check compares the columns")),
    ("in_transaction", Field::LeftOut("it is seen by the witness at another event")),
    ("registry_size", Field::LeftOut("the check wants none")),
    ("works", Field::Is(Fact::Value)),
    ("equals_fetch_all", Field::Is(Fact::Value)),
    ("sizes", Field::Is(Fact::Value)),
    ("items", Field::Is(Fact::Value)),
    ("nulls", Field::Is(Fact::Value)),
    ("always_in_list_order", Field::Is(Fact::Value)),
    ("rows_delivered_before", Field::LeftOut("it depends on what is buffered")),
    ("other_task_interleaved", Field::LeftOut("it depends on what is buffered")),
    ("same_set", Field::LeftOut("the check wants each of them once")),
    ("flow", Field::LeftOut("a loop has no `else` here")),
    ("emitted_at_tick", Field::LeftOut("the check lets one end at a time")),
    ("yields_the_given_futures", Field::LeftOut("a result is no future here")),
    ("results", Field::LeftOut("the check wants the error, and then the rest")),
    ("server_connections", Field::LeftOut("the check counts them on the wire")),
    ("request", Field::LeftOut("it names the case")),
    ("left_out", Field::LeftOut("it names the case")),
    ("method", Field::LeftOut("it names the case")),
    ("close_awaited", Field::LeftOut("it names the case")),
    ("never_awaited", Field::LeftOut("what a run time says, where here the compiler does")),
    ("warned", Field::LeftOut("what a run time says, where here the compiler does")),
    ("status", Field::Is(Fact::Status)),
    ("body", Field::Is(Fact::Body)),
    ("titles", Field::Is(Fact::Value)),
    ("chain", Field::LeftOut("the class of the error is made from its last")),
    ("details", Field::LeftOut("the words of a library")),
    ("with_done_row", Field::LeftOut("it names the case")),
    ("id", Field::LeftOut("it names the case, or is judged by a check of its own")),
    ("id_increases", Field::LeftOut("ids are judged by a check of their own")),
    ("same_id", Field::LeftOut("the row is read by its id here")),
    ("done_python_type", Field::LeftOut("the type of an object of another language")),
    ("marked", Field::LeftOut("the unit of work of a session, which a client library has not")),
    (
        "old_password_still_verifies",
        Field::LeftOut("hashing is the application's, the column is compared instead"),
    ),
];

impl Original {
    /// Compares a trace of ours with what the original did on the same kind of database.
    pub(crate) fn agrees(&self, kind: Kind, trace: &Trace) -> Result<(), String> {
        let events = self.events(kind);
        let pairs = self.pairs.iter().filter(|pair| pair.on.contains(&kind));
        for pair in pairs {
            let theirs = find(&events, pair.theirs)
                .ok_or_else(|| format!("the original has no event {:?}", pair.theirs))?;
            let ours = trace.events();
            let ours = ours
                .iter()
                .find(|event| event.step == pair.ours)
                .ok_or_else(|| format!("there is no step `{}` to compare", pair.ours))?;
            for fact in self.compared(theirs) {
                self.fact_agrees((kind, pair.theirs, fact), theirs, ours)?;
            }
        }
        Ok(())
    }

    fn fact_agrees(
        &self,
        (kind, step, fact): (Kind, Theirs, Fact),
        theirs: &Map<String, Value>,
        ours: &Event,
    ) -> Result<(), String> {
        // Nobody sees it where there is no server, neither there nor here.
        let original = self.value(theirs, fact);
        if kind == Kind::Sqlite && (fact == Fact::Verbs || fact == Fact::OpenTransactions) {
            return Ok(());
        }
        let seen = ours.fact(fact).map_or(Value::Null, |value| of_ours(fact, value));
        let listed: Vec<Value> = self
            .deviations
            .iter()
            .filter(|deviation| {
                deviation.theirs == step && deviation.fact == fact && deviation.on.contains(&kind)
            })
            .map(|deviation| json(deviation.ours))
            .collect();
        let agrees = match listed.as_slice() {
            [] => seen == original,
            [expected] => seen == *expected && *expected != original,
            several => several.contains(&seen),
        };
        if agrees {
            return Ok(());
        }
        let listed = if listed.is_empty() { "" } else { ", and another deviation is listed" };
        Err(format!(
            "the original of {} has {fact:?} {original} at {step:?}, `{}` has {seen} here{listed}",
            self.claim, ours.step
        ))
    }

    fn events(&self, kind: Kind) -> Vec<Map<String, Value>> {
        let [postgres, mysql, sqlite] = self.traces;
        let trace = match kind {
            Kind::Postgres => postgres,
            Kind::MySql | Kind::MariaDb => mysql,
            // The harness may learn of more kinds than the original was measured on.
            _ => sqlite,
        };
        trace.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
    }
}

fn find(events: &[Map<String, Value>], (step, nth): Theirs) -> Option<&Map<String, Value>> {
    events.iter().filter(|event| event["step"] == step).nth(nth)
}

impl Original {
    /// What becomes of a field of its events.
    fn field(&self, name: &str, value: &Value) -> Option<Field> {
        match (self.claim, name, value) {
            // One name for a number of rows and for the rows themselves.
            (_, "rows", Value::Array(_)) => Some(Field::Is(Fact::Value)),
            (_, "rows", _) => Some(Field::Is(Fact::Rows)),
            // What follows on what is the language's elsewhere, and what is claimed here.
            ("iter-as-completed-order", "order", _) | ("iter-lazy-greet-steps", "log", _) => {
                Some(Field::Is(Fact::Value))
            }
            _ => FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field),
        }
    }

    /// What is compared of an event: what it says, and always whether there was an error.
    fn compared(&self, theirs: &Map<String, Value>) -> Vec<Fact> {
        let said =
            theirs.iter().filter(|(name, _)| *name != "step").filter_map(
                |(name, value)| match self.field(name, value) {
                    Some(Field::Is(fact)) => Some(fact),
                    Some(Field::LeftOut(_)) | None => None,
                },
            );
        let mut facts: Vec<Fact> = said.filter(|fact| *fact != Fact::Error).collect();
        facts.push(Fact::Error);
        facts
    }

    /// What an event says of a fact, in our words.
    fn value(&self, theirs: &Map<String, Value>, fact: Fact) -> Value {
        if fact == Fact::Error {
            let failed =
                theirs.get("failed").and_then(|failed| failed.as_array()?.first()?.as_object());
            return class(failed.unwrap_or(theirs))
                .map_or(Value::Null, |class| class.name().into());
        }
        let is_it = |(name, value): &(&String, &Value)| matches!(self.field(name, value), Some(Field::Is(known)) if known == fact);
        let found = theirs.iter().find(is_it).map_or(Value::Null, |(_, value)| value.clone());
        match (fact, found) {
            (Fact::Verbs, Value::Array(statements)) => {
                statements.iter().filter_map(|sql| data_verb(sql.as_str()?)).collect()
            }
            // A command tag: `INSERT 0 1`.
            (Fact::Changed, Value::String(tag)) => tag.rsplit(' ').next().map_or(Value::Null, json),
            (_, found) => found,
        }
    }
}

fn of_ours(fact: Fact, seen: &Value) -> Value {
    match (fact, seen) {
        (Fact::Verbs, Value::Array(verbs)) => {
            verbs.iter().filter_map(|verb| data_verb(verb.as_str()?)).collect()
        }
        (_, seen) => seen.clone(),
    }
}

/// The verb of a statement on data. Those of transactions are not compared: the original's session
/// begins one by itself at the first statement, and leaves it open after a read.
fn data_verb(sql: &str) -> Option<Value> {
    let verb = sql.split_whitespace().next()?.to_ascii_uppercase();
    (!["BEGIN", "COMMIT", "ROLLBACK"].contains(&verb.as_str())).then(|| verb.into())
}

/// The class of the original's error, by its SQLSTATE or by its name.
fn class(theirs: &Map<String, Value>) -> Option<Class> {
    let error = theirs.get("error")?.as_str()?;
    let class = theirs.get("code").and_then(Value::as_str).map(Class::of_sqlstate);
    Some(class.unwrap_or(match error {
        "NoResultFound" | "StaleDataError" => Class::NotFound,
        "MultipleResultsFound" => Class::Ambiguous,
        "IntegrityError" => Class::Constraint,
        "StatementError" => Class::Statement,
        "InvalidRequestError" => Class::NotFound,
        "MissingGreenlet" => Class::Expired,
        "ValueError" => Class::Planted,
        _ => Class::Other,
    }))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("what is written in a table is JSON")
}

#[cfg(test)]
mod tests;
