//! Programs that run for long, survive, or are stopped: the sweep shell, transient units, streams, faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use std::time::Duration;

use common::{Client, Ran, build_cluster, root};
use lab::{Fault, Lab, NodeSpec, Options, Scenario, UnitTruth};
use russh::{Channel, ChannelMsg, client};

fn lab(scenario: Scenario) -> Lab {
    Lab::new(scenario, Options { port: 0, ..Options::default() }).unwrap()
}

async fn open(client: &Client, line: &str) -> Channel<client::Msg> {
    let channel = client.handle.channel_open_session().await.unwrap();
    channel.exec(true, line).await.unwrap();
    channel
}

/// Reads to the end of the channel.
async fn rest(channel: &mut Channel<client::Msg>) -> Ran {
    let mut ran = Ran::default();
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => ran.out.push_str(&String::from_utf8_lossy(&data)),
            ChannelMsg::ExtendedData { data, .. } => ran.err.push_str(&String::from_utf8_lossy(&data)),
            ChannelMsg::ExitStatus { exit_status } => ran.code = Some(exit_status),
            _ => {}
        }
    }
    ran
}

/// Reads until standard output contains `text`.
async fn until(channel: &mut Channel<client::Msg>, text: &str) -> Ran {
    let mut ran = Ran::default();
    while !ran.out.contains(text) {
        match channel.wait().await.expect("the channel ended") {
            ChannelMsg::Data { data } => ran.out.push_str(&String::from_utf8_lossy(&data)),
            ChannelMsg::ExtendedData { data, .. } => ran.err.push_str(&String::from_utf8_lossy(&data)),
            _ => {}
        }
    }
    ran
}

#[tokio::test(start_paused = true)]
async fn the_sweep_shell_answers_line_by_line() {
    let lab = lab(Scenario::healthy(2));
    let client = root(&lab, "pve1").await;
    let mut channel = open(&client, "LC_ALL=C sh").await;
    for (command, marker) in [("cat /etc/hostname", "q-01"), ("cat /nowhere", "q-02"), ("nosuch", "q-03")] {
        let line = format!(
            "timeout -k 2 5 {command} </dev/null; q=$?; printf '\\n%s %d\\n' {marker} \"$q\"; printf '\\n%s\\n' {marker} >&2\n"
        );
        channel.data(line.as_bytes()).await.unwrap();
        let ran = until(&mut channel, marker).await;
        let expected = match marker {
            "q-01" => "pve1\n\nq-01 0\n",
            "q-02" => "\nq-02 1\n",
            _ => "\nq-03 127\n",
        };
        assert_eq!(ran.out, expected);
    }
    channel.eof().await.unwrap();
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::ExitStatus { exit_status } = message {
            assert_eq!(exit_status, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_shell_does_not_know_is_not_found() {
    let lab = lab(Scenario::bare(1));
    let client = root(&lab, "pve1").await;
    let ran = client.run("zpool list").await;
    assert_eq!((ran.err.as_str(), ran.code), ("bash: line 1: zpool: command not found\n", Some(127)));
    let ran = client.run("cat /etc/hosts | wc -l").await;
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(127)));
    let ran = client.run("timeout -k 2 5 zpool list").await;
    assert_eq!(ran.err, "timeout: failed to run command 'zpool': No such file or directory\n");
}

const UNIT: &str = "systemd-run --unit=quorate-1 --remain-after-exit --property=Type=exec --property=WorkingDirectory=/root --property=StandardOutput=append:/run/quorate-1.out --property=StandardError=append:/run/quorate-1.err --property=RuntimeMaxSec=180 --";
const SHOW: &str =
    "systemctl show -p LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode quorate-1.service";

#[tokio::test(start_paused = true)]
async fn a_unit_survives_the_connection_and_its_name_is_taken() {
    let lab = lab(Scenario::bare(1));
    let client = root(&lab, "pve1").await;
    let before = client.run(SHOW).await.out;
    assert!(before.contains("LoadState=not-found\nActiveState=inactive\nSubState=dead\n"), "{before}");
    let create = format!("{UNIT} pvecm create lab --link0 10.0.1.11");
    assert_eq!(client.run(&create).await.code, Some(0));
    assert!(client.run(SHOW).await.out.contains("ActiveState=active\nSubState=running\n"));
    let again = client.run(&create).await;
    assert_eq!(
        (again.err.as_str(), again.code),
        (
            "Failed to start transient service unit: Unit quorate-1.service was already loaded or has a fragment file.\n",
            Some(1)
        )
    );
    client.close().await;
    lab.until(|truth| truth.nodes["pve1"].units["quorate-1"] == UnitTruth::Exited(0)).await;
    let client = root(&lab, "pve1").await;
    assert_eq!(
        client.run(SHOW).await.out,
        "Result=success\nExecMainCode=1\nExecMainStatus=0\nLoadState=loaded\nActiveState=active\nSubState=exited\n"
    );
    let out = client.run("tail -c +1 /run/quorate-1.out").await.out;
    assert!(out.ends_with("Restart corosync and cluster filesystem\n"), "{out}");
    let rest = client.run("tail -c +10 /run/quorate-1.out").await.out;
    assert_eq!(rest, out[9..]);
    assert_eq!(lab.inspect().ran("pvecm create"), 1);
    // Cleaning up frees the name.
    assert_eq!(client.run("systemctl stop quorate-1.service").await.code, Some(0));
    assert!(client.run(SHOW).await.out.contains("LoadState=not-found"));
    assert_eq!(client.run("rm -f /run/quorate-1.out /run/quorate-1.err").await.code, Some(0));
    let failing = format!("{UNIT} pvecm create lab --link0 10.0.1.11");
    client.run(&failing).await;
    lab.until(|truth| truth.nodes["pve1"].units["quorate-1"] != UnitTruth::Running).await;
    let failed = client.run(SHOW).await.out;
    assert!(failed.starts_with("Result=exit-code\nExecMainCode=1\nExecMainStatus=255\n"), "{failed}");
    assert!(failed.ends_with("ActiveState=failed\nSubState=failed\n"), "{failed}");
    assert_eq!(
        client.run("tail -c +1 /run/quorate-1.err").await.out,
        "cluster config '/etc/pve/corosync.conf' already exists\n"
    );
    assert_eq!(client.run("systemctl reset-failed quorate-1.service").await.code, Some(0));
    assert!(client.run(SHOW).await.out.contains("LoadState=not-found"));
}

/// The console's line for a program that follows the node.
fn follow(program: &str) -> String {
    let script = r#"exec 3<&0; { read -r q <&3; kill 0; } >/dev/null 2>&1 & trap "exit 143" TERM; "$@" 3<&- </dev/null; q=$?; kill $! 2>/dev/null; wait $! 2>/dev/null; exit $q"#;
    format!("LC_ALL=C timeout -k 2 3600 sh -c '{script}' follow {program}")
}

#[tokio::test(start_paused = true)]
async fn a_follower_ends_with_its_input() {
    let lab = lab(Scenario::healthy(1));
    let client = root(&lab, "pve1").await;
    let mut channel = open(&client, &follow("stdbuf -oL corosync-quorumtool -m")).await;
    until(&mut channel, "(local)\n\n").await;
    channel.eof().await.unwrap();
    assert_eq!(rest(&mut channel).await.code, Some(143));

    // What ends by itself keeps its exit code, although its input stays open.
    let mut channel = open(&client, &follow("test -e /nonesuch")).await;
    assert_eq!(rest(&mut channel).await.code, Some(1));
    let mut channel = open(&client, &follow("nonesuch")).await;
    let ran = rest(&mut channel).await;
    assert_eq!((ran.err.as_str(), ran.code), ("follow: 1: nonesuch: not found\n", Some(127)));

    // Any other script is as unknown as before.
    for (known, other, code) in [("kill 0", "kill 1", 127), (" follow ", " other ", 127), ("sh -c", "sh -e", 2)] {
        let ran = client.run(&follow("hostname").replace(known, other)).await;
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(code)), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_monitor_pushes_a_block_per_membership() {
    let lab = lab(Scenario::healthy(3));
    let client = root(&lab, "pve1").await;
    let mut channel = open(&client, &follow("stdbuf -oL corosync-quorumtool -m")).await;
    let first = until(&mut channel, "pve3\n\n").await.out;
    assert!(first.starts_with("Quorum information\n"));
    lab.inject(Fault::Kill { node: "pve3".into() }).unwrap();
    let second = until(&mut channel, "pve2\n\n").await.out;
    assert!(second.contains("Nodes:            2\n") && second.contains("Quorate:          Yes\n"));
    lab.inject(Fault::Kill { node: "pve2".into() }).unwrap();
    let third = until(&mut channel, "(local)\n\n").await.out;
    assert!(third.contains("Quorum:           2 Activity blocked\n"));
}

#[tokio::test(start_paused = true)]
async fn the_journal_follows_links_and_memberships() {
    let lab = lab(Scenario::healthy(3));
    let client = root(&lab, "pve1").await;
    let mut channel =
        open(&client, &follow("journalctl -f -n 1 -o json -u corosync -u pve-cluster -u pve-ha-crm")).await;
    // Its last line so far shows that it follows.
    until(
        &mut channel,
        "
",
    )
    .await;
    lab.inject(Fault::CutLink { node: "pve3".into(), link: 1 }).unwrap();
    let line = until(&mut channel, "\n").await.out;
    assert!(line.contains("\"MESSAGE\":\"  [KNET  ] link: host: 3 link: 1 is down\""), "{line}");
    assert!(line.contains("\"_SYSTEMD_UNIT\":\"corosync.service\""));
    lab.inject(Fault::StopCorosync { node: "pve3".into() }).unwrap();
    until(&mut channel, "A new membership (").await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_node_says_nothing_and_goes_on_later() {
    let lab = lab(Scenario::healthy(3));
    let client = root(&lab, "pve3").await;
    lab.inject(Fault::Freeze { node: "pve3".into() }).unwrap();
    let asked = client.run("hostname");
    tokio::pin!(asked);
    assert!(tokio::time::timeout(Duration::from_secs(30), &mut asked).await.is_err());
    assert!(lab.inspect().partitions.iter().any(|one| one.quorate && one.nodes.len() == 2));
    lab.inject(Fault::Thaw { node: "pve3".into() }).unwrap();
    assert_eq!(asked.await.out, "pve3\n");
    lab.settle().await;
    assert_eq!(lab.inspect().partitions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn hanging_and_garbage() {
    let lab = lab(Scenario::bare(1));
    let client = root(&lab, "pve1").await;
    lab.inject(Fault::HangCommands { node: "pve1".into(), on: true }).unwrap();
    let ran = client.run("LC_ALL=C timeout -k 2 5 hostname").await;
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(124)));
    lab.inject(Fault::HangCommands { node: "pve1".into(), on: false }).unwrap();
    lab.inject(Fault::Garbage { node: "pve1".into(), on: true }).unwrap();
    let ran = client.run("LC_ALL=C timeout -k 2 5 hostname").await;
    assert!(ran.out.contains("[[["), "{ran:?}");
}

/// Between the lost token and the new ring corosync answers nobody, and its tools hang.
#[tokio::test(start_paused = true)]
async fn tools_hang_while_totem_gathers() {
    let lab = lab(Scenario::healthy(3));
    let client = root(&lab, "pve1").await;
    lab.inject(Fault::Kill { node: "pve3".into() }).unwrap();
    // The node's own time passes: more than one token time, less than two.
    client.run("sleep 4").await;
    for tool in ["corosync-quorumtool -s", "corosync-cfgtool -s", "corosync-cmapctl", "pvecm status"] {
        assert_eq!(client.run(&format!("timeout -k 2 0.5 {tool}")).await.code, Some(124), "{tool}");
    }
    assert_eq!(client.run("timeout -k 2 5 cat /etc/pve/.members").await.code, Some(0));
    assert_eq!(client.run("timeout -k 2 5 corosync-quorumtool -s").await.code, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_changed_host_key_and_dropped_connections() {
    let lab = lab(Scenario::bare(1));
    let client = root(&lab, "pve1").await;
    let before = (client.seen.0.lock().unwrap().clone(), lab.nodes()[0].host_key_fingerprint.clone());
    lab.inject(Fault::ChangeHostKey { node: "pve1".into() }).unwrap();
    lab.inject(Fault::DropConnections { node: "pve1".into() }).unwrap();
    client.handle.channel_open_session().await.unwrap_err();
    let client = root(&lab, "pve1").await;
    let after = (client.seen.0.lock().unwrap().clone(), lab.nodes()[0].host_key_fingerprint.clone());
    assert_ne!(before.0, after.0);
    assert_ne!(before.1, after.1);
}

#[tokio::test(start_paused = true)]
async fn a_user_needs_sudo() {
    let mut scenario = Scenario::bare(1);
    scenario.nodes[0].sudo_user = Some("ada".to_owned());
    let lab = lab(scenario);
    let mut ada = Client::open(lab.connect("pve1").unwrap()).await;
    assert!(ada.password("ada", "quorate-user").await);
    assert_eq!(ada.run("id -u").await.out, "1000\n");
    assert_eq!(ada.run("sudo -n -- env LC_ALL=C timeout -k 2 5 id -u").await.out, "0\n");
    assert_eq!(ada.run("pvecm status").await.err, "please run as root\n");
    assert!(ada.run("cat /root/.ssh/authorized_keys2").await.err.contains("Permission denied"));
    let mut channel = open(&ada, "sudo -n -- env LC_ALL=C sh").await;
    channel.data(&b"timeout -k 2 5 id -u </dev/null; q=$?; printf '\\n%s %d\\n' q-1 \"$q\"\n"[..]).await.unwrap();
    assert_eq!(until(&mut channel, "q-1").await.out, "0\n\nq-1 0\n");
}

const PROBE: &str = "'# quorate-probe v5\n1;'";

#[tokio::test(start_paused = true)]
async fn probes_answer_from_the_model() {
    let lab = lab(Scenario::bare(2));
    let (pve1, pve2) = (root(&lab, "pve1").await, root(&lab, "pve2").await);
    let one = format!(
        "perl -e {PROBE} probe 4 listen=10.0.1.11:5405,10.9.9.9:5405 udp=10.0.1.12:5405,10.0.2.12:5406 tcp=10.0.1.12:22,10.0.1.50:5403,10.0.1.12:99,10.0.1.77:22 echo=10.0.1.11/10.0.1.12/1500,10.0.1.11/10.0.1.77/1500,0.0.0.0/10.0.2.12/84"
    );
    let two = format!("perl -e {PROBE} probe 4 listen=10.0.1.12:5405,10.0.2.12:5406 udp=10.0.1.11:5405");
    let (first, second) = tokio::join!(pve1.run(&one), pve2.run(&two));
    let (ports, measured) = first.out.split_once("ping ").expect("echo requests");
    assert_eq!(
        ports,
        "listen 10.0.1.11:5405 ok\nlisten 10.9.9.9:5405 fail Cannot assign requested address\nudp 10.0.1.12:5405 5/5\nudp 10.0.2.12:5406 5/5\ntcp 10.0.1.12:22 open 1\ntcp 10.0.1.50:5403 open 1\ntcp 10.0.1.12:99 refused\ntcp 10.0.1.77:22 timeout\n"
    );
    assert!(measured.starts_with("10.0.1.12 20 20 "), "{measured}");
    assert!(
        measured.contains(
            "whole 10.0.1.12 1500 3 3\nmtu 10.0.1.12 1500\nping 10.0.1.77 20 0 0 0 0 0\nwhole 10.0.1.77 1500 3 0\nmtu 10.0.1.77 0\nping 10.0.2.12 20 20 "
        ),
        "{measured}"
    );
    assert!(
        measured.contains("traffic eno2 4000 ") && measured.contains("neighbour 10.0.1.12 52:54:00:"),
        "{measured}"
    );
    assert!(second.out.contains("udp 10.0.1.11:5405 5/5\n"));
    lab.inject(Fault::BlockUdp { node: "pve2".into(), on: true }).unwrap();
    lab.inject(Fault::CutLink { node: "pve2".into(), link: 1 }).unwrap();
    let (first, _) = tokio::join!(pve1.run(&one), pve2.run(&two));
    assert!(first.out.contains("udp 10.0.1.12:5405 0/5\nudp 10.0.2.12:5406 0/5\ntcp 10.0.1.12:22 open"));
    lab.inject(Fault::Delay { node: "pve2".into(), link: 0, millis: 3 }).unwrap();
    lab.inject(Fault::Mtu { node: "pve2".into(), link: 0, mtu: 1_400 }).unwrap();
    let (first, _) = tokio::join!(pve1.run(&one), pve2.run(&two));
    let slow = "ping 10.0.1.12 20 20 3130 3180 3420 35\nwhole 10.0.1.12 1500 3 0\nmtu 10.0.1.12 1400\n";
    assert!(first.out.contains(slow), "{}", first.out);
}

/// Who closes the channel, or loses the connection, stops what runs in it.
#[tokio::test(start_paused = true)]
async fn a_closed_channel_stops_its_program() {
    let lab = lab(Scenario::bare(1));
    let client = root(&lab, "pve1").await;
    let long = format!("perl -e {PROBE} probe 60 listen=10.0.1.11:5405");
    let short = format!("perl -e {PROBE} probe 0.1 listen=10.0.1.11:5405");
    let mut channel = open(&client, &long).await;
    assert_eq!(until(&mut channel, "\n").await.out, "listen 10.0.1.11:5405 ok\n");
    assert!(client.run(&short).await.out.starts_with("listen 10.0.1.11:5405 busy\n"));
    channel.close().await.unwrap();
    assert!(client.run(&short).await.out.starts_with("listen 10.0.1.11:5405 ok\n"));
    let mut channel = open(&client, &long).await;
    until(&mut channel, "ok\n").await;
    lab.inject(Fault::DropConnections { node: "pve1".into() }).unwrap();
    let client = root(&lab, "pve1").await;
    assert!(client.run(&short).await.out.starts_with("listen 10.0.1.11:5405 ok\n"));
}

/// Nothing is tied to the names or addresses of the recordings.
#[tokio::test(start_paused = true)]
async fn other_names_work_as_well() {
    let mut scenario = Scenario::bare(2).named(&["atlas", "borealis"]);
    scenario.nodes.push(NodeSpec::pve("calypso", 9));
    let lab = lab(scenario);
    build_cluster(&lab, "stars", &[("borealis", 12), ("calypso", 19), ("atlas", 11)]).await;
    let truth = lab.inspect();
    assert_eq!(truth.partitions[0].nodes.len(), 3);
    assert_eq!(truth.ran("pvecm add"), 2);
    let atlas = root(&lab, "atlas").await;
    // Root can go from every node to every other one with the pinned keys.
    for (name, last) in [("borealis", 12), ("calypso", 19)] {
        let line = format!(
            "ssh -o BatchMode=yes -o ConnectTimeout=4 -o HostKeyAlias={name} -o UserKnownHostsFile=/etc/pve/nodes/{name}/ssh_known_hosts -o GlobalKnownHostsFile=none root@10.0.1.{last} /bin/true"
        );
        assert_eq!(atlas.run(&line).await.code, Some(0), "{name}");
    }
    lab.inject(Fault::ChangeHostKey { node: "calypso".into() }).unwrap();
    let line = "ssh -o BatchMode=yes -o HostKeyAlias=calypso -o UserKnownHostsFile=/etc/pve/nodes/calypso/ssh_known_hosts -o GlobalKnownHostsFile=none root@10.0.1.19 /bin/true";
    assert_eq!(atlas.run(line).await.err, "Host key verification failed.\n");
}

#[tokio::test(start_paused = true)]
async fn sick_and_unprepared_are_what_they_say() {
    let sick = lab(Scenario::sick());
    let first = root(&sick, "sick1").await;
    let links = first.run("corosync-cfgtool -n").await.out;
    assert!(links.contains(") enabled mtu: 1397\n") && !links.contains("nodeid: 3"), "{links}");
    assert_eq!(first.run("corosync-quorumtool -s").await.code, Some(0));
    let unprepared = lab(Scenario::unprepared(4));
    let nodes = ["pve1", "pve2", "pve3", "pve4"];
    let mut clients = Vec::new();
    for name in nodes {
        clients.push(root(&unprepared, name).await);
    }
    assert!(clients[0].run("getent ahosts pve1").await.out.starts_with("127.0.1.1"));
    assert!(clients[1].run("cat /etc/pve/.vmlist").await.out.contains("\"100\": { \"node\": \"pve2\""));
    let time = |text: &str| text.trim().parse::<f64>().unwrap();
    let skew = time(&clients[2].run("date +%s.%N").await.out) - time(&clients[0].run("date +%s.%N").await.out);
    assert!((2.9..3.2).contains(&skew), "{skew}");
    assert!(clients[3].run("pveversion").await.out.starts_with("pve-manager/9.1."));
}

/// Every fault of the panel has a stable name and can be switched there and back.
#[tokio::test(start_paused = true)]
async fn the_panel_switches_there_and_back() {
    let lab = lab(Scenario::healthy(3));
    let before = lab.faults();
    let ids: std::collections::BTreeSet<String> = before.iter().map(|fault| fault.id.clone()).collect();
    assert_eq!(ids.len(), before.len());
    for fault in
        before.iter().filter(|fault| !matches!(fault.kind, "change-host-key" | "drop-connections" | "power-cycle"))
    {
        lab.inject(fault.switch.clone()).unwrap();
        let there = lab.faults().into_iter().find(|one| one.id == fault.id).unwrap();
        assert!(there.active, "{}", fault.id);
        lab.inject(there.switch).unwrap();
        lab.settle().await;
        let back = lab.faults().into_iter().find(|one| one.id == fault.id).unwrap();
        assert!(!back.active, "{}", fault.id);
    }
    assert_eq!(lab.inspect().partitions.len(), 1);
}
