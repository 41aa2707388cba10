//! The prerequisites from raw answers to verdicts: healthy ones pass, faulty ones are found, silence and rubbish are
//! errors. Recorded answers are used where there are recordings; the others follow the documented formats.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

#[path = "support/faulty_answers.rs"]
mod faulty_answers;
mod support;

use faulty_answers::FAULTS;
use model::ids::NodeId;
use model::observation::{Evidence, EvidenceLine};
use model::preflight::{CheckId, FindingCode as F, NodeEvidence, Source, Verdict};
use model::problem::{Problem, ProblemCode};
use proptest::prelude::*;
use pve::Answer;
use pve::prerequisites::{BEFORE_PROBE, Question, first, second, third};
use support::entries;

const FACTS: &str = "pve-9.2/71-node-facts.txt";
/// What cannot be told without the other nodes' probe and clocks.
const BETWEEN_NODES: [Source; 2] = [Source::Probe, Source::Clock];

const LINKS: &str = r#"[{"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"link_type":"loopback","address":"00:00:00:00:00:00"},
{"ifname":"eno1","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"master":"vmbr0","link_type":"ether","address":"52:54:00:00:01:0b","parentbus":"pci","parentdev":"0000:02:00.0"},
{"ifname":"eno2","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether","address":"52:54:00:00:02:0b","parentbus":"pci","parentdev":"0000:03:00.0"},
{"ifname":"vmbr0","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"link_type":"ether","address":"52:54:00:00:01:0b","linkinfo":{"info_kind":"bridge","info_data":{"mode":0}}}]"#;
const ADDRESSES: &str = r#"[{"ifname":"vmbr0","addr_info":[{"local":"10.0.1.11","prefixlen":24,"scope":"global"}]},
{"ifname":"eno2","addr_info":[{"local":"10.0.2.11","prefixlen":24,"scope":"global"}]}]"#;
/// As `lldpctl -f json0` of lldpd 1.0 prints it, without the parts that nobody reads.
const SWITCHES: &str = r#"{"lldp": [{"interface": [
{"name": "eno1", "via": "LLDP", "rid": "1", "chassis": [{"id": [{"type": "mac", "value": "00:1b:21:00:00:0a"}], "name": [{"value": "sw-a"}]}]},
{"name": "eno2", "via": "LLDP", "rid": "2", "chassis": [{"id": [{"type": "mac", "value": "00:1b:21:00:00:0b"}], "name": [{"value": "sw-b"}]}]}]}]}"#;
const RULES: &str = r#"{"nftables": [{"metainfo": {"version": "1.1.3", "json_schema_version": 1}}]}"#;
const CERTIFICATE: &str = "notAfter=Nov 20 08:41:56 2028 GMT\nX509v3 Subject Alternative Name: \n    IP Address:127.0.0.1, DNS:localhost, IP Address:10.0.1.11, DNS:pve1, DNS:pve1.lab.local\n";
const APT: &str = "apt:\n  Installed: 3.0.3\n  Candidate: 3.0.3\n  Version table:\n *** 3.0.3 500\n        500 http://deb.debian.org/debian trixie/main amd64 Packages\n        100 /var/lib/dpkg/status\n";
const PACKAGES: &str = "corosync 3.1.9-pve2 installed\npve-cluster 9.1.6 installed\nufw  not-installed\nproxmox-kernel-6.17.2-1-pve-signed 6.17.2-1 installed\n";

fn recorded(command: &str) -> (String, i32) {
    let all = entries(FACTS);
    let one = all.iter().find(|one| one.command.starts_with(command));
    let one = one.unwrap_or_else(|| panic!("{command} is not recorded"));
    (one.stdout.clone(), one.exit)
}

/// What a healthy node `pve1` answers; `None` for what is not asked.
fn healthy(command: &str) -> Option<(String, i32)> {
    let text = match command {
        "id -u" => "0\n",
        "hostname" => return Some(recorded("hostname")),
        "cat /etc/hostname" => "pve1\n",
        "cat /etc/hosts" => return Some(recorded("cat /etc/hosts")),
        "pvecm apiver" => return Some(recorded("pvecm apiver")),
        "ip -j addr" => ADDRESSES,
        "ip -d -j link" => LINKS,
        "ip -j route" => r#"[{"dst":"default","gateway":"10.0.1.1","dev":"vmbr0","flags":[]}]"#,
        "timedatectl show" => "Timezone=Etc/UTC\nNTP=yes\nNTPSynchronized=yes\n",
        "chronyc -n -c tracking" => {
            "C0000201,192.0.2.1,3,1795336910.1,0.000012,0.00001,0.00003,1.2,0.0,0.03,0.002,0.001,64.2,Normal\n"
        }
        "chronyc -n -c sources" => "^,*,192.0.2.1,2,6,377,22,0.000013,0.000012,0.000200\n",
        "pve-firewall status" => "Status: disabled/running\n",
        "nft -j list ruleset" => RULES,
        "pvesubscription get" => "message: There is no subscription key\nserverid: 0\nstatus: notfound\n",
        "pwd" => "/root\n",
        "cat /proc/pressure/io" => {
            "some avg10=0.00 avg60=0.10 avg300=0.01 total=2492239\nfull avg10=0.00 avg60=0.07 avg300=0.00 total=2019606\n"
        }
        "cat /proc/meminfo" => {
            "MemTotal:       16384000 kB\nMemAvailable:   12000000 kB\nSwapTotal:       8388604 kB\nSwapFree:        8388604 kB\n"
        }
        "cat /etc/pve/storage.cfg" => {
            "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl\n\nlvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n"
        }
        "cat /etc/pve/user.cfg" => "user:root@pam:1:0:::root@example.net::\n",
        "pveversion" => "pve-manager/9.2.11/14a22df3c0de (running kernel: 6.17.2-1-pve)\n",
        "getent ahosts pve1" => return Some(recorded("getent ahosts pve1")),
        "/usr/sbin/sshd -T" => return Some(recorded("sshd -T")),
        "ls -1a /etc/pve/nodes" => ".\n..\npve1\n",
        _ if command.starts_with("ls -1a ") => ".\n..\n",
        _ if command.starts_with("test -") => return Some((String::new(), 1)),
        _ if command.starts_with("env ") => return Some((String::new(), 2)),
        _ if command.starts_with("grep -c ") => return Some(("0\n".into(), 1)),
        _ if command.starts_with("journalctl -k ") => return Some(("-- No entries --\n".into(), 1)),
        "lldpctl -f json0" => SWITCHES,
        _ if command.starts_with("cat /etc/ssh/") => "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 root@pve1\n",
        _ if command.starts_with("systemctl is-active") => {
            return Some(("inactive\nactive\nactive\nactive\nactive\nactive\ninactive\ninactive\n".into(), 0));
        }
        _ if command.starts_with("df ") => {
            "Mounted on       Avail IUse%\n/          61815910400    3%\n/          61815910400    3%\n/          61815910400     -\n"
        }
        _ if command.starts_with("sysctl ") => {
            "net.ipv4.conf.all.rp_filter = 2\nnet.netfilter.nf_conntrack_count = 90\nnet.netfilter.nf_conntrack_max = 262144\n"
        }
        _ if command.starts_with("openssl x509 -in /etc/pve/local") => CERTIFICATE,
        _ if command.starts_with("openssl x509") => "notAfter=Nov 20 08:41:56 2036 GMT\n",
        _ if command.starts_with("openssl verify") => "/etc/pve/local/pve-ssl.pem: OK\n",
        _ if command.starts_with("dpkg-query") => PACKAGES,
        _ if command.starts_with("apt-get indextargets") => {
            "http://deb.debian.org/debian/ trixie main\nhttp://download.proxmox.com/debian/pve/ trixie pve-no-subscription\n"
        }
        _ if command.starts_with("apt-cache policy") => APT,
        _ if command.starts_with("grep -sH ''") => {
            "/sys/class/net/eno1/speed:10000\n/sys/class/net/eno1/duplex:full\n/sys/class/net/eno2/speed:1000\n/sys/class/net/eno2/duplex:full\n"
        }
        _ if command.starts_with("printf") => "quorate-quiet\n",
        _ if command.starts_with("sqlite3") => "ok\n50|23456\n",
        _ => return None,
    };
    Some((text.to_owned(), 0))
}

type Answers<'a> = &'a dyn Fn(&Question) -> Option<(String, i32)>;

/// Asks all rounds as the console does; a source with an answer that cannot be read is missing.
fn ask(answers: Answers<'_>) -> NodeEvidence {
    let silent = Problem::new(ProblemCode::Garbage);
    let id = NodeId::from_uuid(uuid::Uuid::nil());
    let mut found = NodeEvidence::missing(id, "pve1", false, &silent);
    found.management = "10.0.1.11".parse().ok();
    found.wanted_name = Some("prod".into());
    let mut broken = Vec::new();
    for round in [first as fn(&NodeEvidence) -> Vec<Question>, second, third] {
        for question in round(&found) {
            let shown = question.command.display();
            let other = answers(&question);
            let (stdout, exit) =
                other.or_else(|| healthy(&shown)).unwrap_or_else(|| panic!("{shown}: no answer in this test"));
            let lines = stdout.lines().map(|line| EvidenceLine { text: line.to_owned(), guilty: false }).collect();
            let at = "2026-11-22T08:42:00Z".parse().expect("a time");
            let evidence =
                Evidence { node: "pve1".into(), command: shown, exit: Some(exit), at, millis: 1, lines, cut: false };
            found.evidence.insert(question.source, evidence);
            if question.fill(Answer::new(stdout.as_bytes(), b"", exit), &mut found).is_err() {
                broken.push(question.source);
            }
        }
    }
    for source in broken {
        found.forget(source, &silent);
    }
    found
}

fn verdict(found: &NodeEvidence, check: CheckId) -> (Verdict, Vec<F>) {
    let cells = model::checks::judge(std::slice::from_ref(found), &[]);
    let cell = cells.into_iter().find(|cell| cell.check == check).expect("a cell");
    (cell.verdict, cell.findings.into_iter().map(|finding| finding.code).collect())
}

fn alone(check: CheckId) -> bool {
    !check.needs().iter().any(|source| BETWEEN_NODES.contains(source))
}

fn questions() -> Vec<Question> {
    let found = ask(&|_| None);
    [first(&found), second(&found), third(&found)].concat()
}

#[test]
fn a_healthy_nodes_answers_are_read_and_pass() {
    let found = ask(&|_| None);
    for check in CheckId::ALL.iter().filter(|check| alone(**check)) {
        let (verdict, findings) = verdict(&found, *check);
        assert!(matches!(verdict, Verdict::Pass | Verdict::Skipped), "{check:?}: {verdict:?} {findings:?}");
    }
}

#[test]
fn every_source_that_a_check_needs_is_asked_for() {
    let asked: Vec<Source> = questions().iter().map(|question| question.source).chain(BETWEEN_NODES).collect();
    for check in CheckId::ALL {
        assert!(check.needs().iter().all(|source| asked.contains(source)), "{check:?}");
    }
}

#[test]
fn only_reading_commands_are_asked_and_each_is_one_line() {
    for question in questions() {
        assert_eq!(question.command.effect(), pve::Effect::ReadsOnly, "{}", question.command);
        assert!(!question.command.argv().iter().any(|word| word.contains('\n')), "{}", question.command);
    }
}

/// Silence with exit 0, a program that is not there, and bytes that mean nothing.
#[test]
fn no_check_passes_on_an_answer_that_says_nothing() {
    let nothing = [("", 0), ("", 127), ("", 124), ("\u{fffd}\u{1b}[2J{[[ 17\n", 0), ("\n\n", 0)];
    for question in questions() {
        for (text, exit) in nothing {
            let found = ask(&|asked| (asked.command == question.command).then(|| (text.to_owned(), exit)));
            for check in CheckId::ALL.iter().filter(|check| alone(**check) && check.needs().contains(&question.source))
            {
                // `test` answers by its exit code alone, and rubbish in a file of free text is a wrong value.
                let by_code = question.command.program() == "test";
                let said = by_code || !text.trim().is_empty();
                let (verdict, _) = verdict(&found, *check);
                let wrong = verdict == Verdict::Fail || (by_code && verdict == Verdict::Warn);
                assert!(
                    verdict == Verdict::Error || (said && exit == 0 && wrong),
                    "{check:?} is {verdict:?} although {} answers {text:?} with exit {exit}",
                    question.command
                );
            }
        }
    }
}

/// Complaints of `sqlite3` always come with the numbers that are asked for after them.
#[test]
fn rubbish_is_no_damaged_database() {
    for text in ["\u{fffd}{\"nodename\": 17, [[[\n", "*** in database main ***\n", "ok\n"] {
        let found = ask(&|asked| asked.command.program().eq("sqlite3").then(|| (text.to_owned(), 0)));
        assert_eq!(verdict(&found, CheckId::PmxcfsDatabase).0, Verdict::Error, "{text:?}");
    }
}

#[test]
fn faults_are_found_in_raw_answers() {
    for (start, text, exit, check, code) in FAULTS {
        let found = ask(&|asked| asked.command.display().starts_with(start).then(|| ((*text).to_owned(), *exit)));
        let (verdict, findings) = verdict(&found, *check);
        assert!(findings.contains(code), "{check:?} of {text:?}: {verdict:?} {findings:?}");
    }
}

/// apt 2.6.1 on Debian 12, with a foreign architecture, a package that is gone from the lists and one that is not installed.
const POLICY: &str = "apt:
  Installed: 2.6.1
  Candidate: 2.6.1
  Version table:
 *** 2.6.1 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
libssh2-1:
  Installed: 1.10.0-3+b1
  Candidate: 1.10.0-3+deb12u1
  Version table:
     1.10.0-3+deb12u1 500
        500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
 *** 1.10.0-3+b1 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
libc6:i386:
  Installed: 2.36-9+deb12u10
  Candidate: 2.36-9+deb12u14
  Version table:
old-tool:
  Installed: 1.0
  Candidate: (none)
  Version table:
corosync-qnetd:
  Installed: (none)
  Candidate: 3.0.3-1
  Version table:
";

#[test]
fn what_has_a_newer_version_to_go_to_waits() {
    let asked = |text: &str| {
        ask(&|asked| asked.command.display().starts_with("apt-cache policy").then(|| (text.to_owned(), 0))).host.updates
    };
    let waiting: Vec<String> = asked(POLICY).expect("read").into_iter().collect();
    assert_eq!(waiting, ["libc6:i386", "libssh2-1"]);
    let silent = POLICY.replace("apt:", "aptitude:");
    assert!(asked(&silent).is_err(), "without apt itself it is no answer, whatever else it says");
}

#[test]
fn the_probe_waits_for_nothing_but_the_first_round_and_the_name() {
    let found = ask(&|_| None);
    let begun: Vec<Source> = first(&found).iter().chain(second(&found).first()).map(|one| one.source).collect();
    assert!(BEFORE_PROBE.iter().all(|source| begun.contains(source)), "{begun:?}");
}

#[test]
fn recorded_clock_without_a_source_is_no_pass() {
    let answers = |asked: &Question| {
        let shown = asked.command.display().replace("-n ", "");
        shown.starts_with("chronyc").then(|| recorded(&shown))
    };
    let found = ask(&answers);
    assert_eq!(verdict(&found, CheckId::ClockService).0, Verdict::Fail);
    assert_eq!(verdict(&found, CheckId::ClockSource).0, Verdict::Error, "no line at all");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A cut or damaged healthy answer is read as something or refused, and never panics.
    #[test]
    fn damaged_answers_are_survived(cut in 0usize..400, byte in any::<u8>()) {
        for question in questions() {
            let (text, exit) = healthy(&question.command.display()).expect("an answer");
            let mut bytes = text.into_bytes();
            bytes.truncate(cut);
            if let Some(last) = bytes.last_mut() {
                *last = byte;
            }
            let mut found = ask(&|_| None);
            let _ = question.fill(Answer::new(&bytes, b"", exit), &mut found);
        }
    }
}
