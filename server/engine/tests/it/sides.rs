//! Quorum recovery where the trouble is another one: the other side has quorum, corosync is down, pmxcfs is down, or a
//! key of corosync.conf is in the way.

use crate::house::{House, anna};
use crate::look;
use crate::recovering::{codes, seen};
use crate::works::Work;
use lab::{Fault, Scenario};
use model::operation::{Operation, OperationState};
use model::problem::{Problem, ProblemCode};
use model::recovery::Gentler;
use std::time::Duration;

/// Two of four are left, one is cut off, and somebody has lowered the votes there by hand.
#[tokio::test(start_paused = true)]
async fn what_somebody_lowered_on_the_other_side_comes_first() {
    let house = House::new(Scenario::healthy(4)).await;
    house.inject(Fault::Kill { node: "pve4".into() });
    for link in [0, 1] {
        house.inject(Fault::CutLink { node: "pve3".into(), link });
    }
    house.lab.settle().await;
    house.inject(Fault::ExpectVotes { node: "pve3".into(), votes: 1 });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!((now.through_name.as_str(), now.quorate, now.members.len()), ("pve1", false, 2), "{now:#?}");
    assert_eq!(codes(&now), [ProblemCode::QuorateElsewhere], "nobody is told to power it off");
    let told = &now.obstacles()[0].params;
    assert_eq!((told["node"].as_str(), told["members"].as_str(), told["expected"].as_str()), ("pve3", "pve3", "1"));
    let ways: Vec<Gentler> = now.gentler().into_iter().map(|way| way.code).collect();
    assert_eq!(ways, [Gentler::RepairLinks], "to start the fourth would make two sides with quorum");
}

/// Its sshd takes nobody new and its links are cut: what it says comes through the connection that is kept.
#[tokio::test(start_paused = true)]
async fn who_says_that_its_corosync_is_down_lives() {
    let house = House::new(Scenario::healthy(2)).await;
    assert!(seen(&house).await.quorate, "it is connected");
    for link in [0, 1] {
        house.inject(Fault::CutLink { node: "pve2".into(), link });
    }
    house.inject(Fault::StopCorosync { node: "pve2".into() });
    house.inject(Fault::StopSshd { node: "pve2".into() });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::AbsentAnswers], "{now:#?}");
    let heard: Vec<&str> = now.absent[0].answers.iter().map(|sign| sign.heard_by.as_str()).collect();
    assert_eq!((heard, now.absent[0].silent_to.len()), (vec!["console"], 2));
}

/// The first of three nodes loses both others, and the console sees its quorum go.
async fn loses_its_quorum(house: &House) {
    house.engine().watch(house.cluster).await;
    let quorate = async |wanted: bool| {
        let told = house.engine().hub.snapshot(house.cluster).and_then(|one| one.quorum.clone());
        told.is_some_and(|aged| aged.fact.value.quorate == wanted)
    };
    house.until("it is seen", Duration::from_secs(60), async || quorate(true).await).await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.until("its quorum is gone", Duration::from_secs(60), async || quorate(false).await).await;
}

/// How long nothing is lowered yet, and for whose sake.
fn waits_for(problem: &Problem) -> (&str, u64) {
    assert_eq!(problem.code, ProblemCode::FenceWindow, "{problem}");
    (problem.params["nodes"].as_str(), problem.params["seconds"].parse().expect("a number"))
}

/// HA resets a node without quorum a minute later; what is absent may run until then.
#[tokio::test(start_paused = true)]
async fn nothing_is_lowered_before_the_watchdogs_have_run_out() {
    let house = House::new(Scenario::healthy(3)).await;
    assert!(house.lab.put_file("pve1", "/run/watchdog-mux.active", b""), "a client holds the watchdog");
    loses_its_quorum(&house).await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::FenceWindow], "{now:#?}");
    let obstacles = now.obstacles();
    let (nodes, seconds) = waits_for(&obstacles[0]);
    assert!(nodes == "pve1" && (1..=75).contains(&seconds), "{nodes} {seconds}");
    tokio::time::sleep(Duration::from_secs(76)).await;
    assert!(codes(&seen(&house).await).is_empty());
}

/// HA has put a service on the third of three nodes, and no client of this side holds a watchdog.
async fn with_a_service() -> House {
    let house = House::new(Scenario::healthy(3)).await;
    let told = r#"{"service_status":{"vm:103":{"node":"pve3","uid":"a","state":"started"}},"master_node":"pve1"}"#;
    let ran = house.lab.run("pve1", "tee /etc/pve/ha/manager_status", told.as_bytes()).await.expect("an answer");
    assert_eq!(ran.exit, 0, "{ran:?}");
    house
}

fn stands_for(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Parked { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

/// The absent node may still run what HA would start here.
#[tokio::test(start_paused = true)]
async fn the_votes_are_lowered_once_an_absent_node_with_services_has_surely_reset_itself() {
    let house = with_a_service().await;
    loses_its_quorum(&house).await;
    // What the console sees from here on makes no request void.
    house.engine().watchers.stop_all();
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::FenceWindow], "{now:#?}");
    let obstacles = now.obstacles();
    let (nodes, seconds) = waits_for(&obstacles[0]);
    assert!(nodes == "pve3" && (50..=75).contains(&seconds), "{nodes} {seconds}");

    let operation = house.run(&house.expected_intent().await).await;
    let (nodes, _) = waits_for(stands_for(&operation));
    assert_eq!(nodes, "pve3");
    house.engine().resume(&anna(), operation.id).await.expect("a look");
    let operation = house.ended(operation.id).await;
    let (_, left) = waits_for(stands_for(&operation));
    assert!(left < seconds, "{left} of {seconds} s");
    assert_eq!(house.lab.inspect().ran("pvecm expected"), 0, "not while it may run");

    tokio::time::sleep(Duration::from_secs(left + 1)).await;
    assert_eq!(codes(&seen(&house).await), []);
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    look::is_done(&house, &house.ended(operation.id).await).await;
    Work::Expected.check(&house);
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn services_of_a_machine_that_was_read_as_off_are_not_waited_for() {
    let house = with_a_service().await;
    house.bind_bmc("pve3").await;
    loses_its_quorum(&house).await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::FenceWindow], "nobody has asked its BMC: {now:#?}");
    let obstacles = now.obstacles();
    let (_, seconds) = waits_for(&obstacles[0]);
    assert!(seconds > 30, "{seconds} s are left for the next look");
    house.engine().ask_power(house.id("pve3").await).await.expect("asked");
    assert_eq!(codes(&seen(&house).await), [], "it runs nothing any more");
}

#[tokio::test(start_paused = true)]
async fn where_corosync_is_down_everywhere_that_is_said() {
    let house = House::new(Scenario::healthy(2)).await;
    for node in ["pve1", "pve2"] {
        house.inject(Fault::StopCorosync { node: node.into() });
    }
    house.lab.settle().await;
    let told = house.engine().recovery(house.cluster).await.expect_err("no side is left");
    assert_eq!((told.code, told.params["node"].as_str()), (ProblemCode::CorosyncDown, "pve1"));
    assert_eq!(told.quote.as_deref(), Some("Cannot initialize CMAP service"));
}

#[tokio::test(start_paused = true)]
async fn where_every_node_hangs_that_is_said() {
    let house = House::new(Scenario::healthy(2)).await;
    for node in ["pve1", "pve2"] {
        house.inject(Fault::HangCommands { node: node.into(), on: true });
    }
    let told = house.engine().recovery(house.cluster).await.expect_err("nobody tells");
    assert_eq!((told.code, told.params["node"].as_str()), (ProblemCode::NodeHangs, "pve1"));
}

#[tokio::test(start_paused = true)]
async fn where_pmxcfs_is_down_the_rest_is_shown_and_nothing_is_called_none() {
    let house = House::new(Scenario::healthy(3)).await;
    house.inject(Fault::AddGuest { node: "pve3".into(), vmid: 103 });
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.inject(Fault::StopPmxcfs { node: "pve1".into() });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [ProblemCode::PmxcfsDown], "{now:#?}");
    let quote = now.obstacles()[0].quote.clone().expect("its line");
    assert!(quote.contains("/etc/pve/.members") && quote.contains("No such file"), "{quote}");
    assert_eq!((now.present_votes, now.absent.len()), (1, 2));
    assert!(now.absent.iter().all(|node| node.guests.is_none() && node.services.is_none()), "{now:#?}");
    assert!(now.absent.iter().all(|node| node.addresses.len() == 3), "corosync.conf and the console know them");
    house.inject(Fault::StartPmxcfs { node: "pve1".into() });
    house.lab.settle().await;
    let now = seen(&house).await;
    assert_eq!(codes(&now), [], "{now:#?}");
    assert_eq!(now.absent[1].guests.as_deref(), Some(&[103][..]));
}

/// votequorum(5): with this key corosync takes the command, and expects as many votes as before.
#[tokio::test(start_paused = true)]
async fn where_the_expected_votes_never_fall_lowering_is_not_planned() {
    const CONF: &str = "/etc/corosync/corosync.conf";
    let house = House::new(Scenario::healthy(3)).await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let conf = String::from_utf8(house.lab.file("pve1", CONF).expect("the configuration")).expect("text");
    let conf = conf.replace("quorum {\n", "quorum {\n  allow_downscale: 1\n");
    assert!(house.lab.put_file("pve1", CONF, conf.as_bytes()));
    assert_eq!(codes(&seen(&house).await), [ProblemCode::ExpectedTracked]);
    let refused = house.engine().plan(house.cluster, &house.expected_intent().await).await.expect_err("no use");
    assert_eq!((refused.code, refused.params["switch"].as_str()), (ProblemCode::ExpectedTracked, "allow_downscale"));
}
