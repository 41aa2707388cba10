//! Building a cluster the way the console does: keys carried over, joins as transient units, proof from quorumtool.

use anyhow::{Context, ensure};

use super::wait::{must, until, until_says, words};
use crate::access;
use crate::layout::{Host, Kind, Lab, file};

/// How long a cluster may take to be one again after a fault, seconds.
const HEAL_LIMIT_S: u64 = 60;

/// Creates on the first node, joins the others one after the other.
pub fn build(lab: &Lab, name: &str) -> anyhow::Result<()> {
    let nodes = lab.nodes();
    let [first, joiners @ ..] = nodes.as_slice() else { anyhow::bail!("no node") };
    keys(&nodes)?;
    must(first, &format!("cd /root && pvecm create {name} {}", links(first)))?;
    until_says(first, "corosync-quorumtool -s", &["Quorate:          Yes"], 20)?;
    for joiner in joiners {
        join(joiner, first)?;
    }
    let count = format!("Nodes:            {}", nodes.len());
    for node in &nodes {
        until_says(node, "corosync-quorumtool -s", &["Quorate:          Yes", &count], 20)?;
        until_says(node, "cat /etc/pve/.members", &[&format!("\"nodes\": {}, \"quorate\": 1", nodes.len())], 10)?;
    }
    Ok(())
}

/// All nodes are members, all links are connected, and every node may write.
pub fn whole(lab: &Lab) -> anyhow::Result<()> {
    let nodes = lab.nodes();
    let count = format!("Nodes:            {}", nodes.len());
    for node in &nodes {
        until_says(node, "corosync-quorumtool -s", &["Quorate:          Yes", &count], HEAL_LIMIT_S)?;
        until(&format!("{} sees all links", node.name), HEAL_LIMIT_S, || {
            let text = words(&access::remote(node, "timeout 4 corosync-cfgtool -s")?);
            Ok((text.contains("connected") && !text.contains("disconnected")).then_some(text))
        })?;
        until(&format!("{} may write", node.name), HEAL_LIMIT_S, || {
            let path = format!("/etc/pve/nodes/whole-{}", node.name);
            Ok(access::remote(node, &format!("date > {path} && rm {path}"))?.status.success().then(String::new))
        })?;
    }
    Ok(())
}

/// Link 1 is the dedicated one and gets the higher priority.
fn links(node: &Host) -> String {
    let one = |(number, address): (usize, &String)| format!("--link{number} {address},priority={}", (number + 1) * 10);
    node.links.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}

fn keys(nodes: &[&Host]) -> anyhow::Result<()> {
    let command = "install -d -m 700 /root/.ssh && ssh-keygen -q -t rsa -b 2048 -N '' -f /root/.ssh/id_rsa";
    for node in nodes {
        must(node, command)?;
    }
    Ok(())
}

/// Root's key of `from` onto `to`, the host keys of `to` onto `from`.
pub fn trust(from: &Host, to: &Host) -> anyhow::Result<()> {
    let key = must(from, "cat /root/.ssh/id_rsa.pub")?;
    let target = if to.kind == Kind::Pve { "/etc/pve/priv/authorized_keys" } else { "/root/.ssh/authorized_keys" };
    let shared = format!("install -d -m 700 /root/.ssh && tee -a {target}");
    // Right after a change of membership `/etc/pve` refuses for a moment.
    until("the member takes the joiner's key", 20, || Ok(access::remote_with(to, &shared, &key).ok()))?;
    let known = std::fs::read_to_string(file("known_hosts")).context("known hosts")?;
    let lines: String = known
        .lines()
        .filter(|line| line.split(' ').next() == Some(to.address()))
        .map(|line| format!("{line}\n"))
        .collect();
    access::remote_with(from, "tee -a /root/.ssh/known_hosts", &lines)?;
    Ok(())
}

fn join(joiner: &Host, member: &Host) -> anyhow::Result<()> {
    trust(joiner, member)?;
    let unit = format!("q-join-{}", joiner.name);
    let words = run_unit(joiner, &unit, &format!("pvecm add {} --use_ssh {}", member.address(), links_plain(joiner)))?;
    ensure!(
        words.contains(&format!("successfully added node '{}' to cluster.", joiner.name)),
        "the join said: {words}"
    );
    Ok(())
}

pub fn links_plain(node: &Host) -> String {
    let one = |(number, address): (usize, &String)| format!("--link{number} {address}");
    node.links.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}

/// Runs a command as a transient unit and waits for its end; all its words.
pub fn run_unit(node: &Host, unit: &str, command: &str) -> anyhow::Result<String> {
    let start = format!(
        "systemd-run --unit={unit} --remain-after-exit --property=Type=exec --property=WorkingDirectory=/root \
         --property=StandardOutput=append:/run/{unit}.out --property=StandardError=append:/run/{unit}.err --property=RuntimeMaxSec=60 -- {command}"
    );
    must(node, &start)?;
    let show =
        format!("systemctl show -p LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode {unit}.service");
    until("the unit ends", 60, || {
        let state = access::remote(node, &show)?;
        let text = String::from_utf8_lossy(&state.stdout).into_owned();
        Ok((text.contains("SubState=exited") || text.contains("SubState=failed")).then_some(text))
    })?;
    must(node, &format!("cat /run/{unit}.out /run/{unit}.err"))
}
