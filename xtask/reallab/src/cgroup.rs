//! One control group per node and per BMC: what belongs to it is known without guessing, and ends at one word.
//!
//! Needs a writable cgroup2 mount anywhere; no controller has to be enabled. Where there is none, processes are found
//! by their network namespace instead, and freezing is SIGSTOP.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// The lab's folder in the hierarchy.
const PARENT: &str = "quorate-lab";
/// How long killed processes may take to be gone.
const EMPTY_LIMIT: Duration = Duration::from_secs(10);
const EMPTY_PAUSE: Duration = Duration::from_millis(10);

/// The control group of one node or BMC.
#[derive(Debug, Clone)]
pub struct Group(PathBuf);

impl Group {
    /// The group of this name; None where the machine has no cgroup2 for us. It need not exist.
    pub fn of(name: &str) -> Option<Self> {
        parent().map(|parent| Self(parent.join(name)))
    }

    /// Makes the group; None where that is not possible.
    pub fn make(name: &str) -> Option<Self> {
        let group = Self::of(name)?;
        fs::create_dir_all(&group.0).ok()?;
        group.freeze(false).ok()?;
        Some(group)
    }

    /// The file that a process writes 0 into to enter.
    pub fn door(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }

    pub fn exists(&self) -> bool {
        self.0.is_dir()
    }

    pub fn processes(&self) -> Vec<String> {
        let text = fs::read_to_string(self.door()).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Kills everything in the group at once, frozen or not, and waits until it is gone.
    pub fn kill(&self) -> anyhow::Result<()> {
        if !self.exists() {
            return Ok(());
        }
        fs::write(self.0.join("cgroup.kill"), "1").context("cgroup.kill")?;
        let end = Instant::now() + EMPTY_LIMIT;
        while self.event("populated") {
            if Instant::now() > end {
                bail!("processes do not end: {}", self.processes().join(" "));
            }
            std::thread::sleep(EMPTY_PAUSE);
        }
        Ok(())
    }

    pub fn freeze(&self, on: bool) -> anyhow::Result<()> {
        fs::write(self.0.join("cgroup.freeze"), if on { "1" } else { "0" }).context("cgroup.freeze")
    }

    pub fn is_frozen(&self) -> bool {
        self.event("frozen")
    }

    /// Processor time that the group has used since it was made, in microseconds.
    pub fn cpu_us(&self) -> Option<u64> {
        let text = fs::read_to_string(self.0.join("cpu.stat")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("usage_usec "))?.trim().parse().ok()
    }

    /// A line of `cgroup.events`.
    fn event(&self, name: &str) -> bool {
        let text = fs::read_to_string(self.0.join("cgroup.events")).unwrap_or_default();
        text.lines().any(|line| line == format!("{name} 1"))
    }
}

/// All groups of the lab, whoever made them.
pub fn all() -> Vec<Group> {
    let Some(parent) = parent() else { return Vec::new() };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).map(|entry| Group(entry.path())).collect()
}

/// Kills and removes all groups and the lab's folder.
pub fn remove_all() -> anyhow::Result<()> {
    for group in all() {
        group.kill()?;
        remove(&group.0)?;
    }
    match parent().filter(|parent| parent.exists()) {
        Some(parent) => remove(&parent),
        None => Ok(()),
    }
}

/// The folders that are left, in words.
pub fn leftovers() -> Vec<String> {
    parent().filter(|parent| parent.exists()).map(|parent| format!("cgroup {}", parent.display())).into_iter().collect()
}

/// A killed process can hold its group for a moment after it is gone from the list.
fn remove(folder: &Path) -> anyhow::Result<()> {
    let end = Instant::now() + EMPTY_LIMIT;
    while let Err(error) = fs::remove_dir(folder) {
        if error.kind() == std::io::ErrorKind::NotFound {
            break;
        }
        if Instant::now() > end {
            return Err(error).with_context(|| folder.display().to_string());
        }
        std::thread::sleep(EMPTY_PAUSE);
    }
    Ok(())
}

fn parent() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mount_of(&mounts).map(|mount| mount.join(PARENT))
}

/// The first cgroup2 mount of a mountinfo.
fn mount_of(mounts: &str) -> Option<PathBuf> {
    let line = mounts.lines().find(|line| line.split_once(" - ").is_some_and(|(_, tail)| tail.starts_with("cgroup2 ")));
    line?.split_whitespace().nth(4).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hierarchy_is_found_wherever_it_is_mounted() {
        let hybrid = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(mount_of(hybrid), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(mount_of("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"), None);
    }
}
