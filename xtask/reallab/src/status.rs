//! What runs, for people and as JSON for tests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cgroup::Group;
use crate::layout::{BMC_USER, CONSOLE, CONSOLE_ADDRESS, Host, Lab, SSH_PORT, file};
use crate::{access, bmc, cuts, disk, faults, nodes, tool};

/// Prints the lab.
pub fn print(lab: &Lab, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(&value(lab)?)?);
        return Ok(());
    }
    for host in &lab.hosts {
        let bmc = host.bmc.as_deref().map(|address| format!("BMC {address}")).unwrap_or_default();
        println!("{:<12} {:<8} {:<40} {bmc}", host.name, state(host)?, host.links.join(" "));
    }
    println!("root's password on all: {}; {BMC_USER}'s on the BMCs: {}", lab.root_password, lab.bmc_password);
    println!("the console's namespace: {CONSOLE} ({CONSOLE_ADDRESS}); lab exec-console COMMAND runs there");
    for fault in faults::in_force()? {
        println!("fault in force: {}", fault.words());
    }
    Ok(())
}

fn state(host: &Host) -> anyhow::Result<&'static str> {
    if !nodes::is_running(host)? {
        return Ok("off");
    }
    Ok(if nodes::is_frozen(host)? { "frozen" } else { "running" })
}

fn value(lab: &Lab) -> anyhow::Result<Value> {
    let hosts = lab.hosts.iter().map(|host| host_value(lab, host)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(json!({
        "nodes": hosts,
        "root_password": lab.root_password,
        "sudo_user": crate::disk::USER,
        "cluster": lab.cluster,
        "networks": lab.networks,
        "console_namespace": CONSOLE,
        "console_address": CONSOLE_ADDRESS,
        "key_file": file(access::KEY),
        "known_hosts": file("known_hosts"),
        "faults": faults::in_force()?,
    }))
}

fn host_value(lab: &Lab, host: &Host) -> anyhow::Result<Value> {
    let mut links = Vec::new();
    for (number, address) in host.links.iter().enumerate() {
        links.push(json!({ "link": number, "address": address, "carrier": cuts::has_carrier(host, number)? }));
    }
    let bmc = match &host.bmc {
        Some(address) => json!({
            "address": address, "port": bmc::PORT, "user": BMC_USER, "password": lab.bmc_password,
            "running": bmc::is_running(host)?, "namespace": host.bmc_namespace(),
        }),
        None => Value::Null,
    };
    let state = state(host)?;
    Ok(json!({
        "name": host.name,
        "kind": host.kind,
        "address": host.address(),
        "link1": host.links.get(1),
        "links": links,
        "ssh_port": SSH_PORT,
        "running": state != "off",
        "frozen": state == "frozen",
        "cpu_us": Group::of(&host.name).and_then(|group| group.cpu_us()),
        "uuid": host.uuid,
        "bmc": bmc,
        "namespace": host.namespace(),
        "host_keys": fingerprints(host)?,
    }))
}

/// SHA-256 fingerprints by key type, as `ssh-keygen -l` prints them.
fn fingerprints(host: &Host) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for kind in disk::key_types(host) {
        let path = host.own(&format!("etc/ssh/ssh_host_{kind}_key.pub")).display().to_string();
        let line = tool::run("ssh-keygen", &["-l", "-E", "sha256", "-f", &path])?;
        found.insert((*kind).to_owned(), line.split_whitespace().nth(1).unwrap_or_default().to_owned());
    }
    Ok(found)
}
