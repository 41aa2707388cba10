//! `pveversion` and `pveversion -v`.

use crate::packages::RECORDED;
use crate::paths;

/// Prints the manager's version, with `-v` the packages that a lab node has.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let claimed = std::fs::read_to_string(paths::CLAIMED_VERSION).unwrap_or_else(|_| RECORDED.to_owned());
    let mut words = claimed.split_whitespace();
    let (manager, repoid, kernel) =
        (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !args.iter().any(|arg| arg == "-v" || arg == "--verbose") {
        println!("pve-manager/{manager}/{repoid} (running kernel: {kernel})");
        return Ok(0);
    }
    println!("proxmox-ve: {}.0 (running kernel: {kernel})", manager.rsplit_once('.').map_or(manager, |(head, _)| head));
    println!("pve-manager: {manager} (running version: {manager}/{repoid})");
    println!("ceph-fuse: not correctly installed");
    println!("corosync: {}", installed("corosync"));
    Ok(0)
}

/// The corosync of the node is the real one, so its version is the real one too.
fn installed(package: &str) -> String {
    let output = std::process::Command::new("dpkg-query").args(["-W", "-f", "${Version}", package]).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => "not correctly installed".to_owned(),
    }
}
