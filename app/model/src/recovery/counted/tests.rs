use super::*;
use crate::facts::{ConfNode, ConfQdevice};
use std::collections::BTreeMap;

/// Such a version of the cluster `lab`: these nodes with a vote each, and so many votes of a QDevice.
fn conf(version: u64, nodes: &[(CorosyncNodeId, &str)], device: u32) -> CorosyncConf {
    let node = |&(id, name): &(CorosyncNodeId, &str)| ConfNode {
        name: name.to_owned(),
        id,
        votes: 1,
        addresses: BTreeMap::from([(0, format!("10.0.1.{id}"))]),
    };
    let qdevice = ConfQdevice { model: "net".into(), host: None, algorithm: None, votes: device };
    CorosyncConf {
        cluster_name: "lab".into(),
        config_version: version,
        nodes: nodes.iter().map(node).collect(),
        link_priorities: BTreeMap::new(),
        qdevice: (device > 0).then_some(qdevice),
        token_coefficient: None,
        quorum_options: BTreeMap::new(),
    }
}

const THREE: &[(CorosyncNodeId, &str)] = &[(1, "ash"), (2, "beech"), (3, "cedar")];

#[test]
fn only_what_is_counted_has_to_be_the_same() {
    let runs = conf(3, THREE, 1);
    assert!(count_alike(&runs, &conf(4, THREE, 1)), "a version counts nothing");
    let turned = [THREE[2], THREE[0], THREE[1]];
    assert!(count_alike(&runs, &conf(3, &turned, 1)), "neither does the order");
    let mut heavier = conf(3, THREE, 1);
    heavier.nodes[1].votes = 2;
    let renamed = [THREE[0], THREE[1], (3, "elm")];
    for file in [conf(3, &THREE[..2], 1), conf(3, &renamed, 1), conf(3, THREE, 2), conf(3, THREE, 0), heavier] {
        assert!(!count_alike(&runs, &file), "{file:?}");
    }
}

#[test]
fn whoever_is_in_one_list_alone_is_missed_all_the_same() {
    let names = |conf: &CorosyncConf| conf.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
    let (file, runs) = (conf(4, &THREE[..2], 0), conf(3, &[THREE[0], THREE[2], (2, "elm")], 2));
    let all = united(&file, [&runs]);
    assert_eq!(names(&all), ["ash", "beech", "cedar", "elm"]);
    assert_eq!(all.qdevice.as_ref().map(|device| device.votes), Some(2));
    let all = united(&runs, [&file]);
    assert_eq!((all.nodes.len(), all.qdevice.as_ref().map(|device| device.votes)), (4, Some(2)));
    assert_eq!(united(&file, []), file);
}

#[test]
fn the_newest_list_says_who_was_removed() {
    let (old, new) = (conf(3, THREE, 0), conf(4, &THREE[1..], 0));
    let lists = [&old, &new];
    assert_eq!(newest("lab", &lists), Some(&new));
    assert_eq!(removed_by(1, &old, &lists), Some(4));
    for (id, own) in [(2, &new), (2, &old), (3, &old)] {
        assert_eq!(removed_by(id, own, &lists), None, "{id}");
    }
    assert_eq!(removed_by(1, &old, &[&old]), None, "nobody says so");
    // Its number was given to another one.
    let given = conf(5, &[(1, "elm"), THREE[1], THREE[2]], 0);
    let lists = [&old, &given];
    assert_eq!((removed_by(1, &old, &lists), removed_by(1, &given, &lists)), (Some(5), None));
    let foreign = CorosyncConf { cluster_name: "other".into(), ..conf(9, &THREE[1..], 0) };
    assert_eq!(removed_by(1, &old, &[&old, &foreign]), None, "the list of another cluster");
}
