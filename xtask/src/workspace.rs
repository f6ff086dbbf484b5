//! Where things are in the workspace.

use std::{env, path::PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).expect("xtask lies in the workspace")
}

/// The folder of everything that runs write.
pub(crate) fn output() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(target.unwrap_or_else(|| "target".into())).join("dropproof")
}
