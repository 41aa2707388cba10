//! `pveversion`, short and long.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use model::facts::PveVersion;
use std::collections::BTreeMap;

const WHAT: &str = "pveversion";
/// `pveversion` loads Perl modules: most of a second on a quiet node, several on a busy one.
const LIMIT_S: u32 = 20;
/// The most packages that `-v` may name.
const PACKAGES_MAX: usize = 4096;

/// `pveversion`.
#[must_use]
pub fn pveversion() -> CommandLine {
    CommandLine::reads("pveversion").limit_s(LIMIT_S)
}

/// `pve-manager/9.2.11/14a22df3c0de (running kernel: 6.17.2-1-pve)`; a missing patch number counts as 0.
///
/// # Errors
/// Any other shape.
pub fn short(answer: Answer<'_>) -> Result<PveVersion, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let line = text.lines().map(str::trim).find(|line| line.starts_with("pve-manager/"));
    let line = line.ok_or_else(|| ParseError::malformed(WHAT, "pve-manager/", &text))?;
    let version = line.split('/').nth(1).and_then(|part| part.split_whitespace().next()).unwrap_or_default();
    let mut parts = version.split(['.', '-', '~', '+']).map(str::parse::<u32>);
    let bad = || ParseError::malformed(WHAT, "the version", line);
    let major = parts.next().and_then(Result::ok).ok_or_else(bad)?;
    let minor = parts.next().and_then(Result::ok).ok_or_else(bad)?;
    let patch = parts.next().and_then(Result::ok).unwrap_or(0);
    let kernel = line.split_once("(running kernel: ").and_then(|(_, rest)| rest.split_once(')'));
    Ok(PveVersion { major, minor, patch, kernel: kernel.map(|(name, _)| clean_text(name)) })
}

/// `pveversion -v`: the versions of all packages that belong to Proxmox VE.
#[must_use]
pub fn pveversion_verbose() -> CommandLine {
    CommandLine::reads("pveversion").arg("-v").limit_s(LIMIT_S)
}

/// What `pveversion -v` says about one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageVersion {
    Version(String),
    NotCorrectlyInstalled,
    /// `residual config`
    ResidualConfig,
}

/// Package -> version.
///
/// # Errors
/// An answer without any line `package: version`.
pub fn packages(answer: Answer<'_>) -> Result<BTreeMap<String, PackageVersion>, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some((name, rest)) = line.split_once(": ") else {
            continue;
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            continue;
        }
        let version = match rest.trim() {
            "not correctly installed" => PackageVersion::NotCorrectlyInstalled,
            "residual config" => PackageVersion::ResidualConfig,
            text => PackageVersion::Version(clean_text(text.split(" (").next().unwrap_or(text))),
        };
        found.insert(clean_text(name), version);
        at_most(WHAT, found.len(), PACKAGES_MAX)?;
    }
    if found.is_empty() {
        return Err(ParseError::malformed(WHAT, "the list of packages", &text));
    }
    Ok(found)
}
