//! The traps that a real cluster sets, each of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{Client, build_cluster, carry_keys, console_key_line, make_key, root};
use lab::{Fault, JoinPoint, Lab, NodeSpec, Options, Scenario};

const JOIN2: &str = "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.12 --link1 10.0.2.12";

fn lab(scenario: Scenario) -> Lab {
    Lab::new(scenario, Options { port: 0, ..Options::default() }).unwrap()
}

/// pve1 has created the cluster, pve2 has everything that a join needs.
async fn ready_to_join(scenario: Scenario) -> (Lab, Client, Client) {
    let lab = lab(scenario);
    let (pve1, pve2) = (root(&lab, "pve1").await, root(&lab, "pve2").await);
    pve1.run("pvecm create lab --link0 10.0.1.11 --link1 10.0.2.11").await;
    lab.settle().await;
    make_key(&pve2).await;
    carry_keys(&pve2, &pve1, "10.0.1.11").await;
    (lab, pve1, pve2)
}

/// Trap 4: after a join the console's key is only accepted where the cluster's shared file or `authorized_keys2` has it.
#[tokio::test(start_paused = true)]
async fn a_join_takes_away_keys_that_only_the_joiner_had() {
    let (lab, pve1, pve2) = ready_to_join(Scenario::bare(2)).await;
    pve2.run_with("tee -a /root/.ssh/authorized_keys", console_key_line().as_bytes()).await;
    assert!(Client::open(lab.connect("pve2").unwrap()).await.key("root").await);
    assert!(pve2.run(JOIN2).await.out.contains("successfully added node 'pve2' to cluster."));
    assert!(!Client::open(lab.connect("pve2").unwrap()).await.key("root").await);
    pve1.run_with("tee -a /etc/pve/priv/authorized_keys", console_key_line().as_bytes()).await;
    assert!(Client::open(lab.connect("pve2").unwrap()).await.key("root").await);
    // While the cluster filesystem is down the link leads nowhere.
    pve2.run("systemctl stop pve-cluster").await;
    assert!(!Client::open(lab.connect("pve2").unwrap()).await.key("root").await);
    pve2.run_with("tee -a /root/.ssh/authorized_keys2", console_key_line().as_bytes()).await;
    assert!(Client::open(lab.connect("pve2").unwrap()).await.key("root").await);
}

/// Trap 5: right after `create` the filesystem refuses writes, and a moment later it does not.
#[tokio::test(start_paused = true)]
async fn the_filesystem_is_read_only_for_a_moment_after_create() {
    let lab = lab(Scenario::bare(1));
    let pve1 = root(&lab, "pve1").await;
    pve1.run("pvecm create lab --link0 10.0.1.11").await;
    let asked = "find /etc/pve -maxdepth 0 -perm -0200 -writable";
    let ran = pve1.run(asked).await;
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(0)));
    assert_eq!(pve1.run("test -w /etc/pve").await.code, Some(0), "which is true for root whatever the mode is");
    let ran = pve1.run_with("tee /etc/pve/x", b"x").await;
    assert_eq!(ran.err, "tee: /etc/pve/x: Permission denied\n");
    lab.until(|truth| truth.nodes["pve1"].writable).await;
    assert_eq!(pve1.run_with("tee /etc/pve/x", b"x").await.code, Some(0));
    assert_eq!(pve1.run(asked).await.out, "/etc/pve\n");
    pve1.run("systemctl stop pve-cluster").await;
    let ran = pve1.run("find /etc/pve/nodes -maxdepth 0 -perm -0200 -writable").await;
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
    assert_eq!(ran.err, "find: '/etc/pve/nodes': No such file or directory\n");
}

#[tokio::test(start_paused = true)]
async fn pvecm_says_so_when_the_filesystem_is_down() {
    let lab = lab(Scenario::healthy(2));
    let pve1 = root(&lab, "pve1").await;
    pve1.run("systemctl stop pve-cluster").await;
    let ran = pve1.run("pvecm status").await;
    assert!(ran.err.starts_with("ipcc_send_rec[1] failed: Connection refused\n"));
    assert_ne!(ran.code, Some(0));
    assert_eq!(pve1.run("cat /etc/pve/.members").await.err, "cat: /etc/pve/.members: No such file or directory\n");
    assert_eq!(pve1.run("corosync-quorumtool -s").await.code, Some(0));
}

/// The danger of `--use_ssh`: a name that is already there loses its addresses, and with them its place.
#[tokio::test(start_paused = true)]
async fn a_second_host_of_the_same_name_takes_the_place_of_the_first() {
    let mut scenario = Scenario::bare(2);
    let twin = NodeSpec { hostname: "pve2".to_owned(), ..NodeSpec::pve("twin", 7) };
    scenario.nodes.push(twin);
    let (lab, pve1, pve2) = ready_to_join(scenario).await;
    pve2.run(JOIN2).await;
    lab.settle().await;
    let twin = root(&lab, "twin").await;
    make_key(&twin).await;
    carry_keys(&twin, &pve1, "10.0.1.11").await;
    let ran = twin.run("pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.17 --link1 10.0.2.17").await;
    assert!(ran.out.starts_with("forcing overwrite of configured node 'pve2'\n"), "{ran:?}");
    assert!(ran.out.contains("successfully added node 'pve2'"));
    lab.settle().await;
    let truth = lab.inspect();
    assert_eq!(truth.nodes["pve1"].nodelist["pve2"], ["10.0.1.17", "10.0.2.17"]);
    assert!(truth.partitions.iter().any(|one| one.quorate && one.nodes.contains("twin") && one.nodes.contains("pve1")));
    // The real pve2 is cut off, and nobody asked.
    assert_eq!(pve2.run("corosync-quorumtool -s").await.code, Some(2));
}

/// An address of another node is refused, as it could crash the whole cluster.
#[tokio::test(start_paused = true)]
async fn an_address_that_is_already_used_is_refused() {
    let mut scenario = Scenario::bare(2);
    let thief = NodeSpec {
        addresses: vec!["10.0.1.13".parse().unwrap(), "10.0.2.11".parse().unwrap()],
        ..NodeSpec::pve("pve3", 3)
    };
    scenario.nodes.push(thief);
    let (lab, pve1, _) = ready_to_join(scenario).await;
    let pve3 = root(&lab, "pve3").await;
    make_key(&pve3).await;
    carry_keys(&pve3, &pve1, "10.0.1.11").await;
    let ran = pve3.run("pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.13 --link1 10.0.2.11").await;
    assert!(
        ran.out.contains("corosync: address '10.0.2.11' already used on link ring1_addr by node 'pve1'"),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(0));
    assert_eq!(lab.inspect().nodes["pve1"].nodelist.len(), 1);
}

/// Trap 11: an own name that leads nowhere useful stops the join, and nothing else is checked.
#[tokio::test(start_paused = true)]
async fn names_are_checked_but_neither_clocks_nor_versions() {
    let mut scenario = Scenario::bare(2);
    scenario.nodes[1].release = lab::Release::Pve84;
    let (lab, _, pve2) = ready_to_join(scenario).await;
    lab.inject(Fault::SkewClock { node: "pve2".into(), millis: 90_000 }).unwrap();
    lab.inject(Fault::BreakHosts { node: "pve2".into(), on: true }).unwrap();
    let ran = pve2.run(JOIN2).await;
    assert_eq!(
        ran.out,
        "detected the following error(s):\n* local node address: cannot use IP '127.0.1.1', not found on local node!\n\n"
    );
    lab.inject(Fault::BreakHosts { node: "pve2".into(), on: false }).unwrap();
    assert!(pve2.run(JOIN2).await.out.contains("successfully added node"));
}

/// A join that dies leaves what the real one leaves; the cluster loses quorum when the newcomer does not come.
#[tokio::test(start_paused = true)]
async fn a_join_dies_at_each_point() {
    let after = |point| async move {
        let (lab, _, pve2) = ready_to_join(Scenario::bare(2)).await;
        lab.inject(Fault::JoinDiesAt { node: "pve2".into(), point }).unwrap();
        let ran = pve2.run(JOIN2).await;
        assert_eq!(ran.code, Some(137), "{point:?}");
        assert!(!ran.out.contains("successfully added node"));
        lab.settle().await;
        let truth = lab.inspect();
        let quorate = truth.partitions.iter().any(|one| one.quorate);
        (truth.nodes["pve1"].nodelist.len(), truth.nodes["pve2"].corosync_running, quorate)
    };
    assert_eq!(after(JoinPoint::BeforeAddnode).await, (1, false, true));
    assert_eq!(after(JoinPoint::AfterAddnode).await, (2, false, false));
    assert_eq!(after(JoinPoint::AfterKeyCopied).await, (2, false, false));
    assert_eq!(after(JoinPoint::AfterDatabaseMoved).await, (2, false, false));
    assert_eq!(after(JoinPoint::WaitingForQuorum).await, (2, true, true));
    assert_eq!(after(JoinPoint::BeforeSuccess).await, (2, true, true));
}

/// Trap 10: every node online, an even number of them.
#[tokio::test(start_paused = true)]
async fn a_qdevice_is_refused_for_odd_counts_and_missing_nodes() {
    let lab = lab(Scenario::healthy(3));
    let pve1 = root(&lab, "pve1").await;
    let odd = pve1.run("pvecm qdevice setup 10.0.1.50").await;
    assert_eq!(odd.err, "Clusters with an odd node count are not officially supported!\n");
    lab.inject(Fault::Kill { node: "pve3".into() }).unwrap();
    lab.settle().await;
    let missing = pve1.run("pvecm qdevice setup 10.0.1.50").await;
    assert_eq!(missing.err, "All nodes must be online! Node pve3 is offline, aborting.\n");
    assert_eq!(lab.inspect().ran("pvecm qdevice setup"), 0);
}

/// Two nodes and a QDevice survive one death; without its vote they do not.
#[tokio::test(start_paused = true)]
async fn a_qdevice_keeps_the_last_node_quorate() {
    let lab = lab(Scenario::bare(2));
    build_cluster(&lab, "two", &[("pve1", 11), ("pve2", 12)]).await;
    let (pve1, qnetd) = (root(&lab, "pve1").await, root(&lab, "qnetd1").await);
    carry_keys(&pve1, &qnetd, "10.0.1.50").await;
    assert_eq!(pve1.run("pvecm qdevice setup 10.0.1.50").await.code, Some(0));
    lab.settle().await;
    lab.inject(Fault::Kill { node: "pve2".into() }).unwrap();
    lab.settle().await;
    assert_eq!(pve1.run("corosync-quorumtool -s").await.code, Some(0));
    lab.inject(Fault::StopQnetd).unwrap();
    lab.settle().await;
    let ran = pve1.run("corosync-quorumtool -s").await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.out.contains("         1          1   A,NV,NMW pve1 (local)\n"), "{}", ran.out);
    assert!(ran.out.contains("         0          0            Qdevice (votes 1)\n"), "{}", ran.out);
}
