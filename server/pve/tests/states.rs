//! The values of the recorded states: votes, members and links.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use model::facts::{QdeviceFlags, QuorumStatus};
use pve::Reason;
use support::{Recorded, entry, nth, plain, text};

const QUORUM: &str = "corosync-quorumtool -s";

fn quorum(recorded: &Recorded) -> QuorumStatus {
    pve::quorumtool::quorum(recorded.answer()).unwrap_or_else(|error| panic!("{}: {error}", recorded.place))
}

fn votes(status: &QuorumStatus) -> (bool, u32, u32, u32, u32) {
    (status.quorate, status.nodes, status.expected_votes, status.total_votes, status.quorum)
}

fn names(status: &QuorumStatus) -> Vec<&str> {
    status.members.iter().map(|member| member.name.as_str()).collect()
}

#[test]
fn three_healthy_nodes() {
    let healthy = quorum(&entry("pve-9.2/10-healthy-3n.txt", QUORUM));
    assert_eq!(votes(&healthy), (true, 3, 3, 3, 2));
    assert_eq!((healthy.node_id, healthy.ring_id.as_str(), healthy.blocked), (1, "1.d", false));
    assert_eq!(names(&healthy), ["pve1", "pve2", "pve3"]);
    assert!(healthy.members[0].local && !healthy.members[1].local);
    assert_eq!(healthy.flags.iter().collect::<Vec<_>>(), ["Quorate"]);
    assert_eq!(healthy.qdevice_votes, None);
}

/// corosync 3.1.7 and 3.1.9 print the same table; ids in hex and addresses instead of names are the same members.
#[test]
fn both_versions_and_both_number_systems_agree() {
    let old = quorum(&plain("healthy.node1", QUORUM));
    assert_eq!(votes(&old), (true, 3, 3, 3, 2));
    assert_eq!(names(&old), ["pve1", "pve2", "pve3"]);
    let hex = quorum(&plain("healthy.node1", "corosync-quorumtool -siH"));
    assert_eq!(votes(&hex), votes(&old));
    assert_eq!(names(&hex), ["10.0.1.11", "10.0.1.12", "10.0.1.13"]);
    let ids = |status: &QuorumStatus| status.members.iter().map(|member| member.id).collect::<Vec<_>>();
    assert_eq!(ids(&hex), ids(&old));
    let list = plain("healthy.node1", "corosync-quorumtool -l");
    assert_eq!(pve::quorumtool::members(list.answer()).expect("members"), old.members);
}

#[test]
fn an_isolated_node_is_blocked() {
    for isolated in
        [quorum(&plain("isolated.node3", QUORUM)), quorum(&entry("pve-9.2/22-partition-minority-pve3.txt", QUORUM))]
    {
        assert_eq!(votes(&isolated), (false, 1, 3, 1, 2));
        assert!(isolated.blocked && isolated.flags.is_empty());
        assert_eq!(names(&isolated), ["pve3"]);
    }
}

#[test]
fn the_majority_goes_on() {
    for majority in [
        quorum(&plain("majority.node1", QUORUM)),
        quorum(&entry("pve-9.2/22-partition-majority-pve1.txt", QUORUM)),
        quorum(&entry("pve-9.2/23-pve3-dead-seen-pve1.txt", QUORUM)),
    ] {
        assert_eq!(votes(&majority), (true, 2, 3, 2, 2));
        assert_eq!(names(&majority), ["pve1", "pve2"]);
    }
}

/// After `pvecm expected 1` both sides are quorate at once: each block reads well, only together they are wrong.
#[test]
fn a_forced_expectation_makes_two_quorate_sides() {
    let one = quorum(&plain("splitbrain.node1", QUORUM));
    let three = quorum(&plain("splitbrain.node3", QUORUM));
    assert_eq!(votes(&one), (true, 2, 3, 2, 2));
    assert_eq!(votes(&three), (true, 1, 1, 1, 1));
    assert_ne!(one.ring_id, three.ring_id);
    let forced = quorum(&entry("pve-9.2/25-after-expected-1-pve1.txt", QUORUM));
    assert!(forced.quorate && forced.expected_votes < 3);
}

#[test]
fn no_quorum_and_all_back() {
    let lost = quorum(&entry("pve-9.2/24-no-quorum-pve1.txt", QUORUM));
    assert!(!lost.quorate && lost.blocked);
    let back = quorum(&entry("pve-9.2/26-all-back-pve1.txt", QUORUM));
    assert_eq!(votes(&back), (true, 3, 3, 3, 2));
}

#[test]
fn a_qdevice_that_votes() {
    for working in [quorum(&entry("pve-9.2/50-qdevice-3-ok.txt", QUORUM)), quorum(&plain("qdevice_ok.node1", QUORUM))] {
        assert_eq!(votes(&working), (true, 2, 3, 3, 2));
        assert_eq!(working.qdevice_votes, Some(1));
        assert!(working.flags.contains("Qdevice"));
        let flags = QdeviceFlags::Registered { alive: true, voting: true, master_wins: false };
        assert!(working.members.iter().all(|member| member.qdevice == Some(flags)));
    }
}

/// With qnetd dead the `A` stays: only the vote tells.
#[test]
fn a_qdevice_that_lost_its_host() {
    let dead = quorum(&plain("qnetd_dead.node1", QUORUM));
    assert_eq!(votes(&dead), (true, 2, 3, 2, 2));
    assert_eq!(dead.qdevice_votes, Some(0));
    let flags = QdeviceFlags::Registered { alive: true, voting: false, master_wins: false };
    assert_eq!(dead.members[0].qdevice, Some(flags));
}

#[test]
fn a_removed_qdevice_leaves_its_flag() {
    let status = pve::pvecm::cluster_status(entry("pve-9.2/56-qdevice-remove.txt", "pvecm status").answer());
    let quorum = status.expect("a status").quorum.expect("corosync runs");
    assert_eq!(quorum.qdevice_votes, Some(0));
    let flags = QdeviceFlags::Registered { alive: false, voting: false, master_wins: false };
    assert_eq!(quorum.members[1].qdevice, Some(flags));
}

#[test]
fn pvecm_status_has_the_cluster_before_the_votes() {
    let status =
        pve::pvecm::cluster_status(entry("pve-9.2/03-join-ok.txt", "pvecm status").answer()).expect("a status");
    assert_eq!((status.info.name.as_str(), status.info.config_version), ("lab", 2));
    assert!(status.info.secure_auth && status.info.transport == "knet");
    assert_eq!(status.quorum.map(|quorum| votes(&quorum)), Some((true, 2, 2, 2, 2)));
    // corosync was killed on pve5: the cluster is known, the votes are not.
    let killed = nth("pve-9.2/57-delnode-running-node-of-two-fails.txt", "pvecm status", 1);
    let killed = pve::pvecm::cluster_status(killed.answer()).expect("a status");
    assert_eq!((killed.info.config_version, killed.quorum), (4, None));
}

#[test]
fn a_node_in_no_cluster_says_so() {
    let file = "pve-9.2/00-not-in-cluster.txt";
    let status = pve::pvecm::cluster_status(entry(file, "pvecm status").answer());
    assert_eq!(status.map_err(|error| error.reason), Err(Reason::NotInCluster));
    let nodes = pve::pvecm::members(entry(file, "pvecm nodes").answer());
    assert_eq!(nodes.map_err(|error| error.reason), Err(Reason::NotInCluster));
    let quorum = pve::quorumtool::quorum(entry(file, QUORUM).answer());
    assert_eq!(quorum.map_err(|error| error.reason), Err(Reason::CorosyncDown));
    let links = pve::cfgtool::link_rows(entry(file, "corosync-cfgtool -s").answer());
    assert_eq!(links.map_err(|error| error.reason), Err(Reason::CorosyncDown));
    assert_eq!(pve::pvecm::api_version(entry(file, "pvecm apiver").answer()), Ok(1));
}

#[test]
fn healthy_links_have_both_addresses_and_a_size() {
    let links = pve::cfgtool::link_lines(plain("healthy.node1", "corosync-cfgtool -n").answer()).expect("links");
    assert_eq!((links.node_id, links.transport.as_str(), links.links.len()), (1, "knet", 4));
    let link = &links.links[3];
    assert_eq!((link.peer, link.link, link.enabled, link.connected, link.mtu), (3, 1, true, true, Some(1397)));
    assert_eq!(link.local_address.as_deref(), Some("10.0.2.11"));
    assert_eq!(link.peer_address.as_deref(), Some("10.0.2.13"));
    let rows = pve::cfgtool::link_rows(plain("healthy.node1", "corosync-cfgtool -s").answer()).expect("links");
    assert!(rows.links.len() == 4 && rows.links.iter().all(|link| link.connected));
}

/// A link that is down merely lacks a word in `-n`; in `-s` it says `disconnected`.
#[test]
fn one_link_down() {
    let file = "pve-9.2/20-link1-pve2-down-seen-pve1.txt";
    let lines = pve::cfgtool::link_lines(entry(file, "corosync-cfgtool -n").answer()).expect("links");
    let rows = pve::cfgtool::link_rows(entry(file, "corosync-cfgtool -s").answer()).expect("links");
    let down = |links: &[model::facts::LinkState]| {
        links.iter().filter(|link| !link.connected).map(|link| (link.peer, link.link)).collect::<Vec<_>>()
    };
    assert_eq!(down(&lines.links), [(2, 1)]);
    assert_eq!(down(&rows.links), [(2, 1)]);
    assert!(quorum(&entry(file, QUORUM)).quorate);
    let old = pve::cfgtool::link_lines(plain("link0down.node1", "corosync-cfgtool -n").answer()).expect("links");
    assert_eq!(down(&old.links).len(), 1);
}

#[test]
fn an_isolated_node_sees_no_links_in_one_form_and_dead_ones_in_the_other() {
    let lines = pve::cfgtool::link_lines(plain("isolated.node3", "corosync-cfgtool -n").answer()).expect("links");
    assert!(lines.links.is_empty());
    let rows = pve::cfgtool::link_rows(plain("isolated.node3", "corosync-cfgtool -s").answer()).expect("links");
    assert!(rows.links.len() == 4 && rows.links.iter().all(|link| !link.connected));
}

#[test]
fn latencies_are_microseconds_and_the_own_loop_is_left_out() {
    let map = pve::cmap::entries(plain("healthy.node1", "corosync-cmapctl -m stats").answer()).expect("a map");
    let links = pve::cmap::knet_links(&map, 1);
    assert_eq!(links.iter().map(|link| (link.node, link.link)).collect::<Vec<_>>(), [(2, 0), (2, 1), (3, 0), (3, 1)]);
    for link in &links {
        assert!(link.connected && link.enabled && link.mtu.is_some_and(|mtu| mtu > 1000), "{link:?}");
        assert!(link.latency_ave_us.is_some_and(|latency| (1..10_000).contains(&latency)), "{link:?}");
    }
    let map = pve::cmap::entries(plain("healthy.node1", "corosync-cmapctl").answer()).expect("a map");
    assert_eq!(map["totem.cluster_name"].as_str(), Some("lab"));
    assert_eq!(map["nodelist.node.2.nodeid"].as_u64(), Some(3));
}

#[test]
fn what_corosync_runs_with_reads_like_the_file_that_it_was_started_with() {
    let runs = pve::cmap::conf(plain("qdevice_ok.node1", "corosync-cmapctl").answer()).expect("a configuration");
    let file = pve::corosync_conf::read(&text("corosync-3.1.7/corosync.conf.qdevice")).expect("a file");
    assert_eq!(runs, file);
    let three = pve::cmap::conf(plain("healthy.node1", "corosync-cmapctl").answer()).expect("a configuration");
    let nodes: Vec<(u32, &str)> = three.nodes.iter().map(|node| (node.id, node.name.as_str())).collect();
    assert_eq!((nodes, three.qdevice), (vec![(1, "pve1"), (2, "pve2"), (3, "pve3")], None));
    let without = |part: &str| {
        let whole = plain("qdevice_ok.node1", "corosync-cmapctl").stdout;
        let left: Vec<&str> = whole.lines().filter(|line| !line.contains(part)).collect();
        pve::cmap::conf(pve::Answer::ok(left.join("\n").as_bytes()))
    };
    let usual = without("quorum.device.votes").expect("a configuration").qdevice.expect("a device");
    assert_eq!(usual.votes, 1, "one less than there are nodes");
    for part in ["totem.cluster_name", "totem.config_version", "nodelist.node", ".nodeid", "_addr"] {
        assert!(without(part).is_err(), "{part}");
    }
}

/// A hung corosync is a finding of its own, not an empty answer.
#[test]
fn an_ended_time_limit_is_told_apart() {
    for exit in [124, 137] {
        let answer = pve::Answer::new(b"", b"", exit);
        assert_eq!(pve::quorumtool::quorum(answer).map_err(|error| error.reason), Err(Reason::TimedOut));
        assert_eq!(pve::cfgtool::link_rows(answer).map_err(|error| error.reason), Err(Reason::TimedOut));
        assert_eq!(pve::files::names(answer).map_err(|error| error.reason), Err(Reason::TimedOut));
        assert_eq!(pve::files::yes_or_no(answer).map_err(|error| error.reason), Err(Reason::TimedOut));
        assert_eq!(pve::files::writable(answer).map_err(|error| error.reason), Err(Reason::TimedOut));
    }
}

#[test]
fn a_folder_that_is_not_there_is_not_one_without_the_right_to_write() {
    let read = |stdout: &[u8], stderr: &[u8], exit| {
        pve::files::writable(pve::Answer::new(stdout, stderr, exit)).map_err(|error| error.reason)
    };
    assert_eq!(read(b"/etc/pve/nodes\n", b"", 0), Ok(true));
    assert_eq!(read(b"", b"", 0), Ok(false));
    let missing = b"find: '/etc/pve/nodes': No such file or directory\n";
    assert_eq!(read(b"", missing, 1), Err(Reason::NoSuchFile));
    for (other, exit) in [("/etc/pve\n", 0), ("/etc/pve/nodes\n/etc/pve/nodes\n", 0), ("yes\n", 0), ("", 2)] {
        assert!(read(other.as_bytes(), b"", exit).is_err(), "{other:?}");
    }
}

#[test]
fn an_answer_that_contradicts_its_exit_code_is_refused() {
    let mut recorded = plain("healthy.node1", QUORUM);
    recorded.exit = 2;
    assert!(pve::quorumtool::quorum(recorded.answer()).is_err());
}
