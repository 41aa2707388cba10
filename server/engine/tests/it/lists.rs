//! Quorum recovery where the nodes have more than one list of who belongs to the cluster.

use crate::house::House;
use crate::recovering::{codes, refusal, seen};
use lab::{Fault, Scenario};
use model::problem::ProblemCode;
use model::recovery::Recovery;

const CONF: &str = "/etc/corosync/corosync.conf";

/// Somebody takes these out of a node's corosync.conf, and tells corosync nothing. The version that it has then.
fn cut_out(house: &House, node: &str, gone: &[&str]) -> u64 {
    let text = String::from_utf8(house.lab.file(node, CONF).expect("its configuration")).expect("a text");
    let (head, rest) = text.split_once("nodelist {\n").expect("a list");
    let (list, tail) = rest.split_once("}\n\n").expect("its end");
    let is_gone = |block: &str| gone.iter().any(|name| block.contains(&format!("name: {name}\n")));
    let left: String = list.split_inclusive("  }\n").filter(|block| !is_gone(block)).collect();
    let old = pve::corosync_conf::read(&text).expect("readable").config_version;
    let version = |number: u64| format!("config_version: {number}\n");
    let tail = tail.replace(&version(old), &version(old + 1));
    let text = format!("{head}nodelist {{\n{left}}}\n\n{tail}");
    assert_eq!(pve::corosync_conf::read(&text).expect("readable").config_version, old + 1);
    assert!(house.lab.put_file(node, CONF, text.as_bytes()));
    old + 1
}

fn absent(now: &Recovery) -> Vec<&str> {
    now.absent.iter().map(|node| node.name.as_str()).collect()
}

/// corosync counts by the list that it runs with: whoever was cut out of the file may still be a majority elsewhere.
#[tokio::test(start_paused = true)]
async fn whoever_was_cut_out_of_the_file_alone_is_still_absent() {
    let house = House::new(Scenario::healthy(5)).await;
    for node in ["pve3", "pve4", "pve5"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let intent = house.expected_intent().await;
    for node in ["pve1", "pve2"] {
        cut_out(&house, node, &["pve4", "pve5"]);
    }
    let now = seen(&house).await;
    assert_eq!((absent(&now), now.expected_votes), (vec!["pve3", "pve4", "pve5"], 5));
    assert_eq!(codes(&now), [ProblemCode::ConfNotRead]);
    assert_eq!(now.obstacles()[0].params["nodes"], "pve1, pve2");
    // Edited between plan and command.
    let operation = house.run(&intent).await;
    assert_eq!(refusal(&operation), ProblemCode::ConfNotRead);
    assert_eq!(house.lab.inspect().ran("pvecm expected"), 0);
    let ran = house.lab.run("pve1", "corosync-cfgtool -R", b"").await.expect("an answer");
    assert_eq!(ran.exit, 0, "{ran:?}");
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!((absent(&now), codes(&now)), (vec!["pve3"], vec![ProblemCode::ExpectedNotNeeded]), "two of three");
}

/// It was removed while it was off, and is started again.
#[tokio::test(start_paused = true)]
async fn a_node_that_was_removed_is_nobody_to_go_on_with() {
    let house = House::new(Scenario::healthy(3)).await;
    for node in ["pve1", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let version = cut_out(&house, "pve2", &["pve1"]);
    house.inject(Fault::StopCorosync { node: "pve2".into() });
    house.inject(Fault::StartCorosync { node: "pve2".into() });
    house.inject(Fault::Start { node: "pve1".into() });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!((now.through_name.as_str(), absent(&now)), ("pve2", vec!["pve3"]), "{now:#?}");
    assert_eq!(codes(&now), [ProblemCode::NodeRemoved]);
    let told = &now.obstacles()[0].params;
    assert_eq!((told["node"].as_str(), told["version"].clone()), ("pve1", version.to_string()));
    house.inject(Fault::StopCorosync { node: "pve1".into() });
    house.lab.settle().await;
    assert_eq!(codes(&seen(&house).await), [], "now nothing of it counts any more");
}
