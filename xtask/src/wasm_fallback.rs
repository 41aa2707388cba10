//! WASM without rustup's server: Debian 12's own Rust, with a standard library built once from its sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure as require};

use crate::apt::{self, Root};
use crate::{folders, run, say, wasm};

/// The name under which rustup knows Debian's toolchain.
pub const TOOLCHAIN: &str = "quorate-wasm";

/// Where Debian's toolchain lives.
pub const SYSROOT: &str = "/usr";

/// Debian's compiler.
pub const RUSTC: &str = "/usr/bin/rustc";

const LIBRARY_SOURCE: &str = "/usr/lib/rustlib/src/rust/library";

/// How long rustup may take to link a toolchain, which is one symbolic link.
const LINK_LIMIT: Duration = Duration::from_secs(30);

/// True when the fallback is complete.
pub fn is_ready() -> bool {
    is_linked() && Path::new(RUSTC).exists() && wasm::has_target(Path::new(SYSROOT))
}

/// True on Debian 12, the one system whose packages this recipe was made for.
pub fn is_possible() -> bool {
    std::fs::read_to_string("/etc/os-release").is_ok_and(|text| is_debian_12(&text))
}

/// Installs Debian's packages, builds the standard library and links the toolchain; does nothing when it is there.
pub fn ensure() -> anyhow::Result<()> {
    if is_ready() {
        return Ok(());
    }
    require!(is_possible(), "building the standard library for WASM is made for Debian 12 only");
    require!(run::on_path("rustup"), "rustup is missing, which chooses between two toolchains");
    apt::ensure(apt::WASM_FALLBACK)?;
    if !wasm::has_target(Path::new(SYSROOT)) {
        let built = build_library()?;
        install_library(&built)?;
    }
    let mut link = Command::new("rustup");
    link.args(["toolchain", "link", TOOLCHAIN, SYSROOT]);
    require!(run::within(link, LINK_LIMIT)?, "rustup did not link the toolchain {TOOLCHAIN}");
    require!(is_ready(), "the toolchain {TOOLCHAIN} was linked, and still has no target {}", wasm::TARGET);
    Ok(())
}

/// Builds the standard library in a scratch folder and returns the folder with its `.rlib` files.
fn build_library() -> anyhow::Result<PathBuf> {
    say::say("building the standard library for WASM (about a minute, once)");
    let scratch = folders::memory().join("wasm-std");
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)?;
    }
    std::fs::create_dir_all(&scratch)?;
    let mut copy = Command::new("cp");
    copy.args(["-rL", LIBRARY_SOURCE]).arg(&scratch);
    run::run(copy)?;

    let library = scratch.join("library");
    std::fs::create_dir_all(library.join(".cargo"))?;
    std::fs::write(library.join(".cargo/config.toml"), vendored_config(&library))?;
    let target = scratch.join("target");
    let mut build = Command::new("nice");
    build
        .args(["-n", "10", "/usr/bin/cargo", "build", "--quiet", "-Zavoid-dev-deps", "--offline", "--release"])
        .args(["--target", wasm::TARGET, "--features", "panic-unwind backtrace compiler-builtins-mem"])
        .current_dir(library.join("sysroot"))
        // Debian's cargo must find Debian's compiler, and nothing of the toolchain that runs this program.
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", &scratch)
        .env("CARGO_HOME", scratch.join("cargo-home"))
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_DEFAULT_LIB_METADATA", "stablestd")
        .env("RUSTFLAGS", "-Zforce-unstable-if-unmarked -Cembed-bitcode=yes");
    run::run(build).context("the standard library for WASM")?;
    Ok(target.join(wasm::TARGET).join("release/deps"))
}

fn install_library(built: &Path) -> anyhow::Result<()> {
    let destination = Path::new(SYSROOT).join("lib/rustlib").join(wasm::TARGET).join("lib");
    let script = "set -e; mkdir -p \"$2\"; cp \"$1\"/*.rlib \"$2\"; chmod 644 \"$2\"/*.rlib";
    let Some(root) = Root::find() else {
        bail!(
            "the standard library is built, and this account may not install it. Run this, then start again:\n  \
             sudo sh -c '{script}' sh {} {}",
            built.display(),
            destination.display()
        );
    };
    let mut command = root.command("sh");
    command.args(["-c", script, "sh"]).arg(built).arg(&destination);
    run::run(command)?;
    // The scratch copy holds the sources of the whole library, some 300 MB.
    std::fs::remove_dir_all(folders::memory().join("wasm-std")).context("remove the scratch folder")
}

/// Replaces the registry by the folder that Debian ships beside the library.
fn vendored_config(library: &Path) -> String {
    format!(
        "[source.crates-io]\nreplace-with = \"vendored\"\n\n[source.vendored]\ndirectory = \"{}\"\n",
        library.join("vendor").display()
    )
}

fn is_linked() -> bool {
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".rustup"))
    });
    home.is_some_and(|home| home.join("toolchains").join(TOOLCHAIN).exists())
}

fn is_debian_12(os_release: &str) -> bool {
    let has = |wanted: &str| os_release.lines().any(|line| line.replace('"', "") == wanted);
    has("ID=debian") && has("VERSION_ID=12")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_12_is_debian_12() {
        assert!(is_debian_12("PRETTY_NAME=\"Debian\"\nVERSION_ID=\"12\"\nID=debian\n"));
        assert!(!is_debian_12("VERSION_ID=\"13\"\nID=debian\n"));
        assert!(!is_debian_12("VERSION_ID=\"12\"\nID=raspbian\nID_LIKE=debian\n"));
    }

    #[test]
    fn the_registry_is_replaced_by_the_vendor_folder() {
        let config = vendored_config(Path::new("/scratch/library"));
        assert!(config.contains("directory = \"/scratch/library/vendor\""));
        assert!(config.contains("replace-with = \"vendored\""));
    }
}
