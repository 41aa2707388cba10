//! Ways in: SSH to a node, a command in the console's namespace.

use std::fs;
use std::process::{Command, Output, Stdio};

use anyhow::Context;

use crate::layout::{CONSOLE, Host, Lab, file};
use crate::{nodes, tool};

/// The lab's own key, which every node takes beside root's keys.
pub const KEY: &str = "lab_ed25519";

/// `ssh` from the console's namespace with the terminal of the caller; its exit code.
pub fn ssh(lab: &Lab, node: &str, command: &[String]) -> anyhow::Result<u8> {
    let mut line = ssh_line(lab.host(node)?);
    line.extend(command.iter().cloned());
    exec_console(&line)
}

/// Any command in the console's namespace; its exit code.
pub fn exec_console(command: &[String]) -> anyhow::Result<u8> {
    let status = Command::new("ip").args(["netns", "exec", CONSOLE]).args(command).status().context("ip netns exec")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// Runs a command on a node over SSH and gives its output.
pub fn remote(host: &Host, command: &str) -> anyhow::Result<Output> {
    let mut line = ssh_line(host);
    line.insert(1, "-oBatchMode=yes".to_owned());
    line.push(command.to_owned());
    let mut run = Command::new("ip");
    run.args(["netns", "exec", CONSOLE]).args(line).stdin(Stdio::null());
    run.output().context("ip netns exec")
}

/// The same with text on the command's standard input.
pub fn remote_with(host: &Host, command: &str, input: &str) -> anyhow::Result<String> {
    let mut line = ssh_line(host);
    line.insert(1, "-oBatchMode=yes".to_owned());
    line.push(command.to_owned());
    let mut args = vec!["netns", "exec", CONSOLE];
    args.extend(line.iter().map(String::as_str));
    tool::feed("ip", &args, input).with_context(|| format!("{} on {}", command, host.name))
}

/// Runs a command inside a running host without its network, for a host that is cut off.
pub fn inside(host: &Host, command: &str) -> anyhow::Result<Output> {
    entering(host, command)?.stdin(Stdio::null()).output().context("nsenter")
}

/// The same with the caller's streams; its exit code.
pub fn enter(host: &Host, command: &str) -> anyhow::Result<u8> {
    let status = entering(host, command)?.status().context("nsenter")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

fn entering(host: &Host, command: &str) -> anyhow::Result<Command> {
    let pids = nodes::processes(&host.namespace())?;
    let is_init = |pid: &&String| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        numbers.split_whitespace().count() > 1 && numbers.split_whitespace().last() == Some("1")
    };
    let init = pids.iter().find(is_init).with_context(|| format!("{} is off", host.name))?;
    let mut enter = Command::new("nsenter");
    enter.args(["--target", init, "--all", "--wd", "sh", "-c", command]);
    enter.env_clear().env("PATH", tool::PATH).env("LANG", "C.UTF-8").env("HOME", "/root");
    Ok(enter)
}

/// Host keys are new in every lab, so they are taken from the lab itself, not from anybody's known hosts.
fn ssh_line(host: &Host) -> Vec<String> {
    let known = format!("-oUserKnownHostsFile={}", file("known_hosts").display());
    let key = file(KEY).display().to_string();
    let options = [
        known,
        "-oGlobalKnownHostsFile=none".into(),
        "-oStrictHostKeyChecking=yes".into(),
        "-oConnectTimeout=5".into(),
        "-oLogLevel=ERROR".into(),
    ];
    let mut line = vec!["ssh".to_owned(), "-F".into(), "none".into(), "-i".into(), key];
    line.extend(options);
    line.push(format!("root@{}", host.address()));
    line
}
