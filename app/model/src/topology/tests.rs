//! Folding: agreement, disagreement, silence and age.

use super::fixture::{cut_off, fact, folded, links, silent, status, time, view, with_qdevice};
use super::{Agreement, Contact, Health, LinkHealth, MayStop, Membership, NodeState, NodeView, Snapshot, Standing};
use crate::observation::Freshness;

fn node<'a>(snapshot: &'a Snapshot, name: &str) -> &'a NodeState {
    snapshot.nodes.iter().find(|node| node.name == name).expect("the node is there")
}

fn memberships(snapshot: &Snapshot) -> Vec<Membership> {
    snapshot.nodes.iter().map(|node| node.membership).collect()
}

fn three(ring: &str, second: i64) -> Vec<NodeView> {
    (1..=3).map(|n| view(n, &[1, 2, 3], ring, 3, second)).collect()
}

fn health(snapshot: &Snapshot, from: &str, to: &str, link: u8) -> LinkHealth {
    let found = snapshot.links.iter().find(|one| (one.from.as_str(), one.to.as_str(), one.link) == (from, to, link));
    found.expect("the link is there").health
}

#[test]
fn three_nodes_that_agree_are_healthy() {
    let snapshot = folded(&three("1.d", 0), 2);
    assert_eq!(snapshot.health, Health::Healthy);
    let Agreement::Agreed { partition } = &snapshot.agreement else { panic!("{:?}", snapshot.agreement) };
    assert_eq!(partition.members, ["ash", "beech", "cedar"], "printed as addresses, named by corosync.conf");
    assert_eq!(partition.told_by.len(), 3);
    assert_eq!(snapshot.tolerates, Some(1));
    assert_eq!(node(&snapshot, "ash").may_stop, MayStop::Yes { votes_after: 2, quorum: 2 });
    assert_eq!(snapshot.cluster_name.as_ref().map(|fact| fact.value.as_str()), Some("grove"));
    assert_eq!(snapshot.next_aging, Some(time(25)));
    assert_eq!(snapshot.links.len(), 6);
}

#[test]
fn a_dead_node_is_absent_as_soon_as_two_say_so() {
    let dead = cut_off(view(3, &[1, 2, 3], "1.d", 3, 0), 5);
    let snapshot = folded(&[view(1, &[1, 2], "1.11", 3, 6), view(2, &[1, 2], "1.11", 3, 6), dead], 7);
    assert_eq!(memberships(&snapshot), [Membership::Member, Membership::Member, Membership::Absent]);
    assert!(matches!(snapshot.agreement, Agreement::Agreed { .. }), "its last answer is overtaken");
    assert_eq!(snapshot.health, Health::Degraded);
    assert_eq!(snapshot.tolerates, Some(0));
    assert_eq!(node(&snapshot, "cedar").may_stop, MayStop::AlreadyDown);
    assert_eq!(node(&snapshot, "ash").may_stop, MayStop::No { votes_after: 1, quorum: 2 });
    let source = node(&snapshot, "cedar").membership_source.as_ref().expect("somebody said so");
    assert_ne!(source.node, "label of cedar");
    assert_eq!(health(&snapshot, "ash", "cedar", 1), LinkHealth::Down, "what the dead end said before does not count");
    assert_eq!(health(&snapshot, "ash", "beech", 1), LinkHealth::Up);
}

#[test]
fn a_frozen_node_is_absent_although_the_connection_still_stands() {
    let snapshot =
        folded(&[view(1, &[1, 2], "1.11", 3, 6), view(2, &[1, 2], "1.11", 3, 6), view(3, &[1, 2, 3], "1.d", 3, 0)], 7);
    assert_eq!(node(&snapshot, "cedar").membership, Membership::Absent);
    assert!(matches!(node(&snapshot, "cedar").contact, Contact::Connected { .. }));
}

#[test]
fn an_isolated_node_and_the_majority_are_two_views() {
    let snapshot =
        folded(&[view(1, &[1, 2], "1.11", 3, 6), view(2, &[1, 2], "1.11", 3, 6), view(3, &[3], "3.11", 3, 7)], 8);
    assert!(matches!(&snapshot.agreement, Agreement::Partitioned { partitions } if partitions.len() == 2));
    assert_eq!(memberships(&snapshot), [Membership::Member, Membership::Member, Membership::Isolated]);
    assert_eq!(snapshot.health, Health::Degraded);
    let quorum = snapshot.quorum.as_ref().expect("a majority");
    assert_eq!(quorum.fact.value.members, ["ash", "beech"], "the majority counts, though the other is newer");
    let source = node(&snapshot, "cedar").membership_source.as_ref().expect("its own");
    assert_eq!(source.node, "label of cedar");
}

#[test]
fn while_a_ring_settles_a_lone_voice_does_not_take_the_quorum_away() {
    let mut views = three("1.d", 0);
    views[2] = view(3, &[3], "3.11", 3, 4);
    let settling = folded(&views, 4);
    assert_ne!(settling.health, Health::NoQuorum);
    let later: Vec<NodeView> = vec![view(1, &[1, 2, 3], "1.d", 3, 0), silent(2), view(3, &[3], "3.11", 3, 14)];
    let later = folded(&later, 15);
    assert_eq!(later.health, Health::NoQuorum, "nobody has repeated the old ring for too long");
}

#[test]
fn an_older_yes_and_a_newer_no_are_a_disagreement_and_promise_nothing() {
    // Of three nodes one has just said that it is alone; the others cannot be asked again and said yes 4 s ago.
    let views = [view(1, &[1, 2, 3], "1.d", 3, 0), view(2, &[1, 2, 3], "1.d", 3, 0), view(3, &[3], "3.11", 3, 4)];
    let torn = folded(&views, 5);
    assert_eq!(torn.standing(), Standing::Disputed { views: 2, quorate: 1 });
    assert_eq!(torn.tolerates, None);
    assert!(torn.nodes.iter().all(|node| node.may_stop == MayStop::NotKnown), "{:?}", torn.nodes);
    assert_ne!(torn.health, Health::Healthy);
    let later = folded(&views, 17);
    assert_eq!(later.standing(), Standing::Disputed { views: 2, quorate: 1 }, "nobody has spoken since");
    let mut agreed = three("1.d", 0);
    assert_eq!(folded(&agreed, 1).standing(), Standing::Quorate);
    agreed[2] = silent(3);
    assert_eq!(folded(&agreed, 1).standing(), Standing::Quorate, "a silent node contradicts nobody");
    assert_eq!(folded(&[view(1, &[1], "1.11", 3, 5), silent(2)], 6).standing(), Standing::NotQuorate);
    assert_eq!(folded(&agreed, 60).standing(), Standing::Unknown);
}

#[test]
fn an_answer_adds_up_or_contradicts_itself() {
    assert!(status(1, &[1, 2], "1.11", 3).adds_up());
    let late = crate::facts::QuorumStatus { total_votes: 3, ..status(2, &[2], "1.36", 3) };
    assert!(!late.adds_up(), "printed by corosync 3.1.7 after a join: one member and the votes of three");
    assert!(
        !status(2, &[1, 2, 4], "2.1a", 5).adds_up(),
        "printed after a thaw: node 2 does not form a ring with node 1"
    );
    assert!(status(10, &[10, 11], "a.9", 2).adds_up(), "ring ids are hex");
    for voting in [true, false] {
        assert!(with_qdevice(view(1, &[1, 2], "1.9", 2, 0), voting).quorum.expect("told").value.adds_up());
    }
}

#[test]
fn sides_that_share_nobody_dispute_the_head_and_not_each_others_votes() {
    let snapshot =
        folded(&[view(1, &[1, 2], "1.11", 3, 6), view(2, &[1, 2], "1.11", 3, 6), view(3, &[3], "3.11", 3, 7)], 8);
    assert_eq!(snapshot.standing(), Standing::Disputed { views: 2, quorate: 1 });
    assert_eq!(snapshot.tolerates, Some(0));
    assert_eq!(node(&snapshot, "ash").may_stop, MayStop::No { votes_after: 1, quorum: 2 });
}

#[test]
fn two_quorate_halves_are_a_split() {
    // `pvecm expected 1` on the isolated node does this.
    let mut alone = view(3, &[3], "3.11", 1, 7);
    alone.conf = None;
    let snapshot = folded(&[view(1, &[1, 2], "1.11", 3, 6), view(2, &[1, 2], "1.11", 3, 6), alone], 8);
    assert_eq!(snapshot.health, Health::Split);
    assert_eq!(snapshot.quorum.as_ref().map(|aged| aged.fact.value.members.len()), Some(2));
}

#[test]
fn silent_nodes_are_unknown_not_gone() {
    let quiet = folded(&[silent(1), silent(2)], 0);
    assert_eq!((quiet.health, &quiet.agreement), (Health::Unknown, &Agreement::Unknown));
    assert_eq!(memberships(&quiet), [Membership::Unknown, Membership::Unknown]);
    let lone = folded(&[view(1, &[1], "1.11", 3, 5), silent(2)], 6);
    assert_eq!(lone.health, Health::NoQuorum);
    assert_eq!(memberships(&lone), [Membership::Isolated, Membership::Unknown, Membership::Unknown]);
    assert_eq!(node(&lone, "beech").may_stop, MayStop::NotKnown);
    assert_eq!(lone.tolerates, Some(0));
}

#[test]
fn answers_age_to_stale_and_then_count_no_more() {
    let views = three("1.d", 0);
    let stale = folded(&views, 25);
    assert_eq!((stale.health, node(&stale, "ash").freshness), (Health::Degraded, Freshness::Stale));
    let unknown = folded(&views, 60);
    assert_eq!((unknown.health, &unknown.agreement), (Health::Unknown, &Agreement::Unknown));
    assert_eq!(node(&unknown, "ash").membership, Membership::Unknown);
    assert_eq!(unknown.quorum.as_ref().map(|aged| aged.freshness), Some(Freshness::Unknown));
    assert_eq!((unknown.tolerates, unknown.next_aging), (None, None));
    assert!(unknown.links.iter().all(|link| link.health == LinkHealth::Unknown));
}

#[test]
fn a_link_is_judged_from_both_ends() {
    let mut views = three("1.d", 0);
    views[0].links = Some(fact(1, "corosync-cfgtool -n", links(1, &[1, 2, 3], &[(0, 2)]), 1));
    let one = folded(&views, 2);
    assert_eq!(health(&one, "ash", "beech", 0), LinkHealth::OneWay);
    views[1].links = Some(fact(2, "corosync-cfgtool -n", links(2, &[1, 2, 3], &[(0, 1)]), 2));
    let both = folded(&views, 3);
    assert_eq!(health(&both, "ash", "beech", 0), LinkHealth::Down);
    assert_eq!(both.health, Health::Degraded);
    let pair = both.links.iter().find(|link| link.to == "beech" && link.link == 0).expect("the pair");
    assert_eq!(pair.told_by.iter().map(|fact| fact.at).collect::<Vec<_>>(), [time(2), time(1)], "newest first");
    views[1].links = None;
    assert_eq!(
        health(&folded(&views, 3), "ash", "beech", 0),
        LinkHealth::Down,
        "one end is enough when the other is silent"
    );
}

#[test]
fn the_preferred_link_has_the_highest_priority_and_then_the_lowest_number() {
    let preferred = |views: &[NodeView]| -> Vec<u8> {
        folded(views, 2)
            .links
            .iter()
            .filter(|link| link.preferred && link.from == "ash" && link.to == "beech")
            .map(|link| link.link)
            .collect()
    };
    let mut views = three("1.d", 0);
    assert_eq!(preferred(&views), [1]);
    views[0].links = Some(fact(1, "corosync-cfgtool -n", links(1, &[1, 2, 3], &[(1, 2)]), 1));
    assert_eq!(preferred(&views), [0], "the dedicated one is down");
    let mut equal = three("1.d", 0);
    for view in &mut equal {
        view.conf.as_mut().expect("conf").value.link_priorities.clear();
    }
    assert_eq!(preferred(&equal), [0]);
}

#[test]
fn a_qdevice_counts_by_the_flag_v() {
    let two =
        |voting| -> Vec<NodeView> { (1..=2).map(|n| with_qdevice(view(n, &[1, 2], "1.9", 2, 0), voting)).collect() };
    let good = folded(&two(true), 1);
    assert_eq!((good.health, good.tolerates), (Health::Healthy, Some(1)));
    let lost = folded(&two(false), 1);
    assert_eq!((lost.health, lost.tolerates), (Health::Degraded, Some(0)));
    let device = lost.qdevice.expect("configured").fact.value;
    assert!(!device.works() && device.votes == 0 && device.configured_votes == 1);
    let mut mute = two(true);
    for view in &mut mute {
        view.quorum.as_mut().expect("status").value = status(1, &[1, 2], "1.9", 2);
    }
    assert!(!folded(&mute, 1).qdevice.expect("still configured").fact.value.works(), "unmentioned is not working");
}

#[test]
fn machines_outside_the_cluster_do_not_make_it_partitioned() {
    let views = [view(1, &[1, 2], "1.9", 2, 0), view(2, &[1, 2], "1.9", 2, 0), silent(5)];
    let snapshot = folded(&views, 1);
    assert!(matches!(snapshot.agreement, Agreement::Agreed { .. }));
    assert_eq!(node(&snapshot, "elm").membership, Membership::NotJoined);
    assert_eq!(snapshot.health, Health::Healthy);
}

#[test]
fn a_member_that_the_console_was_not_told_of_is_shown() {
    let snapshot = folded(&[view(1, &[1, 2], "1.9", 2, 0)], 1);
    let beech = node(&snapshot, "beech");
    assert_eq!((beech.id, beech.membership, beech.corosync_id), (None, Membership::Member, Some(2)));
}

#[test]
fn a_join_is_seen_without_a_moment_of_disagreement() {
    let views = [view(1, &[1, 2, 3], "1.11", 3, 5), view(2, &[1, 2], "1.d", 2, 4), silent(3)];
    let snapshot = folded(&views, 6);
    assert!(matches!(&snapshot.agreement, Agreement::Agreed { partition } if partition.members.len() == 3));
}

#[test]
fn a_node_that_contradicts_all_peers_is_shown_as_disagreement() {
    // It claims a ring of all, again and again, newer than what the others say, and any number of votes.
    let told = |lied: i64, honest: i64| {
        let mut liar = view(3, &[1, 2, 3], "9.ff", 3, lied);
        liar.ring_since = Some(time(0));
        if let Some(fact) = &mut liar.quorum {
            fact.value.total_votes = 99;
        }
        let mut views = vec![view(1, &[1, 2], "1.11", 3, honest), view(2, &[1, 2], "1.11", 3, honest + 1), liar];
        for view in &mut views[..2] {
            view.ring_since = Some(time(-50));
        }
        folded(&views, lied + 1)
    };
    for (lied, honest) in [(10, 5), (20, 15), (100, 95)] {
        let snapshot = told(lied, honest);
        assert!(
            matches!(&snapshot.agreement, Agreement::Partitioned { partitions } if partitions.len() == 2),
            "{lied}"
        );
        let counts = &snapshot.quorum.as_ref().expect("known").fact.value;
        assert_eq!((counts.ring_id.as_str(), counts.told_by.len()), ("1.11", 2), "two tell it, one claims votes");
        assert_ne!(snapshot.health, Health::Healthy);
    }
}

#[test]
fn a_node_that_was_overtaken_and_falls_silent_is_no_disagreement() {
    let mut majority = [view(1, &[1, 2], "1.11", 3, 50), view(2, &[1, 2], "1.11", 3, 50)];
    for view in &mut majority {
        view.ring_since = Some(time(2));
    }
    let [one, two] = majority;
    let snapshot = folded(&[one, two, view(3, &[1, 2, 3], "1.d", 3, 4)], 51);
    assert!(matches!(snapshot.agreement, Agreement::Agreed { .. }), "it answered while the ring was forming");
    assert_eq!(node(&snapshot, "cedar").membership, Membership::Absent);
}

#[test]
fn lowered_votes_are_said_while_they_are_lowered() {
    let all = [view(1, &[1, 2, 3], "1.a", 3, 0), view(2, &[1, 2, 3], "1.a", 3, 0), view(3, &[1, 2, 3], "1.a", 3, 0)];
    assert_eq!(folded(&all, 1).lowered(), None);
    let mut alone = view(1, &[1], "1.e", 3, 0);
    assert_eq!(folded(&[alone.clone(), silent(2), silent(3)], 1).lowered(), None, "without quorum, and not lowered");
    if let Some(fact) = &mut alone.quorum {
        fact.value.expected_votes = 1;
    }
    let sides = [alone, silent(2), silent(3)];
    assert_eq!(folded(&sides, 1).lowered(), Some((1, 3)));
    assert_eq!(folded(&sides, 200).lowered(), None, "what is too old is not known");
}

/// corosync begins with the nodelist's votes, without the QDevice's: nobody has lowered anything where two of four start.
#[test]
fn a_cold_start_without_all_members_has_not_lowered_the_qdevices_votes() {
    let told = |count: u32, members: &[u32], voting: bool, expected: u32| {
        let mut first = with_qdevice(view(1, members, "1.e", count, 0), voting);
        if let Some(fact) = &mut first.quorum {
            fact.value.expected_votes = expected;
            fact.value.quorum = crate::quorum::quorum(expected);
            fact.value.quorate = fact.value.total_votes >= fact.value.quorum;
        }
        folded(&[first], 1)
    };
    let half = told(4, &[1, 2], false, 4);
    assert_eq!((half.lowered(), half.standing()), (None, Standing::NotQuorate));
    assert_eq!((told(2, &[1], true, 2).lowered(), told(4, &[1, 2, 3, 4], true, 5).lowered()), (None, None));
    assert_eq!(told(4, &[1, 2], false, 3).lowered(), Some((3, 4)), "as `pvecm expected 2` leaves it");
}

/// Two of three lowered to two while their QDevice is silent: corosync expects three, as many as the nodelist has.
#[test]
fn votes_that_a_silent_qdevice_fills_up_have_not_risen() {
    let three = folded(&[with_qdevice(view(1, &[1, 2], "1.e", 3, 0), false)], 1);
    assert_eq!((three.configured_votes(), three.risen_from(Some(3))), (Some(3), Some(4)));
    let four = folded(&[with_qdevice(view(1, &[1, 2], "1.e", 4, 0), false)], 1);
    assert_eq!(four.risen_from(Some(3)), Some(4), "a nodelist with more says it by itself");
    let without = folded(&[view(1, &[1], "1.e", 1, 0)], 1);
    assert_eq!(without.risen_from(Some(1)), Some(1), "the others were taken out of the cluster");
    assert_eq!(without.risen_from(None), Some(1));
}

#[test]
fn expected_votes_that_the_configuration_sets_count_in_place_of_the_nodelists() {
    for (set, lowered) in [("2", None), ("5", Some((3, 5))), ("0", None), ("many", None)] {
        let mut first = view(1, &[1, 2], "1.e", 3, 0);
        if let Some(fact) = &mut first.conf {
            fact.value.quorum_options.insert("expected_votes".into(), set.into());
        }
        assert_eq!(folded(&[first], 1).lowered(), lowered, "{set}");
    }
}

#[test]
fn where_no_side_that_is_heard_has_a_quorum_it_is_lost() {
    let mut halves = [view(1, &[1, 2], "1.e", 4, 0), view(3, &[3, 4], "3.e", 4, 0)];
    let torn = folded(&halves, 1);
    assert_eq!(torn.standing(), Standing::Disputed { views: 2, quorate: 0 });
    assert!(torn.standing().is_lost());
    if let Some(fact) = &mut halves[0].quorum {
        fact.value.quorate = true;
    }
    assert!(!folded(&halves, 1).standing().is_lost(), "one of them goes on");
    assert!(folded(&halves[1..], 1).standing().is_lost());
    assert!(!folded(&[silent(1)], 1).standing().is_lost(), "nobody is heard");
}
