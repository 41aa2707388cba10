use crate::support::{Room, at, cluster_id, conflict, entry, missing};
use engine::hub::Measured;
use engine::ports::{ClusterStore as _, GatheredStore as _};
use model::audit::AuditCode;
use model::measure::Measurement;
use model::preflight::Matrix;
use std::collections::BTreeMap;
use std::sync::Arc;

fn checks(started: i64, ended: Option<i64>) -> Matrix {
    Matrix { started_at: at(started), finished_at: ended.map(at), nodes: Vec::new(), cells: Vec::new() }
}

fn links(started: i64, ended: Option<i64>) -> Measured {
    let report = Measurement {
        started_at: at(started),
        finished_at: ended.map(at),
        links: Vec::new(),
        nodes: Vec::new(),
        ways: Vec::new(),
    };
    Measured { report: Arc::new(report), evidence: BTreeMap::new() }
}

#[tokio::test]
async fn the_newest_results_of_each_kind_are_kept() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    assert_eq!(room.store.checks(one.id).await.expect("checks"), None);
    room.store.keep_checks(one.id, &checks(1, Some(5))).await.expect("kept");
    room.store.keep_measured(one.id, &links(2, Some(6))).await.expect("kept");
    // Somebody else's, which began and ended earlier and is written later.
    room.store.keep_checks(one.id, &checks(0, Some(4))).await.expect("no error");
    assert_eq!(room.store.checks(one.id).await.expect("checks"), Some(checks(1, Some(5))));
    assert_eq!(room.store.measured(one.id).await.expect("links"), Some(links(2, Some(6))));
    room.store.keep_checks(one.id, &checks(7, Some(9))).await.expect("kept");
    assert_eq!(room.store.checks(one.id).await.expect("checks"), Some(checks(7, Some(9))));
}

#[tokio::test]
async fn what_has_not_ended_or_has_no_cluster_is_refused() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    assert_eq!(conflict(room.store.keep_checks(one.id, &checks(1, None)).await), "unfinished results");
    assert_eq!(conflict(room.store.keep_measured(one.id, &links(1, None)).await), "unfinished results");
    assert_eq!(missing(room.store.keep_checks(cluster_id(9), &checks(1, Some(2))).await), "cluster");
    room.store.keep_checks(one.id, &checks(1, Some(2))).await.expect("kept");
    room.store.forget_cluster(one.id, entry(AuditCode::ClusterForgotten)).await.expect("forgotten");
    assert_eq!(room.store.checks(one.id).await.expect("checks"), None, "it goes with its cluster");
}
