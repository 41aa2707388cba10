//! Running what has run, and running two things at once.

use crate::house::{House, anna};
use crate::look;
use crate::works::Work;
use engine::execute;
use engine::propose::Proposal;
use lab::{Fault, Scenario};
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use model::policy::{Consent, rule};
use model::problem::ProblemCode;
use std::time::Duration;

/// The very same steps as a new operation.
pub async fn once_more(house: &House, operation: &Operation) -> Operation {
    let plan = operation.plan.clone();
    let digest = plan.digest().expect("a digest");
    let ruling = rule(plan.risk, false);
    let consent = Consent { reason: "again".into(), typed: plan.target.clone() };
    let id = house.engine().begin(&anna(), Proposal { plan, digest, ruling }, &consent).await.expect("it starts");
    execute::spawn(house.engine().clone(), id, anna(), None);
    house.ended(id).await
}

pub fn all_already(operation: &Operation) -> bool {
    operation.steps.iter().all(|step| matches!(step, StepStatus::Proven { already: true, .. }))
}

#[tokio::test(start_paused = true)]
async fn every_step_of_create_and_join_is_already_done() {
    let house = House::new(Scenario::bare(3)).await;
    let created = house.done(&house.create_intent().await).await;
    let again = once_more(&house, &created).await;
    assert!(again.state == OperationState::Done && all_already(&again), "{:#?}", again.steps);

    let joined = house.done(&house.join_intent(&["pve2", "pve3"]).await).await;
    let before = house.lab.inspect();
    for finished in [&created, &joined] {
        let again = once_more(&house, finished).await;
        assert!(again.state == OperationState::Done && all_already(&again), "{:#?}", again.steps);
        let changed = house
            .audit()
            .await
            .into_iter()
            .any(|one| one.entry.operation == Some(again.id) && one.entry.exit.is_some());
        assert!(!changed, "no command that changes something has run");
    }
    assert_eq!(house.lab.inspect(), before, "nothing has changed on the nodes");
    look::nothing_ran_twice(&house.lab.inspect());
}

#[tokio::test(start_paused = true)]
async fn a_qdevice_is_not_set_up_twice() {
    let house = House::new(Scenario::healthy(2)).await;
    let set_up = house.done(&house.qdevice_intent().await).await;
    let file = || {
        let content = house.lab.file("qnetd1", "/root/.ssh/authorized_keys").expect("a file");
        let lines: Vec<String> = String::from_utf8_lossy(&content).lines().map(str::to_owned).collect();
        lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    let (before, keys) = (house.lab.inspect(), file());
    let again = once_more(&house, &set_up).await;
    look::is_done(&house, &again).await;
    let setting_up = again.plan.steps.iter().position(|step| step.action.word() == "set_up_qdevice").expect("the step");
    assert!(matches!(again.steps[setting_up], StepStatus::Proven { already: true, .. }), "{:#?}", again.steps);
    assert_eq!((house.lab.inspect(), file()), (before, keys));
}

/// What somebody else has to agree to cannot simply be begun again: it is asked for once more.
#[tokio::test(start_paused = true)]
async fn a_qdevice_against_advice_is_not_set_up_twice() {
    let mut house = Work::QdeviceOdd.house().await;
    let intent = house.odd_qdevice_intent().await;
    house.done(&intent).await;
    let before = house.lab.inspect();
    let refused = house.start(&intent).await.expect_err("one that the console sees is said to be there");
    assert_eq!(refused.code, ProblemCode::QdevicePresent);
    // A console that has just started has read no configuration yet: then its steps find that all is done.
    house.restart().await;
    let again = house.done(&intent).await;
    look::is_done(&house, &again).await;
    let setting_up = again.plan.steps.iter().position(|step| step.action.word() == "set_up_qdevice").expect("the step");
    assert!(matches!(again.steps[setting_up], StepStatus::Proven { already: true, .. }), "{:#?}", again.steps);
    assert_eq!(house.lab.inspect(), before);
}

#[tokio::test(start_paused = true)]
async fn votes_that_are_lowered_already_are_not_lowered_again() {
    let house = Work::Expected.house().await;
    let intent = house.expected_intent().await;
    house.done(&intent).await;
    let before = house.lab.inspect();
    // What was seen while the votes moved voids a request; a moment later nothing moves any more.
    let started = std::cell::Cell::new(None);
    let start = async || {
        started.set(house.start(&intent).await.ok());
        started.get().is_some()
    };
    house.until("it is agreed to once more", Duration::from_secs(60), start).await;
    let again = house.ended(started.get().expect("it started")).await;
    assert!(again.state == OperationState::Done && all_already(&again), "{:#?}", again.steps);
    assert_eq!(house.lab.inspect(), before);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_corosync_is_ended_once() {
    let house = Work::Restart.house().await;
    let restarted = house.done(&Work::Restart.intent(&house).await).await;
    let before = house.lab.inspect();
    assert_eq!(before.nodes["pve2"].ran("systemctl restart corosync"), 1);
    let again = once_more(&house, &restarted).await;
    assert!(again.state == OperationState::Done && all_already(&again), "{:#?}", again.steps);
    assert_eq!(house.lab.inspect(), before);
}

#[tokio::test(start_paused = true)]
async fn a_qdevice_that_is_gone_is_not_removed_again() {
    let house = Work::RemoveQdevice.house().await;
    let removed = house.done(&Work::RemoveQdevice.intent(&house).await).await;
    let before = house.lab.inspect();
    assert_eq!(before.ran("pvecm qdevice remove"), 1);
    let again = once_more(&house, &removed).await;
    assert!(again.state == OperationState::Done && all_already(&again), "{:#?}", again.steps);
    assert_eq!(house.lab.inspect(), before);
}

const KEYS: &str = "/root/.ssh/authorized_keys";
/// What that file is a link to.
const SHARED: &str = "/root/.ssh/shared";

fn link() -> Fault {
    Fault::LinkFile { node: "qnetd1".into(), path: KEYS.into(), to: SHARED.into() }
}

fn lines(house: &House, path: &str, node: &str) -> Vec<String> {
    let content = house.lab.file(node, path).expect("a file");
    String::from_utf8_lossy(&content).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Two members, and a host for the QDevice where somebody else may log in too.
async fn with_a_key_file() -> House {
    let house = House::new(Scenario::healthy(2)).await;
    assert!(house.lab.put_file("qnetd1", KEYS, b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA somebody\n"));
    house
}

#[tokio::test(start_paused = true)]
async fn the_key_for_the_qdevice_is_taken_away_again_unless_it_was_there_before() {
    let house = with_a_key_file().await;
    let before = lines(&house, KEYS, "qnetd1");
    house.done(&house.qdevice_intent().await).await;
    assert_eq!(lines(&house, KEYS, "qnetd1"), before, "ours is gone, and every other line is there");

    let house = with_a_key_file().await;
    let roots = lines(&house, "/root/.ssh/id_rsa.pub", "pve1");
    let kept = [lines(&house, KEYS, "qnetd1"), roots].concat();
    assert!(house.lab.put_file("qnetd1", KEYS, format!("{}\n", kept.join("\n")).as_bytes()));
    let operation = house.done(&house.qdevice_intent().await).await;
    look::is_done(&house, &operation).await;
    assert_eq!(lines(&house, KEYS, "qnetd1"), kept, "somebody else's line stays");
}

#[tokio::test(start_paused = true)]
async fn a_file_of_keys_that_is_shared_is_not_added_to() {
    let house = with_a_key_file().await;
    let before = lines(&house, KEYS, "qnetd1");
    house.inject(link());
    let operation = house.run(&house.qdevice_intent().await).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::KeyFileShared);
    assert_eq!(lines(&house, SHARED, "qnetd1"), before, "nothing was added");
    let entries = look::audit_is_whole(&house).await;
    let there = entries.iter().filter(|one| one.entry.node.as_deref() == Some("qnetd1"));
    let mut ran = there.filter_map(|one| one.entry.command.as_deref());
    assert!(!ran.any(|command| command.starts_with("tee -a")), "nothing was tried");
}

#[tokio::test(start_paused = true)]
async fn a_file_of_keys_that_is_shared_by_now_is_not_replaced() {
    let house = with_a_key_file().await;
    let intent = house.qdevice_intent().await;
    let steps = house.engine().plan(house.cluster, &intent).await.expect("a plan").plan.steps;
    let at = steps.iter().position(|step| step.action.word() == "authorize_root_key").expect("the step");
    let (added, lab) = (u16::try_from(at).expect("few steps"), house.lab.clone());
    house.console.fence.after(
        move |entry| entry.step == added && matches!(entry.event, StepEvent::Proven { .. }),
        move || lab.inject(link()).expect("the fault"),
    );
    let operation = house.run(&intent).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::KeyFileShared);
    assert!(lines(&house, SHARED, "qnetd1").len() > 1, "nothing was lost");
    look::audit_is_whole(&house).await;
}

/// Proxmox VE makes the file a link into `/etc/pve` on every machine, also on one that is in no cluster.
#[tokio::test(start_paused = true)]
async fn a_file_of_keys_that_leads_into_the_machines_own_pve_is_written_through() {
    let house = with_a_key_file().await;
    let before = lines(&house, KEYS, "qnetd1");
    assert!(house.lab.serve_pve("qnetd1"));
    let operation = house.done(&house.qdevice_intent().await).await;
    look::is_done(&house, &operation).await;
    assert_eq!(lines(&house, "/etc/pve/priv/authorized_keys", "qnetd1"), before, "ours is gone");
    let linked = house.lab.run("qnetd1", "test -L /root/.ssh/authorized_keys", b"").await.expect("an answer");
    assert_eq!(linked.exit, 0, "no file took the link's place");
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_of_keys_that_leads_into_a_clusters_pve_is_not_added_to() {
    let house = with_a_key_file().await;
    let before = lines(&house, KEYS, "qnetd1");
    assert!(house.lab.serve_pve("qnetd1"));
    assert!(house.lab.put_file("qnetd1", "/etc/corosync/corosync.conf", b"totem {\n}\n"));
    let operation = house.run(&house.qdevice_intent().await).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::KeyFileShared);
    assert_eq!(lines(&house, KEYS, "qnetd1"), before, "nothing was added");
}

#[tokio::test(start_paused = true)]
async fn one_operation_at_a_time_while_running_and_while_parked() {
    let house = House::built(Scenario::bare(3), 1).await;
    let (second, third) = (house.join_intent(&["pve2"]).await, house.join_intent(&["pve3"]).await);
    let running = house.start(&second).await.expect("it starts");
    assert_eq!(house.start(&third).await.expect_err("one at a time").code, ProblemCode::AlreadyRunning);
    house.inject(Fault::HangCommands { node: "pve2".into(), on: true });
    let parked = house.ended(running).await;
    assert!(matches!(parked.state, OperationState::Parked { .. }), "{:?}", parked.state);
    assert_eq!(house.start(&third).await.expect_err("parked holds it too").code, ProblemCode::AlreadyRunning);
    assert_eq!(house.lab.inspect().nodes["pve3"].ran("pvecm add"), 0);

    house.engine().abandon(&anna(), running, "").await.expect_err("not without a reason");
    house.engine().abandon(&anna(), running, "the node is broken").await.expect("it is given up");
    assert_eq!(house.engine().resume(&anna(), running).await.expect_err("given up").code, ProblemCode::OperationOver);
    house.done(&third).await;
    let waiting = house.store().operations(Some(house.cluster), 10).await.expect("the list");
    let words: Vec<_> = waiting.iter().map(|one| one.state.word()).collect();
    assert!(!words.contains(&"proposed"), "what was refused does not wait for ever: {words:?}");
    look::audit_is_whole(&house).await;
}
