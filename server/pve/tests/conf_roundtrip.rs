//! Whatever configuration can be written is read back, and the two central ones look as reviewed.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use model::facts::{ConfNode, ConfQdevice, CorosyncConf};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::entry;

#[test]
fn the_configuration_with_a_qdevice() {
    let recorded = entry("pve-9.2/50-qdevice-3-ok.txt", "cat /etc/pve/corosync.conf");
    insta::assert_debug_snapshot!(pve::corosync_conf::conf(recorded.answer()));
}

#[test]
fn the_votes_with_a_qdevice() {
    let recorded = entry("pve-9.2/50-qdevice-3-ok.txt", "corosync-quorumtool -s");
    insta::assert_debug_snapshot!(pve::quorumtool::quorum(recorded.answer()));
}

proptest! {
    #[test]
    fn a_written_configuration_is_read_back(conf in any_conf(), indent in "[ \t]{0,4}", blank in any::<bool>()) {
        let text = written(&conf, &indent, if blank { "\n# a comment\n" } else { "" });
        prop_assert_eq!(pve::corosync_conf::read(&text), Ok(conf));
    }
}

fn any_conf() -> impl Strategy<Value = CorosyncConf> {
    let address = prop_oneof!["10\\.[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}", "fd00::[1-9a-f]{1,4}"];
    let addresses = prop::collection::btree_map(0_u8..8, address, 1..4);
    let node = ("[a-z][a-z0-9-]{0,8}", 1_u32..99, 1_u32..4, addresses)
        .prop_map(|(name, id, votes, addresses)| ConfNode { name, id, votes, addresses });
    let qdevice = prop::option::of("10\\.0\\.0\\.[0-9]{1,2}".prop_map(|host| ConfQdevice {
        model: "net".to_owned(),
        host: Some(host),
        algorithm: Some("ffsplit".to_owned()),
        votes: 1,
    }));
    let priorities = prop::collection::btree_map(0_u8..8, 0_u32..256, 0..4);
    let totem = ("[a-z][a-z0-9]{0,14}", 1_u64..9999, prop::option::of(0_u32..2000));
    (totem, prop::collection::vec(node, 1..6), priorities, qdevice).prop_map(
        |((cluster_name, config_version, token_coefficient), nodes, link_priorities, qdevice)| CorosyncConf {
            cluster_name,
            config_version,
            nodes,
            link_priorities,
            qdevice,
            token_coefficient,
            quorum_options: BTreeMap::from([("two_node".to_owned(), "0".to_owned())]),
        },
    )
}

fn written(conf: &CorosyncConf, indent: &str, between: &str) -> String {
    let mut out = format!("{between}totem {{\n{indent}cluster_name: {}\n", conf.cluster_name);
    out += &format!("{indent}config_version: {}\n", conf.config_version);
    if let Some(value) = &conf.token_coefficient {
        out += &format!("{indent}token_coefficient: {value}\n");
    }
    for (link, priority) in &conf.link_priorities {
        out +=
            &format!("{indent}interface {{\n{indent}linknumber: {link}\nknet_link_priority: {priority}\n{indent}}}\n");
    }
    out += &format!("}}\n{between}nodelist {{\n");
    for node in &conf.nodes {
        out += &format!("{indent}node {{\nname: {}\nnodeid: {}\nquorum_votes: {}\n", node.name, node.id, node.votes);
        for (link, address) in &node.addresses {
            out += &format!("{indent}{indent}ring{link}_addr: {address}\n");
        }
        out += &format!("{indent}}}\n");
    }
    out += "}\nquorum {\nprovider: corosync_votequorum\ntwo_node: 0\n";
    if let Some(device) = &conf.qdevice {
        let host = device.host.as_deref().unwrap_or_default();
        out += &format!("device {{\nmodel: net\nvotes: 1\nnet {{\nalgorithm: ffsplit\nhost: {host}\n}}\n}}\n");
    }
    out + "}\n"
}
