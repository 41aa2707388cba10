//! Where things are. Everything that is built lies under cargo's target folder, wherever that is.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The checkout that cargo runs us in. One that shares its target folder with another may run what the other compiled.
pub fn root() -> &'static Path {
    static HERE: LazyLock<PathBuf> = LazyLock::new(|| {
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
    });
    HERE.parent().unwrap_or(&HERE)
}

/// Cargo's target folder: `CARGO_TARGET_DIR` when set (relative to the checkout), else `target`.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) if !folder.is_empty() => root().join(folder),
        _ => root().join("target"),
    }
}

/// The folder that the server embeds.
pub fn site() -> PathBuf {
    target().join("site")
}

/// What the tasks remember between two runs.
pub fn memory() -> PathBuf {
    target().join("xtask")
}

/// The folder of the browser tests, and of everything that comes from npm.
pub fn end2end() -> PathBuf {
    root().join("end2end")
}
