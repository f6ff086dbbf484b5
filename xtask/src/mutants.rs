//! `cargo xtask mutants`: the self-test of the checks.

use crate::{
    Ended,
    interrupt::Interrupt,
    judge::{self, Options},
    progress::Terminal,
    target::Target,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask mutants                          every fault on every cell
  cargo xtask mutants --database sqlite        without a server
  cargo xtask mutants --check class-lost       one fault

A check that no planted fault can turn red proves nothing: a mutant is upheld where its check is
violated with the message that it must give. The reports are in target/dropproof/mutants.";

pub(crate) async fn run(
    options: &Options,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    judge::run(Target::Mutants, "mutants", options, terminal, interrupt).await
}
