use super::geometry::{Plan, Point, parallel};
use super::looks;
use super::quorum::Votes;
use super::summary::{Restartable, restartable};
use crate::components::Tone;
use crate::state::belief::believed;
use jiff::Timestamp;
use model::ids::ClusterId;
use model::observation::{Fact, Freshness};
use model::topology::{
    Aged, Agreement, Contact, Health, LinkHealth, MayStop, Membership, NodeState, PairLink, Partition, QdeviceState,
    Snapshot, Standing,
};
use std::collections::BTreeMap;

/// Corosync's own limit is far above; 32 is what Proxmox VE speaks of.
const NODES_MAX: usize = 32;

#[test]
fn every_card_is_inside_and_none_covers_another() {
    for count in 1..=NODES_MAX {
        let plan = Plan::new(count);
        let places: Vec<Point> = (0..count).map(|index| plan.place(index)).collect();
        let (top, height) = plan.bounds(true);
        for (index, one) in places.iter().enumerate() {
            assert!(
                one.y - plan.card_height / 2.0 >= top && one.y + plan.card_height / 2.0 <= top + height,
                "{count}: {one:?}"
            );
            assert!(
                one.x - plan.card_width / 2.0 >= 0.0 && one.x + plan.card_width / 2.0 <= plan.width,
                "{count}: {one:?}"
            );
            assert!(
                one.y - plan.card_height / 2.0 >= 0.0 && one.y + plan.card_height / 2.0 <= plan.height,
                "{count}: {one:?}"
            );
            for other in places.iter().skip(index + 1) {
                let apart = (one.x - other.x).abs() >= plan.card_width || (one.y - other.y).abs() >= plan.card_height;
                assert!(apart, "{count} nodes: {one:?} covers {other:?}");
            }
        }
    }
}

#[test]
fn the_qdevice_covers_no_node() {
    for count in 1..=NODES_MAX {
        let plan = Plan::new(count);
        let device = plan.qdevice();
        for index in 0..count {
            let node = plan.place(index);
            assert!(
                (node.x - device.x).abs() > plan.card_width / 2.0 || (node.y - device.y).abs() > plan.card_height,
                "{count}"
            );
        }
    }
}

#[test]
fn links_of_a_pair_run_beside_each_other() {
    let (from, to) = (Point { x: 0.0, y: 0.0 }, Point { x: 100.0, y: 0.0 });
    let (first, _) = parallel(from, to, 0, 2);
    let (second, _) = parallel(from, to, 1, 2);
    assert_eq!((first.y, second.y), (-3.0, 3.0));
    assert_eq!(parallel(from, to, 0, 1), (from, to));
    assert_eq!(parallel(from, from, 0, 2), (from, from));
}

#[test]
fn what_is_stale_is_not_green_and_promises_nothing() {
    let tones = |seconds| {
        let one = believed(pair(), at(seconds));
        let device = one.qdevice.as_ref().map(looks::of_device);
        let node = one.nodes.first().map(looks::of_node);
        (node, one.links.first().map(looks::of_link), device, looks::of_standing(&one), restartable(&one))
    };
    let all = |tone| (Some(tone), Some(tone), Some(tone), tone);
    let (node, link, device, quorum, may) = tones(24);
    assert_eq!(((node, link, device, quorum), may), (all(Tone::Good), Restartable::Any));
    let (node, link, device, quorum, may) = tones(25);
    assert_eq!(((node, link, device, quorum), may), (all(Tone::Look), Restartable::Unknown));
    let (node, link, device, quorum, may) = tones(60);
    assert_eq!(((node, link, device, quorum), may), (all(Tone::Unknown), Restartable::Unknown));
}

#[test]
fn a_contradiction_is_what_the_head_says() {
    let mut torn = pair();
    let Agreement::Agreed { partition } = torn.agreement.clone() else { panic!("set below") };
    let alone =
        Partition { quorate: false, members: vec!["elm".into()], told_by: vec!["elm".into()], ..partition.clone() };
    torn.agreement = Agreement::Partitioned { partitions: vec![partition, alone] };
    let looks = |second| {
        let one = believed(torn.clone(), at(second));
        (one.standing(), looks::of_standing(&one))
    };
    assert_eq!(looks(1), (Standing::Disputed { views: 2, quorate: 1 }, Tone::Bad));
    assert_eq!(looks(60), (Standing::Unknown, Tone::Unknown));
}

/// Five were lowered to two, and one of the two has died since.
#[test]
fn who_is_lowered_and_without_quorum_is_shown_the_way_to_recovery() {
    let mut lone = pair();
    lone.expected_set = Some(5);
    let told = |one: &Snapshot| Votes::of(&believed(one.clone(), at(1)));
    assert_eq!(told(&lone), Votes { lowered: Some((3, 5)), lost: false });
    let Some(aged) = &mut lone.quorum else { panic!("set below") };
    aged.fact.value.quorate = false;
    let partition = aged.fact.value.clone();
    lone.agreement = Agreement::Agreed { partition: partition.clone() };
    assert_eq!(told(&lone), Votes { lowered: Some((3, 5)), lost: true });
    let other = Partition { members: vec!["oak".into()], told_by: vec!["oak".into()], ..partition.clone() };
    lone.agreement = Agreement::Partitioned { partitions: vec![partition, other] };
    assert!(told(&lone).lost, "two sides, and neither has a quorum");
}

#[test]
fn bad_news_stay_bad_until_they_are_too_old() {
    let mut silent = pair();
    silent.nodes[0].membership = Membership::Absent;
    silent.qdevice.as_mut().expect("set below").fact.value.votes = 0;
    let tones = |seconds| {
        let one = believed(silent.clone(), at(seconds));
        (looks::of_node(&one.nodes[0]), one.qdevice.as_ref().map(looks::of_device))
    };
    assert_eq!(tones(30), (Tone::Bad, Some(Tone::Bad)));
    assert_eq!(tones(60), (Tone::Unknown, Some(Tone::Unknown)));
}

#[test]
fn one_node_of_which_nothing_is_known_is_not_among_those_that_may_go_down() {
    let mut half = pair();
    half.nodes[1].membership_source.as_mut().expect("set below").at = at(-30);
    assert_eq!(restartable(&believed(half.clone(), at(1))), Restartable::Only(vec!["ash".to_owned()]));
    half.nodes[0].may_stop = MayStop::No { votes_after: 1, quorum: 2 };
    assert_eq!(restartable(&believed(half, at(1))), Restartable::Unknown, "the other one could");
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn fact<T>(value: T) -> Fact<T> {
    Fact { value, node: "ash".into(), command: "corosync-quorumtool -s".into(), at: at(0) }
}

/// Two nodes with one link and a QDevice, all well, all told at second 0.
fn pair() -> Snapshot {
    let partition = Partition {
        ring_id: "1.d".into(),
        quorate: true,
        expected_votes: 3,
        total_votes: 3,
        quorum: 2,
        members: vec!["ash".into(), "elm".into()],
        told_by: vec!["ash".into()],
        qdevice_votes: Some(1),
    };
    let device = QdeviceState { host: None, algorithm: None, votes: 1, configured_votes: 1, votes_for_all: true };
    let link = PairLink {
        link: 0,
        from: "ash".into(),
        to: "elm".into(),
        health: LinkHealth::Up,
        preferred: true,
        freshness: Freshness::Fresh,
        told_by: vec![fact(true)],
        mtu: None,
    };
    Snapshot {
        cluster: ClusterId::from_uuid(uuid::Uuid::from_u128(1)),
        at: at(0),
        cluster_name: None,
        config_version: None,
        expected_set: None,
        health: Health::Healthy,
        agreement: Agreement::Agreed { partition: partition.clone() },
        quorum: Some(Aged { fact: fact(partition), freshness: Freshness::Fresh }),
        tolerates: Some(1),
        nodes: vec![member("ash", 1), member("elm", 2)],
        links: vec![link],
        qdevice: Some(Aged { fact: fact(device), freshness: Freshness::Fresh }),
        happened: Vec::new(),
        next_aging: None,
    }
}

fn member(name: &str, id: u32) -> NodeState {
    NodeState {
        id: None,
        name: name.into(),
        corosync_id: Some(id),
        votes: Some(1),
        contact: Contact::Untried,
        membership: Membership::Member,
        membership_source: Some(fact(())),
        freshness: Freshness::Fresh,
        changed_at: None,
        may_stop: MayStop::Yes { votes_after: 2, quorum: 2 },
        qdevice: None,
        version: None,
        capability: None,
        pmxcfs: None,
        addresses: BTreeMap::new(),
    }
}
