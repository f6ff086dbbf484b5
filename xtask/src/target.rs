//! The test binaries that cells are judged by: building one, and asking it for its plan.

use std::path::PathBuf;

use dropproof::verdict::Plan;
use dropproof_databases::{Estate, Progress};
use miette::{IntoDiagnostic, WrapErr, miette};
use serde::Deserialize;

use crate::{child, environment, progress::Terminal};

/// A test target of the suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every check on every cell.
    Matrix,
    /// Every fault of every check on every cell.
    Mutants,
}

/// The variable by which a test binary is asked for its plan.
pub(crate) const PLAN_VARIABLE: &str = "DROPPROOF_PLAN";

/// A line of cargo's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Target {
    /// The name of the target.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Target::Matrix => "matrix",
            Target::Mutants => "mutants",
        }
    }

    /// The folder of its reports.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Target::Matrix => "latest",
            Target::Mutants => "mutants",
        }
    }

    /// The arguments by which cargo and nextest find the target.
    ///
    /// They take in the whole workspace, so that nothing is built twice with different features.
    pub(crate) const fn arguments(self) -> [&'static str; 3] {
        ["--workspace", "--test", self.name()]
    }

    /// Builds the binary, showing what cargo says of errors, and asks it for its plan.
    pub(crate) async fn plan(self, estate: &Estate, terminal: &Terminal) -> miette::Result<Plan> {
        let steps = terminal.steps("building");
        steps.step("the checks");
        let executable = self.build(estate).await?;
        drop(steps);
        let file = estate.folder().join("plan.json");
        let mut command = environment::command(&executable);
        command.env(PLAN_VARIABLE, &file);
        let status = child::status(estate, command).await?;
        if !status.success() {
            let shown = executable.display();
            return Err(miette!("{shown} gave no plan ({status}); it has said why above"));
        }
        let text =
            std::fs::read_to_string(&file).into_diagnostic().wrap_err("no plan was written")?;
        serde_json::from_str(&text).into_diagnostic().wrap_err("the plan cannot be read")
    }

    async fn build(self, estate: &Estate) -> miette::Result<PathBuf> {
        let mut command = environment::cargo()?;
        command
            .args(["test", "--no-run", "--quiet", "--message-format=json-render-diagnostics"])
            .args(self.arguments());
        let (status, output) = child::output(estate, command).await?;
        if !status.success() {
            return Err(miette!("the checks do not build; cargo has said why above"));
        }
        output
            .lines()
            .filter_map(|line| serde_json::from_str::<Message>(line).ok())
            .filter(|message| message.target.as_ref().is_some_and(|t| t.name == self.name()))
            .find_map(|message| message.executable)
            .ok_or_else(|| miette!("cargo built no test binary `{}`", self.name()))
    }
}
