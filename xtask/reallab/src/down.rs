//! Removing a lab completely, whatever happened to it before: everything is found by its namespace or its folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::layout::{BMC_PREFIX, FOLDER, PREFIX};
use crate::{cgroup, nodes, tool};

/// Removes processes, namespaces, control groups, mounts and files; nothing to remove is fine.
pub fn down() -> anyhow::Result<()> {
    let mut namespaces = namespaces()?;
    // First the BMCs: one that is asked at this moment must not start its node again.
    let is_bmc = |name: &String| name.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with(BMC_PREFIX));
    namespaces.sort_by_key(|name| !is_bmc(name));
    for namespace in namespaces.iter().filter(|name| is_bmc(name)) {
        nodes::kill_namespace(namespace)?;
    }
    cgroup::remove_all()?;
    for namespace in &namespaces {
        nodes::kill_namespace(namespace)?;
        tool::run("ip", &["netns", "del", namespace])?;
    }
    // The last mount is never below another one of ours.
    while let Some(point) = mounts()?.pop() {
        tool::run("umount", &["-l", &point])?;
    }
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).context(FOLDER)?;
    }
    Ok(())
}

/// What is left of a lab, in words; empty when nothing is.
pub fn leftovers() -> anyhow::Result<Vec<String>> {
    let mut found: Vec<String> = namespaces()?.into_iter().map(|name| format!("namespace {name}")).collect();
    found.extend(mounts()?.into_iter().map(|point| format!("mount {point}")));
    if Path::new(FOLDER).exists() {
        found.push(format!("folder {FOLDER}"));
    }
    found.extend(cgroup::leftovers());
    found.extend(processes()?);
    Ok(found)
}

/// Names of the lab's network namespaces.
pub fn namespaces() -> anyhow::Result<Vec<String>> {
    let output = tool::output("ip", &["netns", "list"])?;
    ensure!(output.status.success(), "ip netns list: {}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| name.starts_with(PREFIX)).map(str::to_owned).collect())
}

/// Mount points of the lab, in the order in which they were mounted.
fn mounts() -> anyhow::Result<Vec<String>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("mounts")?;
    let inner = format!("{FOLDER}/");
    let is_ours = |point: &&str| *point == FOLDER || point.starts_with(&inner);
    Ok(mounts.lines().filter_map(|line| line.split_whitespace().nth(4)).filter(is_ours).map(str::to_owned).collect())
}

/// Processes that still live on a root of the lab, or run one of its programs.
fn processes() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_process = name.bytes().all(|byte| byte.is_ascii_digit());
        let mounts = if is_process {
            fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default()
        } else {
            String::new()
        };
        let program = fs::read_link(entry.path().join("exe")).unwrap_or_default();
        if mounts.lines().any(|line| line.contains(&format!("upperdir={FOLDER}/"))) || program.starts_with(FOLDER) {
            found.push(format!("process {name}"));
        }
    }
    Ok(found)
}
