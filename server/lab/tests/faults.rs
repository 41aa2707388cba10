//! What each fault of wires, files and power does, told by the nodes' own programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use lab::{Fault, Lab, Options, Scenario};

fn lab() -> Lab {
    Lab::new(Scenario::healthy(3), Options { port: 0, ..Options::default() }).unwrap()
}

async fn out(lab: &Lab, node: &str, line: &str) -> String {
    let ran = lab.run(node, line, b"x").await.unwrap();
    String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap()
}

async fn switch(lab: &Lab, fault: Fault) {
    lab.inject(fault).unwrap();
    lab.settle().await;
}

fn pve3() -> String {
    "pve3".to_owned()
}

/// How many rings there are.
fn rings(lab: &Lab) -> usize {
    lab.inspect().partitions.len()
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_cut_one_way_or_loses_most_is_down_at_both_ends() {
    let lab = lab();
    let down = "(10.0.2.11->10.0.2.13) enabled mtu: 1397";
    for (on, off) in [
        (Fault::CutOneWay { node: pve3(), link: 1, on: true }, Fault::CutOneWay { node: pve3(), link: 1, on: false }),
        (
            Fault::CutOneWayIn { node: pve3(), link: 1, on: true },
            Fault::CutOneWayIn { node: pve3(), link: 1, on: false },
        ),
        (Fault::Loss { node: pve3(), link: 1, percent: 80 }, Fault::Loss { node: pve3(), link: 1, percent: 20 }),
    ] {
        switch(&lab, on).await;
        assert!(out(&lab, "pve1", "corosync-cfgtool -n").await.contains(down));
        assert!(out(&lab, "pve3", "corosync-cfgtool -s").await.contains("disconnected"));
        assert_eq!(rings(&lab), 1, "the other link carries the ring");
        switch(&lab, off).await;
        assert!(!out(&lab, "pve1", "corosync-cfgtool -n").await.contains(down));
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_two_switches_here_is_refused_as_one() {
    let lab = lab();
    let error = lab.inject(Fault::SplitBrain { node: pve3(), on: true }).unwrap_err();
    assert!(matches!(error, lab::LabError::NotApplicable { fault: "split-brain", .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_smaller_packet_is_seen_by_both_ends() {
    let lab = lab();
    switch(&lab, Fault::Mtu { node: pve3(), link: 1, mtu: 1280 }).await;
    for (node, ends) in [("pve1", "10.0.2.11->10.0.2.13"), ("pve3", "10.0.2.13->10.0.2.11")] {
        let text = out(&lab, node, "corosync-cfgtool -n").await;
        assert!(text.contains(&format!("({ends}) enabled connected mtu: 1177")), "{text}");
    }
    let journal = out(&lab, "pve1", "journalctl -u corosync -n 5 --no-pager").await;
    assert!(journal.contains("PMTUD link change for host: 3 link: 1 from 1397 to 1177"), "{journal}");
}

#[tokio::test(start_paused = true)]
async fn without_sshd_nobody_new_gets_in() {
    let lab = lab();
    switch(&lab, Fault::StopSshd { node: pve3() }).await;
    assert!(lab.connect("pve3").is_err());
    assert_eq!(rings(&lab), 1);
    switch(&lab, Fault::StartSshd { node: pve3() }).await;
    assert!(lab.connect("pve3").is_ok());
}

#[tokio::test(start_paused = true)]
async fn another_authkey_leaves_a_node_alone() {
    let lab = lab();
    switch(&lab, Fault::ChangeAuthkey { node: pve3(), on: true }).await;
    assert_eq!(rings(&lab), 2);
    assert!(out(&lab, "pve3", "pvecm status").await.contains("Activity blocked"));
    switch(&lab, Fault::ChangeAuthkey { node: pve3(), on: false }).await;
    assert_eq!(rings(&lab), 1);
}

#[tokio::test(start_paused = true)]
async fn a_raised_version_stands_on_one_disk_only() {
    let lab = lab();
    switch(&lab, Fault::RaiseConfigVersion { node: pve3(), on: true }).await;
    let local = "cat /etc/corosync/corosync.conf";
    assert!(out(&lab, "pve3", local).await.contains("config_version: 4"));
    assert!(out(&lab, "pve1", local).await.contains("config_version: 3"));
    assert!(out(&lab, "pve3", "cat /etc/pve/corosync.conf").await.contains("config_version: 3"));
    switch(&lab, Fault::RaiseConfigVersion { node: pve3(), on: false }).await;
    assert!(out(&lab, "pve3", local).await.contains("config_version: 3"));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_takes_nothing_and_neither_does_the_cluster_file_system() {
    let lab = lab();
    switch(&lab, Fault::FillDisk { node: pve3(), on: true }).await;
    assert!(out(&lab, "pve3", "tee /root/x").await.contains("tee: /root/x: No space left on device"));
    assert!(out(&lab, "pve3", "tee /etc/pve/x").await.contains("tee: /etc/pve/x: Input/output error"));
    assert_eq!(out(&lab, "pve1", "tee /etc/pve/x").await, "x");
    switch(&lab, Fault::FillDisk { node: pve3(), on: false }).await;
    assert_eq!(out(&lab, "pve3", "tee /root/x").await, "x");
}

#[tokio::test(start_paused = true)]
async fn one_expected_vote_makes_a_second_quorate_side_of_an_isolated_node() {
    let lab = lab();
    let alone = Fault::ExpectVotes { node: pve3(), votes: 1 };
    assert!(lab.inject(alone.clone()).is_err(), "three votes are present");
    for link in 0..2 {
        switch(&lab, Fault::CutLink { node: pve3(), link }).await;
    }
    switch(&lab, alone).await;
    assert_eq!(lab.inspect().partitions.iter().filter(|partition| partition.quorate).count(), 2);
    for link in 0..2 {
        switch(&lab, Fault::RestoreLink { node: pve3(), link }).await;
    }
    let partitions = lab.inspect().partitions;
    assert_eq!((partitions.len(), partitions[0].expected_votes), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_power_cycle_ends_well() {
    let lab = lab();
    lab.inject(Fault::PowerCycle { node: pve3() }).unwrap();
    assert!(lab.run("pve3", "true", b"").await.is_err());
    lab.settle().await;
    assert_eq!(rings(&lab), 1);
    assert!(lab.run("pve3", "true", b"").await.is_ok());
}

/// Every switch of the panel can be turned on, and off again, and leaves the cluster as it was.
#[tokio::test(start_paused = true)]
async fn every_switch_goes_back() {
    let lab = lab();
    for first in lab.faults() {
        let on = |lab: &Lab| lab.faults().into_iter().find(|fault| fault.id == first.id).unwrap();
        lab.inject(first.switch.clone()).unwrap();
        lab.settle().await;
        let now = on(&lab);
        let once = ["change-host-key", "drop-connections", "power-cycle"].contains(&first.kind);
        assert_eq!(now.active, !once, "{}", first.id);
        if now.active {
            switch(&lab, now.switch).await;
            assert!(!on(&lab).active, "{}", first.id);
        }
    }
    let partitions = lab.inspect().partitions;
    assert!(partitions.len() == 1 && partitions[0].quorate && partitions[0].nodes.len() == 3, "{partitions:?}");
}
