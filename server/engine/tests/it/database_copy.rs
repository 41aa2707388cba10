//! A step that changes the cluster's configuration, or who is in it, keeps a copy of its database first.

use crate::house::House;
use crate::look;
use crate::works::Work;
use lab::Fault;
use model::operation::{Operation, OperationState, StepEvent};
use model::plan::{ConsequenceCode, Intent};
use model::problem::ProblemCode;

const CONF: &str = "/etc/corosync/corosync.conf";

/// Contents of the copies on a node that an operation has kept.
fn copies(house: &House, node: &str, operation: &Operation) -> Vec<String> {
    let name = format!("/var/lib/pve-cluster/backup/console-{}", operation.id.as_uuid().simple());
    let found = house.lab.files_with(node, name.as_bytes());
    found.iter().map(|file| text(house, node, file)).collect()
}

fn text(house: &House, node: &str, file: &str) -> String {
    String::from_utf8_lossy(&house.lab.file(node, file).expect("a file")).into_owned()
}

#[tokio::test(start_paused = true)]
async fn the_copy_holds_what_was_there_before_the_step() {
    let house = Work::RemoveQdevice.house().await;
    assert!(text(&house, "pve1", CONF).contains("device {"));
    let operation = house.done(&Intent::RemoveQdevice).await;
    assert!(!text(&house, "pve1", CONF).contains("device {"), "it is gone");
    let kept = copies(&house, "pve1", &operation);
    assert!(matches!(kept.as_slice(), [one] if one.contains("device {")), "{kept:?}");
    assert!(copies(&house, "pve2", &operation).is_empty(), "one of the whole cluster");
    let told = operation.plan.consequences.iter().find(|one| one.code == ConsequenceCode::DatabaseKept);
    assert_eq!(told.expect("it is said").params["node"], "pve1");
    look::ran_what_was_shown(&operation, &look::audit_is_whole(&house).await);
}

#[tokio::test(start_paused = true)]
async fn without_a_copy_nothing_is_changed() {
    for work in [Work::Create, Work::Qdevice, Work::RemoveQdevice] {
        let house = work.house().await;
        let full = |on| Fault::FillDisk { node: "pve1".into(), on };
        let intent = work.intent(&house).await;
        let plan = work.plan(&house).await;
        let index = plan.steps.iter().position(|step| step.action.keeps_database()).expect("such a step");
        let at = u16::try_from(index).expect("a short plan");
        let before = house.lab.inspect().ran(work.command());
        let lab = house.lab.clone();
        house.console.fence.after(
            move |entry| entry.step == at && entry.event == StepEvent::Started,
            move || lab.inject(full(true)).expect("the fault"),
        );
        let operation = house.run(&intent).await;
        let OperationState::Failed { step, problem } = &operation.state else { panic!("{:?}", operation.state) };
        assert_eq!((*step, problem.code), (at, ProblemCode::CommandFailed), "{work:?}");
        assert_eq!(problem.quote.as_deref(), Some("no whole copy of /var/lib/pve-cluster/config.db"), "{work:?}");
        assert_eq!(
            (house.lab.inspect().ran(work.command()) - before, copies(&house, "pve1", &operation).len()),
            (0, 0),
            "{work:?}"
        );
        look::audit_is_whole(&house).await;
        house.inject(full(false));
        let operation = house.done(&intent).await;
        look::is_done(&house, &operation).await;
        assert_eq!(copies(&house, "pve1", &operation).len(), 1, "{work:?}");
    }
}
