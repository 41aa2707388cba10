//! What runs, for people and as JSON for tests.

use std::collections::BTreeMap;

use serde_json::json;

use crate::layout::{CONSOLE, CONSOLE_ADDRESS, Host, Lab, SSH_PORT, file};
use crate::{access, nodes, tool};

/// Prints the lab.
pub fn print(lab: &Lab, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(&value(lab)?)?);
        return Ok(());
    }
    for host in &lab.hosts {
        let state = if nodes::is_running(host)? { "running" } else { "off" };
        println!("{:<12} {:<11} {:<11} {state}", host.name, host.address, host.link1.as_deref().unwrap_or("-"));
    }
    println!("root's password on all: {}", lab.root_password);
    println!("the console's namespace: {CONSOLE} ({CONSOLE_ADDRESS}); lab exec-console COMMAND runs there");
    Ok(())
}

fn value(lab: &Lab) -> anyhow::Result<serde_json::Value> {
    let mut hosts = Vec::new();
    for host in &lab.hosts {
        hosts.push(json!({
            "name": host.name,
            "kind": host.kind,
            "address": host.address,
            "link1": host.link1,
            "ssh_port": SSH_PORT,
            "running": nodes::is_running(host)?,
            "namespace": host.namespace(),
            "host_keys": fingerprints(host)?,
        }));
    }
    Ok(json!({
        "nodes": hosts,
        "root_password": lab.root_password,
        "console_namespace": CONSOLE,
        "console_address": CONSOLE_ADDRESS,
        "key_file": file(access::KEY),
        "known_hosts": file("known_hosts"),
    }))
}

/// SHA-256 fingerprints by key type, as `ssh-keygen -l` prints them.
fn fingerprints(host: &Host) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for kind in ["ed25519", "rsa"] {
        let path = host.folder().join(format!("own/etc/ssh/ssh_host_{kind}_key.pub")).display().to_string();
        let line = tool::run("ssh-keygen", &["-l", "-E", "sha256", "-f", &path])?;
        found.insert(kind.to_owned(), line.split_whitespace().nth(1).unwrap_or_default().to_owned());
    }
    Ok(found)
}
