//! What is broken and what must be seen then.

use anyhow::{Context, ensure};

use super::cluster::{links_plain, run_unit, trust};
use super::wait::{must, until, until_says, words};
use crate::faults::{self, Fault, Kind};
use crate::layout::{CONSOLE, Host, Lab};
use crate::{access, cuts, power, tool};

const NOTE: &str = "/etc/pve/nodes/note";

/// No namespace has a way out.
pub fn leads_nowhere(lab: &Lab) -> anyhow::Result<()> {
    let namespaces = lab.hosts.iter().map(Host::namespace).chain([CONSOLE.to_owned()]);
    for namespace in namespaces {
        let routes = tool::run("ip", &["-n", &namespace, "route", "show", "default"])?;
        ensure!(routes.trim().is_empty(), "{namespace} has a default route: {routes}");
    }
    Ok(())
}

pub fn change_is_everywhere(lab: &Lab) -> anyhow::Result<()> {
    let nodes = lab.nodes();
    for (index, writer) in nodes.iter().enumerate() {
        must(writer, &format!("echo change-{index} > {NOTE}"))?;
        for reader in &nodes {
            let text = must(reader, &format!("cat {NOTE}"))?;
            ensure!(text.trim() == format!("change-{index}"), "{} reads {text}", reader.name);
        }
    }
    Ok(())
}

pub fn link_down(lab: &Lab) -> anyhow::Result<()> {
    let (first, _, last) = three(lab)?;
    cuts::set(last, "1", false)?;
    let status = until_says(first, "corosync-cfgtool -s", &["nodeid:          3:\tdisconnected"], 15)?;
    ensure!(status.matches("disconnected").count() == 1, "only one link is down: {status}");
    cuts::set(last, "1", true)?;
    until("the link is back", 15, || {
        Ok((!must(first, "corosync-cfgtool -s")?.contains("disconnected")).then(String::new))
    })?;
    Ok(())
}

pub fn dead_node(lab: &Lab) -> anyhow::Result<()> {
    let (first, second, last) = three(lab)?;
    power::off(last)?;
    for node in [first, second] {
        until_says(node, "corosync-quorumtool -s", &["Nodes:            2", "Quorate:          Yes"], 20)?;
    }
    until_says(first, "cat /etc/pve/.members", &["\"pve3\": { \"id\": 3, \"online\": 0"], 5)?;
    must(second, &format!("echo while-dead > {NOTE}"))?;
    power::on(last)?;
    until_says(last, &format!("corosync-quorumtool -s; cat {NOTE}"), &["Nodes:            3", "while-dead"], 30)?;
    Ok(())
}

pub fn cut_off(lab: &Lab) -> anyhow::Result<()> {
    let (first, second, _) = three(lab)?;
    cuts::set(first, "all", false)?;
    until_says(second, "corosync-quorumtool -s", &["Nodes:            2", "Quorate:          Yes"], 20)?;
    until("the node alone loses quorum", 20, || {
        let text = words(&access::inside(first, "timeout 4 corosync-quorumtool -s; cat /etc/pve/.members")?);
        Ok((text.contains("Activity blocked") && text.contains("\"quorate\": 0")).then_some(text))
    })?;
    let refused = access::inside(first, &format!("echo alone > {NOTE}"))?;
    ensure!(
        !refused.status.success() && words(&refused).contains("Permission denied"),
        "a node without quorum wrote: {}",
        words(&refused)
    );
    must(second, &format!("echo together > {NOTE}"))?;
    let alone = words(&access::inside(first, &format!("cat {NOTE}"))?);
    ensure!(alone.contains("while-dead"), "the node alone has its own old state, it read {alone}");
    cuts::set(first, "all", true)?;
    until_says(first, &format!("corosync-quorumtool -s; cat {NOTE}"), &["Nodes:            3", "together"], 30)?;
    must(first, &format!("echo healed > {NOTE}"))?;
    Ok(())
}

pub fn traps(lab: &Lab) -> anyhow::Result<()> {
    let (first, second, _) = three(lab)?;
    let again = access::remote(
        second,
        &format!("cd /root && pvecm add {} --use_ssh {}", first.address(), links_plain(second)),
    )?;
    let text = words(&again);
    ensure!(
        again.status.success()
            && text.contains("already exists")
            && text.contains("Check if node may join a cluster failed!"),
        "{text}"
    );
    let create = access::remote(first, "cd /root && pvecm create lab")?;
    ensure!(create.status.code() == Some(255) && words(&create).contains("already exists"), "{}", words(&create));
    let status = must(first, "pvecm status")?;
    ensure!(
        status.starts_with("Cluster information\n-------------------\nName:             lab\nConfig Version:   3\n"),
        "{status}"
    );
    must(
        second,
        "ssh -o BatchMode=yes -o ConnectTimeout=4 -o HostKeyAlias=pve1 -o UserKnownHostsFile=/etc/pve/nodes/pve1/ssh_known_hosts -o GlobalKnownHostsFile=none root@10.0.1.11 /bin/true",
    )?;
    Ok(())
}

pub fn units(lab: &Lab) -> anyhow::Result<()> {
    let (first, ..) = three(lab)?;
    let text = run_unit(first, "q-test", "sh -c 'echo out; echo err >&2; exit 3'")?;
    ensure!(text.contains("out") && text.contains("err"), "the unit said {text}");
    let shown = must(first, "systemctl show -p Result,ExecMainStatus,ActiveState q-test.service")?;
    ensure!(shown == "Result=exit-code\nExecMainStatus=3\nActiveState=failed\n", "{shown}");
    let twice = access::remote(first, "systemd-run --unit=q-test -- /bin/true")?;
    let refusal =
        "Failed to start transient service unit: Unit q-test.service was already loaded or has a fragment file.";
    ensure!(twice.status.code() == Some(1) && words(&twice).contains(refusal), "{}", words(&twice));
    must(
        first,
        "systemctl reset-failed q-test.service && systemctl show -p LoadState q-test.service | grep -qx LoadState=not-found",
    )?;
    let journal = must(first, "journalctl -n 1 -o json -u corosync")?;
    ensure!(journal.contains("\"_SYSTEMD_UNIT\":\"corosync.service\""), "{journal}");
    Ok(())
}

pub fn qdevice(lab: &Lab) -> anyhow::Result<()> {
    let nodes = lab.nodes();
    let (first, second) = (nodes.first().context("first node")?, nodes.get(1).context("second node")?);
    let qnetd = lab.qnetd().context("qnetd host")?;
    let refused = access::remote(first, &format!("pvecm qdevice setup {}", qnetd.address()))?;
    ensure!(
        refused.status.code() == Some(1) && words(&refused).contains("Host key verification failed"),
        "{}",
        words(&refused)
    );
    trust(first, qnetd)?;
    must(first, &format!("pvecm qdevice setup {}", qnetd.address()))?;
    for node in [first, second] {
        until_says(
            node,
            "corosync-quorumtool -s",
            &["Expected votes:   3", "Total votes:      3", "Flags:            Quorate Qdevice", "A,V,NMW"],
            30,
        )?;
    }
    let dead = Fault::new(Kind::StopQnetd, qnetd);
    faults::inject(lab, &dead)?;
    // The vote is gone; two nodes of two are quorate without it.
    until_says(first, "corosync-quorumtool -s", &["Quorate:          Yes", "Total votes:      2", "NV,NMW"], 40)?;
    faults::revert(lab, &dead)?;
    until_says(first, "corosync-quorumtool -s", &["Total votes:      3", "A,V,NMW"], 60)?;
    power::off(second)?;
    until_says(
        first,
        "corosync-quorumtool -s",
        &["Nodes:            1", "Quorate:          Yes", "Total votes:      2"],
        40,
    )?;
    Ok(())
}

pub fn three(lab: &Lab) -> anyhow::Result<(&Host, &Host, &Host)> {
    let list = lab.nodes();
    match list.as_slice() {
        [first, second, last] => Ok((first, second, last)),
        _ => anyhow::bail!("the scene needs three nodes"),
    }
}
