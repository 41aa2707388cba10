//! A real IPMI BMC per node: OpenIPMI's `ipmi_sim` in a namespace of its own.
//!
//! Its chassis control calls this program, which kills and starts the node for real.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, bail};

use crate::cgroup::Group;
use crate::layout::{BMC_PREFIX, BMC_USER, Host, Lab, file};
use crate::{nodes, power, tool};

/// The port of RMCP+.
pub const PORT: u16 = 623;

/// Writes the BMC's configuration and starts it.
pub fn start(lab: &Lab, host: &Host) -> anyhow::Result<()> {
    let Some(address) = &host.bmc else { return Ok(()) };
    let folder = file("bmc").join(&host.name);
    fs::create_dir_all(folder.join("state")).context("BMC's folder")?;
    let path = |name: &str| folder.join(name).display().to_string();
    fs::write(path("lan.conf"), lan(lab, host, address, &path("chassis"))?).context("BMC's configuration")?;
    fs::write(path("bmc.emu"), EMULATED).context("BMC's configuration")?;
    fs::write(path("chassis"), chassis_script(host)).context("BMC's chassis control")?;
    fs::set_permissions(path("chassis"), fs::Permissions::from_mode(0o755)).context("BMC's chassis control")?;
    let log = fs::File::create(path("log")).context("BMC's log")?;
    let group = Group::make(&format!("{BMC_PREFIX}{}", host.name));
    // `ip netns exec` would hide the control groups from the chassis control.
    let namespace = format!("--net=/run/netns/{}", host.bmc_namespace());
    let mut command = tool::detached(group.as_ref(), log)?;
    command.args(["nsenter", &namespace, "ipmi_sim"]);
    command.args(["-c", &path("lan.conf"), "-f", &path("bmc.emu"), "-s", &path("state"), "-n"]);
    command.spawn().context("ipmi_sim")?;
    Ok(())
}

/// Whether the BMC itself runs, whatever its node does.
pub fn is_running(host: &Host) -> anyhow::Result<bool> {
    Ok(host.bmc.is_some() && !nodes::processes(&host.bmc_namespace())?.is_empty())
}

/// What `ipmi_sim` asks of the chassis: `get PARAMETER...` or `set PARAMETER VALUE ...`; called by the script only.
pub fn chassis(name: &str, words: &[String]) -> anyhow::Result<u8> {
    let lab = Lab::load()?;
    let host = lab.host(name)?;
    match words.split_first() {
        Some((verb, parameters)) if verb == "get" => {
            for parameter in parameters {
                match parameter.as_str() {
                    "power" => println!("power:{}", u8::from(nodes::is_running(host)?)),
                    other => bail!("no such parameter: {other}"),
                }
            }
        }
        Some((verb, pairs)) if verb == "set" => {
            for pair in pairs.chunks(2) {
                let [parameter, value] = pair else { bail!("a parameter without a value") };
                set(host, parameter, value)?;
            }
        }
        _ => bail!("get or set, not {words:?}"),
    }
    Ok(0)
}

/// Power that is on already is no error for a BMC.
fn set(host: &Host, parameter: &str, value: &str) -> anyhow::Result<()> {
    match (parameter, value) {
        ("power", "0") => power::off(host),
        ("power", "1") if nodes::is_running(host)? => Ok(()),
        ("power", "1") => power::on(host),
        // A node of the lab has no ACPI: a soft power-off is a hard one.
        ("shutdown", _) => power::off(host),
        ("reset", _) => power::cycle(host),
        (parameter, value) => bail!("cannot set {parameter} to {value}"),
    }
}

/// The LAN's settings: where, who, which secrets, and the system's UUID.
fn lan(lab: &Lab, host: &Host, address: &str, chassis: &str) -> anyhow::Result<String> {
    let auths: String = ["callback", "user", "operator", "admin"]
        .map(|level| format!("    allowed_auths_{level} none md2 md5 straight\n"))
        .concat();
    Ok(format!(
        "name \"{name}\"\nset_working_mc 0x20\n  startlan 1\n    addr {address} {PORT}\n    priv_limit admin\n{auths}    \
         guid {guid}\n  endlan\n  chassis_control \"{chassis}\"\n  user 1 false \"\" \"\" user 10 none md2 md5 straight\n  \
         user 2 true \"{BMC_USER}\" \"{password}\" admin 10 none md2 md5 straight\n",
        name = host.name,
        guid = guid(&host.uuid)?,
        password = lab.bmc_password,
    ))
}

/// A BMC's controller that knows its chassis and nothing else.
const EMULATED: &str = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\n\
                        sel_enable 0x20 1000 0x0a\nmc_enable 0x20\n";

/// The node must not inherit the BMC's sockets, and the BMC does not tell its chassis control which node it has.
fn chassis_script(host: &Host) -> String {
    let program = file("lab").display().to_string();
    format!("#!/bin/bash\n{}exec {program} chassis {} \"$@\"\n", tool::CLOSE_ALL, host.name)
}

/// The UUID as 16 bytes in the order of SMBIOS, as most boards send it.
fn guid(uuid: &str) -> anyhow::Result<String> {
    let parts: Vec<&str> = uuid.split('-').collect();
    let [low, mid, high, clock, node] = parts.as_slice() else { bail!("not a UUID: {uuid}") };
    Ok([turned(low), turned(mid), turned(high), (*clock).to_owned(), (*node).to_owned()].concat())
}

/// The bytes of a hex text from the last to the first.
fn turned(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(2).rev().flatten().collect()
}

/// `fence_ipmilan` from the console's namespace against the host's BMC.
pub fn fence(lab: &Lab, host: &Host, action: &str) -> anyhow::Result<std::process::Output> {
    let address = host.bmc.as_deref().with_context(|| format!("{} has no BMC", host.name))?;
    let mut command = Command::new("ip");
    command.args(["netns", "exec", crate::layout::CONSOLE, "fence_ipmilan", "--lanplus", "--cipher=3"]);
    command.args([
        format!("--ip={address}"),
        format!("--username={BMC_USER}"),
        format!("--password={}", lab.bmc_password),
    ]);
    command.arg(format!("--action={action}")).stdin(std::process::Stdio::null());
    command.output().context("fence_ipmilan (is fence-agents installed?)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Wish;

    #[test]
    fn the_first_three_parts_of_a_uuid_are_turned() {
        let sent = guid("6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5").unwrap();
        assert_eq!(sent, "3e2d1c6f5b4a6d4c8e9fa0b1c2d3e4f5");
        assert!(guid("6f1c2d3e").is_err());
    }

    #[test]
    fn the_password_is_in_the_configuration_and_nowhere_else() {
        let lab = Lab::plan(&Wish::bare(1)).unwrap();
        let text = lan(&lab, &lab.hosts[0], "10.0.9.11", "/x/chassis").unwrap();
        assert!(text.contains(&format!("user 2 true \"ADMIN\" \"{}\" admin", lab.bmc_password)), "{text}");
        assert!(text.contains("addr 10.0.9.11 623") && text.contains("chassis_control \"/x/chassis\""), "{text}");
        assert!(!chassis_script(&lab.hosts[0]).contains(&lab.bmc_password));
    }
}
