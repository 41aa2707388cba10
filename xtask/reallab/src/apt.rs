//! apt's cache of package lists. A machine of Proxmox VE has one, because it updates its lists every day; Debian in a
//! container is often told not to keep any (`Dir::Cache::pkgcache ""`), and then each question to apt reads all lists anew,
//! which costs a core for seconds on every node.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::layout::file;
use crate::tool;

const CACHE: &str = "pkgcache.bin";
/// Where a node sees the lab's folder of it.
pub const IN_NODE: &str = "/var/cache/quorate-lab-apt";

/// Brings the cache into the lab's folder; the machine's own apt keeps it in the user's cache for as long as it is up to date.
///
/// A machine without apt, or without package lists, has nodes without a cache.
pub fn make() -> anyhow::Result<()> {
    let kept = kept();
    fs::create_dir_all(&kept).context("folder for apt's cache")?;
    let cache = kept.join(CACHE);
    let option = format!("Dir::Cache::pkgcache={}", cache.display());
    let made = tool::output("apt-cache", &["-o", &option, "-o", "Dir::Cache::srcpkgcache=", "policy", "apt"]);
    if !made.is_ok_and(|output| output.status.success()) || !cache.is_file() {
        return Ok(());
    }
    let folder = file("apt");
    fs::create_dir_all(&folder).context("folder for apt's cache")?;
    fs::copy(&cache, folder.join(CACHE)).map(drop).context("apt's cache")
}

/// What a node's apt is told: where the cache is, and that there is one at all.
pub fn settings() -> String {
    format!("Dir::Cache::pkgcache \"{IN_NODE}/{CACHE}\";\n")
}

fn kept() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/quorate");
    std::env::var_os("QUORATE_CACHE").map_or_else(home, PathBuf::from).join("apt")
}
