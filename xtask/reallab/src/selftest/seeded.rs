//! Labs that begin as a cluster, and nodes that only answer over SSH.

use anyhow::ensure;

use super::cluster;
use super::wait::{must, until_says};
use crate::layout::{Lab, Wish};
use crate::scenario::Scenario;
use crate::{faults, up};

pub fn three_networks() -> anyhow::Result<()> {
    let lab = Lab::plan(&Wish { networks: 3, cluster: Some("seeded".to_owned()), ..Wish::bare(3) })?;
    up::up(&lab)?;
    cluster::whole(&lab)?;
    let nodes = lab.nodes();
    let Some(first) = nodes.first() else { anyhow::bail!("no node") };
    let status = must(first, "pvecm status")?;
    ensure!(status.contains("Name:             seeded\nConfig Version:   3\n"), "{status}");
    let links = must(first, "corosync-cfgtool -n")?;
    ensure!(links.matches("enabled connected").count() == 6, "two neighbours on three links: {links}");
    must(
        first,
        "ssh -o BatchMode=yes -o HostKeyAlias=pve2 -o UserKnownHostsFile=/etc/pve/nodes/pve2/ssh_known_hosts root@10.0.1.12 true",
    )?;
    tools(first)
}

/// The tools that are only room for later, and the versions that a member must have.
fn tools(node: &crate::layout::Host) -> anyhow::Result<()> {
    let guest = "/etc/pve/local/qemu-server/100.conf";
    must(node, &format!("printf 'name: web\\nmemory: 64\\n' > {guest}"))?;
    ensure!(must(node, "qm start 100; qm status 100")? == "status: running\n", "the guest does not run");
    ensure!(must(node, "qm list")?.contains("       100 web                  running "), "the guest is not listed");
    ensure!(must(node, "qm stop 100; qm status 100")? == "status: stopped\n", "the guest runs");
    ensure!(must(node, "cat /etc/pve/.vmlist")?.contains("\"100\": { \"node\": \"pve1\""), "pmxcfs does not list it");
    must(node, &format!("rm {guest}"))?;
    let ha = must(node, "ha-manager status; ha-manager config")?;
    ensure!(ha == "quorum OK\nfencing standby (CRM watchdog standby)\n", "{ha}");
    let query = "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'";
    let versions = must(node, &format!("{query} corosync pve-cluster pve-ha-manager pve-manager"))?;
    let known = [
        "corosync 3.",
        "pve-cluster 9.1.6 installed",
        "pve-ha-manager 5.2.0 installed",
        "pve-manager 9.2.11 installed",
    ];
    ensure!(known.iter().all(|line| versions.contains(line)) && versions.lines().count() == 4, "{versions}");
    Ok(())
}

/// A file that the simulated lab reads too.
pub fn scenario() -> anyhow::Result<()> {
    let text = "about = \"A node cut off\"\nnodes = [\"pve4\", \"pve5\", \"pve6\"]\ncluster = \"filed\"\n\
                [[step]]\nfault = { kind = \"cut-link\", node = \"pve6\", link = 0 }\n\
                [[step]]\nfault = { kind = \"cut-link\", node = \"pve6\", link = 1 }\n";
    let scenario = Scenario::parse(text)?;
    let lab = Lab::plan(&scenario.wish())?;
    up::up(&lab)?;
    scenario.inject(&lab)?;
    ensure!(faults::in_force()?.len() == 2, "both faults are in force");
    until_says(lab.host("pve4")?, "corosync-quorumtool -s", &["Nodes:            2", "Quorate:          Yes"], 30)?;
    Ok(())
}

pub fn sixteen() -> anyhow::Result<()> {
    let lab = Lab::plan(&Wish { cluster: Some("sixteen".to_owned()), ..Wish::bare(16) })?;
    up::up(&lab)?;
    cluster::whole(&lab)
}

pub fn ssh_only(count: usize) -> anyhow::Result<()> {
    let lab = Lab::plan(&Wish { ssh_only: true, ..Wish::bare(count) })?;
    up::up(&lab)?;
    for node in lab.nodes() {
        let text = must(
            node,
            "corosync-quorumtool -s; corosync-cfgtool -n; cat /etc/pve/.members; systemctl is-active corosync",
        )?;
        let wanted =
            [format!("Nodes:            {count}\n"), format!("\"nodename\": \"{}\"", node.name), "active\n".to_owned()];
        ensure!(wanted.iter().all(|word| text.contains(word)), "{} says {text}", node.name);
        ensure!(text.matches(" reachable\n").count() == count - 1, "{} says {text}", node.name);
    }
    Ok(())
}
