//! The ledger for programs.

use dropproof::verdict::{Claim, Level, Standing};
use serde::Serialize;

use super::{
    entry::{Entry, Judge},
    last_run::{Answer, RunCell, Word},
    text::Page,
};

/// The form of what is written; another number is another form.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    /// What is wrong with the ledger itself.
    faults: &'a [String],
    /// `null` where there was no run.
    last_run: Option<WrittenRun<'a>>,
    claims: Vec<WrittenClaim<'a>>,
}

#[derive(Serialize)]
struct WrittenRun<'a> {
    seed: u64,
    cells: &'a [RunCell],
}

#[derive(Serialize)]
struct WrittenClaim<'a> {
    area: &'a str,
    standing: Standing,
    #[serde(flatten)]
    claim: &'a Claim,
    checks: Vec<WrittenCheck<'a>>,
}

#[derive(Serialize)]
struct WrittenCheck<'a> {
    id: &'a str,
    level: Level,
    requirement: &'a str,
    answers: Vec<WrittenAnswer<'a>>,
}

#[derive(Serialize)]
struct WrittenAnswer<'a> {
    database: &'static str,
    adapter: &'a str,
    /// A verdict, or `error`.
    verdict: Word,
    message: Option<&'a str>,
    link: Option<&'a str>,
}

/// Writes the claims that were asked for, with a line end.
pub(super) fn write(page: &Page<'_>, chosen: &[&Entry<'_>]) -> String {
    let last_run = page.last_run.map(|run| WrittenRun { seed: run.seed, cells: &run.cells });
    let claims = chosen.iter().map(|entry| claim(entry)).collect();
    let written = Written { schema: SCHEMA, faults: page.faults, last_run, claims };
    serde_json::to_string_pretty(&written).expect("a ledger has string keys only") + "\n"
}

fn claim<'a>(entry: &'a Entry<'a>) -> WrittenClaim<'a> {
    WrittenClaim {
        area: entry.claim.area(),
        standing: entry.standing,
        claim: entry.claim,
        checks: entry.checks.iter().map(check).collect(),
    }
}

fn check<'a>(judge: &'a Judge<'a>) -> WrittenCheck<'a> {
    WrittenCheck {
        id: &judge.rule.id,
        level: judge.rule.level,
        requirement: &judge.rule.requirement,
        answers: judge.answers.iter().map(|row| answer(row)).collect(),
    }
}

fn answer(answer: &Answer) -> WrittenAnswer<'_> {
    WrittenAnswer {
        database: answer.database.name(),
        adapter: &answer.adapter,
        verdict: answer.word,
        message: answer.message.as_deref(),
        link: answer.link.as_deref(),
    }
}
