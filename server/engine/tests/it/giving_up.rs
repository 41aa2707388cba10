//! Who went on with an operation, when it may be given up, and what becomes of one that never began.

use crate::fence::held;
use crate::house::{House, OVER_WITHIN, anna};
use crate::look;
use crate::stopping::{Asks, overtake};
use crate::works::Work;
use engine::audit::Person;
use engine::overtake::Wanted;
use engine::ports::DraftStore;
use lab::{Fault, Scenario, UnitStart};
use model::audit::{AuditCode, AuditEntry};
use model::bmc::PowerWish;
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepEvent};
use model::policy::Consent;
use model::problem::ProblemCode;
use std::sync::Arc;
use std::time::Duration;

/// Longer than any command may run on a node.
const COMMAND_IS_OVER: Duration = Duration::from_secs(400);

/// A join that is parked while its unit was started and the node answers nothing any more.
async fn parked_beside_its_unit() -> (House, Operation) {
    let house = House::built(Scenario::bare(3), 1).await;
    house.inject(Fault::UnitStartCutOff { node: "pve2".into(), how: UnitStart::StartedThenHangs });
    let operation = house.run(&house.join_intent(&["pve2"]).await).await;
    assert!(matches!(operation.state, OperationState::Parked { .. }), "{:?}", operation.state);
    (house, operation)
}

async fn give_up(house: &House, operation: &Operation) -> Result<(), ProblemCode> {
    house.engine().abandon(&anna(), operation.id, "enough").await.map_err(|problem| problem.code)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_given_up_while_its_command_runs_or_may_do_so() {
    let (house, operation) = parked_beside_its_unit().await;
    assert_eq!(give_up(&house, &operation).await, Err(ProblemCode::CommandMayRun));
    house.inject(Fault::HangCommands { node: "pve2".into(), on: false });
    assert_eq!(give_up(&house, &operation).await, Err(ProblemCode::CommandStillRuns));
    let other = house.start(&house.join_intent(&["pve3"]).await).await.expect_err("the place is taken");
    assert_eq!(other.code, ProblemCode::AlreadyRunning);
    tokio::time::sleep(COMMAND_IS_OVER).await;
    assert_eq!(give_up(&house, &operation).await, Ok(()));
    look::is_done(&house, &house.done(&house.join_intent(&["pve3"]).await).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_lost_for_good_does_not_hold_its_cluster_for_ever() {
    let (house, operation) = parked_beside_its_unit().await;
    house.inject(Fault::Kill { node: "pve2".into() });
    assert_eq!(give_up(&house, &operation).await, Err(ProblemCode::CommandMayRun));
    tokio::time::sleep(COMMAND_IS_OVER).await;
    assert_eq!(give_up(&house, &operation).await, Ok(()));
}

/// corosync is being restarted there at this moment, by a command that is no unit.
async fn restarting(house: &House) -> OperationId {
    let id = house.start(&Work::Restart.intent(house).await).await.expect("it begins");
    let runs = async || house.lab.inspect().ran(Work::Restart.command()) == 1;
    house.until("it runs", OVER_WITHIN, runs).await;
    id
}

/// A command that runs at this moment is known to run, also where its node cannot be asked for it.
#[tokio::test(start_paused = true)]
async fn nothing_is_overtaken_while_its_command_waits_for_an_answer() {
    let house = Work::Restart.house().await;
    house.bind_bmc("pve3").await;
    let intent = house.power_intent("pve3", PowerWish::Off).await;
    let id = restarting(&house).await;
    let wanted = Wanted { operation: id, reason: "its fans have died".into() };
    let refused = overtake(&house, &intent, &wanted, Asks::Olga).await.expect_err("two changes at once");
    assert_eq!((refused.code, refused.params["node"].as_str()), (ProblemCode::CommandStillRuns, "pve2"));
    assert!(house.operation(id).await.state.holds_cluster());
    assert_eq!(house.lab.inspect().ran("power off"), 0);
    look::is_done(&house, &house.ended(id).await).await;
    look::audit_is_whole(&house).await;
}

/// It is no unit: its node ends it at its own limit, and nobody can look whether it has.
#[tokio::test(start_paused = true)]
async fn a_command_whose_connection_broke_is_not_given_up_before_its_limit() {
    let house = Work::Restart.house().await;
    let id = restarting(&house).await;
    for fault in [Fault::HangCommands { node: "pve2".into(), on: true }, Fault::DropConnections { node: "pve2".into() }]
    {
        house.inject(fault);
    }
    let operation = house.ended(id).await;
    assert!(matches!(operation.state, OperationState::Parked { .. }), "{:?}", operation.state);
    assert_eq!(give_up(&house, &operation).await, Err(ProblemCode::CommandMayRun));
    // More than are looked through for the end of a command (100): anybody can be refused so often.
    for _ in 0..=100 {
        let refusal = AuditEntry { operation: Some(id), ..house.entry(AuditCode::PlanRefused) };
        house.store().append(refusal).await.expect("written");
    }
    assert_eq!(give_up(&house, &operation).await, Err(ProblemCode::CommandMayRun));
    tokio::time::sleep(COMMAND_IS_OVER).await;
    assert_eq!(give_up(&house, &operation).await, Ok(()));
}

/// Otherwise it would stand there as running until the console starts again, with nobody who runs it.
#[tokio::test(start_paused = true)]
async fn an_operation_whose_journal_failed_parks_when_the_store_takes_it() {
    let house = Work::Restart.house().await;
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let fence = Arc::clone(&house.console.fence);
        move || fence.fail_journal(true)
    });
    let id = house.start(&Work::Restart.intent(&house).await).await.expect("it begins");
    let runs = async || house.lab.inspect().ran(Work::Restart.command()) == 1;
    house.until("it ran", OVER_WITHIN, runs).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let operation = house.operation(id).await;
    assert_eq!(operation.state, OperationState::Running);
    assert_eq!(give_up(&house, &operation).await, Err(ProblemCode::CarriedOut));
    house.console.fence.fail_journal(false);
    let operation = house.ended(id).await;
    let OperationState::Parked { step: 0, problem } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::OutcomeUnknown);
    house.engine().resume(&anna(), id).await.expect("it goes on");
    look::is_done(&house, &house.ended(id).await).await;
    assert_eq!(house.lab.inspect().ran(Work::Restart.command()), 1, "and is not restarted again");
    look::audit_is_whole(&house).await;
}

/// The entries of an operation from its first resumption on.
async fn since_resumed(house: &House, operation: &Operation) -> Vec<AuditEntry> {
    let entries = house.audit().await.into_iter().map(|one| one.entry);
    let ours = entries.filter(|entry| entry.operation == Some(operation.id));
    ours.skip_while(|entry| entry.code != AuditCode::OperationResumed).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_went_on_stands_beside_what_ran_after_that() {
    let mut house = House::built(Scenario::bare(2), 1).await;
    house.inject(Fault::HangCommands { node: "pve2".into(), on: true });
    let operation = house.run(&house.join_intent(&["pve2"]).await).await;
    assert!(matches!(operation.state, OperationState::Parked { .. }), "{:?}", operation.state);
    house.inject(Fault::HangCommands { node: "pve2".into(), on: false });
    let bert = Person { name: "bert".into() };
    house.engine().resume(&bert, operation.id).await.expect("it goes on");
    let began =
        async || since_resumed(&house, &operation).await.iter().any(|one| one.code == AuditCode::CommandFinished);
    house.until("it changes something", OVER_WITHIN, began).await;
    // A restart in between takes it up for the same person.
    assert_eq!(house.restart().await, 1);
    let operation = house.ended(operation.id).await;
    look::is_done(&house, &operation).await;
    let entries = since_resumed(&house, &operation).await;
    let who = |code: AuditCode| -> Vec<&str> {
        entries.iter().filter(|entry| entry.code == code).map(|entry| entry.who.as_str()).collect()
    };
    assert_eq!(who(AuditCode::OperationResumed), ["bert", "system"]);
    assert_eq!(who(AuditCode::OperationFinished), ["bert"]);
    let started = who(AuditCode::CommandStarted);
    assert!(!started.is_empty() && started.iter().all(|name| *name == "bert"), "{started:?}");
    assert_eq!(operation.proposed_by, "anna");
}

#[tokio::test(start_paused = true)]
async fn what_never_began_is_given_up_at_the_next_start() {
    let mut house = House::built(Scenario::bare(2), 1).await;
    let proposal = house.engine().plan(house.cluster, &house.join_intent(&["pve2"]).await).await.expect("a plan");
    let consent = Consent { reason: "a cluster is needed".into(), typed: proposal.plan.target.clone() };
    let operation = house.engine().propose(&anna(), proposal, &consent).await.expect("written down");
    assert_eq!(house.restart().await, 0);
    assert_eq!(house.operation(operation.id).await.state, OperationState::Abandoned);
    let audited = house.audit().await.into_iter().map(|one| one.entry);
    let given_up: Vec<AuditEntry> = audited.filter(|entry| entry.code == AuditCode::OperationAbandoned).collect();
    assert_eq!(given_up.len(), 1);
    assert_eq!((given_up[0].operation, given_up[0].who.as_str()), (Some(operation.id), "system"));
    assert_eq!(house.lab.inspect().ran("pvecm add"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_verification_does_not_outlive_a_change_of_the_cluster() {
    let house = House::built(Scenario::bare(3), 1).await;
    let draft = async || held(house.raw().draft(house.cluster)).await.expect("the draft");
    let verified = model::wizard::Draft { verified_at: Some(house.engine().clock.now()), ..draft().await };
    held(house.raw().save_draft(house.cluster, &verified, None)).await.expect("saved");
    house.done(&house.join_intent(&["pve2"]).await).await;
    assert_eq!(draft().await.verified_at, None);
}
