//! The reference model against what corosync promises.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::config::DeviceEntry;
use super::pmxcfs::DB_CONFIG;
use crate::faults::Fault;
use crate::node::Power;
use crate::scenario::{Scenario, build};
use crate::world::World;

/// Long enough for every timer of the model, in milliseconds.
const QUIET_MS: u64 = 120_000;

fn healthy(count: u8) -> World {
    build(&Scenario::healthy(count), 1, 1.0, 1_795_332_886_000_000).unwrap()
}

fn quiet(world: &mut World) {
    world.advance(world.now + QUIET_MS);
    assert_eq!(world.next_at(), None, "the model never comes to rest");
}

fn node(number: u8) -> String {
    format!("pve{number}")
}

/// Quorate partitions of nodes that really run.
fn quorate(world: &World) -> Vec<BTreeSet<String>> {
    world
        .partitions()
        .into_iter()
        .filter(|partition| partition.quorate)
        .map(|partition| partition.nodes)
        .filter(|nodes| nodes.iter().any(|name| world.nodes[name].power == Power::On))
        .collect()
}

fn isolate(world: &mut World, number: u8, cut: bool) {
    for link in 0..2 {
        let node = node(number);
        let fault = if cut { Fault::CutLink { node, link } } else { Fault::RestoreLink { node, link } };
        world.inject(&fault).unwrap();
    }
}

#[test]
fn a_scenario_starts_with_one_ring_and_all_links() {
    let world = healthy(3);
    assert_eq!(world.partitions().len(), 1);
    for node in world.nodes.values().filter(|node| node.is_pve()) {
        assert!(node.corosync.quorate);
        assert!(world.pve_writable(&node.name));
        assert_eq!(node.corosync.links.len(), 4);
        assert!(node.corosync.links.values().all(|link| link.connected));
    }
}

#[test]
fn a_death_is_seen_after_two_token_times_and_a_clean_stop_at_once() {
    let mut world = healthy(3);
    let token = world.nodes["pve1"].corosync.config.token_ms();
    assert_eq!(token, 3125);
    world.inject(&Fault::Kill { node: node(3) }).unwrap();
    world.advance(world.now + 2 * token);
    assert_eq!(world.nodes["pve1"].corosync.members.len(), 3);
    world.advance(world.now + token / 5);
    assert_eq!(world.nodes["pve1"].corosync.members.len(), 2);

    let mut world = healthy(3);
    world.inject(&Fault::StopCorosync { node: node(3) }).unwrap();
    world.advance(world.now + 100);
    assert_eq!(world.nodes["pve1"].corosync.members.len(), 2);
}

#[test]
fn one_link_down_is_seen_after_half_a_token_time_and_changes_no_membership() {
    let mut world = healthy(3);
    let ring = world.nodes["pve1"].corosync.ring;
    world.inject(&Fault::CutLink { node: node(2), link: 1 }).unwrap();
    world.advance(world.now + 1_000);
    assert!(world.nodes["pve1"].corosync.links[&(2, 1)].connected);
    quiet(&mut world);
    assert!(!world.nodes["pve1"].corosync.links[&(2, 1)].connected);
    assert!(world.nodes["pve1"].corosync.links[&(2, 0)].connected);
    assert_eq!(world.nodes["pve1"].corosync.ring, ring);
}

#[test]
fn a_lowered_expectation_makes_two_quorate_partitions_and_rises_on_merge() {
    let mut world = healthy(3);
    isolate(&mut world, 3, true);
    quiet(&mut world);
    assert_eq!(quorate(&world).len(), 1);
    assert!(world.set_expected("pve3", 1));
    assert!(!world.set_expected("pve1", 1), "two votes are present there");
    assert_eq!(quorate(&world).len(), 2);
    isolate(&mut world, 3, false);
    quiet(&mut world);
    assert_eq!(world.partitions().len(), 1);
    assert_eq!(world.partitions()[0].expected_votes, 3);
}

#[test]
fn on_a_merge_the_highest_expectation_counts() {
    let mut world = healthy(3);
    isolate(&mut world, 3, true);
    quiet(&mut world);
    assert!(world.set_expected("pve3", 5));
    isolate(&mut world, 3, false);
    quiet(&mut world);
    assert_eq!(world.partitions()[0].expected_votes, 5);
    assert_eq!(quorate(&world).len(), 1, "three of five");
}

#[test]
fn the_filesystem_diverges_refuses_and_converges() {
    let mut world = healthy(3);
    isolate(&mut world, 3, true);
    quiet(&mut world);
    world.write("pve1", "/etc/pve/x", b"1", 0o644).unwrap();
    assert!(world.write("pve3", "/etc/pve/x", b"3", 0o644).is_err());
    assert!(world.read("pve3", "/etc/pve/x").is_err());
    isolate(&mut world, 3, false);
    quiet(&mut world);
    assert_eq!(world.read("pve3", "/etc/pve/x").unwrap(), b"1");
}

#[test]
fn a_thawed_node_that_was_left_behind_is_not_quorate() {
    let mut world = healthy(3);
    world.inject(&Fault::Freeze { node: node(3) }).unwrap();
    quiet(&mut world);
    world.inject(&Fault::Thaw { node: node(3) }).unwrap();
    assert!(!world.nodes["pve3"].corosync.quorate);
    quiet(&mut world);
    assert_eq!(world.partitions().len(), 1);
}

fn fault(kind: u8, number: u8, link: u8) -> Fault {
    let node = node(number);
    match kind {
        0 => Fault::Kill { node },
        1 => Fault::Start { node },
        2 => Fault::Freeze { node },
        3 => Fault::Thaw { node },
        4 => Fault::CutLink { node, link },
        5 => Fault::RestoreLink { node, link },
        6 => Fault::StopCorosync { node },
        _ => Fault::BlockUdp { node, on: link == 0 },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever dies, freezes or is cut: at most one partition may act, and everything comes back.
    #[test]
    fn at_most_one_partition_is_quorate(
        count in 2_u8..6,
        steps in prop::collection::vec((0_u8..8, 1_u8..6, 0_u8..2, 0_u64..12_000), 1..25),
    ) {
        let mut world = healthy(count);
        for (kind, number, link, wait) in steps {
            world.inject(&fault(kind, (number - 1) % count + 1, link)).unwrap();
            prop_assert!(quorate(&world).len() <= 1, "{:?}", world.partitions());
            world.advance(world.now + wait);
            prop_assert!(quorate(&world).len() <= 1, "{:?}", world.partitions());
        }
        for number in 1..=count {
            world.inject(&Fault::Thaw { node: node(number) }).unwrap();
            world.inject(&Fault::Start { node: node(number) }).unwrap();
            isolate(&mut world, number, false);
            world.inject(&Fault::BlockUdp { node: node(number), on: false }).unwrap();
        }
        quiet(&mut world);
        for number in 1..=count {
            world.inject(&Fault::StartCorosync { node: node(number) }).unwrap();
        }
        quiet(&mut world);
        let partitions = world.partitions();
        prop_assert_eq!(partitions.len(), 1);
        prop_assert_eq!(partitions[0].nodes.len(), usize::from(count));
        prop_assert_eq!(partitions[0].expected_votes, u32::from(count));
        prop_assert!(partitions[0].quorate);
        let first = &world.nodes["pve1"].pmxcfs.db;
        prop_assert!(world.nodes.values().filter(|node| node.is_pve()).all(|node| &node.pmxcfs.db == first));
    }
}

/// pve1 and pve2 hear each other over pve3 only: they ask again and again who is there, but not more and more often.
#[test]
fn nodes_that_cannot_agree_do_not_drown_in_events() {
    let mut world = healthy(3);
    world.inject(&Fault::CutLink { node: node(1), link: 0 }).unwrap();
    world.inject(&Fault::CutLink { node: node(2), link: 1 }).unwrap();
    world.advance(world.now + 10 * QUIET_MS);
    let waiting = world.events_waiting();
    assert!(waiting > 0 && waiting < 20, "{waiting} events wait");
    world.inject(&Fault::RestoreLink { node: node(1), link: 0 }).unwrap();
    world.inject(&Fault::RestoreLink { node: node(2), link: 1 }).unwrap();
    quiet(&mut world);
}

/// What votequorum says of ids and its barrier (recordings `majority`, `isolated` and `splitbrain` of plain corosync).
#[test]
fn without_quorum_votequorum_does_not_look_who_is_lowest_and_highest() {
    let said = |world: &World, number: u8| {
        let corosync = &world.nodes[&node(number)].corosync;
        (corosync.extremes, corosync.barrier)
    };
    let mut world = healthy(3);
    isolate(&mut world, 3, true);
    quiet(&mut world);
    assert_eq!(said(&world, 1), (Some((1, 2)), 3));
    assert_eq!(said(&world, 3), (Some((1, 3)), 3));
    assert!(world.set_expected("pve3", 1));
    assert_eq!(said(&world, 3), (Some((3, 3)), 1));
    isolate(&mut world, 3, false);
    quiet(&mut world);
    assert_eq!(world.nodes["pve3"].corosync.expected, 3);
    assert_eq!(said(&world, 3), (Some((1, 3)), 1));
}

/// Two of four start while the QDevice's host is off: what they expect is the nodelist's votes.
#[test]
fn a_cold_start_expects_the_votes_of_a_qdevice_only_with_its_members() {
    let mut world = healthy(4);
    let mut config = world.nodes["pve1"].corosync.config.clone();
    config.version += 1;
    let (host, algorithm) = ("10.0.1.50".to_owned(), "ffsplit".to_owned());
    config.device = Some(DeviceEntry { host, algorithm, votes: Some(1) });
    world.pve_write("pve1", DB_CONFIG, Some(config.render().into_bytes()));
    quiet(&mut world);
    assert_eq!(world.nodes["pve1"].corosync.expected, 5);
    for number in 1..=4 {
        world.inject(&Fault::Kill { node: node(number) }).unwrap();
    }
    quiet(&mut world);
    for number in 1..=2 {
        world.inject(&Fault::Start { node: node(number) }).unwrap();
    }
    quiet(&mut world);
    let corosync = &world.nodes["pve1"].corosync;
    assert_eq!((corosync.members.len(), corosync.expected, corosync.quorate), (2, 4, false));
}

/// Measured with corosync 3.1.7 (xtask chaos, `kinds.rs`): a lone node that is told to expect one vote expects two.
#[test]
fn a_silent_qdevice_is_expected_all_the_same() {
    for (count, left, device, expected, is_quorate) in [(2, 1, 1, 2, false), (3, 2, 2, 4, false), (4, 2, 1, 3, true)] {
        let mut world = healthy(count);
        let mut config = world.nodes["pve1"].corosync.config.clone();
        config.version += 1;
        let (host, algorithm) = ("10.0.1.50".to_owned(), "ffsplit".to_owned());
        config.device = Some(DeviceEntry { host, algorithm, votes: Some(device) });
        world.pve_write("pve1", DB_CONFIG, Some(config.render().into_bytes()));
        quiet(&mut world);
        for number in left + 1..=count {
            world.inject(&Fault::Kill { node: node(number) }).unwrap();
        }
        quiet(&mut world);
        assert!(quorate(&world).is_empty(), "{count}");
        assert!(world.set_expected("pve1", left.into()));
        let corosync = &world.nodes["pve1"].corosync;
        assert_eq!((corosync.expected, corosync.quorate), (expected, is_quorate), "{left} of {count}");
    }
}
