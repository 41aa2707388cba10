use crate::support::{Room, at, cluster_id, missing};
use engine::ports::EvidenceStore as _;
use model::observation::{Evidence, EvidenceLine};

#[tokio::test]
async fn evidence_is_found_newest_first() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for (node, second) in [("pve1", 1), ("pve2", 2), ("pve1", 3)] {
        room.store.keep(one.id, &evidence(node, second)).await.expect("keep");
    }
    let all = room.store.evidence_of(one.id, None, 10).await.expect("all");
    assert_eq!(all, [evidence("pve1", 3), evidence("pve2", 2), evidence("pve1", 1)]);
    assert_eq!(room.store.evidence_of(one.id, Some("pve1"), 1).await.expect("one"), [evidence("pve1", 3)]);
    assert!(room.store.evidence_of(cluster_id(2), None, 10).await.expect("none").is_empty());
    assert_eq!(missing(room.store.keep(cluster_id(2), &evidence("pve1", 1)).await), "cluster");
}

#[tokio::test]
async fn what_is_older_goes() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for second in 1..=5 {
        room.store.keep(one.id, &evidence("pve1", second)).await.expect("keep");
    }
    assert_eq!(room.store.expire(at(3)).await.expect("expire"), 2);
    let left = room.store.evidence_of(one.id, None, 10).await.expect("left");
    assert_eq!(left.last().map(|e| e.at), Some(at(3)));
    assert_eq!(room.store.expire(at(3)).await.expect("expire"), 0);
}

#[tokio::test]
async fn what_is_too_much_goes_oldest_first() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for second in 1..=4 {
        room.store.keep(one.id, &evidence("pve1", second)).await.expect("keep");
    }
    let all = room.store.evidence_bytes().await.expect("bytes");
    assert_eq!(room.store.trim_evidence(all).await.expect("trim"), 0);
    assert_eq!(room.store.trim_evidence(all - 1).await.expect("trim"), 1);
    assert_eq!(room.store.trim_evidence(all / 2).await.expect("trim"), 1);
    let left = room.store.evidence_of(one.id, None, 10).await.expect("left");
    assert_eq!(left, [evidence("pve1", 4), evidence("pve1", 3)]);
    assert_eq!(room.store.trim_evidence(0).await.expect("trim"), 2);
    assert_eq!(room.store.evidence_bytes().await.expect("bytes"), 0);
}

fn evidence(node: &str, second: i64) -> Evidence {
    Evidence {
        node: node.into(),
        command: "corosync-quorumtool -s".into(),
        exit: Some(1),
        at: at(second),
        millis: 31,
        lines: vec![EvidenceLine { text: "Quorate: No".into(), guilty: true }],
        cut: true,
    }
}
