//! A QDevice's set-up that stopped, certificates that an earlier one left, and what in the configuration stands against one.

use crate::again::{all_already, once_more};
use crate::house::{House, QNETD, anna};
use crate::look;
use crate::works::{OLD_CERTIFICATES, Work};
use lab::{Fault, QdevicePoint, Scenario};
use model::operation::{Operation, OperationState};
use model::plan::{Action, ConsequenceCode, Intent};
use model::problem::{Problem, ProblemCode};

const STORE: &str = "/etc/corosync/qdevice/net/nssdb";

fn problem_of(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Failed { problem, .. } | OperationState::Parked { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

/// Two nodes and a set-up that was killed there, given up.
async fn stopped(point: QdevicePoint, says: ProblemCode) -> House {
    let house = House::new(Scenario::healthy(2)).await;
    house.inject(Fault::QdeviceDiesAt { node: "pve1".into(), point });
    let operation = house.run(&house.qdevice_intent().await).await;
    assert_eq!(problem_of(&operation).code, says, "{point:?}");
    house.engine().abandon(&anna(), operation.id, "another way is taken").await.expect("it is given up");
    house.lab.settle().await;
    house
}

fn actions(operation: &Operation) -> Vec<(&str, &'static str)> {
    operation.plan.steps.iter().map(|step| (step.node_name.as_str(), step.action.word())).collect()
}

fn all_vote(house: &House) {
    let truth = house.lab.inspect();
    look::one_cluster(&truth, &["pve1", "pve2"]);
    let votes: Vec<_> = truth.partitions.iter().map(|one| (one.total_votes, one.expected_votes)).collect();
    assert_eq!(votes, [(3, 3)]);
    let key = house.lab.file("pve1", "/root/.ssh/id_rsa.pub").expect("root's key");
    let blob = String::from_utf8_lossy(&key).split_whitespace().nth(1).expect("a key").to_owned();
    assert!(house.lab.files_with(QNETD, blob.as_bytes()).is_empty(), "the host still lets the first node in");
}

#[tokio::test(start_paused = true)]
async fn without_a_device_in_the_configuration_it_begins_anew() {
    let house = stopped(QdevicePoint::AfterCertificates, ProblemCode::QdeviceNotConfigured).await;
    let votes: Vec<_> = house.lab.inspect().partitions.iter().map(|one| one.expected_votes).collect();
    assert_eq!(votes, [2], "no vote has changed");
    let operation = house.done(&house.qdevice_intent().await).await;
    look::is_done(&house, &operation).await;
    let aside = |node: &'static str| (node, "set_aside_qdevice_store");
    assert_eq!(actions(&operation)[..2], [aside("pve1"), aside("pve2")]);
    let kept = operation.plan.consequences.iter().filter(|one| one.code == ConsequenceCode::CopyKept);
    assert!(kept.clone().count() == 2 && kept.into_iter().all(|one| one.params["file"].starts_with(STORE)));
    all_vote(&house);
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_device_in_the_configuration_its_daemons_are_started() {
    let points =
        [(QdevicePoint::AfterConfiguration, vec!["pve1", "pve2"]), (QdevicePoint::AfterFirstDaemon, vec!["pve2"])];
    for (point, nodes) in points {
        let house = stopped(point, ProblemCode::QdeviceHalfway).await;
        let refused = house.engine().plan(house.cluster, &house.qdevice_intent().await).await;
        if let Ok(proposal) = refused {
            // Where nobody has seen the device yet, the step does.
            assert!(proposal.plan.steps.iter().any(|step| matches!(step.action, Action::SetUpQdevice { .. })));
        }
        let operation = house.done(&Intent::StartQdevice).await;
        look::is_done(&house, &operation).await;
        let mut wanted: Vec<_> = nodes.iter().map(|node| (*node, "start_qdevice")).collect();
        wanted.push((QNETD, "forget_root_key"));
        assert_eq!(actions(&operation), wanted, "{point:?}");
        all_vote(&house);
        let again = once_more(&house, &operation).await;
        assert!(again.state == OperationState::Done && all_already(&again), "{:#?}", again.steps);
        look::audit_is_whole(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_every_daemon_runs_there_is_nothing_to_start() {
    let house = Work::RemoveQdevice.house().await;
    house.inject(Fault::StopQnetd);
    house.lab.settle().await;
    let refused = house.engine().plan(house.cluster, &Intent::StartQdevice).await.expect_err("nothing to start");
    assert_eq!(refused.code, ProblemCode::QdeviceRunsEverywhere, "{refused}");
    assert!(refused.params.contains_key("host"), "{refused}");
    let bare = House::new(Scenario::healthy(2)).await;
    let refused = bare.engine().plan(bare.cluster, &Intent::StartQdevice).await.expect_err("no device");
    assert_eq!(refused.code, ProblemCode::NotFound, "{refused}");
}

/// By force `pvecm` deletes them where it runs and leaves them everywhere else; the plan keeps them all.
#[tokio::test(start_paused = true)]
async fn certificates_of_an_earlier_device_are_kept_on_every_node() {
    for (work, node) in [(Work::Qdevice, "pve1"), (Work::Qdevice, "pve2"), (Work::QdeviceOdd, "pve1")] {
        let house = work.house().await;
        assert!(house.lab.put_file(node, OLD_CERTIFICATES, b"of another host"));
        let plan = work.plan(&house).await;
        assert!(plan.consequences.iter().all(|one| one.code != ConsequenceCode::QdeviceStoreDeleted || node != "pve1"));
        let operation = house.done(&work.intent(&house).await).await;
        look::is_done(&house, &operation).await;
        let kept = house.lab.files_with(node, b"of another host");
        assert!(matches!(kept.as_slice(), [one] if one.starts_with(&format!("{STORE}.quorate-"))), "{kept:?}");
        work.check(&house);
        look::audit_is_whole(&house).await;
    }
}

/// What appears, or changes, between the plan and its step is for a new plan.
#[tokio::test(start_paused = true)]
async fn certificates_that_appear_after_the_plan_are_left_alone() {
    let house = Work::QdeviceLeftovers.house().await;
    let lab = house.lab.clone();
    house.console.fence.after(
        |entry| entry.step == 0 && entry.event == model::operation::StepEvent::Started,
        move || assert!(lab.put_file("pve1", OLD_CERTIFICATES, b"of a third host")),
    );
    let operation = house.run(&house.qdevice_intent().await).await;
    assert_eq!(problem_of(&operation).code, ProblemCode::FileChanged);
    assert_eq!(house.lab.file("pve1", OLD_CERTIFICATES).as_deref(), Some(b"of a third host".as_slice()));

    let house = Work::Qdevice.house().await;
    let lab = house.lab.clone();
    house.console.fence.after(
        |entry| entry.step == 0 && entry.event == model::operation::StepEvent::Started,
        move || assert!(lab.put_file("pve2", OLD_CERTIFICATES, b"of another host")),
    );
    let operation = house.run(&house.qdevice_intent().await).await;
    let problem = problem_of(&operation);
    assert_eq!((problem.code, problem.params["node"].as_str()), (ProblemCode::QdeviceLeftovers, "pve2"));
    let truth = house.lab.inspect();
    assert_eq!(truth.ran("pvecm qdevice setup"), 0);
    assert_eq!(house.lab.file("pve2", OLD_CERTIFICATES).as_deref(), Some(b"of another host".as_slice()));
}

/// votequorum.c: taken at run time without a vote, and refused by every node's next start.
#[tokio::test(start_paused = true)]
async fn what_votequorum_has_no_device_beside_is_found_before() {
    for (line, code, param) in [
        ("  last_man_standing: 1", ProblemCode::QdeviceSwitchSet, ("switch", "last_man_standing")),
        ("  auto_tie_breaker: 1", ProblemCode::QdeviceSwitchSet, ("switch", "auto_tie_breaker")),
        ("  two_node: 1", ProblemCode::QdeviceSwitchSet, ("switch", "two_node")),
    ] {
        let house = House::new(Scenario::healthy(2)).await;
        edit(&house, |text| text.replace("quorum {\n", &format!("quorum {{\n{line}\n"))).await;
        let operation = house.run(&house.qdevice_intent().await).await;
        let problem = problem_of(&operation);
        assert_eq!((problem.code, problem.params[param.0].as_str()), (code, param.1), "{problem}");
        assert_eq!(house.lab.inspect().ran("pvecm qdevice setup"), 0);
        // Written, and off.
        edit(&house, |text| text.replace(line, &line.replace(": 1", ": 0"))).await;
        house.done(&house.qdevice_intent().await).await;
    }
}

/// `corosync.conf` in the database, as a person edits it.
async fn edit(house: &House, change: impl FnOnce(String) -> String) {
    let file = house.lab.file("pve1", "/etc/pve/corosync.conf").expect("the configuration");
    let text = change(String::from_utf8(file).expect("text"));
    let version = text.lines().find(|line| line.trim().starts_with("config_version:")).expect("a version").to_owned();
    let number: u64 = version.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a number");
    let text = text.replace(&version, &version.replace(&number.to_string(), &(number + 1).to_string()));
    let ran = house.lab.run("pve1", "tee /etc/pve/corosync.conf", text.as_bytes()).await.expect("an answer");
    assert_eq!(ran.exit, 0);
    house.lab.settle().await;
}
