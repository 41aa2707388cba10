//! The console dies in the middle of an import: after the cluster was taken over, and before anybody confirmed its members.

use crate::fence::{Side, held};
use crate::house::{House, OVER_WITHIN, anna};
use crate::importing::{asked, at, log_in, take_over};
use crate::look;
use engine::ports::{ClusterStore, OperationStore};
use lab::Scenario;
use model::audit::AuditCode;
use model::inventory::{ClusterPhase, LogIn, Node};
use model::operation::{Operation, OperationState};
use model::topology::Health;
use std::time::Duration;
use tokio::time::timeout;

const THROUGH: &str = "pve2";
const OTHERS: [&str; 2] = ["pve1", "pve3"];

/// What the page does once a cluster is taken over: the console's key into the file that all members share.
async fn share(house: &House) {
    house.engine().admit_console(&anna(), &house.node(THROUGH).await, true, true).await.expect("shared");
}

async fn operations(house: &House) -> Vec<Operation> {
    held(house.raw().operations(Some(house.cluster), 10)).await.expect("the operations")
}

/// The started console finds the cluster taken over once, and members that still wait for a person.
async fn waits_for_people(house: &House, members: &[&str]) {
    let cluster = held(house.raw().cluster(house.cluster)).await.expect("the cluster");
    assert_eq!((cluster.name.as_str(), cluster.phase), ("lab", ClusterPhase::Live));
    house.engine().watch_all().await;
    let told = async || house.engine().hub.snapshot(house.cluster).is_some_and(|one| one.quorum.is_some());
    house.until("the member that lets the console in is watched", Duration::from_secs(60), told).await;
    for name in members {
        let node = house.node(name).await;
        let waits = |node: &Node| matches!(node.log_in, LogIn::KeyUnconfirmed) && node.offered.is_some();
        assert!(waits(&node) && node.pin.is_none(), "nobody confirmed it: {node:?}");
    }
}

/// A person confirms each of them, and no password is asked.
async fn confirmed(house: &House) {
    for name in OTHERS {
        log_in(house, &house.node(name).await).await.unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
    house.engine().watch_all().await;
    let healthy = async || house.engine().hub.snapshot(house.cluster).is_some_and(|one| one.health == Health::Healthy);
    house.until("the cluster is healthy", Duration::from_secs(60), healthy).await;
    let entries = look::audit_is_whole(house).await;
    let imported = entries.iter().filter(|one| one.entry.code == AuditCode::ClusterImported).count();
    assert_eq!(imported, 1, "taken over once");
}

#[tokio::test(start_paused = true)]
async fn between_taking_over_and_sharing_the_key() {
    let mut house = asked(Scenario::healthy(3), THROUGH).await;
    take_over(&house, &[at("pve1")]).await.expect("taken over");
    assert_eq!(house.restart().await, 0, "nothing runs that could be taken up");
    waits_for_people(&house, &["pve1"]).await;
    assert_eq!(operations(&house).await.len(), 0);
    let again = take_over(&house, &[at("pve1"), at("pve3")]).await.expect("the rest");
    assert_eq!(again.added.iter().map(Node::label).collect::<Vec<_>>(), ["pve3"], "who is there is not added twice");
    share(&house).await;
    confirmed(&house).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_the_key_is_shared() {
    let measured = asked(Scenario::healthy(3), THROUGH).await;
    take_over(&measured, &OTHERS.map(at)).await.expect("taken over");
    let before = measured.console.fence.journal_writes();
    share(&measured).await;
    let writes = measured.console.fence.journal_writes() - before;
    assert!(writes >= 4, "the journal was written {writes} times only");
    for write in 1..=writes {
        for side in [Side::Before, Side::After] {
            eprintln!("dies {side:?} write {write} of {writes}");
            dies_at(write, side).await;
        }
    }
}

async fn dies_at(write: u64, side: Side) {
    let mut house = asked(Scenario::healthy(3), THROUGH).await;
    take_over(&house, &OTHERS.map(at)).await.expect("taken over");
    house.arm((write, side)).await;
    let (engine, through) = (house.engine().clone(), house.node(THROUGH).await);
    let sharing = tokio::spawn(async move { engine.admit_console(&anna(), &through, true, true).await });
    timeout(OVER_WITHIN, house.console.fence.death()).await.expect("the journal is written that often");
    sharing.abort();
    house.restart().await;
    waits_for_people(&house, &OTHERS).await;
    let all = operations(&house).await;
    let [left] = all.as_slice() else { panic!("one operation: {all:#?}") };
    let ended = house.ended(left.id).await;
    assert_eq!(ended.state, OperationState::Done, "taken up and ended: {:#?}", ended.steps);
    confirmed(&house).await;
}
