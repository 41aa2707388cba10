//! A change of a policy begins from the policy that is in force when it is asked for, and when it is applied.

use crate::approvals::account;
use crate::support::{Room, at, cluster, cluster_id, entry};
use engine::ports::{ApprovalStore as _, AuditStore as _, ClusterStore as _, StoreError};
use model::approval::{Refused, Request, RequestEvent, RequestState, Seen, Subject};
use model::audit::{AuditCode, AuditFilter};
use model::ids::RequestId;
use model::inventory::Cluster;
use model::policy::{Agreement, Demand, Policy, Row};
use model::risk::Risk;
use model::role::Role;
use uuid::Uuid;

#[tokio::test]
async fn what_begins_from_another_policy_is_not_written_down() {
    let room = open().await;
    let before = room.store.policy(cluster_id(1)).await.expect("policy");
    let request = wish(&before, with_line(Demand::AnotherApprover), 1);
    // Between the look and the request the cluster is found to have guests.
    let protected = room.store.protect_undecided(cluster_id(1), entry(AuditCode::PolicyChanged)).await;
    assert!(protected.expect("protected"));
    let written = entries(&room).await;
    let refused = room.store.add_request(&request, entry(AuditCode::PolicyProposed)).await;
    assert_eq!(why(refused), Refused::PolicyMoved);
    assert_eq!(entries(&room).await, written, "nothing of it is written down");
    assert!(room.store.requests(None, false, 10).await.expect("requests").is_empty());
    let now = room.store.policy(cluster_id(1)).await.expect("policy");
    assert_eq!(now, Policy { protected: true, ..before });
    let request = wish(&now, with_line(Demand::AnotherApprover), 2);
    room.store.add_request(&request, entry(AuditCode::PolicyProposed)).await.expect("seen as it is");
}

#[tokio::test]
async fn of_two_that_begin_from_the_same_policy_one_is_applied() {
    let room = open().await;
    account(&room, 1, "ada", Role::Admin).await;
    let before = room.store.policy(cluster_id(1)).await.expect("policy");
    let wishes = [(Demand::AnotherApprover, 1), (Demand::AnotherPerson, 2)];
    let [first, second] = wishes.map(|(demand, number)| wish(&before, with_line(demand), number));
    let change = async |request: &Request| -> Result<Request, StoreError> {
        room.store.add_request(request, entry(AuditCode::PolicyProposed)).await?;
        let event = RequestEvent::ApplyAlone { seen: request.subject.seen().clone() };
        room.store.decide(request.id, "ada", &event, at(1), entry(AuditCode::PolicyChanged)).await
    };
    let (one, other) = tokio::join!(change(&first), change(&second));
    let winner = if one.is_ok() { &first } else { &second };
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(won.is_ok(), "{won:?} {lost:?}");
    // The second was asked for before the first was applied, or after.
    let lost = why(lost);
    assert!(matches!(lost, Refused::FactsChanged | Refused::PolicyMoved), "{lost:?}");
    let Subject::Policy { after, .. } = &winner.subject else { panic!("a policy: {winner:?}") };
    assert_eq!(room.store.policy(cluster_id(1)).await.expect("policy"), *after);
}

/// As soon as it has guests it is protected, unless somebody has decided about the switch itself.
#[tokio::test]
async fn a_line_that_is_changed_decides_nothing_about_the_switch() {
    let room = open().await;
    account(&room, 1, "ada", Role::Admin).await;
    let protects = async || {
        let protected = room.store.protect_undecided(cluster_id(1), entry(AuditCode::PolicyChanged)).await;
        protected.expect("the store answers")
    };
    let change = async |after: Policy, number: u128| {
        let before = room.store.policy(cluster_id(1)).await.expect("policy");
        let request = wish(&before, after, number);
        room.store.add_request(&request, entry(AuditCode::PolicyProposed)).await.expect("asked");
        let event = RequestEvent::ApplyAlone { seen: request.subject.seen().clone() };
        let done = room.store.decide(request.id, "ada", &event, at(1), entry(AuditCode::PolicyChanged)).await;
        done.expect("in force");
    };
    change(with_line(Demand::AnotherApprover), 1).await;
    assert!(protects().await, "she left the switch alone");
    let protected = Policy { protected: true, ..with_line(Demand::AnotherApprover) };
    assert_eq!(room.store.policy(cluster_id(1)).await.expect("policy"), protected);
    change(Policy { protected: true, ..with_line(Demand::AnotherPerson) }, 2).await;
    change(with_line(Demand::AnotherPerson), 3).await;
    assert!(!protects().await, "she switched it off");
    change(with_line(Demand::AnotherApprover), 4).await;
    assert!(!protects().await, "and another line takes nothing of that back");
}

/// A cluster that is not protected, about whose policy nobody has decided.
async fn open() -> Room {
    let room = Room::new().await;
    let open = Cluster { protected: false, ..cluster(1) };
    room.store.add_cluster(&open, entry(AuditCode::ClusterAdded)).await.expect("cluster");
    room
}

fn with_line(agreement: Demand) -> Policy {
    let mut policy = Policy::default();
    policy.actions.insert("withdraw".into(), Row { agreement, ..Row::shipped(Risk::Disruptive) });
    policy
}

fn wish(before: &Policy, after: Policy, number: u128) -> Request {
    let digest = |policy: &Policy| policy.digest().expect("digest");
    let seen = Seen { digest: digest(&after), facts: digest(before) };
    Request {
        id: RequestId::from_uuid(Uuid::from_u128(number)),
        cluster: cluster_id(1),
        cluster_name: "pve-1".into(),
        subject: Subject::Policy { before: before.clone(), after, seen },
        agreement: Agreement::AnotherAdmin,
        requested_by: "ada".into(),
        requested_at: at(0),
        reason: "a lab".into(),
        state: RequestState::Waiting,
    }
}

async fn entries(room: &Room) -> u64 {
    room.store.find(&AuditFilter::default(), 1).await.expect("audit").total
}

#[track_caller]
fn why<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refused {
    match result {
        Err(StoreError::Refused { why }) => why,
        other => panic!("a refusal was due: {other:?}"),
    }
}
