//! Every state with every event, and each demand by itself.

mod ground;

use super::*;
use crate::ids::NodeId;
use crate::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use crate::name::SshAddress;
use crate::plan::Intent;
use crate::planner::{self, PlanWorld};
use crate::role::Role;
use crate::topology::{Snapshot, fixture};
use std::collections::BTreeMap;
use uuid::Uuid;

const ASKED: i64 = 1_000;
const HOUR: i64 = 3_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn node(n: u32) -> Node {
    Node {
        id: fixture::silent(n).id,
        cluster: ClusterId::from_uuid(Uuid::from_u128(7)),
        purpose: Purpose::Member,
        address: SshAddress { host: format!("10.7.0.{n}"), port: 22, user: "root".into() },
        via: None,
        name: Some(fixture::name(n)),
        pin: None,
        offered: None,
        log_in: LogIn::NeedsKey,
        position: n,
    }
}

fn cluster() -> Cluster {
    Cluster {
        id: ClusterId::from_uuid(Uuid::from_u128(7)),
        name: "grove".parse().expect("name"),
        phase: ClusterPhase::Live,
        protected: true,
        created_at: at(0),
        created_by: "ops".into(),
    }
}

/// Nodes 1 to `count` are the cluster.
fn snapshot(count: u32, ring: &str) -> Snapshot {
    let all: Vec<u32> = (1..=count).collect();
    let views: Vec<_> = all.iter().map(|own| fixture::view(*own, &all, ring, count, 0)).collect();
    fixture::folded(&views, 1)
}

fn join(nodes: &[Node]) -> Intent {
    let addresses: BTreeMap<NodeId, _> =
        nodes.iter().map(|node| (node.id, node.address.host.parse().expect("address"))).collect();
    let link = crate::links::LinkPlan { number: 0, priority: None, network: None, addresses };
    Intent::JoinNodes { joiners: vec![nodes[2].id], member: nodes[0].id, links: vec![link] }
}

fn asked() -> Request {
    let (cluster, nodes) = (cluster(), [node(1), node(2), node(3)]);
    let seen_now = snapshot(2, "1.d");
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(&seen_now), look: None };
    let intent = join(&nodes);
    let plan = planner::plan(&intent, &world).expect("a plan");
    let facts = material(&intent, &world, None);
    let seen = Seen { digest: plan.digest().expect("digest"), facts: facts_digest(&facts).expect("digest") };
    let blast = Blast::of(&plan, &world, None);
    let subject = Subject::Plan { plan: Box::new(plan), seen, facts, around: around(Some(&seen_now), None), blast };
    request(subject)
}

fn request(subject: Subject) -> Request {
    Request {
        id: RequestId::from_uuid(Uuid::from_u128(1)),
        cluster: ClusterId::from_uuid(Uuid::from_u128(7)),
        cluster_name: "grove".into(),
        subject,
        agreement: Agreement::AnotherApprover,
        requested_by: "Olga".into(),
        requested_at: at(ASKED),
        reason: "a third node".into(),
        state: RequestState::Waiting,
    }
}

fn policy_request() -> Request {
    let after = Policy { protected: true, ..Policy::default() };
    let seen = Seen { digest: after.digest().expect("digest"), facts: Policy::default().digest().expect("digest") };
    request(Subject::Policy { before: Policy::default(), after, seen })
}

fn court(actor: &str, role: Role, second: i64) -> Court<'_> {
    Court {
        actor,
        role: Some(role),
        approver: Some(Role::Approver),
        agreement: Agreement::AnotherApprover,
        other_admins: 1,
        now: at(second),
    }
}

fn op() -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(5))
}

fn approve(request: &Request) -> RequestEvent {
    RequestEvent::Approve { seen: request.subject.seen().clone(), comment: "go".into() }
}

fn use_up(request: &Request) -> RequestEvent {
    RequestEvent::Use { seen: request.subject.seen().clone(), operation: op() }
}

fn in_state(state: RequestState) -> Request {
    Request { state, ..asked() }
}

fn approved() -> Request {
    let request = asked();
    let state = request.after(&approve(&request), &court("paul", Role::Approver, ASKED + 60)).expect("approved");
    Request { state, ..request }
}

fn counting() -> Request {
    let request = asked();
    let glass = RequestEvent::BreakGlass { fresh: true };
    let state = request.after(&glass, &court("olga", Role::Approver, ASKED + 60)).expect("counting");
    Request { state, ..request }
}

#[test]
fn each_state_takes_only_the_events_that_follow_from_it() {
    let request = asked();
    let seen = request.subject.seen().clone();
    let comment = || "why".to_owned();
    // Who acts, when the countdown is over and nothing else is.
    let events = [
        ("paul", RequestEvent::Approve { seen: seen.clone(), comment: comment() }),
        ("paul", RequestEvent::Reject { comment: comment() }),
        ("olga", RequestEvent::Withdraw),
        ("olga", RequestEvent::Use { seen: seen.clone(), operation: op() }),
        ("olga", RequestEvent::BreakGlass { fresh: true }),
        ("paul", RequestEvent::Stop),
        ("olga", RequestEvent::RunOut { seen, operation: op() }),
        ("paul", RequestEvent::Review { comment: comment() }),
        ("system", RequestEvent::Void { why: VoidCode::PlanChanged }),
    ];
    let (by, when) = ("paul".to_owned(), at(ASKED));
    let alone = Agreed::Alone { since: when };
    let used = |agreed| RequestState::Used { at: when, agreed, operation: Some(op()), review: None };
    let states = [
        (RequestState::Waiting, "approve reject withdraw break_glass void"),
        (approved().state, "reject withdraw use void"),
        (counting().state, "withdraw stop run_out void"),
        (used(alone), "review"),
        (used(Agreed::By { by: by.clone(), at: when, comment: comment() }), ""),
        (RequestState::Rejected { by: by.clone(), at: when, comment: comment() }, ""),
        (RequestState::Withdrawn { at: when }, ""),
        (RequestState::Stopped { by, at: when }, ""),
        (RequestState::Expired { at: when }, ""),
        (RequestState::Void { at: when, why: VoidCode::PlanChanged }, ""),
    ];
    for (state, follows) in states {
        let request = in_state(state);
        for (actor, event) in &events {
            let answer = request.after(event, &court(actor, Role::Approver, ASKED + 180));
            let wanted = follows.split(' ').any(|word| word == event.word());
            assert_eq!(answer.is_ok(), wanted, "{} after {}: {answer:?}", event.word(), request.state.word());
            if !wanted {
                assert_eq!(answer, Err(Refused::Over { state: request.state.word() }));
            }
        }
    }
}

#[test]
fn nobody_agrees_to_their_own_whatever_they_are_and_however_they_write_their_name() {
    let request = asked();
    for role in Role::ALL {
        for name in ["Olga", "olga", "OLGA"] {
            assert_eq!(request.after(&approve(&request), &court(name, role, ASKED)), Err(Refused::Own));
        }
    }
    // Even where a row says otherwise, it is not used.
    let state = RequestState::Approved { by: "OLGA".into(), at: at(ASKED), comment: String::new() };
    let forged = Request { state, ..request };
    assert_eq!(forged.after(&use_up(&forged), &court("olga", Role::Admin, ASKED + 1)), Err(Refused::Own));
}

#[test]
fn the_role_counts_when_approving_and_when_using() {
    let request = asked();
    let by = |role, agreement| {
        request.after(&approve(&request), &Court { role, agreement, ..court("paul", Role::Viewer, ASKED) })
    };
    for agreement in [Agreement::Nobody, Agreement::AnotherPerson, Agreement::AnotherApprover, Agreement::AnotherAdmin]
    {
        assert!(matches!(by(None, agreement), Err(Refused::RoleTooLow { .. })), "a disabled account");
        for role in Role::ALL {
            assert_eq!(by(Some(role), agreement).is_ok(), role >= agreement.role(), "{role:?} {agreement:?}");
        }
    }
    let request = approved();
    let with = |approver, agreement| {
        request.after(&use_up(&request), &Court { approver, agreement, ..court("olga", Role::Operator, ASKED + 90) })
    };
    assert!(with(Some(Role::Approver), Agreement::AnotherApprover).is_ok());
    assert!(with(Some(Role::Operator), Agreement::AnotherPerson).is_ok());
    let lost = Err(Refused::ApproverLost { by: "paul".into() });
    assert_eq!(with(Some(Role::Operator), Agreement::AnotherApprover), lost);
    assert_eq!(with(None, Agreement::AnotherPerson), lost, "disabled since");
    let low = Court { role: Some(Role::Viewer), ..court("olga", Role::Viewer, ASKED + 90) };
    assert!(matches!(request.after(&use_up(&request), &low), Err(Refused::RoleTooLow { .. })));
}

#[test]
fn only_who_asked_uses_it_and_takes_it_back() {
    let request = approved();
    let other = court("paul", Role::Admin, ASKED + 90);
    assert_eq!(request.after(&use_up(&request), &other), Err(Refused::NotYours));
    assert_eq!(request.after(&RequestEvent::Withdraw, &other), Err(Refused::NotYours));
    let glass = asked();
    assert_eq!(glass.after(&RequestEvent::BreakGlass { fresh: true }, &other), Err(Refused::NotYours));
    let counting = counting();
    let run = RequestEvent::RunOut { seen: counting.subject.seen().clone(), operation: op() };
    assert_eq!(counting.after(&run, &court("paul", Role::Admin, ASKED + 200)), Err(Refused::NotYours));
}

#[test]
fn time_ends_everything_to_the_second() {
    let request = asked();
    let approve_at = |second| request.after(&approve(&request), &court("paul", Role::Approver, second));
    assert!(approve_at(ASKED + 24 * HOUR - 1).is_ok());
    assert_eq!(approve_at(ASKED + 24 * HOUR), Err(Refused::Expired));
    let expire =
        |request: &Request, second| request.after(&RequestEvent::Expire, &court("system", Role::Viewer, second));
    assert_eq!(expire(&request, ASKED + 24 * HOUR - 1), Err(Refused::NotDue));
    assert!(expire(&request, ASKED + 24 * HOUR).is_ok());
    let given = approved();
    let use_at = |second| given.after(&use_up(&given), &court("olga", Role::Operator, second));
    assert!(use_at(ASKED + 60 + 15 * 60 - 1).is_ok());
    assert_eq!(use_at(ASKED + 60 + 15 * 60), Err(Refused::Expired));
    assert!(expire(&given, ASKED + 60 + 15 * 60).is_ok());
    let late = Request { state: RequestState::Waiting, ..asked() };
    let glass = RequestEvent::BreakGlass { fresh: true };
    let answer = late.after(&glass, &court("olga", Role::Approver, ASKED + 24 * HOUR));
    assert_eq!(answer, Err(Refused::Expired));
}

/// It may be corrected by a minute; further back nobody knows how long ago anything was.
#[test]
fn a_clock_that_is_set_back_prolongs_nothing() {
    let (waits, given, counts) = (asked(), approved(), counting());
    let approve_at = |second| waits.after(&approve(&waits), &court("paul", Role::Approver, second));
    let use_at = |second| given.after(&use_up(&given), &court("olga", Role::Operator, second));
    let run = RequestEvent::RunOut { seen: counts.subject.seen().clone(), operation: op() };
    let run_at = |second| counts.after(&run, &court("olga", Role::Approver, second));
    assert!(approve_at(ASKED - 60).is_ok() && use_at(ASKED).is_ok());
    assert!(matches!(run_at(ASKED), Err(Refused::TooEarly { .. })));
    for back in [1, HOUR, 100 * HOUR] {
        assert_eq!(approve_at(ASKED - 60 - back), Err(Refused::Expired));
        assert_eq!(use_at(ASKED - back), Err(Refused::Expired));
        assert_eq!(run_at(ASKED - back), Err(Refused::Expired));
        let system = court("system", Role::Viewer, ASKED - 60 - back);
        for request in [&waits, &given, &counts] {
            assert!(request.after(&RequestEvent::Expire, &system).is_ok(), "it can be written down");
        }
    }
}

#[test]
fn one_changed_byte_of_the_plan_or_of_the_facts_ends_it() {
    let request = asked();
    let own = request.subject.seen().clone();
    let other = crate::digest::of("other", &1).expect("digest");
    let facts = Seen { facts: other.clone(), ..own.clone() };
    let plan = Seen { digest: other, ..own };
    for (seen, refused) in [(facts, Refused::FactsChanged), (plan, Refused::PlanChanged)] {
        let event = RequestEvent::Approve { seen: seen.clone(), comment: String::new() };
        assert_eq!(request.after(&event, &court("paul", Role::Approver, ASKED)), Err(refused.clone()));
        let given = approved();
        let event = RequestEvent::Use { seen: seen.clone(), operation: op() };
        assert_eq!(given.after(&event, &court("olga", Role::Operator, ASKED + 90)), Err(refused.clone()));
        let counting = counting();
        let event = RequestEvent::RunOut { seen, operation: op() };
        assert_eq!(counting.after(&event, &court("olga", Role::Approver, ASKED + 200)), Err(refused));
    }
}

#[test]
fn breaking_glass_needs_an_approver_a_fresh_sign_in_a_reason_and_sixty_seconds() {
    let request = asked();
    let glass = |request: &Request, role, fresh| {
        request.after(&RequestEvent::BreakGlass { fresh }, &court("olga", role, ASKED))
    };
    assert!(matches!(glass(&request, Role::Operator, true), Err(Refused::RoleTooLow { .. })));
    assert_eq!(glass(&request, Role::Approver, false), Err(Refused::SignInOld));
    let silent = Request { reason: "  ".into(), ..asked() };
    assert_eq!(glass(&silent, Role::Approver, true), Err(Refused::NoWords));
    assert_eq!(glass(&policy_request(), Role::Admin, true), Err(Refused::NotForThis));
    let counting = counting();
    let run = |role, second| {
        let event = RequestEvent::RunOut { seen: counting.subject.seen().clone(), operation: op() };
        counting.after(&event, &court("olga", role, second))
    };
    assert_eq!(run(Role::Approver, ASKED + 60), Err(Refused::TooEarly { seconds: 61 }));
    assert!(run(Role::Approver, ASKED + 119).is_err());
    let used = run(Role::Approver, ASKED + 120).expect("sixty seconds are over");
    assert!(used.awaits_review());
    assert!(matches!(run(Role::Operator, ASKED + 120), Err(Refused::RoleTooLow { .. })));
    assert_eq!(run(Role::Approver, ASKED + 120 + 15 * 60), Err(Refused::Expired));
    let stop = |role| counting.after(&RequestEvent::Stop, &Court { role, ..court("vera", Role::Viewer, ASKED + 61) });
    assert!(stop(Some(Role::Viewer)).is_ok(), "anybody");
    assert!(stop(None).is_err());
}

#[test]
fn what_one_did_alone_another_approver_reviews_once() {
    let alone = Agreed::Alone { since: at(ASKED) };
    let state = RequestState::Used { at: at(ASKED), agreed: alone, operation: Some(op()), review: None };
    let request = in_state(state);
    let review = |comment: &str, name, role| {
        request.after(&RequestEvent::Review { comment: comment.into() }, &court(name, role, ASKED + 500))
    };
    assert_eq!(review("fine", "olga", Role::Admin), Err(Refused::Own));
    assert!(matches!(review("fine", "paul", Role::Operator), Err(Refused::RoleTooLow { .. })));
    assert_eq!(review(" ", "paul", Role::Approver), Err(Refused::NoWords));
    let reviewed = in_state(review("fine", "paul", Role::Approver).expect("reviewed"));
    assert!(!reviewed.state.awaits_review());
    let again = reviewed.after(&RequestEvent::Review { comment: "x".into() }, &court("rita", Role::Admin, ASKED + 501));
    assert!(again.is_err());
}

#[test]
fn a_policy_is_changed_by_another_admin_or_alone_where_there_is_none() {
    let request = policy_request();
    let alone = |others| {
        let event = RequestEvent::ApplyAlone { seen: request.subject.seen().clone() };
        request.after(&event, &Court { other_admins: others, ..court("olga", Role::Admin, ASKED) })
    };
    assert!(matches!(alone(0), Ok(RequestState::Used { operation: None, .. })));
    assert_eq!(alone(1), Err(Refused::NotAlone { others: 1 }));
    let by = |name, role| request.after(&approve(&request), &court(name, role, ASKED));
    assert!(matches!(by("paul", Role::Approver), Err(Refused::RoleTooLow { needed: Role::Admin, .. })));
    assert_eq!(by("olga", Role::Admin), Err(Refused::Own));
    let state = by("rita", Role::Admin).expect("changed");
    assert!(!state.is_open() && !state.awaits_review());
    let moved = Seen { facts: request.subject.seen().digest.clone(), ..request.subject.seen().clone() };
    let event = RequestEvent::Approve { seen: moved, comment: String::new() };
    assert_eq!(request.after(&event, &court("rita", Role::Admin, ASKED)), Err(Refused::FactsChanged));
}

#[test]
fn a_rejection_says_why() {
    let request = asked();
    let reject = |comment: &str| {
        request.after(&RequestEvent::Reject { comment: comment.into() }, &court("paul", Role::Approver, ASKED))
    };
    assert_eq!(reject(" "), Err(Refused::NoWords));
    assert!(reject("not tonight").is_ok());
}
