//! `dpkg-query`: cheap where `pveversion -v` is not.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use std::collections::BTreeMap;

const WHAT: &str = "dpkg-query";
/// The most packages of an answer.
const PACKAGES_MAX: usize = 4096;
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
