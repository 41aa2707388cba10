//! Namespaces, bridges, cables. No namespace gets a default route.

use std::fmt::Write as _;

use crate::layout::{CONSOLE, CONSOLE_ADDRESS, CONSOLE_BMC_ADDRESS, Lab, SWITCH};
use crate::tool;

/// The bridge of the BMCs' network; the others are br0, br1, ...
const BMC_BRIDGE: &str = "brbmc";
/// What a fresh cable carries, bytes.
pub const MTU: u32 = 1500;

/// Makes all namespaces and plugs all cables, in a few batches of `ip`.
pub fn make(lab: &Lab) -> anyhow::Result<()> {
    let mut names = format!("netns add {SWITCH}\nnetns add {CONSOLE}\n");
    for host in &lab.hosts {
        let _ = writeln!(names, "netns add {}", host.namespace());
        if host.bmc.is_some() {
            let _ = writeln!(names, "netns add {}", host.bmc_namespace());
        }
    }
    batch(None, &names)?;
    batch(Some(SWITCH), &switch(lab))?;
    let console = format!(
        "link set lo up\naddr add {CONSOLE_ADDRESS}/24 dev eth0\nlink set eth0 up\n\
         addr add {CONSOLE_BMC_ADDRESS}/24 dev bmc0\nlink set bmc0 up\n"
    );
    batch(Some(CONSOLE), &console)?;
    for host in &lab.hosts {
        let mut text = "link set lo up\n".to_owned();
        for (link, address) in host.links.iter().enumerate() {
            let _ = writeln!(text, "addr add {address}/24 dev eth{link}\nlink set eth{link} up");
        }
        batch(Some(&host.namespace()), &text)?;
        if let Some(address) = &host.bmc {
            let text = format!("link set lo up\naddr add {address}/24 dev eth0\nlink set eth0 up\n");
            batch(Some(&host.bmc_namespace()), &text)?;
        }
    }
    Ok(())
}

/// Bridges, and one port for every cable.
fn switch(lab: &Lab) -> String {
    let mut text = String::new();
    for bridge in (0..lab.networks).map(|network| format!("br{network}")).chain([BMC_BRIDGE.to_owned()]) {
        let _ = writeln!(text, "link add {bridge} type bridge stp_state 0 forward_delay 0\nlink set {bridge} up");
    }
    let mut plug = |port: &str, card: &str, namespace: &str, bridge: &str| {
        let _ = writeln!(text, "link add {port} type veth peer name {card} netns {namespace}");
        let _ = writeln!(text, "link set {port} master {bridge} up");
    };
    plug("console", "eth0", CONSOLE, "br0");
    plug("console-bmc", "bmc0", CONSOLE, BMC_BRIDGE);
    for host in &lab.hosts {
        for link in 0..host.links.len() {
            plug(&host.port(link), &format!("eth{link}"), &host.namespace(), &format!("br{link}"));
        }
        if host.bmc.is_some() {
            plug(&format!("b{}", host.number), "eth0", &host.bmc_namespace(), BMC_BRIDGE);
        }
    }
    text
}

fn batch(namespace: Option<&str>, commands: &str) -> anyhow::Result<()> {
    match namespace {
        Some(namespace) => tool::feed("ip", &["-n", namespace, "-batch", "-"], commands)?,
        None => tool::feed("ip", &["-batch", "-"], commands)?,
    };
    Ok(())
}
