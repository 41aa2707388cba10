//! Operations that are stopped by people: paused before a step, and ended by what cannot wait for them.

use crate::fence::Side;
use crate::house::{House, anna};
use crate::look;
use crate::works::Work;
use engine::approvals::PolicyChange;
use engine::audit::Person;
use engine::overtake::Wanted;
use engine::propose::Decided;
use lab::{Fault, Scenario};
use model::approval::RequestState;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepStatus};
use model::plan::Intent;
use model::policy::{Consent, Demand, Policy, Row};
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use model::role::Role;
use std::time::Duration;

fn bert() -> Person {
    Person { name: "bert".into() }
}

async fn entries(house: &House, operation: OperationId, code: AuditCode) -> Vec<AuditEntry> {
    let all = house.audit().await.into_iter().map(|one| one.entry);
    all.filter(|entry| entry.operation == Some(operation) && entry.code == code).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pause_comes_before_the_next_step_and_is_said_by_whom() {
    let house = House::built(Scenario::bare(3), 1).await;
    let id = house.start(&house.join_intent(&["pve2"]).await).await.expect("it starts");
    house.engine().pause(&bert(), id).await.expect("it will pause");
    // Pressed twice; by then it may have come to its stop.
    let twice = house.engine().pause(&bert(), id).await;
    assert!(twice.as_ref().err().is_none_or(|problem| problem.code == ProblemCode::NotRunning), "{twice:?}");
    let paused = house.ended(id).await;
    let OperationState::Paused { step, by, .. } = &paused.state else { panic!("{:?}", paused.state) };
    assert_eq!(by, "bert");
    let (done, waits) = paused.steps.split_at(usize::from(*step));
    assert!(done.iter().all(|one| matches!(one, StepStatus::Proven { .. })), "{:#?}", paused.steps);
    assert!(!waits.is_empty() && waits.iter().all(|one| *one == StepStatus::Waiting), "{:#?}", paused.steps);
    assert_eq!(house.lab.inspect().ran("pvecm add"), 0);

    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(house.operation(id).await, paused, "nothing of it moves");
    let other = house.start(&house.join_intent(&["pve3"]).await).await.expect_err("its place is taken");
    assert_eq!(other.code, ProblemCode::AlreadyRunning);
    assert_eq!(house.engine().pause(&bert(), id).await.expect_err("it waits").code, ProblemCode::NotRunning);

    house.engine().resume(&anna(), id).await.expect("it goes on");
    look::is_done(&house, &house.ended(id).await).await;
    let said: Vec<_> =
        entries(&house, id, AuditCode::OperationPaused).await.into_iter().map(|one| (one.who, one.outcome)).collect();
    assert_eq!(said, [("bert".to_owned(), Outcome::Started), ("bert".to_owned(), Outcome::Success)]);
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_taken_back_stops_nothing_and_what_is_over_cannot_pause() {
    let house = House::built(Scenario::bare(2), 1).await;
    let id = house.start(&house.join_intent(&["pve2"]).await).await.expect("it starts");
    house.engine().pause(&bert(), id).await.expect("it will pause");
    house.engine().resume(&anna(), id).await.expect("or not");
    let operation = house.ended(id).await;
    look::is_done(&house, &operation).await;
    assert_eq!(house.engine().pause(&bert(), id).await.expect_err("over").code, ProblemCode::OperationOver);
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_may_be_given_up_and_says_what_it_leaves() {
    let house = House::built(Scenario::bare(3), 1).await;
    let id = house.start(&house.join_intent(&["pve2"]).await).await.expect("it starts");
    house.engine().pause(&bert(), id).await.expect("it will pause");
    let paused = house.ended(id).await;
    house.engine().abandon(&anna(), id, "another time").await.expect("nothing runs");
    let said = entries(&house, id, AuditCode::OperationAbandoned).await;
    assert_eq!(said[0].details["left"], paused.left_in_words());
    assert!(said[0].details["left"].contains("join_cluster unbegun"), "{:?}", said[0].details);
    look::is_done(&house, &house.done(&house.join_intent(&["pve3"]).await).await).await;
}

/// The console dies at a write after somebody has asked for a pause; started again it pauses, or has ended.
async fn dies_pausing(write: u64, side: Side) {
    let mut house = Work::Qdevice.house().await;
    house.arm((write, side)).await;
    let intent = Work::Qdevice.intent(&house).await;
    let started = tokio::select! {
        biased;
        started = house.start(&intent) => Some(started.expect("it starts")),
        () = house.console.fence.death() => None,
    };
    let Some(id) = started else { return };
    let bert = bert();
    let asked = tokio::select! {
        biased;
        asked = house.engine().pause(&bert, id) => asked.is_ok(),
        () = house.console.fence.death() => false,
    };
    // A pause keeps it from ever writing so often: then there is nothing to die of.
    let died = tokio::select! {
        biased;
        () = house.console.fence.death() => true,
        _ = house.ended(id) => false,
    };
    house.restart().await;
    let operation = house.ended(id).await;
    eprintln!("write {write} {side:?}: asked {asked}, died {died}, then {}", operation.state.word());
    match &operation.state {
        OperationState::Paused { .. } => {
            house.engine().resume(&anna(), id).await.expect("it goes on");
            look::is_done(&house, &house.ended(id).await).await;
        }
        OperationState::Done => look::is_done(&house, &operation).await,
        other => panic!("{other:?}"),
    }
    look::audit_is_whole(&house).await;
    Work::Qdevice.check(&house);
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_the_end_of_the_console_at_every_write() {
    for write in 1..=6 {
        for side in [Side::Before, Side::After] {
            dies_pausing(write, side).await;
        }
    }
}

const REASON: &str = "the cluster stands still";

/// Whose agreement the policy wants before the other operation is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Olga,
    Nobody,
}

/// A policy that asks nobody about `pvecm expected`.
async fn ask_nobody(house: &House) {
    let ada = Person { name: "ada".into() };
    house.person("ada", Role::Admin).await;
    let row = Row { agreement: Demand::Nobody, ..Row::shipped(Risk::Destructive) };
    let policy = Policy { actions: [("set_expected".to_owned(), row)].into(), ..Policy::default() };
    let change = house.engine().change_policy(&ada, house.cluster, policy, "a lab", true).await;
    assert!(matches!(change, Ok(PolicyChange::InForce(_))), "{change:?}");
}

/// A QDevice that is being set up and waits for somebody, on two nodes of which one has died since.
async fn parked(asks: Asks) -> (House, Operation, Intent) {
    let house = House::new(Scenario::healthy(2)).await;
    if asks == Asks::Nobody {
        ask_nobody(&house).await;
    }
    house.inject(Fault::HangCommands { node: "pve1".into(), on: true });
    let operation = house.run(&house.qdevice_intent().await).await;
    assert!(matches!(operation.state, OperationState::Parked { .. }), "{:?}", operation.state);
    house.inject(Fault::HangCommands { node: "pve1".into(), on: false });
    house.inject(Fault::Kill { node: "pve2".into() });
    house.lab.settle().await;
    let intent = house.expected_intent().await;
    (house, operation, intent)
}

fn wanted(operation: OperationId) -> Wanted {
    Wanted { operation, reason: REASON.into() }
}

/// anna asks, olga agrees where she has to, and anna runs it in the place of the other one.
pub async fn overtake(house: &House, intent: &Intent, wanted: &Wanted, asks: Asks) -> Result<OperationId, Problem> {
    house.two_people().await;
    let engine = house.engine();
    let proposal = engine.plan(house.cluster, intent).await?;
    let consent = Consent { reason: "a cluster is needed".into(), typed: proposal.plan.target.clone() };
    if asks == Asks::Nobody {
        let decided = Decided { seen: proposal.digest.as_str(), consent: &consent, shown: true.into() };
        return engine.run_in_place_of(&anna(), house.cluster, intent, decided, Some(wanted)).await;
    }
    let request = engine.ask(&anna(), house.cluster, intent, proposal.digest.as_str(), &consent, true).await?;
    if engine.request(request).await?.state == RequestState::Waiting {
        engine.approve(&Person { name: "olga".into() }, request, "I see it too", true).await?;
    }
    engine.run_overtaking(&anna(), request, true, Some(wanted)).await
}

/// The end of the one, with everything that has to be known of it.
async fn is_overtaken(house: &House, operation: OperationId, by: OperationId) {
    let ended = house.operation(operation).await;
    let OperationState::Overtaken { by: other, intent, who, reason, .. } = &ended.state else {
        panic!("{:?}", ended.state)
    };
    assert_eq!((*other, intent.as_str(), who.as_str(), reason.as_str()), (by, "set_expected", "anna", REASON));
    assert!(ended.finished_at.is_some());
    let said = entries(house, operation, AuditCode::OperationOvertaken).await;
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].who.as_str(), said[0].reason.as_deref()), ("anna", Some(REASON)));
    assert_eq!(said[0].details["overtaken_by"], by.to_string());
    assert_eq!(said[0].details["left"], ended.left_in_words());
    let started = entries(house, by, AuditCode::OperationStarted).await;
    assert_eq!(started[0].details["overtakes"], operation.to_string());
    // It is over, and nothing of it ever runs again.
    let engine = house.engine();
    assert_eq!(engine.resume(&anna(), operation).await.expect_err("over").code, ProblemCode::OperationOver);
    assert_eq!(engine.pause(&anna(), operation).await.expect_err("over").code, ProblemCode::OperationOver);
    engine.abandon(&anna(), operation, "anyway").await.expect_err("over");
    let all = house.audit().await;
    let end = all
        .iter()
        .position(|one| one.entry.operation == Some(operation) && one.entry.code == AuditCode::OperationOvertaken);
    let after = all.iter().skip(end.expect("its end"));
    let late =
        after.filter(|one| one.entry.operation == Some(operation) && one.entry.code == AuditCode::CommandStarted);
    assert_eq!(late.count(), 0, "a command of it left after its end");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_overtaken_by_what_cannot() {
    for asks in [Asks::Olga, Asks::Nobody] {
        waits_and_is_overtaken(asks).await;
    }
}

async fn waits_and_is_overtaken(asks: Asks) {
    let (mut house, operation, intent) = parked(asks).await;
    assert_eq!(house.start(&intent).await.expect_err("the place is taken").code, ProblemCode::AlreadyRunning);
    let by = overtake(&house, &intent, &wanted(operation.id), asks).await.expect("it runs");
    look::is_done(&house, &house.ended(by).await).await;
    is_overtaken(&house, operation.id, by).await;
    let alone = house.lab.inspect().partitions.into_iter().find(|one| one.nodes.contains("pve1")).expect("a partition");
    assert_eq!((alone.quorate, alone.expected_votes), (true, 1));
    look::audit_is_whole(&house).await;
    assert_eq!(house.restart().await, 0, "nothing is taken up again");
    is_overtaken(&house, operation.id, by).await;
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_overtaken_too_and_lets_go_first() {
    let house = House::built(Scenario::bare(2), 1).await;
    let id = house.start(&house.join_intent(&["pve2"]).await).await.expect("it starts");
    let listed = async || house.lab.inspect().nodes["pve1"].nodelist.contains_key("pve2");
    house.until("the member lists the joiner", Duration::from_secs(120), listed).await;
    house.inject(Fault::Kill { node: "pve2".into() });
    let lost = async || house.lab.inspect().partitions.iter().all(|one| !one.quorate);
    house.until("the first node stands alone", Duration::from_secs(60), lost).await;
    let intent = house.expected_intent().await;
    assert_eq!(house.operation(id).await.state, OperationState::Running, "it still waits for the joiner");
    let by = overtake(&house, &intent, &wanted(id), Asks::Olga).await.expect("it runs");
    look::is_done(&house, &house.ended(by).await).await;
    is_overtaken(&house, id, by).await;
    look::audit_is_whole(&house).await;
    look::nothing_ran_twice(&house.lab.inspect());
}

#[tokio::test(start_paused = true)]
async fn only_with_a_reason_by_its_owner_or_an_approver_and_only_what_holds_the_cluster() {
    for asks in [Asks::Olga, Asks::Nobody] {
        refuses_to_overtake(asks).await;
    }
}

async fn refuses_to_overtake(asks: Asks) {
    let (house, operation, intent) = parked(asks).await;
    let code = async |wanted: Wanted| overtake(&house, &intent, &wanted, asks).await.expect_err("not so").code;
    assert_eq!(code(Wanted { reason: " ".into(), ..wanted(operation.id) }).await, ProblemCode::ReasonNeeded);
    let nobody = OperationId::from_uuid(uuid::Uuid::nil());
    assert_eq!(code(wanted(nobody)).await, ProblemCode::NotFound);
    let engine = house.engine();
    let role = Role::Operator;
    let refused = operation.may_be_overtaken(&intent, "bert", role).expect_err("it is anna's");
    assert_eq!(refused.code, ProblemCode::OvertakeNotYours);
    assert_eq!(engine.holder(house.cluster).await.expect("a holder").map(|one| one.id), Some(operation.id));
    engine.abandon(&anna(), operation.id, "enough").await.expect("given up");
    assert_eq!(code(wanted(operation.id)).await, ProblemCode::NothingToOvertake);
    assert_eq!(engine.holder(house.cluster).await.expect("nobody"), None);
    assert!(matches!(house.operation(operation.id).await.state, OperationState::Abandoned));
    // What could not take the place is not left waiting for it.
    let all = house.store().operations(Some(house.cluster), 10).await.expect("the list");
    assert!(all.iter().all(|one| one.state != OperationState::Proposed), "{all:?}");
    // The approval was not used by any of it.
    look::is_done(&house, &house.done(&intent).await).await;
}

#[tokio::test(start_paused = true)]
async fn alone_in_front_of_everybody_it_is_overtaken_at_the_end_of_the_countdown() {
    let (house, operation, intent) = parked(Asks::Olga).await;
    house.two_people().await;
    let account = crate::fence::held(engine::ports::UserStore::user_by_name(house.raw(), "anna")).await.expect("anna");
    let entry = house.entry(AuditCode::RoleChanged);
    let approver = Role::Approver;
    crate::fence::held(engine::ports::UserStore::set_role(house.raw(), account.id, None, approver, entry))
        .await
        .expect("she may");
    let engine = house.engine();
    let proposal = engine.plan(house.cluster, &intent).await.expect("a plan");
    let consent = Consent { reason: "nobody is awake".into(), typed: proposal.plan.target.clone() };
    let digest = proposal.digest.as_str();
    let request = engine.ask(&anna(), house.cluster, &intent, digest, &consent, true).await.expect("asked");
    let of = Some(wanted(operation.id));
    engine.break_glass_overtaking(&anna(), request, true, of).await.expect("the countdown begins");
    assert!(house.operation(operation.id).await.state.holds_cluster(), "not before its end");
    let ran = async || engine.request(request).await.is_ok_and(|one| one.state.operation().is_some());
    house.until("the countdown is over", Duration::from_secs(90), ran).await;
    let by = engine.request(request).await.expect("the request").state.operation().expect("it ran");
    look::is_done(&house, &house.ended(by).await).await;
    is_overtaken(&house, operation.id, by).await;
}

/// The console dies at a write while one operation takes the place of the other.
async fn dies_overtaking(write: u64, side: Side, asks: Asks) -> bool {
    let (mut house, operation, intent) = parked(asks).await;
    house.arm((write, side)).await;
    let other = wanted(operation.id);
    let started = tokio::select! {
        biased;
        started = overtake(&house, &intent, &other, asks) => Some(started.expect("it runs")),
        () = house.console.fence.death() => None,
    };
    let died = match started {
        Some(id) => tokio::select! {
            biased;
            () = house.console.fence.death() => true,
            _ = house.ended(id) => house.console.fence.is_dead(),
        },
        None => true,
    };
    house.restart().await;
    let first = house.operation(operation.id).await;
    let by = match &first.state {
        OperationState::Overtaken { by, .. } => *by,
        OperationState::Parked { .. } => {
            let all = house.store().operations(Some(house.cluster), 10).await.expect("the list");
            let holds: Vec<_> = all.iter().filter(|one| one.state.holds_cluster()).map(|one| one.id).collect();
            assert_eq!(holds, [operation.id], "one of them has the place, and one only");
            overtake(&house, &intent, &wanted(operation.id), asks).await.expect("it runs now")
        }
        other => panic!("{other:?}"),
    };
    look::is_done(&house, &house.ended(by).await).await;
    is_overtaken(&house, operation.id, by).await;
    look::audit_is_whole(&house).await;
    died
}

#[tokio::test(start_paused = true)]
async fn one_of_them_has_the_place_whenever_the_console_ends() {
    for asks in [Asks::Olga, Asks::Nobody] {
        let mut deaths = 0;
        for write in 1..=8 {
            for side in [Side::Before, Side::After] {
                eprintln!("dies {side:?} write {write}, {asks:?} is asked");
                deaths += u32::from(dies_overtaking(write, side, asks).await);
            }
        }
        assert!(deaths >= 8, "only {deaths} deaths");
    }
}

#[tokio::test(start_paused = true)]
async fn what_needs_an_agreement_takes_no_place_without_it() {
    let (house, operation, intent) = parked(Asks::Olga).await;
    let refused = overtake(&house, &intent, &wanted(operation.id), Asks::Nobody).await.expect_err("nobody agreed");
    assert_eq!((refused.code, refused.params["missing"].as_str()), (ProblemCode::ConsentMissing, "agreement"));
    assert!(house.operation(operation.id).await.state.holds_cluster());
}
