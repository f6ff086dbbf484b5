//! `cargo xtask explain`: all that is known about a check, or about a class of what a cut did.

use clap::Args;
use dropproof::{
    sweep::{Class, Explained},
    verdict::{Ledger, Rule},
};
use dropproof_databases::Estate;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    names,
    out::outln,
    progress::Terminal,
    target::Target,
};

const EXAMPLES: &str = "\
Examples:
  cargo xtask explain crud/text-comes-back-as-it-was-stored
  cargo xtask explain text-comes-back-as-it-was-stored
  cargo xtask explain poisoned                           a class, as on a cut strip";

/// What is explained.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The check, with or without its suite, or the class
    #[arg(value_name = "CHECK|CLASS")]
    name: String,
}

pub(crate) async fn run(
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    if let Some(class) = Class::ALL.into_iter().find(|class| class.name() == options.name) {
        show_class(class);
        return Ok(Ended::Well);
    }
    let plan = match interrupt.unless(Target::Matrix.plan(estate, terminal)).await {
        Ok(plan) => plan?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let ids = plan.rules.iter().map(|rule| rule.id.as_str());
    let id = names::find("check", &options.name, ids)?;
    let rule = plan.rules.iter().find(|rule| rule.id == id).expect("the id is a rule's");
    show(rule, &plan.ledger);
    Ok(Ended::Well)
}

fn show_class(class: Class) {
    let bold = anstyle::Style::new().bold();
    let Explained { rule, how, mended } = class.explained();
    let word = if class.is_upheld() { "keeps the promises" } else { "breaks a promise" };
    outln!("{bold}{class}{bold:#}  `{}` on a cut strip, {word}\n", class.mark());
    outln!("{rule}\n");
    outln!("{bold}how layers come to it{bold:#}\n  {how}\n");
    outln!("{bold}how others mended it{bold:#}\n  {mended}");
}

fn show(rule: &Rule, ledger: &Ledger) {
    let bold = anstyle::Style::new().bold();
    let needs = if rule.needs.is_empty() { "nothing".to_owned() } else { rule.needs.join(", ") };
    outln!("{bold}{}{bold:#}  {} (since {})\n", rule.id, rule.level, rule.since);
    outln!("{}\n\n{}\n", rule.requirement, rule.background);
    outln!("{bold}claims{bold:#}");
    for id in &rule.claims {
        let claim = ledger.claims.iter().find(|claim| claim.id == *id);
        let says = claim.map_or("", |claim| claim.says.as_str());
        outln!("  {id}: {says}");
    }
    outln!("{bold}needs{bold:#}   {needs}");
    outln!("{bold}catches{bold:#}");
    for mutant in &rule.mutants {
        outln!("  {:<20} with a message that says `{}`", mutant.fault, mutant.message);
    }
}
