use super::*;
use crate::bmc::{Binding, BmcWay, Power, PowerReading, SystemUuid};
use uuid::Uuid;

pub(super) fn absent(name: &str, answers: bool) -> Absent {
    let sign = Sign { address: "10.7.0.9:22".into(), heard_by: "console".into() };
    Absent {
        name: name.into(),
        id: None,
        votes: 1,
        addresses: vec!["10.7.0.9:22".into()],
        answers: answers.then_some(sign).into_iter().collect(),
        own_view: None,
        guests: Some(vec![101]),
        services: Some(vec!["vm:101".into()]),
        bmc: None,
        silent_to: if answers { Vec::new() } else { vec!["console".into()] },
        unasked: Vec::new(),
    }
}

/// One of three is left.
pub(super) fn alone() -> Recovery {
    Recovery {
        at: Timestamp::UNIX_EPOCH,
        told_at: Timestamp::UNIX_EPOCH,
        through: NodeId::from_uuid(Uuid::from_u128(1)),
        through_name: "ash".into(),
        quorate: false,
        members: vec!["ash".into()],
        present_votes: 1,
        expected_votes: 3,
        quorum: 2,
        qdevice_missing: 0,
        options: QuorumOptions::default(),
        absent: vec![absent("beech", false), absent("cedar", false)],
        evidence: Vec::new(),
        contradicted_by: Vec::new(),
        quorate_elsewhere: Vec::new(),
        unread: None,
        conf_unread: None,
        conf_apart: Vec::new(),
        ha_disarmed: false,
        fencing: None,
    }
}

fn codes(recovery: &Recovery) -> Vec<ProblemCode> {
    recovery.obstacles().into_iter().map(|problem| problem.code).collect()
}

#[test]
fn a_look_is_worth_a_minute() {
    let second = |second: i64| Timestamp::from_second(second).expect("a time");
    assert!(!alone().is_too_old(second(59)));
    assert!(alone().is_too_old(second(60)));
    let again = Recovery { at: second(60), ..alone() };
    assert!(!again.is_too_old(second(60)), "somebody has looked again");
}

#[test]
fn only_the_votes_that_are_present_are_proposed() {
    assert_eq!((alone().votes(), codes(&alone())), (1, vec![]));
    assert_eq!(Recovery { present_votes: 2, quorum: 4, expected_votes: 7, ..alone() }.votes(), 2);
}

#[test]
fn a_quorate_cluster_a_dissenter_and_a_sign_of_life_stand_against_it() {
    assert_eq!(codes(&Recovery { quorate: true, present_votes: 3, ..alone() }), [ProblemCode::ExpectedNotNeeded]);
    let split = Recovery { contradicted_by: vec!["cedar".into()], ..alone() };
    assert_eq!(codes(&split), [ProblemCode::ExpectedDisputed]);
    let lives = Recovery { absent: vec![absent("beech", false), absent("cedar", true)], ..alone() };
    assert_eq!(codes(&lives), [ProblemCode::AbsentAnswers]);
    assert_eq!(lives.obstacles()[0].params["node"], "cedar");
}

/// So many nodes are left, and the QDevice that the configuration has is silent.
fn beside_a_silent_device(left: u32, of: u32, device: u32) -> Recovery {
    let expected_votes = of + device;
    Recovery {
        present_votes: left,
        expected_votes,
        quorum: expected_votes / 2 + 1,
        qdevice_missing: device,
        absent: vec![absent("cedar", false)],
        ..alone()
    }
}

#[test]
fn where_a_silent_qdevice_keeps_it_blocked_lowering_is_not_proposed() {
    for (left, of, device, expected, needed) in [(1, 2, 1, "2", "2"), (2, 3, 2, "4", "3")] {
        let now = beside_a_silent_device(left, of, device);
        assert_eq!(codes(&now), [ProblemCode::QdeviceKeepsBlocked], "{now:?}");
        let told = &now.obstacles()[0].params;
        assert_eq!((told["expected"].as_str(), told["quorum"].as_str()), (expected, needed));
        assert_eq!((told["votes"].clone(), told["device"].clone()), (left.to_string(), device.to_string()));
    }
    let enough = beside_a_silent_device(2, 4, 1);
    assert_eq!((enough.votes(), enough.expected_after(), codes(&enough)), (2, 3, vec![]));
    // Where its votes are among those present, nothing is added to them.
    let casts = Recovery { qdevice_missing: 0, ..beside_a_silent_device(2, 4, 1) };
    assert_eq!((casts.expected_after(), codes(&casts)), (2, vec![]));
}

#[test]
fn where_all_votes_are_waited_for_or_none_ever_falls_lowering_is_not_proposed() {
    let with = |waits_for_all, tracked_by: Option<&str>, now: Recovery| Recovery {
        options: QuorumOptions { waits_for_all, tracked_by: tracked_by.map(str::to_owned) },
        ..now
    };
    let waits = with(true, None, beside_a_silent_device(2, 4, 1));
    assert_eq!(codes(&waits), [ProblemCode::WaitsForAllVotes]);
    let told = &waits.obstacles()[0].params;
    assert_eq!(["votes", "expected", "device"].map(|name| told[name].as_str()), ["2", "3", "1"]);
    // The device casts its vote again, and a cold start of one of two.
    assert_eq!(codes(&with(true, None, alone())), []);
    let two = Recovery { expected_votes: 2, quorum: 1, absent: vec![absent("beech", false)], ..alone() };
    assert_eq!(codes(&with(true, None, two)), []);
    let tracked = with(false, Some("allow_downscale"), alone());
    assert_eq!(codes(&tracked), [ProblemCode::ExpectedTracked]);
    assert_eq!(tracked.obstacles()[0].params["switch"], "allow_downscale");
    let quorate = Recovery { quorate: true, ..tracked };
    assert_eq!(codes(&quorate), [ProblemCode::ExpectedNotNeeded], "nothing is lowered there anyway");
}

#[test]
fn a_side_without_votes_is_not_told_of_a_device_that_nobody_has() {
    let bare = Recovery { present_votes: 0, expected_votes: 2, absent: vec![absent("beech", false)], ..alone() };
    assert_eq!(codes(&bare), [ProblemCode::NoVotesHere]);
    assert_eq!(codes(&Recovery { qdevice_missing: 1, ..bare }), [ProblemCode::QdeviceKeepsBlocked]);
}

/// Somebody has lowered the votes on the other side already.
pub(super) fn gone_on_without() -> Recovery {
    let side = OtherSide { node: "cedar".into(), members: vec!["cedar".into()], expected_votes: 1 };
    let absent = vec![absent("beech", false), absent("cedar", true)];
    Recovery { absent, quorate_elsewhere: vec![side], ..alone() }
}

#[test]
fn a_side_that_has_quorum_elsewhere_stands_first_and_nobody_is_told_to_power_it_off() {
    let now = gone_on_without();
    assert_eq!(codes(&now), [ProblemCode::QuorateElsewhere]);
    let told = &now.obstacles()[0].params;
    assert_eq!((told["node"].as_str(), told["members"].as_str(), told["expected"].as_str()), ("cedar", "cedar", "1"));
    // Neither the one that lives there, nor whose BMC says on, nor whom nobody could ask.
    let on = Absent { bmc: Some(seen(Power::On, false, 60)), ..absent("cedar", false) };
    let deaf = Absent { silent_to: Vec::new(), ..absent("cedar", false) };
    for cedar in [on, deaf] {
        assert_eq!(codes(&Recovery { absent: vec![cedar], ..gone_on_without() }), [ProblemCode::QuorateElsewhere]);
    }
    let both = Recovery { quorate: true, ..gone_on_without() };
    assert_eq!(codes(&both), [ProblemCode::QuorateElsewhere, ProblemCode::ExpectedNotNeeded]);
    let third = vec![absent("beech", true), absent("cedar", true)];
    let third = Recovery { absent: third, ..gone_on_without() };
    assert_eq!(codes(&third), [ProblemCode::QuorateElsewhere, ProblemCode::AbsentAnswers], "beech has no quorum");
}

#[test]
fn what_nobody_could_read_is_not_none() {
    let down = Problem::new(ProblemCode::PmxcfsDown).with("node", "ash").quoting("cat: /etc/pve/.members: gone");
    let unread = |name: &str| Absent { guests: None, services: None, ..absent(name, false) };
    let now = Recovery { absent: vec![unread("beech")], unread: Some(down.clone()), ..alone() };
    assert_eq!(now.obstacles(), *std::slice::from_ref(&down));
    let accounts = [("beech".to_owned(), "I pulled both power cords".to_owned())];
    assert_eq!(now.write_off(&accounts, "anna"), Err(down));
    let untold = Recovery { unread: None, ..now }.write_off(&accounts, "anna").expect_err("not known");
    assert_eq!((untold.code, untold.params["node"].as_str()), (ProblemCode::PmxcfsDown, "ash"));
}

#[test]
fn a_list_of_nodes_that_corosync_has_not_read_stands_against_it() {
    let removed = Problem::new(ProblemCode::NodeRemoved).with("node", "elm").with("version", 4);
    let not_read = Problem::new(ProblemCode::ConfNotRead).with("nodes", "ash");
    let hangs = Problem::new(ProblemCode::NodeHangs).with("node", "ash");
    let now =
        Recovery { conf_apart: vec![removed.clone(), not_read.clone()], conf_unread: Some(hangs.clone()), ..alone() };
    assert_eq!(now.obstacles(), [removed, not_read, hangs]);
}

#[test]
fn every_absent_node_needs_an_account_of_its_own() {
    let account = |name: &str, how: &str| (name.to_owned(), how.to_owned());
    let pulled = "I pulled both power cords";
    for accounts in [
        vec![],
        vec![account("beech", pulled)],
        vec![account("beech", pulled), account("cedar", "  dead   ")],
        vec![account("beech", pulled), account("cedar", &"x".repeat(ATTESTATION_MAX_CHARS + 1))],
        vec![account("beech", pulled), account("Cedar", pulled)],
    ] {
        let refused = alone().write_off(&accounts, "anna").expect_err("one is missing");
        assert_eq!(refused.code, ProblemCode::AttestationMissing, "{accounts:?}");
    }
    let accounts = [account("cedar", pulled), account("beech", " the rack is without power "), account("elm", pulled)];
    let written = alone().write_off(&accounts, "anna").expect("all are attested");
    let attested = |how: &str| DeathProof::Attested { by: "anna".into(), how: how.into() };
    assert_eq!(written[0].proof, attested("the rack is without power"));
    assert_eq!((written.len(), written[1].proof.clone()), (2, attested(pulled)));
    assert_eq!(
        (written[0].guests.as_slice(), written[0].services.as_slice()),
        (&[101][..], &["vm:101".to_owned()][..])
    );
}

/// A bound BMC whose last reading, of second 10, is this.
fn seen(power: Power, twice: bool, now: i64) -> SeenBmc {
    let at = |second| Timestamp::from_second(second).expect("a time");
    let uuid: SystemUuid = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5".parse().expect("a UUID");
    let evidence = Evidence {
        node: "cedar".into(),
        command: "fence_ipmilan".into(),
        exit: Some(2),
        at: at(10),
        millis: 100,
        lines: Vec::new(),
        cut: false,
    };
    let last = PowerReading {
        power: Some(power),
        twice,
        problem: None,
        uuid: Some(uuid.clone()),
        at: at(10),
        evidence: vec![evidence],
    };
    let way = BmcWay::Ipmi { host: "10.0.9.3".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    let bmc = Bmc {
        node: NodeId::from_uuid(Uuid::from_u128(3)),
        way,
        binding: Binding::Bound { uuid, at: at(1), by: "root".into() },
        set_at: at(0),
        set_by: "root".into(),
        last: Some(last),
    };
    SeenBmc::of(bmc, "cedar", at(now))
}

fn with_bmc(bmc: SeenBmc) -> Recovery {
    let cedar = Absent { bmc: Some(bmc), ..absent("cedar", false) };
    Recovery { absent: vec![absent("beech", false), cedar], ..alone() }
}

#[test]
fn a_bmc_takes_the_place_of_an_account_only_while_it_proves_something() {
    let accounts = [("beech".to_owned(), "I pulled both power cords".to_owned())];
    let written = with_bmc(seen(Power::Off, true, 60)).write_off(&accounts, "anna").expect("one attested, one read");
    let DeathProof::ReadOff(read) = &written[1].proof else { panic!("{:?}", written[1].proof) };
    assert_eq!((read.bmc.as_str(), read.command.as_str()), ("ipmi ADMIN@10.0.9.3:623", "fence_ipmilan"));
    for worthless in [seen(Power::Off, false, 60), seen(Power::On, false, 60), seen(Power::Off, true, 3_600)] {
        let refused = with_bmc(worthless).write_off(&accounts, "anna").expect_err("no proof");
        assert_eq!(refused.code, ProblemCode::AttestationMissing);
    }
}

#[test]
fn a_bmc_that_said_on_a_moment_ago_stands_against_it() {
    assert_eq!(codes(&with_bmc(seen(Power::On, false, 60))), [ProblemCode::BmcSaysOn]);
    assert_eq!(codes(&with_bmc(seen(Power::On, false, 3_600))), [], "an hour later it says nothing of now");
    assert_eq!(codes(&with_bmc(seen(Power::Off, true, 60))), []);
}

#[test]
fn where_nobody_could_ask_silence_proves_nothing() {
    let unasked = |by: &str| Unasked {
        by: by.into(),
        problem: Problem::new(ProblemCode::NodeHangs).quoting(format!("{by} hangs")),
    };
    let deaf =
        Absent { silent_to: Vec::new(), unasked: vec![unasked("console"), unasked("ash")], ..absent("beech", false) };
    let now = Recovery { absent: vec![deaf.clone(), absent("cedar", false)], ..alone() };
    assert_eq!(codes(&now), [ProblemCode::AbsentNotAsked]);
    let told = &now.obstacles()[0];
    assert_eq!((told.params["node"].as_str(), told.quote.as_deref()), ("beech", Some("console hangs")));
    // One who asked and heard nothing is enough; the other one is still told.
    let half = Absent { silent_to: vec!["ash".into()], unasked: vec![unasked("console")], ..deaf.clone() };
    assert_eq!(codes(&Recovery { absent: vec![half], ..alone() }), []);
    // Its bound BMC has read it as off: that is said by a machine, and not by silence.
    let read = Absent { bmc: Some(seen(Power::Off, true, 60)), ..deaf.clone() };
    assert_eq!(codes(&Recovery { absent: vec![read], ..alone() }), []);
    for worthless in [seen(Power::Off, false, 60), seen(Power::Off, true, 3_600)] {
        let read = Absent { bmc: Some(worthless), ..deaf.clone() };
        assert_eq!(codes(&Recovery { absent: vec![read], ..alone() }), [ProblemCode::AbsentNotAsked]);
    }
    // Whom nobody could even try to reach was not asked either.
    let nowhere = Absent { addresses: Vec::new(), unasked: Vec::new(), ..deaf.clone() };
    assert_eq!(codes(&Recovery { absent: vec![nowhere], ..alone() }), [ProblemCode::AbsentNotAsked]);
    // Who lives need not be asked.
    let lives = Absent { answers: absent("beech", true).answers, ..deaf };
    assert_eq!(codes(&Recovery { absent: vec![lives], ..alone() }), [ProblemCode::AbsentAnswers]);
}
