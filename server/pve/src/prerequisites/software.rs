//! Packages, their sources, updates, the join's interface, the subscription.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::error::{ParseError, Reason, at_most};
use crate::{packages, pvecm};
use model::facts::host::Repository;
use model::preflight::Source;
use std::collections::BTreeSet;

/// Names and, where libraries carry their ABI in it, patterns; what is not installed is left out of the answer.
const PACKAGES: [&str; 13] = [
    "corosync",
    "libcorosync-common4",
    "libknet1*",
    "libqb*",
    "pve-cluster",
    "pve-ha-manager",
    "pve-manager",
    "proxmox-kernel-*-pve*",
    "pve-kernel-*-pve*",
    "docker.io",
    "docker-ce",
    "ufw",
    "firewalld",
];
/// The one that does not fit into the list's line.
const NETWORK_MANAGER: &str = "network-manager";
/// Each enabled source once, however many indexes it has.
const SOURCE_FORMAT: &str = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
const REPOSITORIES_MAX: usize = 512;
const UPDATES_MAX: usize = 4_096;
/// Working out an upgrade reads all package lists.
const APT_LIMIT_S: u32 = 20;

pub(super) fn first() -> [Question; 2] {
    let sources =
        CommandLine::reads("apt-get").args(["indextargets", "--format", SOURCE_FORMAT, "Created-By: Packages"]);
    [
        Question::new(Source::Packages, packages::query_names(&PACKAGES, NETWORK_MANAGER), |answer, found| {
            let installed = packages::installed(answer)?;
            if installed.is_empty() {
                return Err(ParseError::new("dpkg-query", Reason::Empty));
            }
            found.host.packages = Ok(installed);
            Ok(())
        }),
        Question::new(Source::Repositories, sources, |answer, found| {
            found.host.repositories = Ok(repositories(answer)?);
            Ok(())
        }),
    ]
}

pub(super) fn third() -> Vec<Question> {
    let upgrade = CommandLine::reads("apt-get").args(["-s", "-o", "Debug::NoLocking=true", "dist-upgrade"]);
    vec![
        Question::new(Source::ApiVersion, pvecm::apiver(), |answer, found| {
            found.host.api_version = Ok(pvecm::api_version(answer)?);
            Ok(())
        }),
        Question::new(Source::Subscription, CommandLine::reads("pvesubscription").arg("get"), |answer, found| {
            const WHAT: &str = "pvesubscription get";
            let text = answer.printed(WHAT, &[0])?;
            let status = text.lines().find_map(|line| line.trim().strip_prefix("status:")).map(str::trim);
            let status =
                status.filter(|status| !status.is_empty()).ok_or_else(|| ParseError::missing(WHAT, "the status"))?;
            found.host.subscription = Ok(clean_text(status));
            Ok(())
        }),
        Question::new(
            Source::Updates,
            upgrade.limit_s(APT_LIMIT_S).output_max(LARGE_OUTPUT_MAX_BYTES),
            |answer, found| {
                found.host.updates = Ok(updates(answer)?);
                Ok(())
            },
        ),
    ]
}

fn repositories(answer: Answer<'_>) -> Result<Vec<Repository>, ParseError> {
    const WHAT: &str = "apt-get indextargets";
    let text = answer.printed(WHAT, &[0])?;
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (uri, suite, component) = match words.as_slice() {
            [uri, suite, component] => (*uri, *suite, *component),
            // A flat repository has no component.
            [uri, suite] => (*uri, *suite, ""),
            _ => return Err(ParseError::malformed(WHAT, "a source", line)),
        };
        // `http:`, `file:`, `cdrom:` ...
        if !uri.contains(':') {
            return Err(ParseError::malformed(WHAT, "a source", line));
        }
        found.insert(Repository { uri: clean_text(uri), suite: clean_text(suite), component: clean_text(component) });
        at_most(WHAT, found.len(), REPOSITORIES_MAX)?;
    }
    if found.is_empty() { Err(ParseError::new(WHAT, Reason::Empty)) } else { Ok(found.into_iter().collect()) }
}

fn updates(answer: Answer<'_>) -> Result<BTreeSet<String>, ParseError> {
    const WHAT: &str = "apt-get -s dist-upgrade";
    let text = answer.printed(WHAT, &[0])?;
    // Only with its summary the list is whole.
    if !text.lines().any(|line| line.contains(" upgraded, ") && line.contains(" newly installed")) {
        return Err(ParseError::missing(WHAT, "the summary"));
    }
    let names = text.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next());
    let found: BTreeSet<String> = names.map(clean_text).collect();
    at_most(WHAT, found.len(), UPDATES_MAX)?;
    Ok(found)
}
