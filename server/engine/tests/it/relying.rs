//! What a request rests on: the nodes' own answers stay with it, those too that still waited for the disk.

use crate::house::House;
use engine::audit::Person;
use jiff::Timestamp;
use lab::Scenario;
use model::policy::{Consent, Policy};
use model::role::Role;
use model::topology::Contact;
use std::time::Duration;

fn person(name: &str) -> Person {
    Person { name: name.into() }
}

#[tokio::test(start_paused = true)]
async fn what_the_nodes_said_is_kept_with_the_request_that_rests_on_it() {
    let house = House::built(Scenario::bare(2), 1).await;
    for (name, role) in [("anna", Role::Operator), ("paul", Role::Approver), ("ada", Role::Admin)] {
        house.person(name, role).await;
    }
    let (engine, cluster) = (house.engine(), house.cluster);
    let policy = Policy { protected: true, ..Policy::default() };
    engine.change_policy(&person("ada"), cluster, policy, "guests", true).await.expect("protected");
    let seen = async || {
        engine.hub.snapshot(cluster).is_some_and(|one| {
            let connected = one.nodes.iter().all(|node| matches!(node.contact, Contact::Connected { .. }));
            one.quorum.is_some() && one.nodes.len() == 2 && connected
        })
    };
    house.until("both machines are seen", Duration::from_secs(60), seen).await;
    let intent = house.join_intent(&["pve2"]).await;
    let proposal = engine.plan(cluster, &intent).await.expect("a plan");
    let consent = Consent { reason: "a second node".into(), typed: proposal.plan.target.clone() };
    let asked = engine.ask(&person("anna"), cluster, &intent, proposal.digest.as_str(), &consent, true).await;
    let request = asked.expect("asked");

    let store = house.store();
    let relied = store.relied_on(request).await.expect("relied on");
    let snapshot = engine.hub.snapshot(cluster).expect("a snapshot");
    let quorum = &snapshot.quorum.as_ref().expect("somebody tells of the votes").fact;
    let votes = relied.iter().find(|one| (&one.node, &one.command) == (&quorum.node, &quorum.command));
    let votes = votes.unwrap_or_else(|| panic!("the answer about the votes is not among {relied:?}"));
    engine.approve(&person("paul"), request, "", true).await.expect("approved");
    engine.reject(&person("paul"), request, "not today").await.expect("rejected");
    // Years later.
    store.expire(Timestamp::MAX).await.expect("expired");
    let left = store.relied_on(request).await.expect("relied on");
    assert!(relied.iter().all(|one| left.contains(one)), "{relied:?} are not all among {left:?}");
    let kept = store.behind(cluster, &votes.node, &votes.command, votes.at).await.expect("it can be opened");
    assert_eq!(kept.request, Some(request));
}
