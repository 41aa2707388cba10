//! `dpkg-query`: cheap where `pveversion -v` is not.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use std::collections::BTreeMap;

const WHAT: &str = "dpkg-query";
/// The most lines of a failed installation that are looked through.
const FAULT_LINES_MAX: usize = 4096;
/// The most packages of an answer.
const PACKAGES_MAX: usize = 4096;
/// How long `apt-get` waits for another package manager to end, in seconds.
pub const DPKG_LOCK_WAIT_S: u32 = 120;
/// The time limit of fetching and installing one package, in seconds: the wait for the lock is part of it.
const INSTALL_LIMIT_S: u32 = 360;
const FORMAT: &str = "${Package} ${Version} ${db:Status-Status}\\n";

/// A package that the product asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Package {
    Chrony,
    Corosync,
    CorosyncQdevice,
    CorosyncQnetd,
    LibknetOne,
    /// Its name since Debian 13.
    LibknetOneT64,
    PveCluster,
    PveHaManager,
    PveManager,
}

impl Package {
    pub const ALL: [Self; 9] = [
        Self::Chrony,
        Self::Corosync,
        Self::CorosyncQdevice,
        Self::CorosyncQnetd,
        Self::LibknetOne,
        Self::LibknetOneT64,
        Self::PveCluster,
        Self::PveHaManager,
        Self::PveManager,
    ];

    /// Debian's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chrony => "chrony",
            Self::Corosync => "corosync",
            Self::CorosyncQdevice => "corosync-qdevice",
            Self::CorosyncQnetd => "corosync-qnetd",
            Self::LibknetOne => "libknet1",
            Self::LibknetOneT64 => "libknet1t64",
            Self::PveCluster => "pve-cluster",
            Self::PveHaManager => "pve-ha-manager",
            Self::PveManager => "pve-manager",
        }
    }
}

/// Asks for the versions of packages.
#[must_use]
pub fn query(packages: &[Package]) -> CommandLine {
    CommandLine::reads("dpkg-query").args(["-W", "-f", FORMAT]).args(packages.iter().map(|package| package.name()))
}

/// Installs one package from the machine's own sources, asking nobody, without what it only recommends.
#[must_use]
pub fn install(package: Package) -> CommandLine {
    CommandLine::changes("env")
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "--no-install-recommends", "-o"])
        .arg(format!("DPkg::Lock::Timeout={DPKG_LOCK_WAIT_S}"))
        .arg("install")
        .arg(package.name())
        .limit_s(INSTALL_LIMIT_S)
}

/// Why `apt-get install` did not install, in its own words (`apt-get(8)`; the words of apt 2.6 and 3.0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallFault {
    /// Another package manager held the lock for the whole wait.
    Busy { line: String },
    /// A source did not give the package.
    NotFetched { line: String },
    /// No source knows the package.
    Unknown { line: String },
}

/// Reads what a failed `apt-get install` printed; `None` where it says something else.
#[must_use]
pub fn install_fault(answer: Answer<'_>) -> Option<InstallFault> {
    const BUSY: [&str; 2] = ["E: Could not get lock ", "E: Unable to acquire the dpkg frontend lock"];
    const NOT_FETCHED: [&str; 2] = ["E: Failed to fetch ", "E: Unable to fetch some archives"];
    const UNKNOWN: [&str; 2] = ["E: Unable to locate package ", "E: Package '"];
    let text = answer.stderr_text();
    let find = |words: &[&str]| {
        let line = text.lines().take(FAULT_LINES_MAX).find(|line| words.iter().any(|word| line.starts_with(word)));
        line.map(clean_text)
    };
    find(&BUSY)
        .map(|line| InstallFault::Busy { line })
        .or_else(|| find(&NOT_FETCHED).map(|line| InstallFault::NotFetched { line }))
        .or_else(|| find(&UNKNOWN).map(|line| InstallFault::Unknown { line }))
}

/// Asks for the versions of packages by fixed names or patterns of dpkg's own.
pub(crate) fn query_names(names: &[&'static str], last: &'static str) -> CommandLine {
    CommandLine::reads("dpkg-query").args(["-W", "-f", FORMAT]).args(names.iter().copied()).arg(last)
}

/// Package -> version, installed packages only; exit 1 says that some are unknown, which is an answer.
///
/// # Errors
/// Exit codes other than 0 and 1, lines of another shape.
pub fn installed(answer: Answer<'_>) -> Result<BTreeMap<String, String>, ParseError> {
    let text = answer.text(WHAT)?;
    let unknown = answer.exit == 1 && answer.stderr_text().contains("no packages found matching");
    if answer.exit != 0 && !unknown {
        return Err(answer.failure(WHAT));
    }
    if text.trim().is_empty() && !unknown {
        return Err(answer.failure(WHAT));
    }
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("dpkg-query: ")) {
        // A package that was removed or never there has an empty version between two blanks.
        let mut parts = line.split(' ');
        let (Some(name), Some(version), Some(status), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseError::malformed(WHAT, "a package's line", line));
        };
        if status == "installed" && !version.is_empty() {
            found.insert(clean_text(name), clean_text(version));
            at_most(WHAT, found.len(), PACKAGES_MAX)?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(stderr: &str) -> Option<InstallFault> {
        install_fault(Answer::new(b"", stderr.as_bytes(), 100))
    }

    #[test]
    fn what_apt_says_tells_why_nothing_was_installed() {
        let busy = fault("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt-get)\n");
        assert!(matches!(busy, Some(InstallFault::Busy { line }) if line.contains("process 812")));
        let waiting = "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend.\n";
        assert_eq!(fault(waiting), None, "to wait is no fault");
        let away =
            "E: Failed to fetch http://deb.debian.org/x.deb  Could not connect\nE: Unable to fetch some archives\n";
        assert!(matches!(fault(away), Some(InstallFault::NotFetched { .. })));
        assert!(matches!(fault("E: Unable to locate package corosync-qnetd\n"), Some(InstallFault::Unknown { .. })));
        assert_eq!(fault(""), None);
    }
}
