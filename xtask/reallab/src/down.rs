//! Removing a lab completely, whatever happened to it before: everything is found by its namespace or its folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::layout::{FOLDER, PREFIX};
use crate::{nodes, tool};

/// Removes processes, namespaces, mounts and files; nothing to remove is fine.
pub fn down() -> anyhow::Result<()> {
    for namespace in namespaces()? {
        nodes::kill_namespace(&namespace)?;
        tool::run("ip", &["netns", "del", &namespace])?;
    }
    while is_mounted()? {
        tool::run("umount", &["-l", FOLDER])?;
    }
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).context(FOLDER)?;
    }
    Ok(())
}

/// What is left of a lab, in words; empty when nothing is.
pub fn leftovers() -> anyhow::Result<Vec<String>> {
    let mut found: Vec<String> = namespaces()?.into_iter().map(|name| format!("namespace {name}")).collect();
    if is_mounted()? {
        found.push(format!("mount {FOLDER}"));
    }
    if Path::new(FOLDER).exists() {
        found.push(format!("folder {FOLDER}"));
    }
    found.extend(overlays()?);
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

fn is_mounted() -> anyhow::Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("mounts")?;
    Ok(mounts.lines().any(|line| line.split_whitespace().nth(4) == Some(FOLDER)))
}

/// Processes that still live on a root of the lab.
fn overlays() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_process = name.bytes().all(|byte| byte.is_ascii_digit());
        let mounts = if is_process {
            fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default()
        } else {
            String::new()
        };
        if mounts.lines().any(|line| line.contains(&format!("upperdir={FOLDER}/"))) {
            found.push(format!("process {name}"));
        }
    }
    Ok(found)
}
