//! Leaving a cluster: nothing of the console's stays on its machines, whatever happens in between.

use crate::faults::Trouble;
use crate::fence::{Side, held};
use crate::house::{House, OVER_WITHIN, anna};
use crate::look;
use engine::execute;
use engine::ports::{ClusterStore, OperationStore, StoreError};
use engine::propose::Proposal;
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use model::plan::{Intent, Plan};
use model::policy::{Consent, rule};
use model::problem::ProblemCode;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

const ALL: Intent = Intent::Withdraw { leave: Vec::new() };
const KEPT: &str = "/root/.ssh/authorized_keys2";
/// Two members and the host of the QDevice: what lies around, the shared file, each machine's own.
const STEPS: u16 = 7;

/// A cluster that has the console's key everywhere and is watched, with something left of the operation that shared it.
async fn settled(count: u8) -> House {
    let house = House::new(Scenario::healthy(count)).await;
    house.done(&Intent::AdmitConsole { node: house.id("pve1").await, share: true }).await;
    left_over(&house).await;
    watched(&house, usize::from(count)).await;
    house
}

async fn watched(house: &House, members: usize) {
    house.engine().watch(house.cluster).await;
    let seen = async || {
        let snapshot = house.engine().hub.snapshot(house.cluster);
        snapshot.is_some_and(|one| one.quorum.as_ref().is_some_and(|one| one.fact.value.members.len() == members))
    };
    house.until("all members are seen", Duration::from_secs(60), seen).await;
}

/// Output files of a unit of this console's, as a crash leaves them, and of another console's.
async fn left_over(house: &House) {
    let created = held(house.raw().operations(Some(house.cluster), 50)).await.expect("operations");
    let own = created.last().expect("the first operation").id.as_uuid().simple().to_string();
    for file in [format!("quorate-{own}-1.out"), format!("quorate-{own}-1.err"), foreign()] {
        assert!(house.lab.put_file("pve1", &format!("/run/{file}"), b"left over\n"));
    }
}

fn foreign() -> String {
    format!("quorate-{}-1.out", Uuid::from_u128(0xf0).simple())
}

/// Looks by the lab's own means, on every disk and in every `/etc/pve`.
fn traces(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for info in house.lab.nodes() {
        for needle in [house.key_blob().as_bytes(), b"quorate"] {
            found.extend(
                house.lab.files_with(&info.name, needle).into_iter().map(|path| format!("{}:{path}", info.name)),
            );
        }
    }
    found.retain(|path| !path.ends_with(&foreign()));
    found
}

async fn is_forgotten(house: &House) {
    let left = held(house.raw().cluster(house.cluster)).await;
    assert!(matches!(left, Err(StoreError::NotFound { .. })), "{left:?}");
    assert!(held(house.raw().nodes(house.cluster)).await.expect("a list").is_empty());
    assert!(house.engine().hub.snapshot(house.cluster).is_none(), "nobody watches it");
}

/// Done, nothing left, everybody still in the cluster.
async fn ended_well(house: &House, operation: &Operation, names: &[&str]) {
    look::is_done(house, operation).await;
    let forgotten = async || held(house.raw().cluster(house.cluster)).await.is_err();
    house.until("the cluster is forgotten", Duration::from_secs(10), forgotten).await;
    is_forgotten(house).await;
    assert_eq!(traces(house), [""; 0]);
    look::one_cluster(&house.lab.inspect(), names);
    let entries = look::audit_is_whole(house).await;
    assert_eq!(entries.iter().filter(|one| one.entry.code == AuditCode::ClusterForgotten).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_on_any_machine_and_the_cluster_goes_on() {
    let house = House::built(Scenario::bare(3), 3).await;
    left_over(&house).await;
    watched(&house, 3).await;
    assert!(traces(&house).len() > 6, "there is something to take away: {:?}", traces(&house));
    let roots: Vec<_> = house.lab.file("pve1", "/etc/pve/priv/authorized_keys").into_iter().collect();
    let operation = house.run(&ALL).await;
    ended_well(&house, &operation, &["pve1", "pve2", "pve3"]).await;
    assert!(house.lab.file("pve1", KEPT).is_none(), "the console made that file");
    assert!(house.lab.file("pve1", &format!("/run/{}", foreign())).is_some(), "another console's is not touched");
    let shared = house.lab.file("pve1", "/etc/pve/priv/authorized_keys").expect("the nodes' own keys stay");
    let lines = |content: &[u8]| String::from_utf8_lossy(content).lines().filter(|line| line.contains("root@")).count();
    assert_eq!(lines(&shared), lines(&roots[0]));
}

#[tokio::test(start_paused = true)]
async fn other_peoples_keys_beside_ours_stay() {
    let house = settled(2).await;
    let theirs = "# on call\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0zvCV8lZ0cAvD2ZlSjY2CGvIbbn9bgl5cQ0YJ0rR0f oncall\n";
    let ours = house.lab.file("pve2", KEPT).expect("the console's file");
    assert!(house.lab.put_file("pve2", KEPT, &[theirs.as_bytes(), &ours].concat()));
    let operation = house.run(&ALL).await;
    ended_well(&house, &operation, &["pve1", "pve2"]).await;
    let left = house.lab.file("pve2", KEPT).expect("their file");
    assert_eq!(String::from_utf8_lossy(&left).trim_end(), theirs.trim_end());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_does_not_answer_is_named_and_keeps_the_key() {
    let house = settled(3).await;
    let gone = house.id("pve3").await;
    house.inject(Fault::Kill { node: "pve3".into() });
    house.lab.settle().await;
    watched(&house, 2).await;
    let intent = Intent::Withdraw { leave: vec![gone] };
    let plan = house.engine().plan(house.cluster, &intent).await.expect("a plan").plan;
    assert!(plan.steps.iter().all(|step| step.node != gone), "{plan:#?}");
    assert_eq!(plan.consequences[0].code.as_str(), "key_left_behind");
    assert_eq!(plan.consequences[0].params["node"], "pve3");
    let operation = house.run(&intent).await;
    look::is_done(&house, &operation).await;
    house
        .until("forgotten", Duration::from_secs(10), async || held(house.raw().cluster(house.cluster)).await.is_err())
        .await;
    let entries = look::audit_is_whole(&house).await;
    let forgotten = entries.iter().find(|one| one.entry.code == AuditCode::ClusterForgotten).expect("an entry");
    assert_eq!(forgotten.entry.details["key_stays"], "pve3");
    assert_eq!(forgotten.entry.operation, Some(operation.id));
    let left: Vec<_> = traces(&house).into_iter().filter(|path| !path.starts_with("pve3:")).collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_quorum_or_anybody_who_answers_there_is_no_plan() {
    let house = settled(3).await;
    let all: Vec<_> = held(house.raw().nodes(house.cluster)).await.expect("nodes").iter().map(|node| node.id).collect();
    let refused = house.engine().plan(house.cluster, &Intent::Withdraw { leave: all }).await.expect_err("nobody");
    assert_eq!(refused.code, ProblemCode::NoWayIn);
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let lost = async || house.engine().plan(house.cluster, &ALL).await.is_err();
    house.until("the loss of quorum is seen", Duration::from_secs(90), lost).await;
    let refused = house.engine().plan(house.cluster, &ALL).await.expect_err("no quorum");
    assert_eq!(refused.code, ProblemCode::ClusterNotQuorate);
}

/// The steps of a withdrawal under another intent, so that the cluster is still there afterwards.
async fn steps_only(house: &House) -> Plan {
    let plan = house.engine().plan(house.cluster, &ALL).await.expect("a plan").plan;
    Plan { intent: Intent::AdmitConsole { node: house.id("pve1").await, share: false }, ..plan }
}

async fn run_plan(house: &House, plan: &Plan) -> Operation {
    let digest = plan.digest().expect("a digest");
    let consent = Consent { reason: String::new(), typed: String::new() };
    let ruling = rule(plan.risk, false);
    let proposal = Proposal { plan: plan.clone(), digest, ruling };
    let id = house.engine().begin(&anna(), proposal, &consent).await.expect("it starts");
    execute::spawn(house.engine().clone(), id, anna(), None);
    house.ended(id).await
}

#[tokio::test(start_paused = true)]
async fn every_step_may_be_repeated() {
    let house = settled(2).await;
    let plan = steps_only(&house).await;
    look::is_done(&house, &run_plan(&house, &plan).await).await;
    assert_eq!(traces(&house), [""; 0]);
    let again = run_plan(&house, &plan).await;
    look::is_done(&house, &again).await;
    let already = again.steps.iter().all(|step| matches!(step, StepStatus::Proven { already: true, .. }));
    assert!(already, "{:#?}", again.steps);
    let entries = house.audit().await;
    let changed = entries.iter().any(|one| one.entry.operation == Some(again.id) && one.entry.exit.is_some());
    assert!(!changed, "no command that changes something has run");
}

async fn one_step(trouble: Trouble, index: u16) {
    let house = settled(2).await;
    let plan = house.engine().plan(house.cluster, &ALL).await.expect("a plan").plan;
    assert_eq!(plan.steps.len(), usize::from(STEPS));
    let name = plan.steps[usize::from(index)].node_name.clone();
    let (lab, node) = (house.lab.clone(), name.clone());
    house.console.fence.after(
        move |entry| entry.step == index && entry.event == StepEvent::Started,
        move || lab.inject(trouble.begins(node)).expect("the fault"),
    );
    let mut operation = house.run(&ALL).await;
    if let OperationState::Parked { problem, .. } = &operation.state {
        let later = [ProblemCode::KeyStillAccepted, ProblemCode::CommandFailed];
        assert!(trouble.codes().contains(&problem.code) || later.contains(&problem.code), "{problem}");
        let cluster = held(house.raw().cluster(house.cluster)).await;
        assert!(cluster.is_ok(), "what is not proven is not forgotten");
        if let Some(fault) = trouble.ends(name) {
            house.inject(fault);
        }
        house.lab.settle().await;
        house.engine().resume(&anna(), operation.id).await.expect("it goes on");
        operation = house.ended(operation.id).await;
    }
    ended_well(&house, &operation, &["pve1", "pve2"]).await;
}

async fn every_step(trouble: Trouble) {
    for step in 0..STEPS {
        eprintln!("{trouble:?} from the beginning of step {step}");
        one_step(trouble, step).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_frozen_at_any_step() {
    every_step(Trouble::Frozen).await;
}

#[tokio::test(start_paused = true)]
async fn commands_hang_at_any_step() {
    every_step(Trouble::Hanging).await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_drops_at_any_step() {
    every_step(Trouble::Dropped).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_loses_power_at_the_last_step() {
    one_step(Trouble::Off, STEPS - 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_console_dies_at_every_write_of_its_journal() {
    let house = settled(2).await;
    let before = house.console.fence.journal_writes();
    let operation = house.run(&ALL).await;
    ended_well(&house, &operation, &["pve1", "pve2"]).await;
    let writes = house.console.fence.journal_writes() - before;
    assert!(writes >= u64::from(STEPS) * 2, "the journal was written {writes} times only");
    for write in 1..=writes {
        for side in [Side::Before, Side::After] {
            eprintln!("dies {side:?} write {write} of {writes}");
            dies_at(write, side).await;
        }
    }
}

async fn dies_at(write: u64, side: Side) {
    let mut house = settled(2).await;
    house.arm((write, side)).await;
    watched(&house, 2).await;
    let id = house.start(&ALL).await.expect("the plan starts");
    timeout(OVER_WITHIN, house.console.fence.death()).await.expect("the journal is written that often");
    house.restart().await;
    let operation = house.ended(id).await;
    ended_well(&house, &operation, &["pve1", "pve2"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_console_that_died_between_done_and_forgotten_forgets_when_it_starts() {
    let mut house = settled(2).await;
    let operation = {
        let plan = steps_only(&house).await;
        run_plan(&house, &plan).await
    };
    let plan = Plan { intent: ALL, ..operation.plan.clone() };
    // The same with its own intent, written down as done by a console that then died.
    let done = Operation {
        id: OperationId::from_uuid(Uuid::now_v7()),
        digest: plan.digest().expect("a digest"),
        plan,
        state: OperationState::Proposed,
        ..operation
    };
    let store = house.store();
    let entry = || {
        model::audit::AuditEntry::new(
            done.proposed_at,
            AuditCode::PlanProposed,
            "anna".into(),
            model::audit::Outcome::Success,
        )
    };
    store.propose(&done, entry()).await.expect("proposed");
    let at = done.proposed_at;
    store.set_state(done.id, &done.state, &OperationState::Running, None, at).await.expect("running");
    store.set_state(done.id, &OperationState::Running, &OperationState::Done, None, at).await.expect("done");
    house.restart().await;
    is_forgotten(&house).await;
}
