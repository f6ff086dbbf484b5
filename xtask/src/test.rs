//! `cargo xtask test`: every check on every cell, or a part of them.

use crate::{
    Ended,
    interrupt::Interrupt,
    judge::{self, Options},
    progress::Terminal,
    target::Target,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask test                                     the whole matrix
  cargo xtask test --database sqlite                   without a server
  cargo xtask test --check text-comes-back-as-it-was-stored --seed 7
  cargo xtask test --allow-blocked postgres            green on a machine without Docker
  cargo xtask test --list                              what there is, without running it

A server of your own is used in place of a container where its variable gives a URL:
  DROPPROOF_POSTGRES_URL=postgres://me:secret@127.0.0.1:5432/mine cargo xtask test

The reports are in target/dropproof/latest: report.json, junit.xml, timings.json, run.log.";

pub(crate) async fn run(
    options: &Options,
    terminal: &Terminal,
    interrupt: &mut Interrupt,
) -> miette::Result<Ended> {
    judge::run(Target::Matrix, "latest", options, terminal, interrupt).await
}
