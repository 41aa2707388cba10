//! What a request rests on, and what its plan does to the votes.

use super::*;
use crate::bmc::BmcWay;
use crate::recovery::{DeathProof, QuorumOptions, WrittenOff};
use crate::remedy::Look;
use std::collections::BTreeSet;

#[test]
fn material_facts_name_what_is_not_known() {
    let (cluster, nodes) = (cluster(), [node(1), node(2), node(3)]);
    let intent = join(&nodes);
    let blind = material(&intent, &PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None }, None);
    let seen_now = snapshot(2, "1.d");
    let known =
        material(&intent, &PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(&seen_now), look: None }, None);
    assert!(blind.iter().all(|line| line.value.is_none()) && blind.is_sorted());
    let value = |code, about: &str| {
        known.iter().find(|line| line.code == code && line.about == about).and_then(|line| line.value.as_deref())
    };
    assert_eq!(value(FactCode::Members, ""), Some("ash, beech"));
    assert_eq!(value(FactCode::ExpectedVotes, ""), Some("2"));
    assert_eq!(value(FactCode::Power, "ash"), Some("on"));
    assert_eq!(value(FactCode::Power, "cedar"), None, "who does not answer may be on or off");
    assert_eq!(compare(&known, &known), Compared::Same);
    assert_eq!(compare(&known, &blind), Compared::CannotTell);
    assert_eq!(compare(&blind, &known), Compared::Changed);
    assert_eq!(compare(&known, &known[1..]), Compared::Changed);
    assert_eq!(still_holds(&known, &known), Compared::Same);
    assert_eq!(still_holds(&known, &blind), Compared::CannotTell);
    assert_eq!(still_holds(&blind, &known), Compared::Same, "nobody relied on what nobody knew");
    assert_eq!(still_holds(&known, &[]), Compared::CannotTell);
    assert_eq!(still_holds(&[], &known), Compared::Same);
    let install = Intent::InstallKey { node: nodes[0].id };
    assert!(
        material(&install, &PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None }, None)
            .is_empty()
    );
}

#[test]
fn guests_matter_where_a_plan_stops_machines_and_are_shown_else() {
    let (cluster, nodes) = (cluster(), [node(1), node(2), node(3)]);
    let seen_now = snapshot(2, "1.d");
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(&seen_now), look: None };
    let counts: GuestList = [("ash".to_owned(), [101, 102].into())].into();
    let guests = |lines: Vec<FactLine>| -> Vec<(String, Option<String>)> {
        lines.into_iter().filter(|line| line.code == FactCode::Guests).map(|line| (line.about, line.value)).collect()
    };
    let create = Intent::CreateCluster { name: "grove".parse().expect("name"), first: nodes[0].id, links: vec![] };
    let known = guests(material(&create, &world, Some(&counts)));
    assert_eq!(known, [("ash".into(), Some("101, 102".into())), ("beech".into(), Some("0".into()))]);
    let other: GuestList = [("ash".to_owned(), [101, 900].into())].into();
    let [then, now] = [&counts, &other].map(|list| material(&create, &world, Some(list)));
    assert_eq!(compare(&then, &now), Compared::Changed, "as many guests, and another one of them");
    assert_eq!(still_holds(&then, &now), Compared::Changed);
    let unknown = guests(material(&create, &world, None));
    assert!(unknown.len() == 2 && unknown.iter().all(|(_, value)| value.is_none()), "{unknown:?}");
    assert!(guests(material(&join(&nodes), &world, Some(&counts))).is_empty());
    assert_eq!(guests(around(Some(&seen_now), Some(&counts))), known);
}

#[test]
fn a_new_ring_alone_is_no_material_change_and_is_shown() {
    let (cluster, nodes) = (cluster(), [node(1), node(2), node(3)]);
    let intent = join(&nodes);
    let (one, two) = (snapshot(2, "1.d"), snapshot(2, "1.11"));
    let facts = |seen| {
        material(&intent, &PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(seen), look: None }, None)
    };
    assert_eq!(compare(&facts(&one), &facts(&two)), Compared::Same);
    let changed = changes(&around(Some(&one), None), &around(Some(&two), None));
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!((changed[0].code, changed[0].now.as_deref()), (FactCode::Ring, Some("1.11")));
}

#[test]
fn the_blast_of_a_join_counts_the_vote_that_is_not_there_yet() {
    let Subject::Plan { blast, .. } = asked().subject else { panic!("a plan") };
    let wanted = Blast {
        votes_now: Some(2),
        quorum_now: Some(2),
        votes_after: Some(3),
        quorum_after: Some(2),
        margin_after: Some(1),
        margin_meanwhile: Some(0),
        guests: Some(0),
        guest_ids: BTreeSet::new(),
    };
    assert_eq!(blast, wanted);
}

/// Two nodes, and a device that has this many votes and casts them or not.
fn beside_a_device(configured: u32, casts: bool) -> Snapshot {
    let mut seen =
        fixture::folded(&[1, 2].map(|own| fixture::with_qdevice(fixture::view(own, &[1, 2], "1.d", 2, 0), casts)), 1);
    let quorum = &mut seen.quorum.as_mut().expect("told").fact.value;
    let cast = if casts { configured } else { 0 };
    (quorum.expected_votes, quorum.total_votes, quorum.qdevice_votes) = (2 + configured, 2 + cast, Some(cast));
    let device = &mut seen.qdevice.as_mut().expect("a device").fact.value;
    (device.configured_votes, device.votes) = (configured, cast);
    seen
}

#[test]
fn a_device_takes_along_what_it_is_configured_with_and_not_what_it_casts() {
    let (cluster, nodes) = (cluster(), [node(1), node(2)]);
    for (configured, casts) in [(1, true), (1, false), (3, true), (3, false)] {
        let seen_now = beside_a_device(configured, casts);
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(&seen_now), look: None };
        let plan = planner::plan(&Intent::RemoveQdevice, &world).expect("a plan");
        let blast = Blast::of(&plan, &world, None);
        let after = (blast.votes_after, blast.quorum_after, blast.margin_after);
        assert_eq!(after, (Some(2), Some(2), Some(0)), "{configured} {casts}");
    }
}

#[test]
fn lowered_votes_are_counted_with_those_of_a_silent_device() {
    let (cluster, nodes) = (cluster(), [node(1), node(2), node(3)]);
    let (proof, votes) = (DeathProof::Attested { by: "anna".into(), how: "no power".into() }, 2);
    let dead = WrittenOff { name: "cedar".into(), addresses: vec![], proof, guests: vec![], services: vec![] };
    let members = vec!["ash".into(), "beech".into()];
    let intent = Intent::SetExpected { through: nodes[0].id, votes, members, written_off: vec![dead] };
    for (of_device, quorum) in [(0, 2), (1, 2)] {
        let look = Look::SilentDevice { votes: of_device, options: QuorumOptions::default() };
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: Some(&look) };
        let plan = planner::plan(&intent, &world).expect("a plan");
        assert_eq!(plan.lowered_to(), Some(2 + of_device));
        let blast = Blast::of(&plan, &world, None);
        assert_eq!((blast.votes_after, blast.quorum_after), (Some(2), Some(quorum)));
    }
}

/// corosync.conf(5): with `two_node` one of two is enough, and nothing but the nodes' own words says so.
#[test]
fn one_of_two_is_enough_where_the_nodes_say_so() {
    let (cluster, nodes) = (cluster(), [node(1), node(2)]);
    let way = BmcWay::Qm { outer: nodes[0].id, outer_name: "host".into(), vmid: 100 };
    let uuid = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5".parse().expect("a UUID");
    let intent = Intent::PowerOff { node: nodes[1].id, way, uuid };
    for (quorum, margin) in [(1, 0), (2, -1)] {
        let mut seen_now = snapshot(2, "1.d");
        seen_now.quorum.as_mut().expect("told").fact.value.quorum = quorum;
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(&seen_now), look: None };
        let plan = planner::plan(&intent, &world).expect("a plan");
        let blast = Blast::of(&plan, &world, None);
        assert_eq!((blast.quorum_after, blast.margin_after), (Some(quorum), Some(margin)));
        assert_eq!((blast.guests, blast.guest_ids), (None, BTreeSet::new()), "nobody told of guests");
    }
}

#[test]
fn guests_on_a_machine_that_is_cut_off_are_named() {
    let (cluster, nodes) = (cluster(), [node(1), node(2)]);
    let seen_now = snapshot(2, "1.d");
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(&seen_now), look: None };
    let uuid = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5".parse().expect("a UUID");
    let way = BmcWay::Qm { outer: nodes[0].id, outer_name: "host".into(), vmid: 100 };
    let plan = planner::plan(&Intent::PowerOff { node: nodes[1].id, way, uuid }, &world).expect("a plan");
    let all: GuestList = [("ash".to_owned(), [101].into()), (nodes[1].label().to_owned(), [7, 102].into())].into();
    let blast = Blast::of(&plan, &world, Some(&all));
    assert_eq!((blast.guests, blast.guest_ids), (Some(2), [7, 102].into()));
    let none = Blast::of(&plan, &world, Some(&GuestList::new()));
    assert_eq!((none.guests, none.guest_ids), (Some(0), BTreeSet::new()));
}
