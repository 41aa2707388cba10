use crate::approvals::account;
use crate::support::{Room, at, cluster_id, entry, missing, operation};
use engine::ports::{ApprovalStore as _, EvidenceStore as _};
use model::approval::{Blast, Request, RequestEvent, RequestState, Seen, Subject, facts_digest};
use model::audit::AuditCode;
use model::ids::{ClusterId, OperationId, RequestId};
use model::observation::{Evidence, EvidenceLine};
use model::policy::Agreement;
use model::role::Role;
use uuid::Uuid;

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

#[tokio::test]
async fn what_a_request_rests_on_outlives_age_and_size_whatever_becomes_of_it() {
    let room = Room::new().await;
    let (one, two) = (room.cluster(1).await, room.cluster(2).await);
    account(&room, 1, "paul", Role::Approver).await;
    for (cluster, node, second) in [(one.id, "pve1", 1), (one.id, "pve2", 2), (one.id, "pve1", 3), (two.id, "pve9", 3)]
    {
        room.store.keep(cluster, None, &evidence(node, second)).await.expect("keep");
    }
    let (first, second) = (asked(one.id, 1), asked(one.id, 2));
    for request in [&first, &second] {
        room.store.add_request(request, entry(AuditCode::ApprovalRequested)).await.expect("asked");
    }
    room.store.keep(one.id, None, &evidence("pve1", 4)).await.expect("keep");
    assert_eq!(
        room.store.expire(at(50)).await.expect("expire"),
        3,
        "what was older or came later, and what is another cluster's"
    );
    let when_asked = vec![("pve1".to_owned(), 3), ("pve2".to_owned(), 2)];
    assert_eq!(relied(&room, first.id).await, when_asked);
    assert_eq!(relied(&room, second.id).await, when_asked, "two may rest on the same");

    // Later somebody else looks at the same.
    room.store.keep(one.id, None, &evidence("pve1", 60)).await.expect("keep");
    let event = RequestEvent::Approve { seen: first.subject.seen().clone(), comment: String::new() };
    room.store.decide(first.id, "paul", &event, at(61), entry(AuditCode::ApprovalGiven)).await.expect("approved");
    let no = RequestEvent::Reject { comment: "not today".into() };
    for id in [first.id, second.id] {
        room.store.decide(id, "paul", &no, at(62), entry(AuditCode::ApprovalRejected)).await.expect("rejected");
    }
    assert_eq!(room.store.expire(at(10_000)).await.expect("expire"), 0);
    assert_eq!(room.store.trim_evidence(0).await.expect("trim"), 0);
    let whole = vec![("pve1".to_owned(), 3), ("pve1".to_owned(), 60), ("pve2".to_owned(), 2)];
    assert_eq!(relied(&room, first.id).await, whole);
    assert_eq!(relied(&room, second.id).await, when_asked);
    let kept = room.store.behind(one.id, "pve2", "corosync-quorumtool -s", at(2)).await.expect("kept");
    assert_eq!((kept.request, kept.operation), (Some(first.id), None));
    // An operation that relies on the same takes nothing away.
    let operation = OperationId::from_uuid(Uuid::from_u128(78));
    assert_eq!(room.store.hold(one.id, operation).await.expect("hold"), 2);
    assert_eq!(relied(&room, first.id).await, whole);
}

/// Nodes and seconds of the answers that a request rests on.
async fn relied(room: &Room, id: RequestId) -> Vec<(String, i64)> {
    let facts = room.store.relied_on(id).await.expect("relied on");
    let second = |fact: &model::observation::Fact<()>| {
        let kept = fact.at.checked_add(jiff::SignedDuration::from_millis(31)).expect("in range");
        kept.duration_since(at(0)).as_secs()
    };
    facts.iter().map(|fact| (fact.node.clone(), second(fact))).collect()
}

/// A request of olga's for a plan of its own.
fn asked(cluster: ClusterId, number: u128) -> Request {
    let mut plan = operation(cluster, number).plan;
    plan.target = format!("pve{number}");
    let seen = Seen { digest: plan.digest().expect("digest"), facts: facts_digest(&[]).expect("digest") };
    let subject =
        Subject::Plan { plan: Box::new(plan), seen, facts: Vec::new(), around: Vec::new(), blast: Blast::default() };
    Request {
        id: RequestId::from_uuid(Uuid::from_u128(number)),
        cluster,
        cluster_name: "pve-1".into(),
        subject,
        agreement: Agreement::AnotherApprover,
        requested_by: "olga".into(),
        requested_at: at(5),
        reason: "the old one is dead".into(),
        state: RequestState::Waiting,
    }
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
