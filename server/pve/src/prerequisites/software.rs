//! Packages, their sources, updates, the join's interface, the subscription.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::error::{ParseError, Reason, at_most};
use crate::{packages, pvecm};
use model::checks::CLUSTER_PACKAGES;
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
/// Without a cache of its own (`Dir::Cache::pkgcache`) apt reads all package lists each time.
const APT_LIMIT_S: u32 = 20;
/// Everything installed that has a newer version to go to, held back or not (apt-patterns(7), apt 2.0 and newer).
const UPGRADABLE: &str = "?upgradable";
/// Asked for beside them: it is installed wherever apt answers, so an answer without it is none.
const ITSELF: &str = "apt";
/// What `apt-cache policy` says of a version that is not there.
const NO_VERSION: &str = "(none)";

pub(super) fn packages() -> Question {
    Question::new(Source::Packages, packages::query_names(&PACKAGES, NETWORK_MANAGER), |answer, found| {
        let installed = packages::installed(answer)?;
        if installed.is_empty() {
            return Err(ParseError::new("dpkg-query", Reason::Empty));
        }
        found.host.packages = Ok(installed);
        Ok(())
    })
}

pub(super) fn third() -> Vec<Question> {
    let sources = CommandLine::reads("apt-get")
        .args(["indextargets", "--format", SOURCE_FORMAT, "Created-By: Packages"])
        .limit_s(APT_LIMIT_S);
    // Neither locks anything nor works out an upgrade, which takes apt four times as long.
    let updates = CommandLine::reads("apt-cache")
        .args(["policy", ITSELF, &cluster_packages(), UPGRADABLE])
        .limit_s(APT_LIMIT_S)
        .output_max(LARGE_OUTPUT_MAX_BYTES);
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
        Question::new(Source::Repositories, sources, |answer, found| {
            found.host.repositories = Ok(repositories(answer)?);
            Ok(())
        }),
        Question::new(Source::Updates, updates, |answer, found| {
            found.host.updates = Ok(waiting(answer)?);
            Ok(())
        }),
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

/// The cluster's own packages that wait. They are asked for once more before all others, so that a long list, of which only
/// the beginning is kept, still quotes what the check speaks of.
fn cluster_packages() -> String {
    let names: Vec<String> = CLUSTER_PACKAGES.iter().map(|start| format!("?name(^{start})")).collect();
    format!("?and({UPGRADABLE},?or({}))", names.join(","))
}

/// `NAME:`, and below it `  Installed: VERSION` and `  Candidate: VERSION` (apt-cache(8)): what differs waits.
fn waiting(answer: Answer<'_>) -> Result<BTreeSet<String>, ParseError> {
    const WHAT: &str = "apt-cache policy";
    let text = answer.printed(WHAT, &[0])?;
    let (mut found, mut itself) = (BTreeSet::new(), false);
    let (mut package, mut installed) = ("", NO_VERSION);
    for line in text.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            package = line.strip_suffix(':').ok_or_else(|| ParseError::malformed(WHAT, "a package", line))?;
            installed = NO_VERSION;
        } else if let Some(version) = line.trim().strip_prefix("Installed: ") {
            installed = version;
        } else if let Some(candidate) = line.trim().strip_prefix("Candidate: ") {
            itself |= package == ITSELF && installed != NO_VERSION;
            if ![installed, candidate].contains(&NO_VERSION) && installed != candidate {
                found.insert(clean_text(package));
                at_most(WHAT, found.len(), UPDATES_MAX)?;
            }
        }
    }
    // Where nothing waits only this tells an answer from silence.
    if itself { Ok(found) } else { Err(ParseError::missing(WHAT, ITSELF)) }
}
