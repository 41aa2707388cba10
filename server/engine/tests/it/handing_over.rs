//! A draft that one person begins, another runs, and a third takes up where it stopped.

use crate::house::{House, anna};
use crate::look;
use engine::audit::Person;
use lab::{Fault, Scenario};
use model::audit::{AuditCode, ChainedEntry};
use model::ids::OperationId;
use model::operation::OperationState;
use model::plan::Intent;
use model::policy::Consent;
use model::wizard::Draft;

fn person(name: &str) -> Person {
    Person { name: name.into() }
}

async fn run_as(house: &House, who: &Person, intent: &Intent) -> OperationId {
    let proposal = house.engine().plan(house.cluster, intent).await.expect("a plan");
    let consent = Consent { reason: "I go on with it".into(), typed: proposal.plan.target.clone() };
    let digest = proposal.digest.as_str().to_owned();
    house.engine().run(who, house.cluster, intent, &digest, &consent, true).await.expect("it starts")
}

fn who_did(entries: &[ChainedEntry], operation: OperationId, code: AuditCode) -> Vec<String> {
    let of = entries.iter().filter(|one| one.entry.operation == Some(operation) && one.entry.code == code);
    of.map(|one| one.entry.who.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_anna_began_olga_runs_and_ivan_takes_up() {
    let mut house = House::new(Scenario::bare(2)).await;
    let (olga, ivan) = (person("olga"), person("ivan"));
    // anna chooses the links, and leaves.
    let draft = Draft { links: house.links().await, touched_by: Some(anna().name), ..Draft::default() };
    let saved = house.store().save_draft(house.cluster, &draft, None).await.expect("saved");
    assert_eq!(saved.touched_by.as_deref(), Some("anna"));
    house.restart().await;

    // olga runs what she finds in the draft.
    let links = house.store().draft(house.cluster).await.expect("the draft").links;
    assert_eq!(links, draft.links, "a restart loses nothing of it");
    let create = match house.create_intent().await {
        Intent::CreateCluster { name, first, .. } => Intent::CreateCluster { name, first, links },
        other => panic!("{other:?}"),
    };
    let created = run_as(&house, &olga, &create).await;
    look::is_done(&house, &house.ended(created).await).await;

    // Her join stops, because the machine hangs; the next morning ivan goes on with it.
    let join = house.join_intent(&["pve2"]).await;
    house.inject(Fault::HangCommands { node: "pve2".into(), on: true });
    let joined = run_as(&house, &olga, &join).await;
    let parked = house.ended(joined).await;
    assert!(matches!(parked.state, OperationState::Parked { .. }), "{:?}", parked.state);
    assert_eq!(parked.proposed_by, "olga");
    house.inject(Fault::HangCommands { node: "pve2".into(), on: false });
    house.lab.settle().await;
    house.restart().await;
    house.engine().resume(&ivan, joined).await.expect("anybody of the team may");
    look::is_done(&house, &house.ended(joined).await).await;
    look::one_cluster(&house.lab.inspect(), &["pve1", "pve2"]);

    let entries = look::audit_is_whole(&house).await;
    assert_eq!(who_did(&entries, created, AuditCode::OperationStarted), ["olga"]);
    assert_eq!(who_did(&entries, joined, AuditCode::OperationStarted), ["olga"]);
    assert_eq!(who_did(&entries, joined, AuditCode::OperationResumed), ["ivan"]);
    // Every command on a node has the name of whoever let it run.
    let commands = who_did(&entries, joined, AuditCode::CommandStarted);
    assert!(commands.contains(&"ivan".to_owned()), "{commands:?}");
    assert!(!commands.iter().any(|who| who == "anna"), "{commands:?}");
}
