//! One host's processes: starting its namespaces, ending them, holding them still.

use std::fs::{self, File};

use anyhow::{Context, ensure};

use crate::cgroup::Group;
use crate::layout::{Host, file};
use crate::tool;

/// Powers a host on; returns before it answers.
pub fn start(host: &Host) -> anyhow::Result<()> {
    ensure!(!is_running(host)?, "{} is running", host.name);
    let folder = host.folder();
    let log = File::options().append(true).create(true).open(folder.join("boot.log")).context("boot log")?;
    let mut command = tool::detached(Group::make(&host.name).as_ref(), log)?;
    command.args(["ip", "netns", "exec", &host.namespace(), "unshare", "--mount", "--uts", "--ipc", "--pid"]);
    command.args(["--fork", "--kill-child", "--propagation", "private"]);
    command.arg(file("standin")).args(["node-boot", &host.name]).arg(&folder);
    command.spawn().context("unshare")?;
    Ok(())
}

/// Powers a host off, hard: everything in its control group and in its namespaces gets SIGKILL.
pub fn kill(host: &Host) -> anyhow::Result<()> {
    if let Some(group) = Group::of(&host.name) {
        group.kill()?;
    }
    // Commands that were run inside from outside, and everything where there is no control group.
    kill_namespace(&host.namespace())
}

/// Holds every process of the host still, or lets them go on; the network stays.
pub fn freeze(host: &Host, on: bool) -> anyhow::Result<()> {
    ensure!(is_running(host)?, "{} is off", host.name);
    if let Some(group) = Group::of(&host.name).filter(Group::exists) {
        return group.freeze(on);
    }
    let signal = if on { "-STOP" } else { "-CONT" };
    let found = processes(&host.namespace())?;
    let mut line = vec![signal];
    line.extend(found.iter().map(String::as_str));
    tool::output("kill", &line).map(|_| ())
}

pub fn is_frozen(host: &Host) -> anyhow::Result<bool> {
    if let Some(group) = Group::of(&host.name).filter(Group::exists) {
        return Ok(group.is_frozen());
    }
    let stopped = |pid: &String| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:\tT"))
    };
    let found = processes(&host.namespace())?;
    Ok(!found.is_empty() && found.iter().all(stopped))
}

pub fn is_running(host: &Host) -> anyhow::Result<bool> {
    Ok(!processes(&host.namespace())?.is_empty())
}

/// Processes of a network namespace, found by the namespace itself.
pub fn processes(namespace: &str) -> anyhow::Result<Vec<String>> {
    let output = tool::output("ip", &["netns", "pids", namespace])?;
    Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect())
}

/// Kills until no process is left in the namespace; the caller and its parents are spared.
pub fn kill_namespace(namespace: &str) -> anyhow::Result<()> {
    /// A killed process needs a moment to be gone; more rounds than this mean that something is wrong.
    const ROUNDS: usize = 100;
    let spared = ancestors();
    for _ in 0..ROUNDS {
        let found: Vec<String> = processes(namespace)?.into_iter().filter(|pid| !spared.contains(pid)).collect();
        if found.is_empty() {
            return Ok(());
        }
        let mut line = vec!["-KILL"];
        line.extend(found.iter().map(String::as_str));
        // One that ended by itself meanwhile makes kill fail, and that is well.
        tool::output("kill", &line)?;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    anyhow::bail!("processes of {namespace} do not end: {}", processes(namespace)?.join(" "))
}

fn ancestors() -> Vec<String> {
    let mut list = Vec::new();
    let mut pid = std::process::id().to_string();
    while pid != "0" && !pid.is_empty() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap_or_default().trim().to_owned();
        list.push(std::mem::replace(&mut pid, parent));
    }
    list
}
