use super::super::QuorumOptions;
use super::super::tests::{absent, alone, gone_on_without};
use super::*;

/// The ways, each with its number of nodes and their names.
fn ways(recovery: &Recovery) -> Vec<(Gentler, String)> {
    let words = |way: GentlerWay| {
        let count = way.params.get("count").map(|count| format!("{count} of ")).unwrap_or_default();
        (way.code, count + way.params.get("nodes").map_or("", String::as_str))
    };
    recovery.gentler().into_iter().map(words).collect()
}

fn way(code: Gentler, words: &str) -> (Gentler, String) {
    (code, words.to_owned())
}

/// Silent nodes with so many votes each.
fn away(nodes: &[(&str, u32)]) -> Vec<Absent> {
    nodes.iter().map(|(name, votes)| Absent { votes: *votes, ..absent(name, false) }).collect()
}

#[test]
fn what_writes_nobody_off_comes_first() {
    assert_eq!(ways(&alone()), [way(Gentler::StartNode, "beech, cedar")]);
    assert_eq!(ways(&Recovery { quorate: true, ..alone() }), []);
    let device = Recovery { qdevice_missing: 1, ..alone() };
    assert_eq!(ways(&device), [way(Gentler::StartQnetd, ""), way(Gentler::StartNode, "beech, cedar")]);
    let lives = Recovery { absent: vec![absent("beech", true), absent("cedar", false)], ..alone() };
    assert_eq!(ways(&lives), [way(Gentler::RepairLinks, ""), way(Gentler::StartNode, "cedar")]);
    let all_live = Recovery { absent: vec![absent("beech", true)], ..alone() };
    assert_eq!(ways(&all_live), [way(Gentler::RepairLinks, "")], "who runs is not started");
}

#[test]
fn as_many_nodes_are_named_as_the_missing_votes_need() {
    let far = Recovery { quorum: 3, expected_votes: 5, ..alone() };
    assert_eq!(ways(&far), [way(Gentler::StartNodes, "2 of beech, cedar")]);
    let out_of_reach = Recovery { quorum: 4, expected_votes: 7, ..alone() };
    assert_eq!(ways(&out_of_reach), [], "nobody else is known");
    let of = |nodes: &[(&str, u32)], quorum| Recovery { absent: away(nodes), quorum, ..alone() };
    // Only the heavy one is enough alone.
    assert_eq!(ways(&of(&[("beech", 1), ("cedar", 3), ("elm", 1)], 4)), [way(Gentler::StartNode, "cedar")]);
    // Any two of the first three bring three votes; two of the light ones do not.
    let mixed = of(&[("beech", 1), ("cedar", 2), ("elm", 2), ("fir", 1)], 4);
    assert_eq!(ways(&mixed), [way(Gentler::StartNodes, "2 of cedar, elm, beech")]);
}

#[test]
fn the_device_takes_the_place_of_a_node_where_that_helps() {
    let four = [("beech", 1), ("cedar", 1), ("elm", 1), ("fir", 1)];
    let of = |quorum, qdevice_missing| Recovery { absent: away(&four), quorum, qdevice_missing, ..alone() };
    let names = "beech, cedar, elm, fir";
    let [alone, beside] = ["2 of ", "1 of "].map(|count| format!("{count}{names}"));
    assert_eq!(ways(&of(3, 1)), [way(Gentler::StartNodes, &alone), way(Gentler::StartNodesAndQnetd, &beside)]);
    // All four nodes bring four votes, and five are missing.
    let needed = of(6, 2);
    assert_eq!(ways(&needed), [way(Gentler::StartNodesAndQnetd, &format!("3 of {names}"))]);
}

#[test]
fn where_no_vote_is_missing_the_cluster_waits_for_everybody() {
    let cold = Recovery { present_votes: 2, quorum: 2, absent: away(&[("cedar", 1)]), ..alone() };
    assert_eq!(ways(&cold), [way(Gentler::WaitForAll, "cedar")]);
    // Two nodes: one vote is enough, after both were there once.
    let two = Recovery { expected_votes: 2, quorum: 1, absent: away(&[("beech", 1)]), ..alone() };
    assert_eq!(ways(&two), [way(Gentler::WaitForAll, "beech")]);
    assert_eq!(ways(&Recovery { absent: Vec::new(), ..two }), [], "nobody is away");
}

#[test]
fn whoever_waits_for_all_needs_everybody_after_a_loss_as_well() {
    let options = QuorumOptions { waits_for_all: true, tracked_by: None };
    let three = away(&[("cedar", 1), ("elm", 1), ("fir", 1)]);
    let lost = Recovery { present_votes: 2, expected_votes: 5, quorum: 3, absent: three.clone(), options, ..alone() };
    assert_eq!(ways(&lost), [way(Gentler::WaitForAll, "cedar, elm, fir")]);
    let voteless = Recovery { absent: [three, away(&[("gum", 0)])].concat(), ..lost.clone() };
    assert_eq!(ways(&voteless), ways(&lost), "nobody waits for a node without a vote");
    // The device's vote is among those that are waited for, and is enough where no other one is missing.
    let device = Recovery { qdevice_missing: 1, ..lost };
    assert_eq!(ways(&device), [way(Gentler::WaitForAllAndQnetd, "cedar, elm, fir")]);
    assert_eq!(ways(&Recovery { absent: Vec::new(), ..device.clone() }), [way(Gentler::StartQnetd, "")]);
    let lives = Recovery { absent: vec![absent("cedar", true)], ..device };
    let both = [way(Gentler::RepairLinks, ""), way(Gentler::WaitForAllAndQnetd, "cedar")];
    assert_eq!(ways(&lives), both, "the device alone would not be enough");
}

#[test]
fn beside_a_side_that_has_quorum_nothing_is_started() {
    assert_eq!(ways(&gone_on_without()), [way(Gentler::RepairLinks, "")]);
}
