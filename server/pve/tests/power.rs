//! The power of a machine, by the answers of real agents.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use model::bmc::{BmcKind, BmcWay, Power};
use model::ids::NodeId;
use pve::bmc::{self, PowerFault};
use pve::{Answer, Effect};
use uuid::Uuid;

fn ipmi() -> BmcWay {
    BmcWay::Ipmi { host: "10.0.9.11".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 }
}

fn guest() -> BmcWay {
    BmcWay::Qm { outer: NodeId::from_uuid(Uuid::nil()), outer_name: "host".into(), vmid: 101 }
}

fn domain() -> BmcWay {
    BmcWay::Virsh { outer: NodeId::from_uuid(Uuid::nil()), outer_name: "host".into(), domain: "pve1".into() }
}

fn read(kind: BmcKind, stdout: &str, stderr: &str, exit: i32) -> Result<Power, PowerFault> {
    bmc::power(Answer::new(stdout.as_bytes(), stderr.as_bytes(), exit), kind)
}

/// As fence_ipmilan 4.12.1 tells with `-v -v`, around these words of ipmitool.
fn log(words: &str, end: &str) -> String {
    format!(
        "2026-11-28 20:02:23,301 INFO: Executing: /x/shim -I lanplus -H 10.0.9.11 -p 623 -U ADMIN -P [set] -C 3 \
         -L ADMINISTRATOR -N 2 chassis power status -v\n\n2026-11-28 20:02:23,367 DEBUG: 1  {words}\n\n{end}\n"
    )
}

const PLUG: &str =
    "2026-11-28 20:02:23,367 ERROR: Failed: Unable to obtain correct plug status or plug is not available\n";

#[test]
fn the_lines_have_everything_but_the_password() {
    let line = bmc::status(&ipmi()).display();
    assert_eq!(
        line,
        "fence_ipmilan --ip=10.0.9.11 --ipport=623 --username=ADMIN --lanplus --cipher=3 --method=onoff \
         --action=status -v -v --power-timeout=12"
    );
    assert_eq!(bmc::uuid(&ipmi()).display(), "ipmitool -v -I lanplus -C 3 -H 10.0.9.11 -p 623 -U ADMIN -E mc guid");
    for (way, power, line) in [
        (guest(), Power::Off, "qm stop 101"),
        (guest(), Power::On, "qm start 101"),
        (domain(), Power::Off, "virsh --connect qemu:///system destroy pve1"),
        (domain(), Power::On, "virsh --connect qemu:///system start pve1"),
    ] {
        let command = bmc::set(&way, power);
        assert_eq!((command.display().as_str(), command.effect()), (line, Effect::Changes));
        assert_eq!(bmc::status(&way).effect(), Effect::ReadsOnly);
    }
    assert_eq!(bmc::set(&ipmi(), Power::Off).effect(), Effect::Changes);
}

#[test]
fn the_agent_says_on_off_or_neither() {
    assert_eq!(read(BmcKind::Ipmi, "Status: ON\n", "", 0), Ok(Power::On));
    assert_eq!(read(BmcKind::Ipmi, "Status: OFF\n", "", 2), Ok(Power::Off));
    // Words and exit code have to agree.
    for (stdout, exit) in [("Status: OFF\n", 0), ("Status: ON\n", 2), ("Status: ON\n", 1), ("", 0), ("", 2), ("OFF", 2)]
    {
        assert!(matches!(read(BmcKind::Ipmi, stdout, "", exit), Err(PowerFault::Unclear { .. })), "{stdout} {exit}");
    }
    let noise = "/usr/sbin/fence_ipmilan:5: DeprecationWarning: 'pipes' is deprecated\n  from pipes import quote\n";
    assert_eq!(read(BmcKind::Ipmi, "Status: OFF\n", noise, 2), Ok(Power::Off));
}

#[test]
fn a_wrong_password_a_wrong_name_and_silence_are_told_apart() {
    for words in ["> RAKP 2 HMAC is invalid", "RAKP 2 message indicates an error : unauthorized name"] {
        assert_eq!(read(BmcKind::Ipmi, "", &log(words, PLUG), 1), Err(PowerFault::Refused));
    }
    let late = log("", "2026-11-28 19:56:11,093 ERROR: Connection timed out\n");
    assert_eq!(read(BmcKind::Ipmi, "", &late, 1), Err(PowerFault::Unreachable));
    let nobody = log("Address lookup for bmc9 failed\nCould not open socket!", PLUG);
    assert_eq!(read(BmcKind::Ipmi, "", &nobody, 1), Err(PowerFault::Unreachable));
    let missing = "2026-11-28 19:55:09,305 ERROR: Ipmitool not found or not accessible\n";
    assert_eq!(read(BmcKind::Ipmi, "", missing, 1), Err(PowerFault::AgentMissing { program: "ipmitool" }));
    assert!(matches!(read(BmcKind::Ipmi, "", &log("Error", PLUG), 1), Err(PowerFault::Unclear { .. })));
    assert_eq!(read(BmcKind::Ipmi, "", "", 124), Err(PowerFault::TimedOut));
}

/// The last question after the recorded change, around these words of ipmitool.
fn log_after(change: &str, words: &str) -> String {
    let run = |what: &str| {
        format!(
            "2026-11-22 07:44:02,705 INFO: Executing: /usr/bin/ipmitool -I lanplus -H 10.0.1.150 -p 623 -U ADMIN -P [set] \
             -C 3 -L ADMINISTRATOR -N 2 chassis power {what} -v\n\n"
        )
    };
    let said = |exit: u8, what: &str| format!("2026-11-22 07:44:02,788 DEBUG: {exit} {what}\n \n\n");
    let (status, on) = (run("status"), said(0, "Chassis Power is on"));
    [status.clone(), on, run(change), said(0, "Chassis Power Control: Down/Off"), status, said(1, words)].concat()
}

#[test]
fn a_refusal_after_the_change_does_not_say_that_nothing_was_asked_for() {
    let done = |stderr: &str| bmc::done(Answer::new(b"", stderr.as_bytes(), 1), BmcKind::Ipmi);
    for words in ["> RAKP 2 HMAC is invalid", "RAKP 2 message indicates an error : unauthorized name"] {
        assert_eq!(done(&log(words, PLUG)), Err(PowerFault::Refused), "the first question");
        let later = log_after("off", &format!("{words}\nError: Unable to establish IPMI v2 / RMCP+ session\n"));
        let Err(PowerFault::Unclear { line }) = done(&(later + PLUG)) else { panic!("{words} counts as before") };
        assert_eq!(line, words.trim_start_matches("> "));
    }
}

#[test]
fn why_there_is_no_session_is_quoted_and_not_what_came_of_it() {
    let session = "Error: Unable to establish IPMI v2 / RMCP+ session";
    for words in [
        "Error in open session response message : no matching cipher suite",
        "RAKP 2 message indicates an error : invalid role",
        // A BMC without a free place has said nothing against the account.
        "RAKP 2 message indicates an error : insufficient resources for role",
        "Set Session Privilege Level to ADMINISTRATOR failed: Unknown (0x81)",
    ] {
        let told = log(&format!("{words}\n{session}"), PLUG);
        assert_eq!(read(BmcKind::Ipmi, "", &told, 1), Err(PowerFault::Unclear { line: words.to_owned() }));
        let told = format!("Loading IANA PEN Registry...\n{words}\n{session}\n");
        let uuid = bmc::told_uuid(Answer::new(b"", told.as_bytes(), 1), BmcKind::Ipmi);
        assert_eq!(uuid, Err(PowerFault::Unclear { line: words.to_owned() }));
    }
}

#[test]
fn a_uuid_without_dashes_is_read() {
    let dumped = Answer::ok(b"System GUID   : 00000000000000000000AC1F6B2C3D4E\n");
    let told = bmc::told_uuid(dumped, BmcKind::Ipmi).expect("a UUID");
    assert_eq!(told.as_str(), "00000000-0000-0000-0000-ac1f6b2c3d4e");
}

#[test]
fn a_guest_is_off_by_its_exact_word_alone() {
    assert_eq!(read(BmcKind::Qm, "status: stopped\n", "", 0), Ok(Power::Off));
    assert_eq!(read(BmcKind::Qm, "status: running\n", "", 0), Ok(Power::On));
    assert_eq!(read(BmcKind::Virsh, "shut off\n\n", "", 0), Ok(Power::Off));
    assert_eq!(read(BmcKind::Virsh, "running\n\n", "", 0), Ok(Power::On));
    for (kind, text) in [
        (BmcKind::Qm, "status: paused\n"),
        (BmcKind::Qm, "status: stopped\nstatus: running\n"),
        (BmcKind::Qm, "stopped\n"),
        (BmcKind::Qm, "shut off\n"),
        (BmcKind::Virsh, "paused\n"),
        (BmcKind::Virsh, "crashed\n"),
        (BmcKind::Virsh, "in shutdown\n"),
        (BmcKind::Virsh, "pmsuspended\n"),
        (BmcKind::Virsh, "status: stopped\n"),
        (BmcKind::Virsh, ""),
    ] {
        assert!(matches!(read(kind, text, "", 0), Err(PowerFault::Unclear { .. })), "{text}");
    }
    assert!(matches!(read(BmcKind::Qm, "status: stopped\n", "", 255), Err(PowerFault::Unclear { .. })));
    let gone = "Configuration file 'nodes/host/qemu-server/101.conf' does not exist\n";
    let Err(PowerFault::Unclear { line }) = read(BmcKind::Qm, "", gone, 255) else { panic!("not unclear") };
    assert_eq!(line, gone.trim());
    assert_eq!(read(BmcKind::Virsh, "", "", 127), Err(PowerFault::AgentMissing { program: "virsh" }));
}

#[test]
fn the_uuid_is_found_in_each_answer() {
    let uuid = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5";
    let ipmi = format!("System GUID   : {uuid}\nGUID Encoding : SMBIOS (WARNING: IPMI Specification violation!)\n");
    let older = format!("System GUID  : {uuid}\nTimestamp    : 06/27/2026 06:04:07\n");
    let config = format!("cores: 4\nname: nested1\nsmbios1: manufacturer=UUVNVQ==,base64=1,uuid={uuid}\nvmgenid: x\n");
    for (kind, text) in
        [(BmcKind::Ipmi, ipmi), (BmcKind::Ipmi, older), (BmcKind::Qm, config), (BmcKind::Virsh, format!("{uuid}\n\n"))]
    {
        assert_eq!(bmc::told_uuid(Answer::ok(text.as_bytes()), kind).expect("a UUID").as_str(), uuid);
    }
    let empty = "System GUID   : 00000000-0000-0000-0000-000000000000\n";
    assert!(matches!(bmc::told_uuid(Answer::ok(empty.as_bytes()), BmcKind::Ipmi), Err(PowerFault::NoUuid { .. })));
    assert!(matches!(bmc::told_uuid(Answer::ok(b"cores: 4\n"), BmcKind::Qm), Err(PowerFault::NoUuid { .. })));
    let session = "Error: Unable to establish IPMI v2 / RMCP+ session\n";
    let refused = format!("Loading IANA PEN Registry...\n> RAKP 2 HMAC is invalid\n{session}");
    assert_eq!(bmc::told_uuid(Answer::new(b"", refused.as_bytes(), 1), BmcKind::Ipmi), Err(PowerFault::Refused));
    let unknown = Answer::new(b"", session.as_bytes(), 1);
    assert!(matches!(bmc::told_uuid(unknown, BmcKind::Ipmi), Err(PowerFault::Unclear { .. })));
    let own = bmc::own_uuid_told(Answer::ok(format!("{uuid}\n").as_bytes())).expect("a UUID");
    assert_eq!(own.as_str(), uuid);
    let none = Answer::new(b"", b"cat: /sys/class/dmi/id/product_uuid: No such file or directory\n", 1);
    assert!(matches!(bmc::own_uuid_told(none), Err(PowerFault::NoUuid { .. })));
}

#[test]
fn what_was_done_is_said_in_words() {
    let done = |kind, text: &str, exit| bmc::done(Answer::new(text.as_bytes(), b"", exit), kind);
    assert_eq!(done(BmcKind::Ipmi, "Success: Powered OFF\n", 0), Ok(()));
    assert_eq!(done(BmcKind::Ipmi, "Success: Already OFF\n", 0), Ok(()));
    assert!(done(BmcKind::Ipmi, "", 0).is_err() && done(BmcKind::Ipmi, "Success: Powered OFF\n", 1).is_err());
    assert_eq!(done(BmcKind::Qm, "", 0), Ok(()));
    assert!(done(BmcKind::Qm, "", 255).is_err());
}

#[test]
fn a_recorded_agent_is_read() {
    let all = support::entries("pve-9.2/40-fence_ipmilan.txt");
    let asked = all.iter().filter(|one| one.command.ends_with("--action=status"));
    let read: Vec<_> = asked.map(|one| bmc::power(one.answer(), BmcKind::Ipmi)).collect();
    let [first, second, third, wrong, silent, nobody] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!([first, second, third], [&Ok(Power::On), &Ok(Power::On), &Ok(Power::Off)]);
    // Without `-v -v` the agent does not say why.
    assert!(matches!((wrong, nobody), (Err(PowerFault::Unclear { .. }), Err(PowerFault::Unclear { .. }))));
    assert_eq!(silent, &Err(PowerFault::Unreachable));
    let changed: Vec<_> = all.iter().filter(|one| one.command.contains("--action=o")).collect();
    assert!(changed.len() >= 4 && changed.iter().all(|one| bmc::done(one.answer(), BmcKind::Ipmi).is_ok()));
}
