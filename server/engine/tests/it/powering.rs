//! Power from outside: what binds a BMC, what it proves, and what the plans do with it.

use crate::again::all_already;
use crate::house::{House, QNETD, anna};
use crate::look;
use crate::outside::Mood;
use crate::works::Work;
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::bmc::{Binding, BmcWay, Power, PowerWish};
use model::operation::{Operation, OperationState};
use model::plan::{ConsequenceCode, Intent};
use model::problem::ProblemCode;
use model::recovery::{DeathProof, Recovery};
use std::time::Duration;

/// Longer than the console believes what nobody says any more (90 s for guests and HA).
const SEEN_BY_ALL: Duration = Duration::from_secs(150);
/// Where a machine's firmware tells its UUID.
const UUID_FILE: &str = "/sys/class/dmi/id/product_uuid";
const POWERS: [Work; 3] = [Work::PowerOff, Work::PowerOn, Work::PowerCycle];

fn refusal(operation: &Operation) -> ProblemCode {
    match &operation.state {
        OperationState::Failed { problem, .. } => problem.code,
        other => panic!("{other:?}"),
    }
}

async fn seen(house: &House) -> Recovery {
    house.engine().recovery(house.cluster).await.expect("somebody answers")
}

#[tokio::test(start_paused = true)]
async fn a_bmc_is_bound_by_the_uuid_that_both_tell() {
    let house = House::new(Scenario::healthy(2)).await;
    let entered = house.enter_bmc("pve1").await;
    assert_eq!(entered.binding, Binding::Never);
    let bound = house.engine().bind_bmc(&anna(), entered.node).await.expect("compared");
    let own = house.lab.file("pve1", UUID_FILE).expect("its UUID");
    assert_eq!(bound.bound("pve1").expect("bound").as_str(), String::from_utf8_lossy(&own).trim());
    let asked = house.engine().ask_power(entered.node).await.expect("asked");
    let last = asked.last.clone().expect("a reading");
    assert_eq!((last.power, last.problem.clone(), last.evidence.len()), (Some(Power::On), None, 2));
    assert_eq!(house.engine().bmcs(house.cluster).await.expect("all"), [asked], "it is kept");
    // Entered once more, nothing that was found out about the earlier entry counts.
    assert_eq!(house.enter_bmc("pve1").await.binding, Binding::Never);
    let codes: Vec<AuditCode> = look::audit_is_whole(&house).await.into_iter().map(|one| one.entry.code).collect();
    assert!(codes.contains(&AuditCode::BmcSet) && codes.contains(&AuditCode::BmcBound), "{codes:?}");
    let audit = serde_json::to_string(&house.audit().await).expect("JSON");
    assert!(!audit.contains(lab::BMC_PASSWORD), "the password is in the audit");
}

#[tokio::test(start_paused = true)]
async fn another_machines_bmc_is_shown_as_such_and_switches_nothing() {
    let house = House::new(Scenario::healthy(2)).await;
    house.enter_bmc("pve2").await;
    let node = house.node("pve2").await;
    house.mood(Mood::Other);
    let compared = house.engine().bind_bmc(&anna(), node.id).await.expect("compared");
    assert!(matches!(compared.binding, Binding::Differs { .. }), "{:?}", compared.binding);
    assert_eq!(compared.bound("pve2").expect_err("not bound").code, ProblemCode::BmcDiffers);
}

/// Two machines with one UUID: the BMC of either may be that of the other, and its *off* would prove the wrong death.
#[tokio::test(start_paused = true)]
async fn a_uuid_that_two_machines_tell_binds_neither() {
    let house = House::new(Scenario::healthy(2)).await;
    house.bind_bmc("pve1").await;
    assert!(house.bind_bmc("pve2").await.bound("pve2").is_ok(), "each has its own");
    let own = house.lab.file("pve2", UUID_FILE).expect("its UUID");
    let shared = house.lab.file("pve1", UUID_FILE).expect("its UUID");
    assert!(house.lab.put_file("pve2", UUID_FILE, &shared));
    let node = house.node("pve2").await;
    let refused = house.engine().bind_bmc(&anna(), node.id).await.expect_err("shared");
    assert_eq!(refused.code, ProblemCode::BmcUuidShared);
    assert_eq!((refused.params["node"].as_str(), refused.params["other"].as_str()), ("pve2", "pve1"));
    for (name, other) in [("pve1", "pve2"), ("pve2", "pve1")] {
        let now = house.engine().need_bmc(&house.node(name).await).await.expect("a BMC");
        let doubt = now.bound(name).expect_err("not bound");
        assert_eq!((doubt.code, doubt.params["other"].as_str()), (ProblemCode::BmcUuidShared, other));
    }
    let entries = look::audit_is_whole(&house).await;
    let told = entries.iter().filter(|one| one.entry.details.get("problem").is_some_and(|it| it == "bmc_uuid_shared"));
    let told: Vec<_> = told.filter_map(|one| one.entry.node.as_deref()).collect();
    assert_eq!(told, ["pve1", "pve2"], "each has an entry of its own");
    // Neither gets it by being asked first, nor by being entered anew.
    house.enter_bmc("pve2").await;
    for name in ["pve1", "pve2"] {
        let refused = house.engine().bind_bmc(&anna(), house.id(name).await).await.expect_err("still shared");
        assert_eq!(refused.code, ProblemCode::BmcUuidShared, "{name}");
    }
    assert!(house.lab.put_file("pve2", UUID_FILE, &own));
    for name in ["pve2", "pve1"] {
        let again = house.engine().bind_bmc(&anna(), house.id(name).await).await.expect("compared");
        assert!(again.bound(name).is_ok(), "{:?}", again.binding);
    }
    look::audit_is_whole(&house).await;
}

/// As an earlier version of the console let it be.
async fn bound_by_the_same(house: &House, name: &str, other: &str) {
    let other = house.engine().need_bmc(&house.node(other).await).await.expect("a BMC");
    let entered = house.engine().need_bmc(&house.node(name).await).await.expect("a BMC");
    let (store, entry) = (house.store(), house.entry(AuditCode::BmcBound));
    store.bind_bmc(entered.node, entered.set_at, &other.binding, entry).await.expect("bound");
}

#[tokio::test(start_paused = true)]
async fn two_that_are_bound_by_one_uuid_prove_nothing_about_each_other() {
    let house = two_off().await;
    let shared = house.lab.file("pve2", UUID_FILE).expect("its UUID");
    assert!(house.lab.put_file("pve3", UUID_FILE, &shared));
    bound_by_the_same(&house, "pve3", "pve2").await;
    ask_all(&house).await;
    let now = seen(&house).await;
    let problems = now.absent.iter().filter_map(|node| node.bmc.as_ref()?.problem.as_ref()).map(|one| one.code);
    assert_eq!(problems.collect::<Vec<_>>(), [ProblemCode::BmcUuidShared; 2]);
    assert_eq!(now.write_off(&[], "anna").expect_err("no proof").code, ProblemCode::AttestationMissing);
}

#[tokio::test(start_paused = true)]
async fn a_bmc_whose_uuid_another_machine_has_too_switches_nothing() {
    let house = Work::PowerOff.house().await;
    let intent = Work::PowerOff.intent(&house).await;
    house.enter_bmc("pve2").await;
    bound_by_the_same(&house, "pve2", "pve3").await;
    assert_eq!(refusal(&house.run(&intent).await), ProblemCode::BmcUuidShared);
    assert_eq!(house.lab.inspect().ran("power off"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bmc_that_is_replaced_after_the_plan_is_not_touched() {
    for work in POWERS {
        let house = work.house().await;
        let intent = work.intent(&house).await;
        house.mood(Mood::Other);
        let operation = house.run(&intent).await;
        assert_eq!(refusal(&operation), ProblemCode::BmcDiffers, "{work:?}");
        assert_eq!((house.lab.inspect().ran("power off"), house.lab.inspect().ran("power on")), (0, 0));
        look::audit_is_whole(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_was_changed_after_the_plan_stops_it() {
    let house = Work::PowerOff.house().await;
    let intent = Work::PowerOff.intent(&house).await;
    house.enter_bmc("pve3").await;
    assert_eq!(refusal(&house.run(&intent).await), ProblemCode::BmcNotBound);
    house.engine().remove_bmc(&anna(), house.id("pve3").await).await.expect("removed");
    assert_eq!(refusal(&house.run(&intent).await), ProblemCode::BmcMissing);
    assert!(house.lab.inspect().nodes["pve3"].alive);
}

#[tokio::test(start_paused = true)]
async fn every_step_is_done_once() {
    for work in [Work::PowerOff, Work::PowerOn] {
        let house = work.house().await;
        let intent = work.intent(&house).await;
        house.done(&intent).await;
        // What was seen while the node went or came would void a request, until the console sees nothing new either.
        house.lab.settle().await;
        tokio::time::sleep(SEEN_BY_ALL).await;
        let again = house.done(&intent).await;
        assert!(all_already(&again), "{work:?}: {:#?}", again.steps);
        work.check(&house);
    }
    // Off and on again is meant anew each time; each of its steps is one of the others.
    let house = Work::PowerCycle.house().await;
    let done = house.done(&Work::PowerCycle.intent(&house).await).await;
    look::is_done(&house, &done).await;
    Work::PowerCycle.check(&house);
}

/// Every kind of trouble with the BMC from each step's first moment on; when it is over, going on ends well.
#[tokio::test(start_paused = true)]
async fn every_step_fails_honestly_and_goes_on() {
    for work in POWERS {
        for (mood, code) in [
            (Mood::Missing, ProblemCode::BmcAgentMissing),
            (Mood::Silent, ProblemCode::BmcUnreachable),
            (Mood::Refused, ProblemCode::BmcRefused),
            (Mood::Garbage, ProblemCode::BmcUnclear),
            (Mood::Late, ProblemCode::BmcUnreachable),
        ] {
            let steps = work.plan(&work.house().await).await.steps.len();
            for index in 0..u16::try_from(steps).expect("a short plan") {
                one_step(work, mood, code, index).await;
            }
        }
    }
}

async fn one_step(work: Work, mood: Mood, code: ProblemCode, index: u16) {
    let house = work.house().await;
    let intent = work.intent(&house).await;
    let moods = house.moods.clone();
    house.console.fence.after(
        move |entry| entry.step == index && entry.event == model::operation::StepEvent::Started,
        move || *moods.lock().expect("no panic") = mood,
    );
    let operation = house.run(&intent).await;
    let OperationState::Parked { step, problem } = &operation.state else {
        panic!("{work:?} {mood:?}: {:?}", operation.state)
    };
    assert_eq!((*step, problem.code), (index, code), "{work:?} {mood:?}: {problem}");
    assert_eq!(problem.params.get("node").map(String::as_str), Some("pve3"), "{problem}");
    look::audit_is_whole(&house).await;
    house.mood(Mood::Well);
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    let operation = house.ended(operation.id).await;
    look::is_done(&house, &operation).await;
    look::audit_is_whole(&house).await;
    work.check(&house);
}

/// A question after the command was not let in: that nothing was asked for cannot be said any more.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_the_command_was_sent_is_not_taken_for_one_before() {
    let house = Work::PowerOff.house().await;
    let intent = Work::PowerOff.intent(&house).await;
    house.mood(Mood::RefusedAfter);
    let operation = house.run(&intent).await;
    let OperationState::Parked { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    let told = (problem.code, problem.quote.as_deref());
    assert_eq!(told, (ProblemCode::BmcUnclear, Some("RAKP 2 HMAC is invalid")));
    assert!(!house.lab.inspect().nodes["pve3"].alive, "it was switched off");
    house.mood(Mood::Well);
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    let operation = house.ended(operation.id).await;
    look::is_done(&house, &operation).await;
    look::audit_is_whole(&house).await;
    Work::PowerOff.check(&house);
}

#[tokio::test(start_paused = true)]
async fn the_last_votes_of_a_quorum_are_named_before() {
    let house = House::new(Scenario::healthy(2)).await;
    house.bind_bmc("pve2").await;
    house.engine().watch(house.cluster).await;
    let known = async || house.engine().hub.snapshot(house.cluster).is_some_and(|one| one.quorum.is_some());
    house.until("the votes are known", std::time::Duration::from_secs(60), known).await;
    let intent = house.power_intent("pve2", PowerWish::Off).await;
    let plan = house.engine().plan(house.cluster, &intent).await.expect("a plan").plan;
    let goes = plan.consequences.iter().find(|one| one.code == ConsequenceCode::QuorumGoes).expect("it is said");
    assert_eq!((goes.params["votes"].as_str(), goes.params["quorum"].as_str()), ("1", "2"));
    assert_eq!(plan.target, "pve2");
    let [command] = plan.steps[0].commands.as_slice() else { panic!("{:?}", plan.steps[0].commands) };
    assert!(command.starts_with("[console] fence_ipmilan --ip=127.78.2.2 "), "{command}");
    assert!(!command.contains(lab::BMC_PASSWORD));
}

/// Two of three are off, and their BMCs say so.
async fn two_off() -> House {
    let house = House::new(Scenario::healthy(3)).await;
    for node in ["pve2", "pve3"] {
        house.bind_bmc(node).await;
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    house
}

async fn ask_all(house: &House) {
    for node in ["pve2", "pve3"] {
        house.engine().ask_power(house.id(node).await).await.expect("asked");
    }
}

async fn proven(house: &House) -> Intent {
    let now = seen(house).await;
    let written_off = now.write_off(&[], "anna").expect("nobody has to attest");
    assert!(written_off.iter().all(|one| matches!(one.proof, DeathProof::ReadOff(_))), "{written_off:?}");
    Intent::SetExpected { through: now.through, votes: now.votes(), members: now.members, written_off }
}

#[tokio::test(start_paused = true)]
async fn a_power_that_was_read_as_off_takes_the_place_of_an_attestation() {
    let house = two_off().await;
    let now = seen(&house).await;
    assert_eq!(now.write_off(&[], "anna").expect_err("not asked yet").code, ProblemCode::AttestationMissing);
    ask_all(&house).await;
    let intent = proven(&house).await;
    let operation = house.done(&intent).await;
    let read = operation.plan.consequences.iter().filter(|one| one.code == ConsequenceCode::ReadOff);
    let read: Vec<_> = read.map(|one| (one.params["node"].clone(), one.params["answer"].clone())).collect();
    assert_eq!(read, [("pve2".to_owned(), "Status: OFF".to_owned()), ("pve3".to_owned(), "Status: OFF".to_owned())]);
    Work::Expected.check(&house);
    let kept = house.store().evidence_of(house.cluster, Some("pve2"), 20).await.expect("evidence");
    assert!(kept.iter().any(|one| one.command.contains("fence_ipmilan") && one.exit == Some(2)), "{kept:#?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_says_on_stands_against_it_also_where_a_person_attests() {
    let house = House::new(Scenario::healthy(3)).await;
    house.bind_bmc("pve2").await;
    // It is silent everywhere, and has power.
    house.inject(Fault::Freeze { node: "pve2".into() });
    house.inject(Fault::Kill { node: "pve3".into() });
    house.lab.settle().await;
    let attested = house.expected_intent().await;
    let operation = house.run(&attested).await;
    assert_eq!(refusal(&operation), ProblemCode::BmcSaysOn);
    let codes: Vec<_> = seen(&house).await.obstacles().into_iter().map(|one| one.code).collect();
    assert_eq!(codes, [ProblemCode::BmcSaysOn]);
    // The frozen one still has its old view.
    let truth = house.lab.inspect();
    let alone = truth.partitions.iter().find(|one| one.nodes.contains("pve1")).expect("a partition");
    assert_eq!((alone.quorate, alone.expected_votes), (false, 3), "nothing was lowered");
}

#[tokio::test(start_paused = true)]
async fn what_it_proved_it_has_to_say_again_before_the_votes_are_lowered() {
    for (mood, code) in [
        (Mood::Silent, ProblemCode::BmcUnreachable),
        (Mood::Other, ProblemCode::BmcDiffers),
        (Mood::Garbage, ProblemCode::BmcUnclear),
    ] {
        let house = two_off().await;
        ask_all(&house).await;
        let intent = proven(&house).await;
        house.mood(mood);
        assert_eq!(refusal(&house.run(&intent).await), code, "{mood:?}");
        assert!(house.lab.inspect().partitions.iter().all(|one| !one.quorate), "nothing was lowered");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unbound_one_proves_nothing() {
    let house = House::new(Scenario::healthy(3)).await;
    for node in ["pve2", "pve3"] {
        house.enter_bmc(node).await;
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    ask_all(&house).await;
    let now = seen(&house).await;
    assert!(now.absent.iter().all(|node| node.read_off().is_none()));
    let problems: Vec<_> =
        now.absent.iter().filter_map(|node| node.bmc.as_ref()?.problem.as_ref()).map(|one| one.code).collect();
    assert_eq!(problems, [ProblemCode::BmcNotBound, ProblemCode::BmcNotBound]);
    assert_eq!(now.write_off(&[], "anna").expect_err("no proof").code, ProblemCode::AttestationMissing);
}

/// The host that runs the nodes as its guests is the one with qnetd, so every house has one.
async fn nested() -> House {
    let house = House::new(Scenario::healthy(2)).await;
    let outer = house.id(QNETD).await;
    let way = BmcWay::Virsh { outer, outer_name: String::new(), domain: "pve2".into() };
    let node = house.id("pve2").await;
    house.engine().set_bmc(&anna(), node, way, None).await.expect("entered");
    let bound = house.engine().bind_bmc(&anna(), node).await.expect("compared");
    assert!(bound.bound("pve2").is_ok(), "{:?}", bound.binding);
    house
}

#[tokio::test(start_paused = true)]
async fn a_guests_power_is_its_hosts_to_give_and_take() {
    let house = nested().await;
    let off = house.done(&house.power_intent("pve2", PowerWish::Off).await).await;
    let [command] = off.plan.steps[0].commands.as_slice() else { panic!("{:?}", off.plan.steps[0].commands) };
    assert_eq!(command, "[qnetd1] virsh --connect qemu:///system destroy pve2");
    assert!(!house.lab.inspect().nodes["pve2"].alive);
    let bmc = house.engine().need_bmc(&house.node("pve2").await).await.expect("a BMC");
    let last = bmc.last.expect("a reading");
    assert_eq!((last.power, last.twice, last.evidence.len()), (Some(Power::Off), true, 3));
    house.done(&house.power_intent("pve2", PowerWish::On).await).await;
    assert_eq!((house.lab.inspect().ran("power off"), house.lab.inspect().ran("power on")), (1, 1));
    look::audit_is_whole(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_proves_nothing() {
    let house = nested().await;
    house.inject(Fault::Kill { node: "pve2".into() });
    house.inject(Fault::Kill { node: QNETD.into() });
    let asked = house.engine().ask_power(house.id("pve2").await).await.expect("asked");
    let last = asked.last.clone().expect("a reading");
    assert!(last.power.is_none() && last.problem.is_some(), "{last:?}");
    assert!(asked.off_proof("pve2", house.engine().clock.now()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_member_is_nobodys_outer_host() {
    let house = House::new(Scenario::healthy(2)).await;
    let way = BmcWay::Qm { outer: house.id("pve1").await, outer_name: String::new(), vmid: 101 };
    let refused = house.engine().set_bmc(&anna(), house.id("pve2").await, way, None).await.expect_err("a member");
    assert_eq!(refused.code, ProblemCode::BmcOuterInvalid);
}
