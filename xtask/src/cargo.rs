//! Starting cargo from inside a program that cargo started.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{folders, run};

/// Cargo in the checkout, with the folders that every build of the project needs to know.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    prepared(Command::new(program))
}

/// Cargo of a toolchain by name, through rustup.
pub fn cargo_of(toolchain: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, "cargo"]);
    prepared(command)
}

/// Makes `command`, a build of any kind, lint the workspace's crates while it compiles them; a warning is an error.
///
/// These are the variables by which `cargo clippy` brings its driver in. That command only type-checks, so it would
/// compile every dependency once more, for the linter alone: most of its time.
pub fn linting(mut command: Command) -> Command {
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    command
}

/// The folder of the compiler that cargo uses here.
pub fn sysroot() -> anyhow::Result<PathBuf> {
    let mut command = Command::new("rustc");
    command.args(["--print", "sysroot"]).current_dir(folders::root());
    Ok(Path::new(&run::output(command)?).to_path_buf())
}

fn prepared(mut command: Command) -> Command {
    command.current_dir(folders::root()).env("QUORATE_SITE_DIR", folders::site());
    // Cargo told this program about its own package; build scripts that watch these variables would run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO" {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_of_the_linter_fails_what_is_compiled() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lib.rs");
        let compiles = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let mut command = linting(Command::new("clippy-driver"));
            command.args(["--crate-type=lib", "--edition=2024", "--out-dir"]).arg(folder.path()).arg(&file);
            run::succeeds(command)
        };
        assert!(compiles("pub fn none(of: &[u8]) -> bool { of.is_empty() }"));
        assert!(!compiles("pub fn none(of: &[u8]) -> bool { of.len() == 0 }"));
    }
}
