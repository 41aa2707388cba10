use super::*;
use crate::facts::PmxCluster;
use crate::ids::ClusterId;
use crate::inventory::LogIn;
use crate::name::SshAddress;
use crate::topology::fixture::{conf, name, status, time};
use uuid::Uuid;

fn members(nodes: u32, version: u64) -> PmxMembers {
    let member = |n: u32| PmxMember { name: name(n), id: n, online: true, ip: format!("10.7.9.{n}").parse().ok() };
    PmxMembers {
        node_name: name(1),
        cluster: Some(PmxCluster { name: "grove".into(), version, nodes, quorate: true }),
        nodes: (1..=nodes).map(member).collect(),
    }
}

/// The first of three healthy nodes, asked.
fn told() -> Told {
    Told {
        by: name(1),
        at: time(0),
        shared: Some(conf(3)),
        local: Some(conf(3)),
        members: Some(members(3, 3)),
        quorum: Some(status(1, &[1, 2, 3], "1.9", 3)),
        guests: Some(0),
        resolved: BTreeMap::new(),
    }
}

fn codes(found: &Discovery) -> Vec<&'static str> {
    found.differs.iter().map(|one| one.code.as_str()).collect()
}

fn id(n: u128) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(n))
}

#[test]
fn a_healthy_cluster_is_found_whole_and_without_a_difference() {
    let row = Node {
        id: id(5),
        cluster: ClusterId::from_uuid(Uuid::from_u128(1)),
        purpose: Purpose::Member,
        address: SshAddress { host: "10.7.0.2".into(), port: 22, user: "root".into() },
        via: None,
        name: Some(name(2)),
        pin: None,
        offered: None,
        log_in: LogIn::NeedsKey,
        position: 0,
    };
    let found = discover(&told(), &[row]).expect("a cluster");
    assert_eq!((found.cluster_name.as_str(), found.config_version, found.source), ("grove", 3, Source::Shared));
    assert_eq!(codes(&found), [""; 0]);
    assert_eq!((found.quorate, found.guests, found.protects()), (Some(true), Some(0), false));
    let all: Vec<_> = found.found.iter().map(|one| (one.name.as_str(), one.address.as_str(), one.online)).collect();
    let on = Some(true);
    assert_eq!(all, [("ash", "10.7.9.1", on), ("beech", "10.7.9.2", on), ("cedar", "10.7.9.3", on)]);
    assert_eq!(found.found.iter().map(|one| one.known).collect::<Vec<_>>(), [None, Some(id(5)), None]);
}

#[test]
fn links_keep_their_priorities_and_have_the_machines_that_are_here() {
    let found = discover(&told(), &[]).expect("a cluster");
    let ids = BTreeMap::from([(name(1), id(1)), (name(3), id(3))]);
    let links = found.links(&ids);
    assert_eq!(
        links.iter().map(|link| (link.number, link.priority)).collect::<Vec<_>>(),
        [(0, Some(10)), (1, Some(20))]
    );
    let first: Vec<_> = links[1].addresses.iter().map(|(id, ip)| (*id, ip.to_string())).collect();
    assert_eq!(first, [(id(1), "10.8.0.1".to_owned()), (id(3), "10.8.0.3".to_owned())]);
}

#[test]
fn without_pmxcfs_the_nodes_own_copy_counts_and_its_word_is_marked() {
    let down = Told { shared: None, members: None, guests: None, quorum: None, ..told() };
    let found = discover(&down, &[]).expect("a cluster");
    assert_eq!(found.source, Source::Local);
    assert_eq!(codes(&found), ["corosync_down", "pmxcfs_down"]);
    assert!(found.found.iter().all(|one| one.online.is_none()), "nobody tells who is online");
    assert_eq!((found.guests, found.protects()), (None, false));
    assert_eq!(found.found[1].address, "10.7.0.2", "the lowest link is all that is known");
}

#[test]
fn a_left_over_copy_is_no_cluster() {
    let alone = PmxMembers { node_name: name(1), cluster: None, nodes: Vec::new() };
    assert_eq!(discover(&Told { shared: None, members: Some(alone), ..told() }, &[]), None);
    assert_eq!(discover(&Told { shared: None, local: None, members: None, ..told() }, &[]), None);
}

#[test]
fn what_pmxcfs_says_otherwise_is_told_and_never_merged() {
    let mut other = members(3, 4);
    other.nodes[1].id = 7;
    other.nodes[2].name = "elder".into();
    if let Some(cluster) = &mut other.cluster {
        cluster.name = "wood".into();
    }
    let found = discover(&Told { members: Some(other), ..told() }, &[]).expect("a cluster");
    let expected = ["name_differs", "version_differs", "id_differs", "not_in_members", "not_in_conf"];
    assert_eq!(codes(&found), expected);
    assert_eq!(found.found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["ash", "beech", "cedar"]);
    assert_eq!(found.found[1].address, "10.7.0.2", "another id is another node: its address is not taken");
    let renamed = &found.differs[2];
    assert_eq!(renamed.params["member"], "beech");
    assert_eq!((renamed.params["conf"].as_str(), renamed.params["members"].as_str()), ("2", "7"));
}

#[test]
fn copies_of_other_versions_and_a_node_outside_its_own_list_are_told() {
    let found = discover(&Told { by: "elm".into(), local: Some(conf(2)), ..told() }, &[]).expect("a cluster");
    assert_eq!(codes(&found), ["self_missing", "copies_differ"]);
}

#[test]
fn names_as_addresses_are_resolved_on_the_node_or_left_out() {
    let mut named = conf(2);
    named.nodes[0].addresses.insert(0, "ash".into());
    named.nodes[1].addresses.insert(0, "beech.example".into());
    assert_eq!(names_to_resolve(&named), ["ash", "beech.example"]);
    let told = Told {
        resolved: BTreeMap::from([("ash".to_owned(), "10.7.0.1".parse().expect("address"))]),
        members: Some(members(2, 2)),
        shared: Some(named.clone()),
        local: Some(named),
        ..told()
    };
    let found = discover(&told, &[]).expect("a cluster");
    assert_eq!(codes(&found), ["address_unresolved"]);
    let links = found.links(&BTreeMap::from([(name(1), id(1)), (name(2), id(2))]));
    assert_eq!(links[0].addresses.keys().collect::<Vec<_>>(), [&id(1)], "an unknown address is none");
    assert_eq!(links[1].addresses.len(), 2);
}

#[test]
fn who_is_offline_is_corosyncs_word() {
    let quorum = Some(status(1, &[1, 2], "1.9", 3));
    let found = discover(&Told { quorum, guests: Some(4), ..told() }, &[]).expect("a cluster");
    let online: Vec<_> = found.found.iter().map(|one| one.online).collect();
    assert_eq!(online, [Some(true), Some(true), Some(false)]);
    assert!(found.protects(), "a cluster with guests is protected");
}
