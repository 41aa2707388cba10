//! Small help for all stand-ins: names, local facts, other programs.

use std::process::{Command, Stdio};

use anyhow::Context;

/// Takes the first word of `args` and gives its last path part (`/usr/local/sbin/pvecm` is `pvecm`).
pub fn pop_name(args: &mut Vec<String>) -> String {
    if args.is_empty() {
        return String::new();
    }
    let first = args.remove(0);
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The node's host name.
pub fn hostname() -> anyhow::Result<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").context("host name")?;
    Ok(name.trim().to_owned())
}

/// All IP addresses of the local interfaces, from `ip -j addr`.
pub fn local_addresses() -> anyhow::Result<Vec<String>> {
    let output = Command::new("ip").args(["-j", "addr"]).output().context("ip -j addr")?;
    let links: serde_json::Value = serde_json::from_slice(&output.stdout).context("ip -j addr")?;
    let mut found = Vec::new();
    for link in links.as_array().into_iter().flatten() {
        for address in link["addr_info"].as_array().into_iter().flatten() {
            found.extend(address["local"].as_str().map(str::to_owned));
        }
    }
    Ok(found)
}

/// The address that `name` resolves to, never a loopback one.
pub fn resolve(name: &str) -> Option<String> {
    let output = Command::new("getent").args(["ahostsv4", name]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let address = text.split_whitespace().next()?.to_owned();
    (!address.starts_with("127.")).then_some(address)
}

/// Runs a program with the caller's output; true when it exited with 0.
pub fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs a program quietly; true when it exited with 0.
pub fn quietly(program: &str, args: &[&str]) -> bool {
    let status =
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The value that follows `option` (`--link0 A`, `--link0=A`, `-link0 A`), if it is there.
pub fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let bare = word.trim_start_matches('-');
        if bare.len() == word.len() {
            continue;
        }
        if bare == name {
            return rest.next().map(String::as_str);
        }
        if let Some(value) = bare.strip_prefix(name).and_then(|tail| tail.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

/// Microseconds since 1970.
pub fn now_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).unwrap_or_default()
}
