//! What an agreement is good for: a while, and nothing that a console takes up by itself when somebody has switched since.

use crate::fence::Fence;
use crate::house::{House, anna};
use crate::look;
use crate::outside::Mood;
use crate::works::Work;
use engine::approvals::Resumer;
use engine::audit::Person;
use lab::Fault;
use model::audit::AuditCode;
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepEvent};
use model::policy::{Demand, Policy, Row, Shown};
use model::problem::ProblemCode;
use model::risk::Risk;
use model::role::Role;
use std::sync::Arc;
use std::time::Duration;

/// Longer than an agreement is good for (15 min).
pub const TOO_LONG: Duration = Duration::from_secs(16 * 60);

pub fn parked(operation: &Operation) -> ProblemCode {
    match &operation.state {
        OperationState::Parked { problem, .. } => problem.code,
        other => panic!("{other:?}"),
    }
}

pub async fn resumes(
    house: &House,
    name: &str,
    role: Role,
    password: bool,
    id: OperationId,
) -> Result<(), ProblemCode> {
    let by = Resumer { role, shown: Shown::from(password) };
    let answer = house.engine().resume_by(&Person { name: name.into() }, by, id).await;
    answer.map_err(|problem| problem.code)
}

/// Cut off by nobody yet: its BMC was silent when the plan began.
pub async fn stands(house: &House) -> OperationId {
    let moods = Arc::clone(&house.moods);
    house
        .console
        .fence
        .after(|entry| entry.event == StepEvent::Started, move || *moods.lock().expect("no panic") = Mood::Silent);
    let operation = house.run(&Work::PowerOff.intent(house).await).await;
    assert_eq!(parked(&operation), ProblemCode::BmcUnreachable);
    house.mood(Mood::Well);
    operation.id
}

pub fn is_on(house: &House) -> bool {
    house.lab.inspect().nodes["pve3"].alive
}

#[tokio::test(start_paused = true)]
async fn what_stood_too_long_needs_somebody_else_once_more() {
    let house = Work::PowerOff.house().await;
    let id = stands(&house).await;
    tokio::time::sleep(TOO_LONG).await;
    let old = ProblemCode::AgreementOld;
    assert_eq!(house.engine().resume(&anna(), id).await.expect_err("too old").code, old);
    assert_eq!(resumes(&house, "anna", Role::Admin, true, id).await, Err(old), "never one's own");
    assert_eq!(resumes(&house, "Anna", Role::Admin, true, id).await, Err(old), "however it is written");
    assert_eq!(
        resumes(&house, "otto", Role::Operator, true, id).await,
        Err(old),
        "an operator agrees to none of these"
    );
    let unsigned = resumes(&house, "olga", Role::Approver, false, id).await;
    assert_eq!(unsigned, Err(ProblemCode::ConsentMissing), "signed in too long ago");
    assert!(is_on(&house), "nothing was begun");
    resumes(&house, "olga", Role::Approver, true, id).await.expect("she agrees by it");
    look::is_done(&house, &house.ended(id).await).await;
    Work::PowerOff.check(&house);
    let audit = look::audit_is_whole(&house).await;
    let refused = audit.iter().filter(|one| one.entry.code == AuditCode::PlanRefused).map(|one| &one.entry);
    let refused: Vec<(&str, &str)> =
        refused.map(|entry| (entry.who.as_str(), entry.details["problem"].as_str())).collect();
    assert_eq!(refused, ["anna", "Anna", "otto"].map(|who| (who, "agreement_old")), "who tried is found");
    let resumed = audit.iter().find(|one| one.entry.code == AuditCode::OperationResumed).expect("it stands there");
    assert_eq!((resumed.entry.who.as_str(), resumed.entry.details["agreed"].as_str()), ("olga", "anew"));
}

/// corosync on a node that hangs from the first moment on: begun when nobody had to agree, and stands until the policy has become
/// this one.
async fn stands_until(policy: Policy) -> (House, OperationId) {
    let house = Work::Restart.house().await;
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let lab = house.lab.clone();
        move || lab.inject(Fault::HangCommands { node: "pve2".into(), on: true }).expect("it hangs")
    });
    let operation = house.run(&Work::Restart.intent(&house).await).await;
    assert_eq!(parked(&operation), ProblemCode::NodeHangs);
    house.inject(Fault::HangCommands { node: "pve2".into(), on: false });
    house.person("ada", Role::Admin).await;
    let ada = Person { name: "ada".into() };
    house.engine().change_policy(&ada, house.cluster, policy, "guests run here", true).await.expect("in force");
    (house, operation.id)
}

/// The switch asks another person, and a line of this action alone somebody of a higher role.
#[tokio::test(start_paused = true)]
async fn what_began_without_an_agreement_needs_one_where_the_policy_has_become_stricter() {
    let line = Row { agreement: Demand::AnotherApprover, ..Row::shipped(Risk::Disruptive) };
    let lines = Policy { actions: [("restart_corosync".to_owned(), line)].into(), ..Policy::default() };
    let protected = Policy { protected: true, ..Policy::default() };
    for (policy, enough, too_low) in
        [(protected, Role::Operator, Role::Viewer), (lines, Role::Approver, Role::Operator)]
    {
        let (house, id) = stands_until(policy).await;
        let stricter = ProblemCode::PolicyStricter;
        let refused = house.engine().resume(&anna(), id).await.expect_err("nobody has agreed");
        assert_eq!((refused.code, refused.params["needed"].as_str()), (stricter, enough.as_str()));
        assert_eq!(resumes(&house, "Anna", Role::Admin, true, id).await, Err(stricter), "never one's own");
        assert_eq!(resumes(&house, "otto", too_low, true, id).await, Err(stricter), "{too_low:?} is not enough");
        assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 0, "nothing was begun");
        house.person("olga", enough).await;
        resumes(&house, "olga", enough, true, id).await.expect("she agrees by it");
        look::is_done(&house, &house.ended(id).await).await;
        Work::Restart.check(&house);
        look::audit_is_whole(&house).await;
    }
}

/// A line of another action asks nothing of this one.
#[tokio::test(start_paused = true)]
async fn what_began_without_an_agreement_goes_on_where_another_action_has_become_stricter() {
    let line = Row { agreement: Demand::AnotherApprover, ..Row::shipped(Risk::Disruptive) };
    let lines = Policy { actions: [("remove_qdevice".to_owned(), line)].into(), ..Policy::default() };
    let (house, id) = stands_until(lines).await;
    house.engine().resume(&anna(), id).await.expect("nobody is asked");
    look::is_done(&house, &house.ended(id).await).await;
    Work::Restart.check(&house);
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_goes_on_by_themselves_while_it_is_good() {
    let house = Work::PowerOff.house().await;
    let id = stands(&house).await;
    resumes(&house, "anna", Role::Operator, false, id).await.expect("minutes later");
    look::is_done(&house, &house.ended(id).await).await;
    Work::PowerOff.check(&house);
}

/// The console dies when this is written.
pub fn dies(fence: &Arc<Fence>, event: StepEvent) {
    let dying = Arc::clone(fence);
    fence.after(move |entry| entry.event == event, move || dying.die());
}

/// A console that died while it cut a machine off.
async fn died_at(event: StepEvent) -> (House, OperationId) {
    let house = Work::PowerOff.house().await;
    dies(&house.console.fence, event);
    let id = house.start(&Work::PowerOff.intent(&house).await).await.expect("it starts");
    house.console.fence.death().await;
    (house, id)
}

#[tokio::test(start_paused = true)]
async fn a_console_that_was_away_too_long_begins_nothing() {
    let (mut house, id) = died_at(StepEvent::Started).await;
    tokio::time::sleep(TOO_LONG).await;
    assert_eq!(house.restart().await, 1);
    assert_eq!(parked(&house.ended(id).await), ProblemCode::AgreementOld);
    assert!(is_on(&house));
    look::audit_is_whole(&house).await;
}

/// Proofs go on, whatever the time: what was done is done.
#[tokio::test(start_paused = true)]
async fn what_was_done_before_is_proven_however_late() {
    let (mut house, id) = died_at(StepEvent::Acted).await;
    tokio::time::sleep(TOO_LONG).await;
    house.restart().await;
    look::is_done(&house, &house.ended(id).await).await;
    Work::PowerOff.check(&house);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_somebody_has_switched_on_again_is_not_cut_off_by_a_console_that_starts() {
    for goes_on in [false, true] {
        let (mut house, id) = died_at(StepEvent::Acted).await;
        house.until("it is off", Duration::from_secs(30), async || !is_on(&house)).await;
        house.inject(Fault::Start { node: "pve3".into() });
        house.lab.settle().await;
        house.restart().await;
        let stands = house.ended(id).await;
        assert_eq!(parked(&stands), ProblemCode::PowerTurned);
        assert!(is_on(&house), "nobody has looked at it");
        if goes_on {
            house.engine().resume(&anna(), id).await.expect("she has looked");
            look::is_done(&house, &house.ended(id).await).await;
            assert!(!is_on(&house), "it was cut off once more");
        } else {
            house.engine().abandon(&anna(), id, "it is needed").await.expect("given up");
            assert!(is_on(&house));
        }
        look::audit_is_whole(&house).await;
    }
}
