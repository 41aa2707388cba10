//! What an import makes of the recorded clusters.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use jiff::Timestamp;
use model::facts::CorosyncConf;
use model::import::{Discovery, Told, discover};
use std::collections::BTreeMap;
use support::{Recorded, entry, plain, text};

/// The corosync.conf of the recorded cluster `lab`.
fn lab_conf() -> CorosyncConf {
    let printed = entry("pve-9.2/10-healthy-3n.txt", "cat /etc/corosync/corosync.conf");
    pve::corosync_conf::conf(printed.answer()).expect("a conf").expect("a cluster")
}

/// What a node of a recording says about its cluster, whose configuration is `conf`.
fn told(by: &str, path: &str, conf: CorosyncConf) -> Told {
    let quorum = entry(path, "corosync-quorumtool -s");
    Told {
        by: by.to_owned(),
        at: Timestamp::UNIX_EPOCH,
        shared: Some(conf.clone()),
        local: Some(conf),
        members: recorded(path, "cat /etc/pve/.members")
            .map(|one| pve::pmxcfs::members(one.answer()).expect("members")),
        quorum: pve::quorumtool::quorum(quorum.answer()).ok(),
        guests: recorded(path, "cat /etc/pve/.vmlist")
            .map(|one| u32::try_from(pve::pmxcfs::guests(one.answer()).expect("guests").len()).expect("few")),
        resolved: BTreeMap::new(),
    }
}

fn recorded(path: &str, command: &str) -> Option<Recorded> {
    support::entries(path).into_iter().find(|one| one.command == command)
}

fn online(found: &Discovery) -> Vec<(&str, &str, Option<bool>)> {
    found.found.iter().map(|one| (one.name.as_str(), one.address.as_str(), one.online)).collect()
}

#[test]
fn three_healthy_nodes() {
    let found = discover(&told("pve1", "pve-9.2/10-healthy-3n.txt", lab_conf()), &[]).expect("a cluster");
    let on = Some(true);
    assert_eq!(online(&found), [("pve1", "10.0.1.11", on), ("pve2", "10.0.1.12", on), ("pve3", "10.0.1.13", on)]);
    assert_eq!((found.cluster_name.as_str(), found.config_version, found.quorate), ("lab", 3, Some(true)));
    assert_eq!(found.found[2].links, BTreeMap::from([(0, "10.0.1.13".to_owned()), (1, "10.0.2.13".to_owned())]));
    assert!(found.differs.is_empty() && found.qdevice.is_none(), "{:?}", found.differs);
}

#[test]
fn the_majority_of_a_split_misses_the_third() {
    let found = discover(&told("pve1", "pve-9.2/22-partition-majority-pve1.txt", lab_conf()), &[]).expect("a cluster");
    assert_eq!(found.found.iter().map(|one| one.online).collect::<Vec<_>>(), [Some(true), Some(true), Some(false)]);
    assert_eq!(found.quorate, Some(true));
}

#[test]
fn plain_corosync_with_a_qdevice() {
    let conf = pve::corosync_conf::read(&text("corosync-3.1.7/corosync.conf.qdevice")).expect("a conf");
    let quorum = pve::quorumtool::quorum(plain("qdevice_ok.node1", "corosync-quorumtool -s").answer()).expect("quorum");
    let told = Told {
        by: "pve1".into(),
        at: Timestamp::UNIX_EPOCH,
        shared: None,
        local: Some(conf),
        members: None,
        quorum: Some(quorum),
        guests: None,
        resolved: BTreeMap::new(),
    };
    let found = discover(&told, &[]).expect("a cluster");
    let device = found.qdevice.clone().expect("a QDevice");
    assert_eq!((device.host.as_deref(), device.algorithm.as_deref()), (Some("10.0.1.110"), Some("ffsplit")));
    assert_eq!(online(&found), [("pve1", "10.0.1.11", Some(true)), ("pve2", "10.0.1.12", Some(true))]);
    assert_eq!(found.differs.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["pmxcfs_down"]);
}

#[test]
fn a_recorded_qdevice_is_recognised() {
    let path = "pve-9.2/50-qdevice-3-ok.txt";
    let shared = recorded(path, "cat /etc/pve/corosync.conf").expect("the conf is recorded");
    let conf = pve::corosync_conf::conf(shared.answer()).expect("a conf").expect("a cluster");
    let found = discover(&told("pve4", path, conf), &[]).expect("a cluster");
    assert_eq!((found.cluster_name.as_str(), found.found.len()), ("lab2", 2));
    assert_eq!(found.qdevice.as_ref().and_then(|device| device.host.as_deref()), Some("10.0.1.50"));
    assert!(found.found.iter().all(|one| one.online == Some(true)), "the device's row is no node");
}
