//! Children: commands that end with this process, however that ends, and with all that they started.

use std::process::{ExitStatus, Stdio};

use dropproof_databases::{Estate, Group};
use miette::{IntoDiagnostic, WrapErr};
use tokio::{
    io::AsyncReadExt,
    join,
    process::{ChildStdout, Command},
};

/// Runs a command whose output is shown.
pub(crate) async fn status(estate: &Estate, mut command: Command) -> miette::Result<ExitStatus> {
    start(estate, &mut command)?.wait().await.into_diagnostic().wrap_err("a command is lost")
}

/// Runs a command whose standard output is read.
pub(crate) async fn output(
    estate: &Estate,
    mut command: Command,
) -> miette::Result<(ExitStatus, String)> {
    let mut group = start(estate, command.stdout(Stdio::piped()))?;
    let (stdout, _) = group.outputs();
    let (text, status) = join!(read(stdout), group.wait());
    let status = status.into_diagnostic().wrap_err("a command is lost")?;
    Ok((status, String::from_utf8_lossy(&text?).into_owned()))
}

async fn read(stdout: Option<ChildStdout>) -> miette::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(mut stdout) = stdout {
        let read = stdout.read_to_end(&mut text).await;
        read.into_diagnostic().wrap_err("what a command says cannot be read")?;
    }
    Ok(text)
}

fn start(estate: &Estate, command: &mut Command) -> miette::Result<Group> {
    // A group of its own may not read from the terminal.
    let started = Group::start(estate, command.stdin(Stdio::null())).into_diagnostic();
    let program = command.as_std().get_program().to_owned();
    started.wrap_err_with(|| format!("{} cannot be run", program.display()))
}
