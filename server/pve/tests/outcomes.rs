//! What create, join and the QDevice's set-up did, from the recorded words.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use pve::Answer;
use pve::outcome::{
    CreateOutcome, CreateStage, JoinOutcome, JoinStage, QdeviceOutcome, QdeviceStage, create, join, join_stage,
    qdevice, qdevice_stage,
};
use support::{entries, entry, nth};

const JOIN: &str = "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.12 --link1 10.0.2.12";
const ERRORS: &str = "pve-9.2/02-join-errors.txt";
const SETUP: &str = "pvecm qdevice setup 10.0.1.50";

#[test]
fn a_join_that_worked() {
    let joined = join(entry("pve-9.2/03-join-ok.txt", JOIN).answer());
    assert_eq!(joined, JoinOutcome::Joined { name: "pve2".to_owned() });
}

/// `pvecm add` ends with exit code 0 in every one of these.
#[test]
fn refused_joins_give_their_reasons() {
    let reasons = |command: &str, index: usize| match join(nth(ERRORS, command, index).answer()) {
        JoinOutcome::Refused { reasons } => reasons,
        other => panic!("{command}: {other:?}"),
    };
    assert_eq!(
        reasons("pvecm add 10.0.1.11 --use_ssh --link0 10.7.7.7 --link1 10.0.2.12", 0),
        ["link0: cannot use IP '10.7.7.7', not found on local node!"]
    );
    assert_eq!(
        reasons("pvecm add 10.0.1.12 --use_ssh --link0 10.0.1.11", 0),
        [
            "authentication key '/etc/corosync/authkey' already exists",
            "cluster config '/etc/pve/corosync.conf' already exists",
            "corosync is already running, is this node already in a cluster?!",
        ]
    );
    assert_eq!(reasons(JOIN, 1).len(), 3);
    assert_eq!(reasons("cd /etc/pve && pvecm add 10.0.1.11 --use_ssh", 0).len(), 1);
    let with_guests = entries(ERRORS).into_iter().find(|entry| entry.command.starts_with("mkdir")).expect("recorded");
    let reasons = JoinOutcome::Refused { reasons: vec!["this host already contains virtual guests".to_owned()] };
    assert_eq!(join(with_guests.answer()), reasons);
}

#[test]
fn failed_joins_tell_how_far_they_came() {
    let failure = |command: &str| match join(entry(ERRORS, command).answer()) {
        JoinOutcome::Failed { stage, text } => (stage, text),
        other => panic!("{command}: {other:?}"),
    };
    assert_eq!(failure(JOIN), (JoinStage::Request, "unable to copy ssh ID: exit code 1".to_owned()));
    let (stage, text) = failure("pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.13");
    assert_eq!(stage, JoinStage::Request);
    assert!(text.starts_with("unable to add node: command failed"), "{text}");
    let (stage, text) = failure("pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.13 --link1 10.0.2.13 --nodeid 2");
    assert_eq!(stage, JoinStage::Backup);
    assert!(text.contains("starting pve-cluster failed"), "{text}");
    let (stage, text) = failure("pvecm add 10.0.1.11 --link0 10.0.1.12 --link1 10.0.2.12");
    assert_eq!((stage, text.as_str()), (JoinStage::Request, "EOF while reading password"));
}

#[test]
fn silence_and_an_ended_wait_are_unclear() {
    assert_eq!(join(Answer::ok(b"")), JoinOutcome::Unclear { stage: JoinStage::Request });
    let waiting = b"copy corosync auth key\nstopping pve-cluster service\nwaiting for quorum...";
    let ended = JoinOutcome::Unclear { stage: JoinStage::WaitingForQuorum };
    assert_eq!(join(Answer::new(waiting, b"", 124)), ended);
    assert_eq!(join(Answer::ok(waiting)), ended);
    assert_eq!(create(Answer::ok(b"")), CreateOutcome::Unclear { stage: CreateStage::Request });
    assert_eq!(qdevice(Answer::ok(b"")), QdeviceOutcome::Unclear { stage: QdeviceStage::Request });
}

#[test]
fn the_stages_of_a_join_come_in_order() {
    let recorded = entry("pve-9.2/03-join-ok.txt", JOIN);
    let stages: Vec<JoinStage> = recorded.stdout.lines().filter_map(join_stage).collect();
    assert_eq!(
        stages,
        [
            JoinStage::CopiedKey,
            JoinStage::StoppingPveCluster,
            JoinStage::Backup,
            JoinStage::QuorumOk,
            JoinStage::NodeFiles,
            JoinStage::Certificate,
            JoinStage::NodeFiles,
            JoinStage::Certificate,
            JoinStage::Done,
        ]
    );
    assert_eq!(join_stage("waiting for quorum..."), Some(JoinStage::WaitingForQuorum));
    assert_eq!(join_stage("something else"), None);
}

#[test]
fn creating_works_once() {
    let file = "pve-9.2/01-create.txt";
    let first = create(entry(file, "pvecm create lab --link0 10.0.1.11 --link1 10.0.2.11").answer());
    assert_eq!(first, CreateOutcome::Created);
    let again = create(entry(file, "pvecm create lab").answer());
    let reasons = vec!["cluster config '/etc/pve/corosync.conf' already exists".to_owned()];
    assert_eq!(again, CreateOutcome::Refused { reasons });
}

/// A name is refused; an address that is not the node's own is not, so it must be checked before.
#[test]
fn creating_checks_the_name_but_not_the_address() {
    let file = "pve-9.2/01-create-nonlocal-link0-succeeds.txt";
    let refused = create(entry(file, "pvecm create bad_name!").answer());
    let reason = "clustername: invalid format - value does not look like a valid node name".to_owned();
    assert_eq!(refused, CreateOutcome::Refused { reasons: vec![reason] });
    let foreign = create(entry(file, "pvecm create lab --link0 10.9.9.9").answer());
    assert_eq!(foreign, CreateOutcome::Created);
}

#[test]
fn the_qdevice_is_set_up_or_says_why_not() {
    assert_eq!(qdevice(entry("pve-9.2/50-qdevice-2-setup.txt", SETUP).answer()), QdeviceOutcome::SetUp);
    let without_key = qdevice(entry("pve-9.2/50-qdevice-2-setup-nokey.txt", SETUP).answer());
    match without_key {
        QdeviceOutcome::Failed { stage: QdeviceStage::Request, text } => {
            assert!(text.contains("Host key verification failed"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    for (file, command, words) in [
        ("pve-9.2/51-qdevice-errors.txt", SETUP, "QDevice already configured!"),
        ("pve-9.2/51-qdevice-errors.txt", "pvecm qdevice setup notanip", "address: invalid format"),
        ("pve-9.2/24-no-quorum-writes.txt", SETUP, "All nodes must be online! Node pve2 is offline, aborting."),
        ("pve-9.2/50-qdevice-0.txt", SETUP, "is this node part of a cluster?"),
    ] {
        match qdevice(entry(file, command).answer()) {
            QdeviceOutcome::Refused { reasons } => assert!(reasons[0].contains(words), "{reasons:?}"),
            other => panic!("{file}: {other:?}"),
        }
    }
}

#[test]
fn the_stages_of_the_qdevice_only_grow() {
    let recorded = entry("pve-9.2/50-qdevice-2-setup.txt", SETUP);
    let stages: Vec<QdeviceStage> = recorded.stdout.lines().filter_map(qdevice_stage).collect();
    assert!(stages.is_sorted(), "{stages:?}");
    assert_eq!(stages.first(), Some(&QdeviceStage::Qnetd));
    assert_eq!(stages.last(), Some(&QdeviceStage::Reloaded));
}
