//! The compiler for the browser's part.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::bail;

use crate::{cargo, folders, run, say, wasm_fallback};

/// Set to 1, it makes every command use the standard library built from Debian's packages.
const FORCE_FALLBACK: &str = "QUORATE_FORCE_WASM_FALLBACK";

/// The target of the browser's part.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may take to add the target; where its server cannot be reached it hangs.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// A compiler that can make WASM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// The ordinary toolchain with rustup's target.
    Ordinary,
    /// Debian's toolchain under [`wasm_fallback::TOOLCHAIN`].
    Fallback,
}

/// Finds a compiler, installing the target or building the fallback when there is none.
pub fn ensure(force_fallback: bool) -> anyhow::Result<Compiler> {
    if force_fallback || forced() {
        wasm_fallback::ensure()?;
        return Ok(Compiler::Fallback);
    }
    let sysroot = cargo::sysroot()?;
    if has_target(&sysroot) {
        return Ok(Compiler::Ordinary);
    }
    if wasm_fallback::is_ready() {
        return Ok(Compiler::Fallback);
    }
    if run::on_path("rustup") {
        say::say(format!("adding rustup's target {TARGET}"));
        let mut command = Command::new("rustup");
        command.args(["target", "add", TARGET]).current_dir(folders::root());
        if run::within(command, RUSTUP_LIMIT)? && has_target(&sysroot) {
            return Ok(Compiler::Ordinary);
        }
        say::say("rustup did not add the target");
    }
    if !wasm_fallback::is_possible() {
        bail!("the Rust target {TARGET} is missing: add it to this toolchain (rustup target add {TARGET})");
    }
    wasm_fallback::ensure()?;
    Ok(Compiler::Fallback)
}

/// The compiler's cargo, with a target folder of its own per compiler and standard library.
pub fn cargo_for(compiler: &Compiler) -> anyhow::Result<(Command, PathBuf)> {
    let (mut command, sysroot, version) = match compiler {
        Compiler::Ordinary => (cargo::cargo(), cargo::sysroot()?, Command::new("rustc")),
        Compiler::Fallback => (
            cargo::cargo_of(wasm_fallback::TOOLCHAIN),
            PathBuf::from(wasm_fallback::SYSROOT),
            Command::new(wasm_fallback::RUSTC),
        ),
    };
    let target = folders::target().join(format!("wasm-{}", cache_key(version, &sysroot)?));
    command.env("CARGO_TARGET_DIR", &target);
    Ok((command, target))
}

/// True when the switch for the fallback is set in the environment.
fn forced() -> bool {
    std::env::var(FORCE_FALLBACK).is_ok_and(|value| is_yes(&value))
}

fn is_yes(value: &str) -> bool {
    !matches!(value, "" | "0" | "false" | "no")
}

/// True when the toolchain at `sysroot` has the standard library for the target.
pub fn has_target(sysroot: &Path) -> bool {
    libraries(sysroot).iter().any(|(name, _, _)| name.starts_with("libcore-") && name.ends_with(".rlib"))
}

/// A standard library that was built again makes everything compiled before unusable (E0463), and cargo does not
/// notice: the compiler's version does not change. So the libraries themselves are part of the key.
fn cache_key(mut rustc: Command, sysroot: &Path) -> anyhow::Result<String> {
    rustc.arg("-vV").current_dir(folders::root());
    let version = run::output(rustc)?;
    Ok(key_of(&version, &libraries(sysroot)))
}

fn key_of(version: &str, libraries: &[(String, u64, Option<SystemTime>)]) -> String {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    libraries.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The target's libraries, sorted: name, bytes, last change.
fn libraries(sysroot: &Path) -> Vec<(String, u64, Option<SystemTime>)> {
    let folder = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), metadata.len(), metadata.modified().ok()))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_the_version_and_the_libraries() {
        let at = |seconds| {
            vec![("libcore-1.rlib".to_owned(), 7, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))]
        };
        let key = key_of("rustc 1.95.0", &at(1));
        assert_eq!(key, key_of("rustc 1.95.0", &at(1)));
        assert_ne!(key, key_of("rustc 1.96.0", &at(1)), "another compiler");
        assert_ne!(key, key_of("rustc 1.95.0", &at(2)), "a standard library built again");
    }

    #[test]
    fn a_toolchain_without_the_library_has_no_target() {
        let sysroot = tempfile::tempdir().unwrap();
        let folder = sysroot.path().join("lib/rustlib").join(TARGET).join("lib");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!has_target(sysroot.path()), "an empty folder is no library");
        std::fs::write(folder.join("libcore-0123.rlib"), "").unwrap();
        assert!(has_target(sysroot.path()));
    }

    #[test]
    fn the_switch_can_be_turned_off() {
        assert!(is_yes("1"));
        assert!(!is_yes("0"));
        assert!(!is_yes(""));
    }
}
