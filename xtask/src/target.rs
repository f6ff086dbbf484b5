//! The test binaries that cells are judged by: building one, and asking it for its plan.

use std::{path::PathBuf, process::Stdio};

use dropproof::verdict::Plan;
use dropproof_databases::Progress;
use miette::{IntoDiagnostic, WrapErr, miette};
use serde::Deserialize;
use tokio::process::Command;

use crate::{progress::Terminal, workspace};

/// A test target of the suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every check on every cell.
    Matrix,
    /// Every fault of every check on every cell.
    Mutants,
}

/// The variable by which a test binary is asked for its plan.
const PLAN_VARIABLE: &str = "DROPPROOF_PLAN";
const PACKAGE: &str = "dropproof-suites";

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
    pub(crate) fn arguments(self) -> [&'static str; 4] {
        ["--package", PACKAGE, "--test", self.name()]
    }

    /// Builds the binary, showing what cargo says of errors, and asks it for its plan.
    pub(crate) async fn plan(self, terminal: &Terminal) -> miette::Result<Plan> {
        let steps = terminal.steps("building");
        steps.step("the checks");
        let executable = self.build().await?;
        drop(steps);
        let folder = tempfile::tempdir().into_diagnostic().wrap_err("no temporary folder")?;
        let file = folder.path().join("plan.json");
        let status = Command::new(&executable)
            .env(PLAN_VARIABLE, &file)
            .kill_on_drop(true)
            .status()
            .await
            .into_diagnostic()
            .wrap_err_with(|| format!("{} cannot be run", executable.display()))?;
        if !status.success() {
            return Err(miette!("{} gave no plan: {status}", executable.display()));
        }
        let text =
            std::fs::read_to_string(&file).into_diagnostic().wrap_err("no plan was written")?;
        serde_json::from_str(&text).into_diagnostic().wrap_err("the plan cannot be read")
    }

    async fn build(self) -> miette::Result<PathBuf> {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--no-run", "--quiet", "--message-format=json-render-diagnostics"])
            .args(self.arguments())
            .current_dir(workspace::root())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .into_diagnostic()
            .wrap_err("cargo cannot be run")?;
        if !output.status.success() {
            return Err(miette!("the checks do not build; cargo has said why above"));
        }
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Message>(line).ok())
            .filter(|message| message.target.as_ref().is_some_and(|t| t.name == self.name()))
            .find_map(|message| message.executable)
            .ok_or_else(|| miette!("cargo built no test binary `{}`", self.name()))
    }
}
