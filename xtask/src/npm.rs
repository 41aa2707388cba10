//! What comes from npm: binaryen for the build, Playwright and axe for the browser tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, bail};

use crate::{folders, run, say};

/// How often an installation is tried: a registry's name does not always resolve at the first time.
const TRIES: u32 = 3;

/// Installs the locked packages when they are missing or older than the lock.
pub fn ensure() -> anyhow::Result<()> {
    let folder = folders::end2end();
    if installed_since(&folder.join("package-lock.json"), &folder.join("node_modules/.package-lock.json")) {
        return Ok(());
    }
    if !run::on_path("npm") {
        bail!("npm is missing: install Node.js 20 or newer with npm");
    }
    for attempt in 1..=TRIES {
        say::say("installing the packages from npm");
        let mut command = Command::new("npm");
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder);
        match run::run(command) {
            Ok(()) => return Ok(()),
            Err(error) if attempt == TRIES => return Err(error).context("npm packages"),
            Err(error) => say::say(format!("{error:#}; trying again")),
        }
    }
    Ok(())
}

/// binaryen's optimiser.
pub fn wasm_opt() -> PathBuf {
    folders::end2end().join("node_modules/.bin/wasm-opt")
}

/// npm writes its own copy of the lock last, so its age is the installation's age.
fn installed_since(lock: &Path, installed: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    newer(changed(installed), changed(lock))
}

fn newer(installed: Option<SystemTime>, lock: Option<SystemTime>) -> bool {
    match (installed, lock) {
        (Some(installed), Some(lock)) => installed >= lock,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_installation_older_than_the_lock_is_made_again() {
        let lock = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let second = Duration::from_secs(1);
        assert!(newer(Some(lock + second), Some(lock)));
        assert!(!newer(Some(lock - second), Some(lock)));
        assert!(!newer(None, Some(lock)));
    }
}
