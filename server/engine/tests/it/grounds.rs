//! What was agreed to on some facts begins on these facts: also after a pause, a park or the end of the console.

use crate::asking_again::{a_guest_comes, told, watched_for};
use crate::house::{House, OVER_WITHIN, anna};
use crate::lapsing::{TOO_LONG, dies, is_on, parked, resumes, stands};
use crate::look;
use crate::works::Work;
use lab::Fault;
use model::ids::OperationId;
use model::operation::{OperationState, StepEvent, StepStatus};
use model::problem::ProblemCode;
use model::role::Role;

/// The machine that is to be cut off.
const NODE: &str = "pve3";

/// It stands for what has changed, and its machine was not touched.
async fn stands_for(house: &House, id: OperationId, code: ProblemCode) {
    assert_eq!(parked(&house.ended(id).await), code);
    assert!(is_on(house));
    assert_eq!(house.lab.inspect().ran("power off"), 0);
    look::audit_is_whole(house).await;
}

/// Whoever goes on with it, also who agrees to it anew by that: it was for a machine without guests.
#[tokio::test(start_paused = true)]
async fn a_machine_that_has_guests_since_is_not_cut_off_by_who_goes_on() {
    for (who, role) in [("anna", Role::Operator), ("olga", Role::Approver)] {
        let house = watched_for(Work::PowerOff).await;
        let id = stands(&house).await;
        if role == Role::Approver {
            // Nobody looks at the nodes while it grows too old.
            house.engine().watchers.stop_all();
            tokio::time::sleep(TOO_LONG).await;
        }
        a_guest_comes(&house).await;
        resumes(&house, who, role, true, id).await.expect("they may");
        stands_for(&house, id, ProblemCode::FactsChanged).await;
        // The way out: it is given up, and asked for with the guests.
        house.engine().abandon(&anna(), id, "it has guests now").await.expect("given up");
        house.done(&Work::PowerOff.intent(&house).await).await;
        Work::PowerOff.check(&house);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_was_again_goes_on() {
    let house = watched_for(Work::PowerOff).await;
    let id = stands(&house).await;
    house.inject(Fault::StopCorosync { node: "pve2".into() });
    let gone = async || {
        let snapshot = house.engine().hub.snapshot(house.cluster).expect("it is watched");
        snapshot.quorum.as_ref().is_some_and(|aged| aged.fact.value.members.len() == 2)
    };
    house.until("a vote is missing", OVER_WITHIN, gone).await;
    house.engine().resume(&anna(), id).await.expect("she may");
    stands_for(&house, id, ProblemCode::FactsChanged).await;
    house.inject(Fault::StartCorosync { node: "pve2".into() });
    told(&house, &[]).await;
    house.engine().resume(&anna(), id).await.expect("she may");
    look::is_done(&house, &house.ended(id).await).await;
    Work::PowerOff.check(&house);
}

/// A console that died before its first command left.
async fn died() -> (House, OperationId) {
    let house = watched_for(Work::PowerOff).await;
    dies(&house.console.fence, StepEvent::Started);
    let id = house.start(&Work::PowerOff.intent(&house).await).await.expect("it starts");
    house.console.fence.death().await;
    (house, id)
}

#[tokio::test(start_paused = true)]
async fn a_console_that_starts_looks_before_it_begins() {
    for comes in [false, true] {
        let (mut house, id) = died().await;
        if comes {
            house.inject(Fault::AddGuest { node: NODE.into(), vmid: 100 });
        }
        assert_eq!(house.restart().await, 1);
        if comes {
            stands_for(&house, id, ProblemCode::FactsChanged).await;
        } else {
            look::is_done(&house, &house.ended(id).await).await;
            Work::PowerOff.check(&house);
        }
        look::audit_is_whole(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_tell_is_not_begun_until_somebody_can() {
    let (mut house, id) = died().await;
    let hang = |house: &House, on| {
        for node in ["pve1", "pve2", NODE] {
            house.inject(Fault::HangCommands { node: node.into(), on });
        }
    };
    hang(&house, true);
    house.restart().await;
    stands_for(&house, id, ProblemCode::FactsUnknown).await;
    hang(&house, false);
    told(&house, &[]).await;
    house.engine().resume(&anna(), id).await.expect("she may");
    look::is_done(&house, &house.ended(id).await).await;
    Work::PowerOff.check(&house);
}

/// Its own first step took a member away: that is no reason to leave the machine off.
#[tokio::test(start_paused = true)]
async fn what_the_plan_itself_has_changed_does_not_stop_it() {
    let house = watched_for(Work::PowerCycle).await;
    let id = house.start(&Work::PowerCycle.intent(&house).await).await.expect("it starts");
    let begun = async || house.operation(id).await.steps[0] != StepStatus::Waiting;
    house.until("it is begun", OVER_WITHIN, begun).await;
    house.engine().pause(&anna(), id).await.expect("it will pause");
    let operation = house.ended(id).await;
    assert!(matches!(operation.state, OperationState::Paused { step: 1, .. }), "{:?}", operation.state);
    let gone = async || {
        let snapshot = house.engine().hub.snapshot(house.cluster).expect("it is watched");
        snapshot.quorum.as_ref().is_some_and(|aged| aged.fact.value.members.len() == 2)
    };
    house.until("it is seen to have left", OVER_WITHIN, gone).await;
    house.engine().resume(&anna(), id).await.expect("she may");
    look::is_done(&house, &house.ended(id).await).await;
    Work::PowerCycle.check(&house);
}
