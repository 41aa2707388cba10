//! The lines that reach a node, word for word.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use model::name::{ClusterName, NodeName};
use proptest::prelude::*;
use pve::pvecm::LinkOption;
use pve::unit::UnitName;
use pve::{Effect, Marker};
use std::net::IpAddr;
use std::process::Command;

#[test]
fn an_exec_line_has_the_locale_the_limit_and_the_words() {
    let command = pve::files::hosts();
    assert_eq!(command.exec_line(false), "LC_ALL=C timeout -k 2 5 cat /etc/hosts");
    assert_eq!(command.exec_line(true), "sudo -n -- env LC_ALL=C timeout -k 2 5 cat /etc/hosts");
    assert_eq!(pve::shell_line(false), "LC_ALL=C sh");
    assert_eq!(pve::shell_line(true), "sudo -n -- env LC_ALL=C sh");
}

#[test]
fn a_sweep_line_ends_both_outputs_with_the_marker() {
    let marker = Marker::new([0xab; 16]);
    let line = pve::quorumtool::status().sweep_line(&marker).expect("a question");
    let q = format!("q-{}", "ab".repeat(16));
    assert_eq!(
        line,
        format!(
            "timeout -k 2 5 corosync-quorumtool -s </dev/null; q=$?; printf '\\n%s %d\\n' {q} \"$q\"; printf '\\n%s\\n' {q} >&2"
        )
    );
    assert!(!line.contains('\n'));
}

#[test]
fn a_shell_that_gets_a_sweep_line_answers_between_markers() {
    let marker = Marker::new([7; 16]);
    let line = pve::host::kernel().sweep_line(&marker).expect("a question");
    let output = Command::new("/bin/sh").arg("-c").arg(&line).output().expect("a shell");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let (answer, end) = stdout.split_once(&format!("\n{marker} ")).expect("the marker");
    assert!(!answer.trim().is_empty());
    assert_eq!(end, "0\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("\n{marker}\n"));
}

#[test]
fn what_changes_or_streams_or_needs_input_never_goes_through_the_sweep_shell() {
    let marker = Marker::new([1; 16]);
    let key = key();
    let line = pve::ssh_keys::KeyLine::authorized(&key);
    let plan = pve::probe::ProbePlan::default();
    for command in [
        pve::pvecm::create(&cluster("lab"), &[]),
        pve::quorumtool::follow(),
        pve::ssh_keys::append(pve::ssh_keys::KeyFile::KnownHosts, &[line]),
        pve::probe::run(&plan, 3),
    ] {
        assert_eq!(command.sweep_line(&marker), None, "{command}");
    }
}

#[test]
fn pvecm_gets_links_with_their_priorities() {
    let links = [link(0, "10.0.1.12", Some(20)), link(1, "fd00::12", None)];
    let create = pve::pvecm::create(&cluster("pve-prod"), &links);
    assert_eq!(create.display(), "pvecm create pve-prod --link0 10.0.1.12,priority=20 --link1 fd00::12");
    let add = pve::pvecm::add(ip("10.0.1.11"), &links);
    assert_eq!(add.display(), "pvecm add 10.0.1.11 --use_ssh --link0 10.0.1.12,priority=20 --link1 fd00::12");
    assert_eq!(add.effect(), Effect::Changes);
    assert_eq!(pve::pvecm::qdevice_setup(ip("10.0.1.50"), false).display(), "pvecm qdevice setup 10.0.1.50");
    assert_eq!(pve::pvecm::qdevice_setup(ip("10.0.1.50"), true).display(), "pvecm qdevice setup 10.0.1.50 --force");
    assert_eq!(LinkOption::new(8, ip("10.0.1.1"), None), None);
    assert_eq!(pve::pvecm::status().effect(), Effect::ReadsOnly);
}

#[test]
fn a_unit_carries_the_command_behind_two_dashes() {
    let unit: UnitName = "quorate-0f-join".parse().expect("a name");
    let command = pve::pvecm::add(ip("10.0.1.11"), &[link(0, "10.0.1.12", None)]);
    let started = command.as_unit(&unit);
    assert_eq!(
        started.argv(),
        [
            "systemd-run",
            "--unit=quorate-0f-join",
            "--remain-after-exit",
            "--setenv=HOME=/root",
            "--setenv=LC_ALL=C",
            "--property=Type=exec",
            "--property=WorkingDirectory=/root",
            "--property=StandardOutput=append:/run/quorate-0f-join.out",
            "--property=StandardError=append:/run/quorate-0f-join.err",
            "--property=RuntimeMaxSec=180",
            "--",
            "pvecm",
            "add",
            "10.0.1.11",
            "--use_ssh",
            "--link0",
            "10.0.1.12",
        ]
    );
    assert!(started.time_limit_s() < command.time_limit_s());
    let read = pve::unit::read_output(&unit, pve::unit::Output::Stdout, 17);
    assert_eq!(read.display(), "tail -c +18 /run/quorate-0f-join.out");
    for bad in ["", "Quorate", "1a", "a b", "a.service", "../x", "a/b"] {
        assert!(bad.parse::<UnitName>().is_err(), "{bad}");
    }
}

#[test]
fn people_see_what_a_command_gets_on_standard_input() {
    let file = pve::ssh_keys::KeyFile::ClusterAuthorizedKeys;
    let line = pve::ssh_keys::KeyLine::authorized(&key());
    let append = pve::ssh_keys::append(file, std::slice::from_ref(&line));
    assert_eq!(append.stdin(), Some(format!("\n{}\n", line.as_str()).as_bytes()));
    let bytes = append.stdin().map_or(0, <[u8]>::len);
    assert_eq!(append.display(), format!("tee -a /etc/pve/priv/authorized_keys < ({bytes} bytes)"));
    assert_eq!(pve::ssh_keys::remove(file, &[], &line), None);
}

#[test]
fn a_script_is_shown_by_its_first_line() {
    let plan = pve::probe::ProbePlan {
        listen: vec!["10.0.1.11:5405".parse().expect("an address")],
        udp: vec!["[fd00::12]:5405".parse().expect("an address")],
        tcp: Vec::new(),
        echo: vec![("10.0.1.11".parse().expect("own"), "10.0.1.12".parse().expect("peer"), 1_500)],
    };
    let command = pve::probe::run(&plan, 4);
    let shown = "perl -e '# quorate-probe v5 …' probe 4 listen=10.0.1.11:5405 'udp=[fd00::12]:5405' echo=10.0.1.11/10.0.1.12/1500";
    assert_eq!(command.display(), shown);
    assert_eq!(command.time_limit_s(), 9);
}

#[test]
fn ssh_from_node_to_node_uses_the_pinned_key() {
    let node: NodeName = "pve2".parse().expect("a name");
    assert_eq!(
        pve::ssh_keys::try_node_to_node(&node, ip("10.0.1.12")).display(),
        "ssh -o BatchMode=yes -o ConnectTimeout=4 -o HostKeyAlias=pve2 \
         -o UserKnownHostsFile=/etc/pve/nodes/pve2/ssh_known_hosts -o GlobalKnownHostsFile=none root@10.0.1.12 /bin/true"
    );
    assert_eq!(pve::ssh_keys::make_root_key().display(), "ssh-keygen -q -t rsa -b 4096 -N '' -f /root/.ssh/id_rsa");
}

#[test]
fn secrets_are_never_printed_on_a_node() {
    use pve::files::NodeFile;
    assert_eq!(pve::files::cat(&NodeFile::CorosyncAuthkey), None);
    assert_eq!(pve::files::cat(&NodeFile::RootPrivateKey), None);
    assert!(pve::files::cat(&NodeFile::Hosts).is_some());
}

#[test]
fn streams_have_their_own_limit() {
    let follow = pve::quorumtool::follow();
    let bound = "timeout -k 2 3600 sh -c 'exec 3<&0; { read -r q <&3; kill 0; } >/dev/null 2>&1 & \
        trap \"exit 143\" TERM; \"$@\" 3<&- </dev/null; q=$?; kill $! 2>/dev/null; wait $! 2>/dev/null; exit $q' \
        follow stdbuf -oL corosync-quorumtool -m";
    assert_eq!(follow.exec_line(false), format!("LC_ALL=C {bound}"));
    assert_eq!(follow.exec_line(true), format!("sudo -n -- env LC_ALL=C {bound}"));
    assert_eq!(follow.display(), "stdbuf -oL corosync-quorumtool -m");
    assert!(follow.is_stream());
    let services = [pve::systemd::Service::Corosync, pve::systemd::Service::PveCluster];
    let journal = pve::journal::follow(&services, None);
    assert_eq!(journal.display(), "journalctl -f -n 0 -o json -u corosync -u pve-cluster");
    let cursor = "s=51f0188620ca4230ad696afa0339060d;i=161;x=ab".parse().expect("a cursor");
    let journal = pve::journal::follow(&services[..1], Some(&cursor));
    assert!(journal.display().contains("'--after-cursor=s=51f0188620ca4230ad696afa0339060d;i=161;x=ab'"));
}

proptest! {
    /// What a plan shows is what a shell would run.
    #[test]
    fn the_shown_line_of_create_is_its_words(name in "[a-zA-Z0-9]{1,15}", octets: [u8; 4], priority: u8) {
        let address = IpAddr::from(octets);
        let command = pve::pvecm::create(&cluster(&name), &[LinkOption::new(3, address, Some(priority)).expect("link 3")]);
        prop_assert_eq!(command.display(), format!("pvecm create {name} --link3 {address},priority={priority}"));
        prop_assert_eq!(command.argv().join(" "), command.display());
    }
}

fn key() -> pve::host_keys::PublicKey {
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0zvCV8lZ0cAvD2ZlSjY2CGvIbbn9bgl5cQ0YJ0rR0f console";
    pve::host_keys::PublicKey::parse(line).expect("a key")
}

fn cluster(name: &str) -> ClusterName {
    name.parse().expect("a cluster's name")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn link(number: u8, address: &str, priority: Option<u8>) -> LinkOption {
    LinkOption::new(number, ip(address), priority).expect("a link")
}
