//! What somebody agreed to goes on only while their word is enough: for the policy of now, and as the person they are now.

use crate::fence::held;
use crate::house::{House, anna};
use crate::lapsing::{TOO_LONG, parked, resumes};
use crate::look;
use crate::works::Work;
use engine::approvals::PolicyChange;
use engine::audit::Person;
use engine::ports::UserStore;
use lab::Fault;
use model::audit::AuditCode;
use model::ids::{OperationId, RequestId};
use model::operation::StepEvent;
use model::policy::{Agreement, Consent, Demand, Policy, Row};
use model::problem::ProblemCode;
use model::risk::Risk;
use model::role::Role;
use std::time::Duration;

const STRICTER: Result<(), ProblemCode> = Err(ProblemCode::PolicyStricter);

pub fn person(name: &str) -> Person {
    Person { name: name.into() }
}

/// A protected cluster, and people: any other person may agree to a restart of corosync.
pub async fn protected() -> House {
    let house = Work::Restart.house().await;
    for (name, role) in
        [("anna", Role::Operator), ("otto", Role::Operator), ("olga", Role::Approver), ("ada", Role::Admin)]
    {
        house.person(name, role).await;
    }
    becomes(&house, Policy { protected: true, ..Policy::default() }).await;
    house
}

async fn becomes(house: &House, policy: Policy) {
    let change = house.engine().change_policy(&person("ada"), house.cluster, policy, "guests run here", true).await;
    assert!(matches!(change, Ok(PolicyChange::InForce(_))), "{change:?}");
}

/// From now on an approver has to agree to whatever disturbs.
async fn becomes_stricter(house: &House) {
    let line = Row { agreement: Demand::AnotherApprover, ..Row::shipped(Risk::Disruptive) };
    becomes(house, Policy { protected: true, classes: [(Risk::Disruptive, line)].into(), ..Policy::default() }).await;
}

fn hangs(house: &House, on: bool) {
    house.inject(Fault::HangCommands { node: "pve2".into(), on });
}

pub async fn asked(house: &House, who: &str) -> RequestId {
    let (engine, intent) = (house.engine(), Work::Restart.intent(house).await);
    let proposal = engine.plan(house.cluster, &intent).await.expect("a plan");
    assert_eq!(proposal.ruling.agreement, Agreement::AnotherPerson);
    let consent = Consent { reason: "it is slow".into(), typed: proposal.plan.target.clone() };
    let asked = engine.ask(&person(who), house.cluster, &intent, proposal.digest.as_str(), &consent, true).await;
    // The node hangs from the first step on.
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let lab = house.lab.clone();
        move || lab.inject(Fault::HangCommands { node: "pve2".into(), on: true }).expect("it hangs")
    });
    asked.expect("asked")
}

/// anna asked and otto, an operator, agreed; it stands since.
pub async fn stands(house: &House) -> OperationId {
    let (engine, request) = (house.engine(), asked(house, "anna").await);
    engine.approve(&person("otto"), request, "go", true).await.expect("an operator is enough");
    let id = engine.run_agreed(&anna(), request, true).await.expect("it starts");
    assert_eq!(parked(&house.ended(id).await), ProblemCode::NodeHangs);
    id
}

pub fn restarts(house: &House) -> u64 {
    house.lab.inspect().ran("systemctl restart corosync")
}

/// Nobody but an approver makes it go on.
async fn needs_olga(house: &House, id: OperationId) {
    assert_eq!(resumes(house, "anna", Role::Operator, true, id).await, STRICTER, "nobody's word is enough");
    assert_eq!(resumes(house, "otto", Role::Operator, true, id).await, STRICTER, "his is not any more");
    assert_eq!(restarts(house), 0, "nothing was begun");
    resumes(house, "olga", Role::Approver, true, id).await.expect("she agrees by it");
    look::is_done(house, &house.ended(id).await).await;
    Work::Restart.check(house);
    look::audit_is_whole(house).await;
}

#[tokio::test(start_paused = true)]
async fn what_stands_on_a_weaker_agreement_needs_what_the_policy_asks_by_now() {
    let house = protected().await;
    let id = stands(&house).await;
    hangs(&house, false);
    becomes_stricter(&house).await;
    needs_olga(&house, id).await;
}

#[tokio::test(start_paused = true)]
async fn who_agreed_anew_when_that_was_enough_is_not_enough_later() {
    let house = protected().await;
    let id = stands(&house).await;
    tokio::time::sleep(TOO_LONG).await;
    resumes(&house, "otto", Role::Operator, true, id).await.expect("another person");
    assert_eq!(parked(&house.ended(id).await), ProblemCode::NodeHangs, "it got no further");
    hangs(&house, false);
    becomes_stricter(&house).await;
    needs_olga(&house, id).await;
}

#[tokio::test(start_paused = true)]
async fn who_may_not_agree_any_more_has_not_agreed() {
    for is_disabled in [true, false] {
        let house = protected().await;
        let id = stands(&house).await;
        hangs(&house, false);
        let otto = held(house.raw().user_by_name("otto")).await.expect("otto").id;
        let lost = if is_disabled {
            held(house.raw().disable(otto, house.entry(AuditCode::UserDisabled))).await
        } else {
            held(house.raw().set_role(otto, None, Role::Viewer, house.entry(AuditCode::RoleChanged))).await
        };
        lost.expect("he lost it");
        assert_eq!(resumes(&house, "anna", Role::Operator, true, id).await, STRICTER, "nobody's word is left");
        assert_eq!(restarts(&house), 0, "nothing was begun");
        resumes(&house, "olga", Role::Approver, true, id).await.expect("she agrees by it");
        look::is_done(&house, &house.ended(id).await).await;
        Work::Restart.check(&house);
    }
}

/// A countdown in front of everybody stands in the place of any agreement.
#[tokio::test(start_paused = true)]
async fn what_an_approver_ran_alone_goes_on_while_they_are_one() {
    let house = protected().await;
    let request = asked(&house, "olga").await;
    house.engine().break_glass(&person("olga"), request, true).await.expect("counting");
    let state = async || house.engine().request(request).await.expect("the request").state;
    let runs = async || state().await.operation().is_some();
    house.until("it has run out", Duration::from_secs(90), runs).await;
    let id = state().await.operation().expect("it runs");
    assert_eq!(parked(&house.ended(id).await), ProblemCode::NodeHangs);
    becomes_stricter(&house).await;
    resumes(&house, "olga", Role::Approver, false, id).await.expect("it is hers");
    assert_eq!(parked(&house.ended(id).await), ProblemCode::NodeHangs, "it got no further");
    hangs(&house, false);
    let olga = held(house.raw().user_by_name("olga")).await.expect("olga").id;
    let role = house.raw().set_role(olga, None, Role::Operator, house.entry(AuditCode::RoleChanged));
    held(role).await.expect("she is no approver any more");
    assert_eq!(resumes(&house, "olga", Role::Operator, true, id).await, STRICTER);
    assert_eq!(restarts(&house), 0, "nothing was begun");
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_with_somebody_elses_shows_who_they_are() {
    let house = protected().await;
    let id = stands(&house).await;
    hangs(&house, false);
    let unsigned = resumes(&house, "otto", Role::Operator, false, id).await;
    assert_eq!(unsigned, Err(ProblemCode::ConsentMissing), "signed in too long ago");
    assert_eq!(restarts(&house), 0, "nothing was begun");
    resumes(&house, "otto", Role::Operator, true, id).await.expect("now he may");
    look::is_done(&house, &house.ended(id).await).await;
    let audit = look::audit_is_whole(&house).await;
    let resumed = audit.iter().find(|one| one.entry.code == AuditCode::OperationResumed).expect("it stands there");
    assert!(!resumed.entry.details.contains_key("agreed"), "the agreement that there is was good");
}
