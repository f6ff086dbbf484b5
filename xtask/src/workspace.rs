//! Where things are in the workspace, and the cargo that builds it.
//!
//! Both are found when a command runs. A target folder may be copied from another checkout, and
//! then a path of compile time would lead to the other one.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use miette::{IntoDiagnostic, WrapErr, miette};

/// The files by which this workspace is known among others.
const MARKS: [&str; 3] = ["Cargo.toml", "suites/claims.toml", "xtask/Cargo.toml"];

/// The root of the workspace: of the one that `cargo run` names, or of the one around this folder.
///
/// # Errors
///
/// Fails if neither is the workspace of dropproof.
pub(crate) fn root() -> miette::Result<PathBuf> {
    let named = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let current = env::current_dir().into_diagnostic().wrap_err("this folder cannot be read")?;
    let found = named.as_deref().and_then(root_above).or_else(|| root_above(&current));
    found.map(Path::to_owned).ok_or_else(|| {
        miette!(
            help = "run `cargo xtask` in a checkout of dropproof",
            "{} is not in the workspace of dropproof",
            current.display()
        )
    })
}

/// The folder of everything that runs write.
pub(crate) fn output() -> miette::Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    Ok(root()?.join(target.unwrap_or_else(|| "target".into())).join("dropproof"))
}

/// The cargo that runs this program, or the one on the path.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn root_above(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|above| MARKS.iter().all(|mark| above.join(mark).is_file()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn root_is_found_from_any_folder_below() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("xtask/src");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(root_above(&below), None);

        fs::create_dir_all(folder.path().join("suites")).unwrap();
        MARKS.iter().for_each(|mark| fs::write(folder.path().join(mark), "").unwrap());

        assert_eq!(root_above(&below), Some(folder.path()));
    }
}
