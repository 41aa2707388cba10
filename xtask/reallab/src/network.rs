//! Namespaces, bridges, cables. No namespace gets a default route.

use std::fmt::Write as _;

use crate::layout::{CONSOLE, CONSOLE_ADDRESS, Lab, SWITCH};
use crate::tool;

/// Bridges of the switch: management with link 0, and link 1.
const BRIDGES: [&str; 2] = ["br0", "br1"];

/// Makes all namespaces and plugs all cables, in a few batches of `ip`.
pub fn make(lab: &Lab) -> anyhow::Result<()> {
    let mut names = format!("netns add {SWITCH}\nnetns add {CONSOLE}\n");
    for host in &lab.hosts {
        let _ = writeln!(names, "netns add {}", host.namespace());
    }
    batch(None, &names)?;
    let mut switch = String::new();
    for bridge in BRIDGES {
        let _ = writeln!(switch, "link add {bridge} type bridge stp_state 0 forward_delay 0\nlink set {bridge} up");
    }
    let _ =
        writeln!(switch, "link add console type veth peer name eth0 netns {CONSOLE}\nlink set console master br0 up");
    for host in &lab.hosts {
        for link in 0..if host.link1.is_some() { 2_u8 } else { 1 } {
            let (port, namespace) = (host.port(link), host.namespace());
            let _ = writeln!(
                switch,
                "link add {port} type veth peer name eth{link} netns {namespace}\nlink set {port} master br{link} up"
            );
        }
    }
    batch(Some(SWITCH), &switch)?;
    batch(Some(CONSOLE), &format!("link set lo up\naddr add {CONSOLE_ADDRESS}/24 dev eth0\nlink set eth0 up\n"))?;
    for host in &lab.hosts {
        let mut text = format!("link set lo up\naddr add {}/24 dev eth0\nlink set eth0 up\n", host.address);
        if let Some(link1) = &host.link1 {
            let _ = writeln!(text, "addr add {link1}/24 dev eth1\nlink set eth1 up");
        }
        batch(Some(&host.namespace()), &text)?;
    }
    Ok(())
}

fn batch(namespace: Option<&str>, commands: &str) -> anyhow::Result<()> {
    match namespace {
        Some(namespace) => tool::feed("ip", &["-n", namespace, "-batch", "-"], commands)?,
        None => tool::feed("ip", &["-batch", "-"], commands)?,
    };
    Ok(())
}
