//! `cargo xtask explain`: all that is known about a check.

use clap::Args;
use dropproof::verdict::Rule;
use dropproof_databases::Estate;

use crate::{
    Ended,
    interrupt::{Interrupt, Interrupted},
    names,
    progress::Terminal,
    target::Target,
};

const EXAMPLES: &str = "\
Examples:
  cargo xtask explain crud/text-comes-back-as-it-was-stored
  cargo xtask explain text-comes-back-as-it-was-stored";

/// Which check is explained.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The check, with or without its suite
    #[arg(value_name = "CHECK")]
    check: String,
}

pub(crate) async fn run(
    options: &Options,
    estate: &Estate,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    let plan = match interrupt.unless(Target::Matrix.plan(estate, terminal)).await {
        Ok(plan) => plan?,
        Err(Interrupted(signal)) => return Ok(Ended::Interrupted(signal)),
    };
    let ids = plan.rules.iter().map(|rule| rule.id.as_str());
    let id = names::find("check", &options.check, ids)?;
    let rule = plan.rules.iter().find(|rule| rule.id == id).expect("the id is a rule's");
    show(rule);
    Ok(Ended::Well)
}

fn show(rule: &Rule) {
    let bold = anstyle::Style::new().bold();
    let needs = if rule.needs.is_empty() { "nothing".to_owned() } else { rule.needs.join(", ") };
    anstream::println!("{bold}{}{bold:#}  {} (since {})\n", rule.id, rule.level, rule.since);
    anstream::println!("{}\n\n{}\n", rule.requirement, rule.background);
    anstream::println!("{bold}claims{bold:#}  {}", rule.claims.join(", "));
    anstream::println!("{bold}needs{bold:#}   {needs}");
    anstream::println!("{bold}catches{bold:#}");
    for mutant in &rule.mutants {
        anstream::println!("  {:<20} with a message that says `{}`", mutant.fault, mutant.message);
    }
}
