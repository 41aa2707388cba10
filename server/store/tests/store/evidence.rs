use crate::support::{Room, at, cluster_id, missing};
use engine::ports::EvidenceStore as _;
use model::ids::OperationId;
use model::observation::{Evidence, EvidenceLine};

#[tokio::test]
async fn evidence_is_found_newest_first() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for (node, second) in [("pve1", 1), ("pve2", 2), ("pve1", 3)] {
        room.store.keep(one.id, None, &evidence(node, second)).await.expect("keep");
    }
    let all = room.store.evidence_of(one.id, None, 10).await.expect("all");
    assert_eq!(all, [evidence("pve1", 3), evidence("pve2", 2), evidence("pve1", 1)]);
    assert_eq!(room.store.evidence_of(one.id, Some("pve1"), 1).await.expect("one"), [evidence("pve1", 3)]);
    assert!(room.store.evidence_of(cluster_id(2), None, 10).await.expect("none").is_empty());
    assert_eq!(missing(room.store.keep(cluster_id(2), None, &evidence("pve1", 1)).await), "cluster");
}

#[tokio::test]
async fn what_is_older_goes() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for second in 1..=5 {
        room.store.keep(one.id, None, &evidence("pve1", second)).await.expect("keep");
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
        room.store.keep(one.id, None, &evidence("pve1", second)).await.expect("keep");
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

#[tokio::test]
async fn the_same_answer_again_prolongs_the_row_and_is_found_behind_its_facts() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let dated = |second: i64, quorate: &str| {
        let mut seen = evidence("pve1", second);
        let text = |text: String| EvidenceLine { text, guilty: false };
        seen.lines = vec![text(format!("Date: second {second}")), text(format!("Quorate: {quorate}"))];
        (one.id, seen)
    };
    let mut seen: Vec<_> = [10, 20, 30].map(|second| dated(second, "Yes")).into();
    seen.push(dated(40, "No"));
    seen.push(dated(50, "Yes"));
    // Of a cluster that is not there any more.
    seen.push((cluster_id(9), evidence("pve1", 1)));
    room.store.keep_all(&seen[..2]).await.expect("keep");
    room.store.keep_all(&seen[2..]).await.expect("keep");
    assert_eq!(room.store.evidence_of(one.id, None, 10).await.expect("all").len(), 3, "it went and came back");
    let behind = async |second: i64| {
        // A fact's time is when it was asked for: 31 ms before the answer was there.
        let asked = at(second).checked_sub(jiff::SignedDuration::from_millis(31)).expect("in range");
        room.store.behind(one.id, "pve1", "corosync-quorumtool -s", asked).await
    };
    let first = behind(30).await.expect("kept");
    assert_eq!((first.times, first.evidence.at, first.last_at), (3, at(10), at(30)));
    assert!(behind(40).await.expect("kept").evidence.lines[1].text.ends_with("No"));
    assert_eq!(behind(50).await.expect("kept").times, 1);
    assert_eq!(missing(behind(35).await), "evidence", "nobody asked then");
    assert_eq!(missing(behind(9).await), "evidence");
    // What is still repeated is not old, whenever it began.
    assert_eq!(room.store.expire(at(30)).await.expect("expire"), 0);
    assert_eq!(room.store.expire(at(31)).await.expect("expire"), 1);
}

#[tokio::test]
async fn what_an_operation_relied_on_outlives_age_and_size() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let operation = OperationId::from_uuid(uuid::Uuid::from_u128(77));
    room.store.keep_all(&[(one.id, evidence("pve1", 1)), (one.id, evidence("pve2", 2))]).await.expect("keep");
    room.store.keep(one.id, None, &evidence("pve1", 3)).await.expect("keep");
    assert_eq!(room.store.hold(one.id, operation).await.expect("hold"), 2, "the newest of each node");
    room.store.keep(one.id, Some(operation), &evidence("pve3", 4)).await.expect("keep");
    assert_eq!(room.store.expire(at(100)).await.expect("expire"), 1);
    assert_eq!(room.store.trim_evidence(0).await.expect("trim"), 0);
    let left = room.store.evidence_of(one.id, None, 10).await.expect("left");
    assert_eq!(left.iter().map(|one| one.at).collect::<Vec<_>>(), [at(4), at(3), at(2)]);
    let kept = room.store.behind(one.id, "pve2", "corosync-quorumtool -s", at(2)).await.expect("kept");
    assert_eq!(kept.operation, Some(operation));
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
