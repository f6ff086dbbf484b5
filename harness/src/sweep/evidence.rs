//! Evidence as a person reads it: the conversation with the cut marked, and what the witness saw.

use std::fmt;

use super::{Evidence, Visit};
use crate::{
    contract::{Row, Value},
    witness::Tables,
};

/// Writes down what a visit rests on. Equal visits have equal texts.
impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Visit { cut, class, findings, evidence, .. } = self;
        writeln!(f, "cut: {cut}\n\nconversation")?;
        conversation(f, cut, evidence)?;
        writeln!(f, "\nthe witness, before")?;
        tables(f, &evidence.before)?;
        writeln!(f, "\nthe witness, when all was quiet again")?;
        tables(f, &evidence.after)?;
        evidence.left_open.iter().try_for_each(|what| writeln!(f, "  {what}"))?;
        writeln!(f, "\nclass: {class}")?;
        findings.iter().try_for_each(|finding| writeln!(f, "  {finding}"))
    }
}

fn conversation(f: &mut fmt::Formatter<'_>, cut: &str, evidence: &Evidence) -> fmt::Result {
    if evidence.conversation.is_empty() {
        writeln!(f, "  there is no wire")?;
    }
    for (event, number) in evidence.conversation.iter().zip(1_usize..) {
        writeln!(f, "  {event}")?;
        if evidence.dropped_after == Some(number) {
            writeln!(f, "  ---- dropped here: {cut}")?;
        }
        if evidence.borrowed_after == number {
            writeln!(f, "  ---- the next borrower")?;
        }
    }
    Ok(())
}

fn tables(f: &mut fmt::Formatter<'_>, tables: &Tables) -> fmt::Result {
    for (table, rows) in tables {
        writeln!(f, "  {table}: {} rows", rows.len())?;
        for row in rows {
            writeln!(f, "    {}", values(row))?;
        }
    }
    Ok(())
}

/// The values of a row, as in a list.
pub(super) fn values(row: &Row) -> String {
    row.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
    }
}
