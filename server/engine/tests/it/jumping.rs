//! A member that the console reaches only through another machine.

use crate::fence::held;
use crate::house::House;
use engine::ports::ClusterStore;
use lab::{Fault, Scenario};
use model::ids::NodeId;
use model::inventory::{LogIn, Node, Purpose};
use model::problem::ProblemCode;

/// `pve1` as a jump host that lets the console in, and `pve2` behind it, its key confirmed.
async fn behind_pve1(house: &House) -> (Node, Node) {
    let jump = house.add_row("pve1", Purpose::Jump, "root").await;
    for node in ["pve1", "pve2"] {
        house.let_in(node, "authorized_keys2");
    }
    house.engine().try_log_in(&jump).await.expect("the jump host lets the console in");
    let member = house.add_behind("pve2", Purpose::Member, "root", Some(jump.id)).await;
    let key = |node: &Node| node.pin.as_ref().map(|pin| pin.key.clone());
    assert_ne!(key(&member), key(&jump), "the confirmed key is the member's own");
    (held(house.raw().node(jump.id)).await.expect("there"), member)
}

#[tokio::test(start_paused = true)]
async fn a_member_behind_a_jump_host_is_asked_through_it_alone() {
    let house = House::outside(Scenario::healthy(2)).await;
    let (jump, member) = behind_pve1(&house).await;
    let engine = house.engine();
    engine.try_log_in(&member).await.expect("it lets the console in");
    assert_eq!(house.dialled("pve2"), 0, "the console never knocks at it itself");
    assert_eq!(held(house.raw().node(member.id)).await.expect("there").name.as_deref(), Some("pve2"));
    assert_eq!(jump.name, None, "nothing is asked of the jump host");
    let answered = engine.discover(house.cluster).await.expect("it tells of its cluster");
    assert_eq!((answered.discovery.cluster_name.as_str(), answered.through.id), ("lab", member.id));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_the_jump_host_is_said_of_the_jump_host() {
    let house = House::outside(Scenario::healthy(2)).await;
    let (jump, member) = behind_pve1(&house).await;
    let engine = house.engine();
    house.inject(Fault::ChangeHostKey { node: "pve1".into() });
    house.lab.settle().await;
    engine.dialer.forget(jump.id).await;
    let refused = engine.shell_to(&member).await.map(|_| ()).expect_err("nothing goes through it");
    assert_eq!((refused.code, refused.params["jump"].as_str()), (ProblemCode::JumpKeyChanged, "pve1"));
    let log_in = async |id: NodeId| held(house.raw().node(id)).await.expect("there").log_in;
    assert!(matches!(log_in(jump.id).await, LogIn::KeyChanged { .. }), "it is the jump host's key that changed");
    assert!(!matches!(log_in(member.id).await, LogIn::KeyChanged { .. }));
}
