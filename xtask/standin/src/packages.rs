//! `dpkg-query` with the packages of Proxmox VE that a lab node only has stand-ins for; the others are the real ones.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::paths;

const REAL: &str = "/usr/bin/dpkg-query";
/// The pattern by which the console asks for kernels; its entry holds the package's name.
const KERNELS: &str = "proxmox-kernel-*-pve*";
/// The versions that the recordings come from, by the first part of pve-manager's.
const RELEASES: [(&str, &str, &str); 2] = [("9", "9.1.6", "5.2.0"), ("8", "8.1.2", "4.0.7")];
/// pve-manager of the recordings.
pub const RECORDED: &str = "9.2.11 14a22df3c0de 6.17.2-1-pve";

/// `dpkg-query -W [-f FORMAT] PACKAGE...`; anything else goes to the real one as it is.
pub fn dpkg_query(args: &[String]) -> anyhow::Result<u8> {
    let ours = standing_in();
    let format = crate::words::option(args, "f").unwrap_or("${Package}\\t${Version}\\n").to_owned();
    let asks_for_versions = args.first().is_some_and(|verb| verb == "-W" || verb == "--show");
    let mut rest: Vec<&String> = Vec::new();
    let mut lines = Vec::new();
    for word in args {
        match ours.get(word.as_str()).filter(|_| asks_for_versions) {
            Some(package) if word == KERNELS => lines.push(line(&format, package, kernel_version(package))),
            Some(version) => lines.push(line(&format, word, version)),
            None => rest.push(word),
        }
    }
    // The format and its option alone ask for every package.
    let options = args.iter().filter(|word| word.starts_with('-') || **word == format).count();
    let mut code = 0;
    if rest.len() > options || lines.is_empty() {
        let output = Command::new(REAL).args(rest).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.context(REAL)?;
        code = output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    print!("{}", lines.concat());
    Ok(code)
}

/// Package to version, on a node of Proxmox VE.
fn standing_in() -> BTreeMap<&'static str, String> {
    let kind = std::fs::read_to_string(paths::KIND).unwrap_or_default();
    if kind.trim() == "qnetd" {
        return BTreeMap::new();
    }
    let claimed = std::fs::read_to_string(paths::CLAIMED_VERSION).unwrap_or_else(|_| RECORDED.to_owned());
    let manager = claimed.split_whitespace().next().unwrap_or_default().to_owned();
    let major = manager.split('.').next().unwrap_or_default();
    let mut found = BTreeMap::from([("pve-manager", manager.clone())]);
    if let Some((_, cluster, ha)) = RELEASES.iter().find(|(known, ..)| *known == major) {
        found.insert("pve-cluster", (*cluster).to_owned());
        found.insert("pve-ha-manager", (*ha).to_owned());
    }
    // The lab's nodes share the machine's kernel; what they claim to run is what they claim to have.
    if let Some(kernel) = claimed.split_whitespace().nth(2) {
        let package = (KERNELS, format!("proxmox-kernel-{kernel}-signed"));
        found.insert(package.0, package.1);
    }
    found
}

/// `6.17.2-1` of `proxmox-kernel-6.17.2-1-pve-signed`.
fn kernel_version(package: &str) -> &str {
    let name = package.trim_start_matches("proxmox-kernel-");
    name.split("-pve").next().unwrap_or(name)
}

fn line(format: &str, package: &str, version: &str) -> String {
    format
        .replace("${Package}", package)
        .replace("${Version}", version)
        .replace("${db:Status-Status}", "installed")
        .replace("\\n", "\n")
        .replace("\\t", "\t")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_follows_the_format_that_was_asked_for() {
        let format = "${Package} ${Version} ${db:Status-Status}\\n";
        assert_eq!(line(format, "pve-cluster", "9.1.6"), "pve-cluster 9.1.6 installed\n");
    }
}
