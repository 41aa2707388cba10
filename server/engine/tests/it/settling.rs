//! What is proven counts, and is done once, whatever happens to the console or to its disk in the next moment.

use crate::fence::held;
use crate::house::{House, OVER_WITHIN, anna};
use crate::look;
use crate::works::Work;
use engine::ports::{ClusterStore, OperationStore};
use lab::Fault;
use model::ids::OperationId;
use model::inventory::ClusterPhase;
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use model::plan::Intent;
use model::problem::ProblemCode;
use std::sync::Arc;
use std::time::Duration;

/// `pvecm create` in the plan of a new cluster, between two steps that are harmless.
const CREATE: u16 = 1;
/// Not as the draft is called: the console has to learn it from the step.
const NAME: &str = "elm";
/// Several tries to park it.
const A_WHILE: Duration = Duration::from_secs(60);

async fn start(house: &House) -> OperationId {
    let intent = match house.create_intent().await {
        Intent::CreateCluster { first, links, .. } => {
            Intent::CreateCluster { name: NAME.parse().expect("a name"), first, links }
        }
        other => other,
    };
    house.start(&intent).await.expect("it starts")
}

/// What the console itself knows of the cluster.
async fn known(house: &House) -> (ClusterPhase, String) {
    let cluster = held(house.raw().cluster(house.cluster)).await.expect("the cluster");
    (cluster.phase, cluster.name.to_string())
}

fn settled() -> (ClusterPhase, String) {
    (ClusterPhase::Live, NAME.to_owned())
}

fn stands_at(operation: &Operation) -> (u16, ProblemCode) {
    match &operation.state {
        OperationState::Parked { step, problem } => (*step, problem.code),
        other => panic!("{other:?}"),
    }
}

fn is_proven(operation: &Operation, step: u16) -> bool {
    matches!(operation.steps[usize::from(step)], StepStatus::Proven { .. })
}

async fn events(house: &House, id: OperationId, step: u16) -> Vec<StepEvent> {
    let journal = held(house.raw().journal_of(id)).await.expect("the journal");
    journal.into_iter().filter(|entry| entry.step == step).map(|entry| entry.event).collect()
}

/// Somebody goes on with it, and it ends well.
async fn goes_on(house: &House, id: OperationId) {
    house.engine().resume(&anna(), id).await.expect("it goes on");
    look::is_done(house, &house.ended(id).await).await;
    assert_eq!(known(house).await, settled());
    Work::Create.check(house);
    look::audit_is_whole(house).await;
}

/// One proof, and nothing before it twice.
async fn was_done_once(house: &House, id: OperationId, step: u16) {
    let wanted = [StepEvent::Started, StepEvent::Acted, StepEvent::Proven { already: false }];
    assert_eq!(events(house, id, step).await, wanted, "step {step}");
}

/// Its proof is on disk, and the disk fails before the console has drawn anything from it.
#[tokio::test(start_paused = true)]
async fn what_was_proven_before_the_disk_failed_is_settled_before_the_operation_parks() {
    let house = Work::Create.house().await;
    house.console.fence.after(|entry| entry.step == CREATE && entry.event == StepEvent::Proven { already: false }, {
        let fence = Arc::clone(&house.console.fence);
        move || fence.fail_store(true)
    });
    let id = start(&house).await;
    let proven = async || is_proven(&house.operation(id).await, CREATE);
    house.until("the cluster is made", OVER_WITHIN, proven).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(house.operation(id).await.state, OperationState::Running, "nobody could write that it stands");
    assert_eq!(known(&house).await.0, ClusterPhase::Draft, "nothing was drawn from it");
    house.console.fence.fail_store(false);
    let operation = house.ended(id).await;
    assert_eq!(stands_at(&operation), (CREATE + 1, ProblemCode::OutcomeUnknown));
    assert_eq!(known(&house).await, settled(), "while it stands, people look at a cluster that lives");
    goes_on(&house, id).await;
    for step in [0, CREATE] {
        was_done_once(&house, id, step).await;
    }
}

/// The command is done, and its proof cannot be written.
#[tokio::test(start_paused = true)]
async fn what_was_proven_before_the_journal_failed_is_not_done_again() {
    let house = Work::Create.house().await;
    house.console.fence.after(|entry| entry.step == CREATE && entry.event == StepEvent::Acted, {
        let fence = Arc::clone(&house.console.fence);
        move || fence.fail_journal(true)
    });
    let id = start(&house).await;
    let made = async || house.lab.inspect().ran("pvecm create") == 1;
    house.until("the cluster is made", OVER_WITHIN, made).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(house.operation(id).await.state, OperationState::Running, "nobody could write that it stands");
    house.console.fence.fail_journal(false);
    let operation = house.ended(id).await;
    assert_eq!(stands_at(&operation), (CREATE, ProblemCode::OutcomeUnknown));
    assert!(is_proven(&operation, 0) && !is_proven(&operation, CREATE), "{:#?}", operation.steps);
    goes_on(&house, id).await;
    was_done_once(&house, id, 0).await;
    let again = events(&house, id, CREATE).await;
    assert_eq!(again.last(), Some(&StepEvent::Proven { already: true }), "it was found done: {again:?}");
}

/// The console dies in between, and the node answers nothing when it is back.
#[tokio::test(start_paused = true)]
async fn a_console_that_died_after_a_proof_settles_it_although_it_parks_at_once() {
    let mut house = Work::Create.house().await;
    house.console.fence.after(|entry| entry.step == CREATE && entry.event == StepEvent::Proven { already: false }, {
        let (fence, lab) = (Arc::clone(&house.console.fence), house.lab.clone());
        move || {
            lab.inject(Fault::HangCommands { node: "pve1".into(), on: true }).expect("it hangs");
            fence.die();
        }
    });
    let id = start(&house).await;
    house.console.fence.death().await;
    assert_eq!(known(&house).await.0, ClusterPhase::Draft, "nothing was drawn from it");
    assert_eq!(house.restart().await, 1);
    let operation = house.ended(id).await;
    assert_eq!(stands_at(&operation), (CREATE + 1, ProblemCode::NodeHangs));
    assert_eq!(known(&house).await, settled());
    house.inject(Fault::HangCommands { node: "pve1".into(), on: false });
    goes_on(&house, id).await;
    for step in [0, CREATE] {
        was_done_once(&house, id, step).await;
    }
}
