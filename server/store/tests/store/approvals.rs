//! The gate inside the transaction, and rows that nobody can bend.

use crate::support::{Room, at, cluster_id, conflict, entry, missing, operation};
use engine::ports::{
    ApprovalStore as _, AuditStore as _, ClusterStore as _, OperationStore as _, StoreError, StoredUser, UserStore as _,
};
use model::approval::{
    Agreed, Blast, Refused, Request, RequestEvent, RequestState, Seen, Subject, VoidCode, facts_digest,
};
use model::audit::{AuditCode, AuditFilter};
use model::ids::{RequestId, UserId};
use model::operation::{Operation, OperationState};
use model::policy::{Agreement, Demand, Policy, Row};
use model::risk::Risk;
use model::role::{Access, Role};
use uuid::Uuid;

pub async fn account(room: &Room, number: u128, name: &str, role: Role) -> UserId {
    let user = StoredUser {
        id: UserId::from_uuid(Uuid::from_u128(number)),
        name: name.into(),
        password_hash: Some("$argon2id$".into()),
        access: Access::everywhere(role),
        disabled: false,
        created_at: at(0),
        last_sign_in: None,
        failures: 0,
        locked_until: None,
        second_factor: false,
    };
    room.store.add_user(&user, entry(AuditCode::UserCreated)).await.expect("account");
    user.id
}

/// A destructive plan of olga's on cluster 1, proposed as an operation.
fn destructive(number: u128) -> Operation {
    let mut operation = operation(cluster_id(1), number);
    operation.plan.risk = Risk::Destructive;
    operation.plan.intent = model::plan::Intent::Withdraw { leave: Vec::new() };
    operation.digest = operation.plan.digest().expect("digest");
    operation.proposed_by = "olga".into();
    operation
}

fn seen(operation: &Operation) -> Seen {
    Seen { digest: operation.digest.clone(), facts: facts_digest(&[]).expect("digest") }
}

fn asked(operation: &Operation, number: u128) -> Request {
    let subject = Subject::Plan {
        plan: Box::new(operation.plan.clone()),
        seen: seen(operation),
        facts: Vec::new(),
        around: Vec::new(),
        blast: Blast::default(),
    };
    Request {
        id: RequestId::from_uuid(Uuid::from_u128(number)),
        cluster: operation.cluster,
        cluster_name: "pve-1".into(),
        subject,
        agreement: Agreement::AnotherApprover,
        requested_by: "olga".into(),
        requested_at: at(0),
        reason: "the old one is dead".into(),
        state: RequestState::Waiting,
    }
}

async fn ready() -> Room {
    let room = Room::new().await;
    room.cluster(1).await;
    for (number, name, role) in [
        (1, "olga", Role::Operator),
        (2, "paul", Role::Approver),
        (3, "Pia", Role::Approver),
        (4, "vera", Role::Viewer),
    ] {
        account(&room, number, name, role).await;
    }
    room
}

async fn add(room: &Room, request: &Request) {
    room.store.add_request(request, entry(AuditCode::ApprovalRequested)).await.expect("asked");
}

async fn propose(room: &Room, operation: &Operation) {
    room.store.propose(operation, entry(AuditCode::PlanProposed)).await.expect("proposed");
}

async fn decide(
    room: &Room,
    id: RequestId,
    actor: &str,
    event: RequestEvent,
    second: i64,
) -> Result<Request, StoreError> {
    room.store.decide(id, actor, &event, at(second), entry(AuditCode::ApprovalGiven)).await
}

fn yes(operation: &Operation) -> RequestEvent {
    RequestEvent::Approve { seen: seen(operation), comment: "go".into() }
}

fn use_up(operation: &Operation) -> RequestEvent {
    RequestEvent::Use { seen: seen(operation), operation: operation.id }
}

async fn start(room: &Room, id: RequestId, operation: &Operation, second: i64) -> Result<(), StoreError> {
    let entries = vec![entry(AuditCode::ApprovalUsed), entry(AuditCode::OperationStarted)];
    room.store.start_agreed(id, &use_up(operation), at(second), entries).await
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refused {
    match result {
        Err(StoreError::Refused { why }) => why,
        other => panic!("a refusal was due: {other:?}"),
    }
}

async fn entries(room: &Room) -> u64 {
    room.store.find(&AuditFilter::default(), 1).await.expect("audit").total
}

#[tokio::test]
async fn a_request_comes_back_as_it_was_asked_and_is_not_asked_twice() {
    let room = ready().await;
    let request = asked(&destructive(1), 1);
    add(&room, &request).await;
    assert_eq!(room.store.request(request.id).await.expect("request"), request);
    let twice =
        Request { id: RequestId::from_uuid(Uuid::from_u128(2)), requested_by: "OLGA".into(), ..request.clone() };
    let answer = room.store.add_request(&twice, entry(AuditCode::ApprovalRequested)).await;
    assert_eq!(conflict(answer), "open request for the same");
    decide(&room, request.id, "olga", RequestEvent::Withdraw, 1).await.expect("taken back");
    add(&room, &twice).await;
    let open = room.store.requests(Some(cluster_id(1)), true, 10).await.expect("open");
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [twice.id]);
    assert_eq!(room.store.requests(None, false, 10).await.expect("all").len(), 2);
    let nowhere = asked(&operation(cluster_id(9), 3), 3);
    assert_eq!(missing(room.store.add_request(&nowhere, entry(AuditCode::ApprovalRequested)).await), "cluster");
}

#[tokio::test]
async fn without_a_request_only_what_needs_nobody_starts() {
    let room = ready().await;
    let operation = destructive(1);
    propose(&room, &operation).await;
    let start =
        room.store.set_state(operation.id, &OperationState::Proposed, &OperationState::Running, None, at(1)).await;
    assert_eq!(refused(start), Refused::AgreementNeeded { agreement: Agreement::AnotherApprover });
    assert_eq!(room.store.operation(operation.id).await.expect("operation").state, OperationState::Proposed);
}

#[tokio::test]
async fn an_approval_starts_its_operation_once() {
    let room = ready().await;
    let (first, second) = (destructive(1), destructive(2));
    let request = asked(&first, 1);
    add(&room, &request).await;
    assert_eq!(refused(decide(&room, request.id, "olga", yes(&first), 1).await), Refused::Own);
    assert!(matches!(refused(decide(&room, request.id, "vera", yes(&first), 1).await), Refused::RoleTooLow { .. }));
    assert!(matches!(refused(decide(&room, request.id, "nobody", yes(&first), 1).await), Refused::RoleTooLow { .. }));
    decide(&room, request.id, "paul", yes(&first), 2).await.expect("approved");
    propose(&room, &first).await;
    propose(&room, &second).await;
    let before = entries(&room).await;
    // Two clicks at the same time, for two operations of the same plan.
    let (one, two) = tokio::join!(start(&room, request.id, &first, 3), start(&room, request.id, &second, 3));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(entries(&room).await, before + 2, "the entries of the one that won");
    let used = room.store.request(request.id).await.expect("request");
    let winner = if one.is_ok() { first.id } else { second.id };
    let RequestState::Used { agreed: Agreed::By { by, .. }, operation, .. } = &used.state else { panic!("{used:?}") };
    assert_eq!((by.as_str(), *operation), ("paul", Some(winner)));
    let behind = room.store.request_behind(winner).await.expect("behind").expect("there is one");
    assert_eq!(behind.id, request.id);
    assert_eq!(room.store.unfinished().await.expect("running").len(), 1);
}

#[tokio::test]
async fn a_busy_cluster_does_not_use_the_approval_up() {
    let room = ready().await;
    let busy = operation(cluster_id(1), 5);
    propose(&room, &busy).await;
    room.store
        .set_state(busy.id, &OperationState::Proposed, &OperationState::Running, None, at(1))
        .await
        .expect("runs");
    let operation = destructive(1);
    let request = asked(&operation, 1);
    add(&room, &request).await;
    decide(&room, request.id, "paul", yes(&operation), 2).await.expect("approved");
    propose(&room, &operation).await;
    assert_eq!(conflict(start(&room, request.id, &operation, 3).await), "running operation");
    assert!(matches!(room.store.request(request.id).await.expect("request").state, RequestState::Approved { .. }));
    room.store.set_state(busy.id, &OperationState::Running, &OperationState::Done, None, at(4)).await.expect("done");
    start(&room, request.id, &operation, 5).await.expect("now there is room");
}

#[tokio::test]
async fn roles_policy_time_and_plan_are_those_of_the_moment_of_use() {
    let room = ready().await;
    let operation = destructive(1);
    let request = asked(&operation, 1);
    add(&room, &request).await;
    decide(&room, request.id, "Paul", yes(&operation), 2).await.expect("approved");
    propose(&room, &operation).await;
    let other = destructive(2);
    let mut moved = use_up(&operation);
    if let RequestEvent::Use { seen, .. } = &mut moved {
        seen.facts = other.digest.clone();
    }
    let answer = room.store.start_agreed(request.id, &moved, at(3), vec![]).await;
    assert_eq!(refused(answer), Refused::FactsChanged);
    let paul = UserId::from_uuid(Uuid::from_u128(2));
    room.store.set_role(paul, None, Role::Operator, entry(AuditCode::RoleChanged)).await.expect("role");
    assert_eq!(refused(start(&room, request.id, &operation, 3).await), Refused::ApproverLost { by: "Paul".into() });
    let own = Some(cluster_id(1));
    room.store.set_role(paul, own, Role::Approver, entry(AuditCode::RoleChanged)).await.expect("role on it");
    assert_eq!(refused(start(&room, request.id, &operation, 2 + 15 * 60).await), Refused::Expired);
    start(&room, request.id, &operation, 2 + 15 * 60 - 1).await.expect("the last second");
}

#[tokio::test]
async fn the_operation_that_starts_is_the_one_that_was_agreed_to() {
    let room = ready().await;
    let operation = destructive(1);
    let request = asked(&operation, 1);
    add(&room, &request).await;
    decide(&room, request.id, "paul", yes(&operation), 2).await.expect("approved");
    let mut other = destructive(2);
    other.plan.target = "something else".into();
    other.digest = other.plan.digest().expect("digest");
    propose(&room, &other).await;
    let event = RequestEvent::Use { seen: seen(&operation), operation: other.id };
    let answer = room.store.start_agreed(request.id, &event, at(3), vec![]).await;
    assert_eq!(conflict(answer), "other plan of the operation");
    let bare = decide(&room, request.id, "olga", use_up(&operation), 3).await;
    assert_eq!(conflict(bare), "decision without its operation");
}

#[tokio::test]
async fn who_has_the_file_cannot_bend_a_request_unseen() {
    let room = ready().await;
    let operation = destructive(1);
    let request = asked(&operation, 1);
    add(&room, &request).await;
    let mut intruder = room.intruder().await;
    for (change, why) in [
        ("UPDATE requests SET requested_by = 'paul'", "a request is frozen"),
        ("UPDATE requests SET subject = replace(subject, 'pve1', 'pve9')", "a request is frozen"),
        ("DELETE FROM requests", "a request is kept"),
    ] {
        let error = sqlx::query(sqlx::AssertSqlSafe(change)).execute(&mut intruder).await.expect_err("refused");
        assert!(error.to_string().contains(why), "{change}: {error}");
    }
    decide(&room, request.id, "olga", RequestEvent::Withdraw, 1).await.expect("taken back");
    let again = sqlx::query("UPDATE requests SET state = 'waiting'").execute(&mut intruder).await.expect_err("over");
    assert!(again.to_string().contains("stays over"), "{again}");
    sqlx::query("DROP TRIGGER requests_frozen").execute(&mut intruder).await.expect("dropped");
    sqlx::query("UPDATE requests SET subject = replace(subject, 'pve1', 'pve9')")
        .execute(&mut intruder)
        .await
        .expect("bent");
    assert!(matches!(room.store.request(request.id).await, Err(StoreError::Corrupt { what: "request", .. })));
}

#[tokio::test]
async fn a_forgotten_cluster_leaves_void_requests_and_the_audit_tells_of_each() {
    let room = ready().await;
    let over = asked(&destructive(1), 2);
    add(&room, &over).await;
    decide(&room, over.id, "olga", RequestEvent::Withdraw, 1).await.expect("taken back");
    let request = asked(&destructive(1), 1);
    add(&room, &request).await;
    room.store.forget_cluster(cluster_id(1), entry(AuditCode::ClusterForgotten)).await.expect("forgotten");
    let left = room.store.request(request.id).await.expect("history").state;
    assert!(matches!(left, RequestState::Void { why: VoidCode::ClusterGone, .. }), "{left:?}");
    let void = AuditFilter { code: Some(AuditCode::ApprovalVoid), ..AuditFilter::default() };
    let told = room.store.find(&void, 9).await.expect("found").entries;
    let [one] = &told[..] else { panic!("what was over stays as it is: {told:?}") };
    assert_eq!((one.entry.who.as_str(), one.entry.cluster), ("system", Some(cluster_id(1))));
    assert_eq!(one.entry.details["request"], request.id.to_string());
    assert_eq!((&one.entry.details["why"][..], &one.entry.details["intent"][..]), ("cluster_gone", "withdraw"));
    let notice = model::notice::Notice::of(one, None).expect("a message");
    assert_eq!(notice.code, model::notice::NoticeCode::RequestDecided);
    assert_eq!(missing(room.store.policy(cluster_id(1)).await), "cluster");
}

fn policy_request(before: Policy, after: Policy, by: &str, number: u128) -> Request {
    let digest = |policy: &Policy| policy.digest().expect("digest");
    let seen = Seen { digest: digest(&after), facts: digest(&before) };
    let subject = Subject::Policy { before, after, seen };
    Request { subject, requested_by: by.into(), agreement: Agreement::AnotherAdmin, ..asked(&destructive(1), number) }
}

#[tokio::test]
async fn a_policy_is_in_force_with_its_approval_and_rests_on_the_one_before() {
    let room = ready().await;
    let before = room.store.policy(cluster_id(1)).await.expect("policy");
    assert_eq!(before, Policy { protected: true, ..Policy::default() });
    let mut after = Policy { protected: false, ..Policy::default() };
    let row = Row { agreement: Demand::AnotherPerson, ..Row::shipped(Risk::Destructive) };
    after.actions.insert("withdraw".into(), row);
    account(&room, 10, "ada", Role::Admin).await;
    assert_eq!(room.store.other_admins(cluster_id(1), "ADA").await.expect("admins"), 0);
    assert_eq!(room.store.other_admins(cluster_id(1), "olga").await.expect("admins"), 1);
    let alan = account(&room, 11, "alan", Role::Viewer).await;
    room.store
        .set_role(alan, Some(cluster_id(1)), Role::Admin, entry(AuditCode::RoleChanged))
        .await
        .expect("admin of it");
    let (one, two) = (
        policy_request(before.clone(), after.clone(), "ada", 1),
        policy_request(before.clone(), Policy::default(), "ada", 2),
    );
    add(&room, &one).await;
    add(&room, &two).await;
    let alone = RequestEvent::ApplyAlone { seen: one.subject.seen().clone() };
    assert_eq!(refused(decide(&room, one.id, "ada", alone, 1).await), Refused::NotAlone { others: 1 });
    let approve =
        |request: &Request| RequestEvent::Approve { seen: request.subject.seen().clone(), comment: String::new() };
    assert!(matches!(refused(decide(&room, one.id, "paul", approve(&one), 1).await), Refused::RoleTooLow { .. }));
    decide(&room, one.id, "alan", approve(&one), 1).await.expect("in force");
    assert_eq!(room.store.policy(cluster_id(1)).await.expect("policy"), after);
    assert!(!room.store.cluster(cluster_id(1)).await.expect("cluster").protected);
    assert_eq!(refused(decide(&room, two.id, "alan", approve(&two), 2).await), Refused::FactsChanged);
    room.store.disable(alan, entry(AuditCode::UserDisabled)).await.expect("disabled");
    let three = policy_request(after, before.clone(), "ada", 3);
    add(&room, &three).await;
    let alone = RequestEvent::ApplyAlone { seen: three.subject.seen().clone() };
    decide(&room, three.id, "ada", alone, 3).await.expect("there is no other admin any more");
    assert_eq!(room.store.policy(cluster_id(1)).await.expect("policy"), before);
}

#[tokio::test]
async fn what_is_decided_survives_a_crash() {
    let room = ready().await;
    let operation = destructive(1);
    let request = asked(&operation, 1);
    add(&room, &request).await;
    decide(&room, request.id, "paul", yes(&operation), 2).await.expect("approved");
    let room = room.crash().await;
    propose(&room, &operation).await;
    start(&room, request.id, &operation, 3).await.expect("used");
    let room = room.crash().await;
    let again = destructive(2);
    propose(&room, &again).await;
    assert_eq!(refused(start(&room, request.id, &again, 4).await), Refused::Over { state: "used" });
}
