//! Evidence as a person reads it: the conversation with the cut marked, and what the witness saw.

use std::fmt::Write;

use dropproof::{
    sweep::{Evidence, Visit},
    witness::Tables,
};

const INFALLIBLE: &str = "a string takes whatever is written";

/// Writes down what a visit rests on. Equal visits have equal texts.
pub(crate) fn render(visit: &Visit) -> String {
    let Visit { cut, class, findings, evidence, .. } = visit;
    let mut out = format!("cut: {cut}\n\nconversation\n");
    conversation(&mut out, cut, evidence);
    out.push_str("\nthe witness, before\n");
    tables(&mut out, &evidence.before);
    out.push_str("\nthe witness, when all was quiet again\n");
    tables(&mut out, &evidence.after);
    for what in &evidence.left_open {
        writeln!(out, "  {what}").expect(INFALLIBLE);
    }
    writeln!(out, "\nclass: {class}").expect(INFALLIBLE);
    for finding in findings {
        writeln!(out, "  {finding}").expect(INFALLIBLE);
    }
    out
}

fn conversation(out: &mut String, cut: &str, evidence: &Evidence) {
    if evidence.conversation.is_empty() {
        out.push_str("  there is no wire\n");
    }
    for (event, number) in evidence.conversation.iter().zip(1..) {
        writeln!(out, "  {event}").expect(INFALLIBLE);
        if evidence.dropped_after == Some(number) {
            writeln!(out, "  ---- dropped here: {cut}").expect(INFALLIBLE);
        }
    }
}

fn tables(out: &mut String, tables: &Tables) {
    for (table, rows) in tables {
        writeln!(out, "  {table}: {} rows", rows.len()).expect(INFALLIBLE);
        for row in rows {
            writeln!(out, "    {row:?}").expect(INFALLIBLE);
        }
    }
}
