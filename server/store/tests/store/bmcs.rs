use crate::support::{Room, at, conflict, entry, missing, node};
use engine::ports::{BmcStore as _, ClusterStore as _};
use model::audit::AuditCode;
use model::bmc::{Binding, Bmc, BmcWay, Power, PowerReading};
use model::ids::NodeId;

fn bmc(node: NodeId, second: i64) -> Bmc {
    let way = BmcWay::Ipmi { host: "10.0.9.11".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    Bmc { node, way, binding: Binding::Never, set_at: at(second), set_by: "root".into(), last: None }
}

fn bound() -> Binding {
    let uuid = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5".parse().expect("a UUID");
    Binding::Bound { uuid, at: at(9), by: "root".into() }
}

fn off() -> PowerReading {
    PowerReading { power: Some(Power::Off), twice: true, problem: None, uuid: None, at: at(9), evidence: Vec::new() }
}

#[tokio::test]
async fn an_entry_is_kept_with_its_secret_beside_it() {
    let room = Room::new().await;
    let cluster = room.cluster(1).await;
    let id = room.store.add_node(&node(cluster.id, 1), entry(AuditCode::NodeAdded)).await.expect("add").id;
    assert_eq!(room.store.bmc(id).await.expect("read"), None);
    let one = bmc(id, 5);
    room.store.set_bmc(&one, Some(b"sealed"), entry(AuditCode::BmcSet)).await.expect("set");
    let room = room.crash().await;
    assert_eq!(room.store.bmc(id).await.expect("read"), Some(one.clone()));
    assert_eq!(room.store.bmcs(cluster.id).await.expect("list"), [one]);
    assert_eq!(room.store.bmc_secret(id).await.expect("read").as_deref(), Some(&b"sealed"[..]));
    room.store.remove_bmc(id, entry(AuditCode::BmcRemoved)).await.expect("removed");
    assert_eq!(room.store.bmc_secret(id).await.expect("read"), None);
    assert_eq!(missing(room.store.remove_bmc(id, entry(AuditCode::BmcRemoved)).await), "BMC");
}

#[tokio::test]
async fn what_was_found_out_about_an_earlier_entry_does_not_stick_to_a_newer_one() {
    let room = Room::new().await;
    let cluster = room.cluster(1).await;
    let id = room.store.add_node(&node(cluster.id, 1), entry(AuditCode::NodeAdded)).await.expect("add").id;
    room.store.set_bmc(&bmc(id, 5), Some(b"one"), entry(AuditCode::BmcSet)).await.expect("set");
    room.store.bind_bmc(id, at(5), &bound(), entry(AuditCode::BmcBound)).await.expect("bound");
    room.store.note_power(id, at(5), &off()).await.expect("noted");
    let known = room.store.bmc(id).await.expect("read").expect("there");
    assert_eq!((known.binding, known.last), (bound(), Some(off())));
    room.store.set_bmc(&bmc(id, 6), None, entry(AuditCode::BmcSet)).await.expect("set anew");
    assert_eq!(conflict(room.store.bind_bmc(id, at(5), &bound(), entry(AuditCode::BmcBound)).await), "BMC");
    room.store.note_power(id, at(5), &off()).await.expect("nobody is told");
    assert_eq!(room.store.bmc(id).await.expect("read"), Some(bmc(id, 6)));
    assert_eq!(room.store.bmc_secret(id).await.expect("read"), None, "the old password is gone too");
}

#[tokio::test]
async fn it_goes_with_its_machine() {
    let room = Room::new().await;
    let cluster = room.cluster(1).await;
    let id = room.store.add_node(&node(cluster.id, 1), entry(AuditCode::NodeAdded)).await.expect("add").id;
    room.store.set_bmc(&bmc(id, 5), Some(b"sealed"), entry(AuditCode::BmcSet)).await.expect("set");
    room.store.forget_node(id, entry(AuditCode::NodeForgotten)).await.expect("forgotten");
    assert_eq!(room.store.bmc_secret(id).await.expect("read"), None);
    let nobody = bmc(id, 6);
    assert_eq!(missing(room.store.set_bmc(&nobody, None, entry(AuditCode::BmcSet)).await), "node");
}
