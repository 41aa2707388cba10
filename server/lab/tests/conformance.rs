//! The lab against recordings of a real cluster: a changed word in a template fails here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::recording::{assert_same, recorded, recording};
use common::{Client, build_cluster, carry_keys, root};
use lab::{Fault, Lab, NodeSpec, Options, Scenario};

const THREE: [(&str, u8); 3] = [("pve1", 11), ("pve2", 12), ("pve3", 13)];

fn lab(scenario: Scenario) -> Lab {
    Lab::new(scenario, Options { port: 0, ..Options::default() }).unwrap()
}

/// Every recorded command of the list, on the client's node.
async fn same(client: &Client, file: &str, address: &str, commands: &[&str]) {
    for command in commands {
        let ran = client.run(command).await;
        assert_same(&format!("{command} ({file})"), &ran, &recorded(file, command, address, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_alone() {
    let lab = lab(Scenario::bare(1));
    let pve1 = root(&lab, "pve1").await;
    let commands = [
        "pvecm status",
        "pvecm nodes",
        "pvecm expected 1",
        "pveversion",
        "corosync-quorumtool -s",
        "corosync-cfgtool -s",
        "pvecm apiver",
    ];
    same(&pve1, "00-not-in-cluster", "10.0.1.11", &commands).await;
}

#[tokio::test(start_paused = true)]
async fn create() {
    let lab = lab(Scenario::bare(1));
    let pve1 = root(&lab, "pve1").await;
    let trap = "01-create-nonlocal-link0-succeeds";
    for command in ["pvecm create bad_name!", "pvecm create averyveryverylongclustername"] {
        // An exclamation mark is quoted on a real command line.
        let ran = pve1.run(&command.replace("bad_name!", "'bad_name!'")).await;
        assert_same(command, &ran, &recorded(trap, command, "10.0.1.11", 0));
    }
    let command = "pvecm create lab --link0 10.0.1.11 --link1 10.0.2.11";
    same(&pve1, "01-create", "10.0.1.11", &[command]).await;
    lab.settle().await;
    let commands = ["pvecm status", "pvecm nodes", "pvecm create lab", "cat /etc/pve/corosync.conf"];
    same(&pve1, "01-create", "10.0.1.11", &commands).await;
    assert_eq!(lab.inspect().nodes["pve1"].ran("pvecm create"), 1);
}

#[tokio::test(start_paused = true)]
async fn create_with_an_address_that_is_not_local_succeeds() {
    let lab = lab(Scenario::bare(1));
    let pve1 = root(&lab, "pve1").await;
    let file = "01-create-nonlocal-link0-succeeds";
    same(&pve1, file, "10.0.1.11", &["pvecm create lab --link0 10.9.9.9"]).await;
    lab.settle().await;
    let commands = ["pvecm status", "pvecm nodes", "pvecm create lab", "cat /etc/pve/corosync.conf"];
    same(&pve1, file, "10.0.1.11", &commands).await;
}

#[tokio::test(start_paused = true)]
async fn joins_that_are_refused() {
    let lab = lab(Scenario::bare(3));
    let pve1 = root(&lab, "pve1").await;
    let pve2 = root(&lab, "pve2").await;
    pve1.run("pvecm create lab --link0 10.0.1.11 --link1 10.0.2.11").await;
    lab.settle().await;
    let file = "02-join-errors";
    let join = "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.12 --link1 10.0.2.12";
    // Without any key: it makes its own, and then nobody lets it in.
    same(&pve2, file, "10.0.1.12", &[join]).await;
    let commands = [
        "pvecm add 10.0.1.99 --use_ssh --link0 10.0.1.12 --link1 10.0.2.12",
        "pvecm add 10.0.1.11 --use_ssh --link0 10.7.7.7 --link1 10.0.2.12",
        "pvecm add 10.0.1.11 --link0 10.0.1.12 --link1 10.0.2.12",
    ];
    same(&pve2, file, "10.0.1.12", &commands).await;
    same(&pve1, file, "10.0.1.11", &["pvecm add 10.0.1.12 --use_ssh --link0 10.0.1.11"]).await;
    let entries = recording(file);
    let nth = |text: &str| entries.iter().find(|entry| entry.command.contains(text)).unwrap().ran.clone();
    lab.put_file("pve2", "/etc/corosync/authkey", b"");
    assert_same("existing authkey", &pve2.run(join).await, &nth("touch /etc/corosync/authkey"));
    assert_eq!(pve2.run("rm -f /etc/corosync/authkey").await.code, Some(0));
    lab.inject(Fault::AddGuest { node: "pve2".into(), vmid: 100 }).unwrap();
    let ran = pve2.run(join).await;
    let recorded_guest = nth("100.conf");
    let words = "detected the following error(s):\n* this host already contains virtual guests\n";
    assert!(recorded_guest.out.ends_with(words));
    assert_eq!((ran.out.as_str(), ran.code), (words, Some(0)));
    assert_eq!(lab.inspect().nodes["pve1"].ran("pvecm addnode"), 0);
}

#[tokio::test(start_paused = true)]
async fn joins_with_wrong_links_and_a_used_id() {
    let lab = lab(Scenario::bare(3));
    build_cluster(&lab, "lab", &THREE[..2]).await;
    let (pve1, pve3) = (root(&lab, "pve1").await, root(&lab, "pve3").await);
    common::make_key(&pve3).await;
    carry_keys(&pve3, &pve1, "10.0.1.11").await;
    let commands = [
        "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.13",
        "pvecm add 10.0.1.11 --use_ssh",
        "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.13 --link1 10.0.2.13 --nodeid 2",
    ];
    same(&pve3, "02-join-errors", "10.0.1.13", &commands).await;
    // The used id is in the live configuration now.
    let config = String::from_utf8(lab.file("pve1", "/etc/pve/corosync.conf").unwrap()).unwrap();
    assert_eq!(config.matches("nodeid: 2").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_join() {
    let lab = lab(Scenario::bare(2));
    let (pve1, pve2) = (root(&lab, "pve1").await, root(&lab, "pve2").await);
    pve1.run("pvecm create lab --link0 10.0.1.11 --link1 10.0.2.11").await;
    lab.settle().await;
    common::make_key(&pve2).await;
    carry_keys(&pve2, &pve1, "10.0.1.11").await;
    let join = "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.12 --link1 10.0.2.12";
    let started = tokio::time::Instant::now();
    same(&pve2, "03-join-ok", "10.0.1.12", &[join]).await;
    // The clock is virtual: this is the sum of the recorded parts, 8 - 12 s.
    let seconds = started.elapsed().as_secs();
    assert!((7..=13).contains(&seconds), "{seconds}");
    lab.settle().await;
    for (client, address) in [(&pve1, "10.0.1.11"), (&pve2, "10.0.1.12")] {
        same(client, "03-join-ok", address, &["pvecm status"]).await;
    }
    same(&pve2, "03-join-ok", "10.0.1.12", &["pvecm nodes"]).await;
    same(&pve1, "03-join-ok", "10.0.1.11", &["cat /etc/pve/corosync.conf"]).await;
}

#[tokio::test(start_paused = true)]
async fn three_healthy_nodes() {
    let lab = lab(Scenario::bare(3));
    build_cluster(&lab, "lab", &THREE).await;
    let (pve1, pve2) = (root(&lab, "pve1").await, root(&lab, "pve2").await);
    let file = "10-healthy-3n";
    let commands = [
        "pvecm status",
        "pvecm nodes",
        "corosync-quorumtool -s",
        "corosync-quorumtool -l",
        "corosync-quorumtool -siH",
        "corosync-cfgtool -s",
        "corosync-cfgtool -n",
        "corosync-cfgtool -s -b",
        "corosync-cmapctl -b nodelist.",
        "corosync-cmapctl runtime.votequorum",
        "pveversion",
        "cat /etc/pve/.members",
        "cat /etc/pve/.vmlist",
        "cat /etc/corosync/corosync.conf",
        "systemctl is-active corosync pve-cluster pve-ha-crm pve-ha-lrm watchdog-mux ssh corosync-qdevice",
        "systemctl show corosync -p ActiveState,SubState,Result,ExecMainStatus",
    ];
    same(&pve1, file, "10.0.1.11", &commands).await;
    same(&pve2, file, "10.0.1.12", &["pvecm status"]).await;
    // Counters differ; files, order and punctuation do not.
    let digits = |text: &str| text.chars().filter(|char| !char.is_ascii_digit()).collect::<String>();
    let (ours, theirs) =
        (pve1.run("cat /etc/pve/.version").await, recorded(file, "cat /etc/pve/.version", "10.0.1.11", 0));
    assert_eq!(digits(&ours.out), digits(&theirs.out));
    let map = pve1.run("corosync-cmapctl").await;
    let theirs = recorded(file, "corosync-cmapctl", "10.0.1.11", 0);
    // Message counters of the services are the only keys that the model does not have.
    let known = |text: &str| -> String {
        text.lines().filter(|line| !line.starts_with("runtime.services.")).map(|line| format!("{line}\n")).collect()
    };
    assert_eq!(known(&map.out), known(&theirs.out));
}

const LOOKS: [&str; 7] = [
    "pvecm status",
    "pvecm nodes",
    "corosync-quorumtool -s",
    "corosync-quorumtool -l",
    "corosync-cfgtool -s",
    "corosync-cfgtool -n",
    "cat /etc/pve/.members",
];

#[tokio::test(start_paused = true)]
async fn one_of_two_links_down_then_one_node_then_two() {
    let lab = lab(Scenario::bare(3));
    build_cluster(&lab, "lab", &THREE).await;
    let (pve1, pve2) = (root(&lab, "pve1").await, root(&lab, "pve2").await);
    lab.inject(Fault::CutLink { node: "pve2".into(), link: 1 }).unwrap();
    lab.settle().await;
    same(&pve1, "20-link1-pve2-down-seen-pve1", "10.0.1.11", &LOOKS).await;
    same(&pve2, "20-link1-pve2-down-seen-pve2", "10.0.1.12", &LOOKS).await;
    lab.inject(Fault::RestoreLink { node: "pve2".into(), link: 1 }).unwrap();
    lab.inject(Fault::Kill { node: "pve3".into() }).unwrap();
    lab.settle().await;
    same(&pve1, "23-pve3-dead-seen-pve1", "10.0.1.11", &LOOKS).await;
    lab.inject(Fault::Kill { node: "pve2".into() }).unwrap();
    lab.settle().await;
    same(&pve1, "24-no-quorum-pve1", "10.0.1.11", &LOOKS).await;
    let ran = pve1.run_with("tee /etc/pve/nodes/pve1/x", b"x").await;
    assert_eq!(ran.err, "tee: /etc/pve/nodes/pve1/x: Permission denied\n");
    let writes = ["pvecm add 10.0.1.12 --use_ssh", "pvecm qdevice setup 10.0.1.50"];
    same(&pve1, "24-no-quorum-writes", "10.0.1.11", &writes).await;
    let expected = ["pvecm expected 0", "pvecm expected abc", "pvecm expected 5", "pvecm status", "pvecm expected 1"];
    same(&pve1, "25-expected", "10.0.1.11", &expected).await;
    lab.settle().await;
    assert_eq!(pve1.run("corosync-quorumtool -s").await.code, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_qdevice() {
    let mut scenario = Scenario::bare(0);
    scenario.nodes.push(NodeSpec::pve("pve4", 4));
    scenario.nodes.push(NodeSpec::pve("pve5", 5));
    let lab = lab(scenario);
    let (pve4, qnetd) = (root(&lab, "pve4").await, root(&lab, "qnetd1").await);
    same(&pve4, "50-qdevice-1-before", "10.0.1.14", &[]).await;
    build_cluster(&lab, "lab2", &[("pve4", 14), ("pve5", 15)]).await;
    let setup = "pvecm qdevice setup 10.0.1.50";
    same(&pve4, "50-qdevice-2-setup-nokey", "10.0.1.14", &[setup]).await;
    carry_keys(&pve4, &qnetd, "10.0.1.50").await;
    same(&pve4, "50-qdevice-2-setup", "10.0.1.14", &[setup]).await;
    lab.settle().await;
    let commands = [
        "pvecm status",
        "pvecm nodes",
        "corosync-quorumtool -s",
        "corosync-qdevice-tool -s",
        "corosync-qdevice-tool -sv",
        "corosync-cfgtool -n",
        "cat /etc/pve/corosync.conf",
        "systemctl is-active corosync-qdevice",
    ];
    same(&pve4, "50-qdevice-3-ok", "10.0.1.14", &commands).await;
    same(&qnetd, "50-qdevice-3-ok", "10.0.1.50", &["corosync-qnetd-tool -s", "corosync-qnetd-tool -lv"]).await;
    same(&pve4, "51-qdevice-errors", "10.0.1.14", &[setup, "pvecm qdevice setup notanip"]).await;
}
