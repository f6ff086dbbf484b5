//! An entry of the printed ledger: a claim, how far it is judged, and what each of its checks has said.

use dropproof::verdict::{Claim, Plan, Rule, Standing};

use super::last_run::{Answer, LastRun, Word};

/// A claim with all that is known of it.
pub(super) struct Entry<'a> {
    pub(super) claim: &'a Claim,
    pub(super) standing: Standing,
    pub(super) checks: Vec<Judge<'a>>,
}

/// A check that judges a claim, and what it has said in the last run.
pub(super) struct Judge<'a> {
    pub(super) rule: &'a Rule,
    pub(super) answers: Vec<&'a Answer>,
}

/// Every claim of a plan, in its order, with the answers of a run.
pub(super) fn entries<'a>(plan: &'a Plan, last_run: Option<&'a LastRun>) -> Vec<Entry<'a>> {
    let answers = last_run.map_or(&[][..], |run| &run.answers);
    let judge = |rule: &'a Rule| {
        let answers = answers.iter().filter(|answer| answer.check == rule.id).collect();
        Judge { rule, answers }
    };
    let entry = |claim: &'a Claim| Entry {
        claim,
        standing: claim.standing(&plan.rules),
        checks: claim.judges(&plan.rules).map(judge).collect(),
    };
    plan.ledger.claims.iter().map(entry).collect()
}

impl Judge<'_> {
    /// The cells by what was said of them; what needs to be read comes first.
    pub(super) fn by_word(&self) -> Vec<(Word, Vec<String>)> {
        let mut groups: Vec<(Word, Vec<String>)> = Vec::new();
        for answer in &self.answers {
            match groups.iter_mut().find(|(word, _)| *word == answer.word) {
                Some((_, cells)) => cells.push(answer.cell()),
                None => groups.push((answer.word, vec![answer.cell()])),
            }
        }
        groups.sort_by_key(|(word, _)| *word);
        groups
    }
}
