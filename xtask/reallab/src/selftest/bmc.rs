//! Power over the network, by the real fence agent.

use anyhow::ensure;

use super::cluster;
use super::scenes::three;
use super::wait::{must, until_says, words};
use crate::layout::{CONSOLE, Host, Lab};
use crate::{bmc, nodes, power, tool};

pub fn power(lab: &Lab) -> anyhow::Result<()> {
    let (first, _, last) = three(lab)?;
    fence(lab, last, "status", 0, "Status: ON")?;
    same_uuid(lab, last)?;
    let before = power::boot_id(last)?;
    fence(lab, last, "off", 0, "Success: Powered OFF")?;
    ensure!(nodes::processes(&last.namespace())?.is_empty(), "{} is off and has processes", last.name);
    fence(lab, last, "status", 2, "Status: OFF")?;
    ensure!(nodes::is_running(first)?, "another node was killed");
    fence(lab, last, "on", 0, "Success: Powered ON")?;
    let after = power::another_boot(last, &before)?;
    fence(lab, last, "reboot", 0, "Success: Rebooted")?;
    power::another_boot(last, &after)?;
    wrong_password(lab, last)?;
    until_says(last, "uptime && hostname", &[&last.name], 20)?;
    cluster::whole(lab)
}

fn fence(lab: &Lab, host: &Host, action: &str, code: i32, says: &str) -> anyhow::Result<()> {
    let output = bmc::fence(lab, host, action)?;
    let text = words(&output);
    ensure!(output.status.code() == Some(code) && text.contains(says), "{action}: {} {text}", output.status);
    Ok(())
}

/// What binds a BMC to its node.
fn same_uuid(lab: &Lab, host: &Host) -> anyhow::Result<()> {
    let address = host.bmc.as_deref().unwrap_or_default();
    let line = ["netns", "exec", CONSOLE, "ipmitool", "-I", "lanplus", "-C", "3", "-H", address, "-U", "ADMIN"];
    let told = tool::run("ip", &[&line[..], &["-P", &lab.bmc_password, "mc", "guid"]].concat())?;
    let firmware = must(host, "dmidecode -s system-uuid")?;
    ensure!(firmware.trim() == host.uuid && told.contains(&host.uuid), "the BMC says {told}, the node {firmware}");
    Ok(())
}

fn wrong_password(lab: &Lab, host: &Host) -> anyhow::Result<()> {
    let wrong = Lab { bmc_password: "wrong".to_owned(), ..lab.clone() };
    let text = words(&bmc::fence(&wrong, host, "status")?);
    ensure!(text.contains("Unable to obtain correct plug status"), "{text}");
    Ok(())
}
