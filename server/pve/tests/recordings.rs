//! Every recorded command is read by its reader, or stands in the table of those that are refused on purpose.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use pve::{Answer, ParseError, Reason};
use std::collections::BTreeSet;
use std::fmt::Debug;
use support::Recorded;

/// Commands that this product does not ask (yet), by the beginning of their line, and why.
const REFUSED_ON_PURPOSE: [(&str, &str); 51] = [
    ("ha-manager", "HA has its own issue; watching reads its files instead"),
    ("cat /etc/pve/ha/", "HA has its own issue"),
    ("cat /etc/pve/nodes/*/lrm_status", "HA has its own issue"),
    ("/etc/pve/ha/", "HA has its own issue"),
    ("/etc/pve/nodes/pve1/lrm_status", "HA has its own issue"),
    ("/etc/pve/nodes/pve2/lrm_status", "HA has its own issue"),
    ("cat /etc/pve/.rrd", "load is not shown"),
    ("cat /etc/pve/.clusterlog", "the journal tells more"),
    ("cat /etc/pve/priv/authorized_keys |", "a pipe: the file is read whole"),
    ("fence_ipmilan", "BMCs have their own issue"),
    ("ipmitool", "BMCs have their own issue"),
    ("pvecm delnode", "removing nodes has its own issue"),
    ("pvecm expected", "forcing quorum is not part of the wizard"),
    ("pvecm qdevice remove", "removing the QDevice has its own issue"),
    ("pvecm updatecerts", "certificates have their own issue"),
    ("pvecm foo", "not a command; recorded for its usage text"),
    ("corosync-cfgtool -s -b", "the short form says less than -s"),
    ("corosync-cfgtool -sb", "the short form says less than -s"),
    ("corosync-qnetd-tool -s", "who is connected says more than how many"),
    ("corosync-quorumtool -e", "forcing quorum is not part of the wizard"),
    ("corosync -t", "the configuration is written by pvecm alone in the wizard"),
    ("systemctl status", "for people; show has the same for programs"),
    ("systemctl list-units", "for people; is-active has the same for programs"),
    ("systemctl is-active corosync pve-cluster; cat", "two commands in one line"),
    ("journalctl -u", "for people; the JSON form is read"),
    ("journalctl --no-pager -o short-iso-precise", "for people; the JSON form is read"),
    ("journalctl --list-boots", "boots are not shown"),
    ("journalctl -f -n 0 -o short-precise", "for people; the JSON form is read"),
    ("chronyc", "not installed everywhere; timedatectl and the clock itself are"),
    ("timedatectl", "for people; show has the same for programs"),
    ("ip -br", "for people; -j has the same for programs"),
    ("uptime", "not needed"),
    ("df ", "disk space is not checked yet"),
    ("hostname; ", "several commands in one line"),
    ("ls -la", "for people; -1A has the same for programs"),
    ("mkdir ", "recorded to prepare a state"),
    ("touch ", "recorded to show a refused write"),
    ("sh -c", "recorded to show a refused write"),
    ("sleep ", "recorded to show a write"),
    ("cd /etc/pve &&", "recorded to show the refusal; commands have no folder"),
    ("timeout 20 ha-manager", "HA has its own issue"),
    ("sshd -T", "sshd's settings are not checked yet"),
    ("ss -", "sockets are not listed; the probe tries them"),
    ("sqlite3", "the database of pmxcfs is not opened"),
    ("openssl", "certificates have their own issue"),
    ("qm list", "a guest's file in its folder tells the same, without Perl"),
    ("pct list", "a guest's file in its folder tells the same, without Perl"),
    ("ps -eo", "processes are not listed"),
    ("grep -h config_version", "corosync.conf is read whole"),
    ("sleep infinity |", "links are followed by sweeps"),
    ("stdbuf -oL corosync-quorumtool -m", "recorded with times of arrival; the test of the stream reads it"),
];

#[test]
fn every_recorded_command_is_read_or_refused_on_purpose() {
    let recorded = support::all();
    assert!(recorded.len() > 600, "only {} recorded commands were found", recorded.len());
    let mut wrong = Vec::new();
    let mut read_count = 0;
    for entry in &recorded {
        if refused(entry).is_some() {
            continue;
        }
        match read(entry) {
            Some(Ok(())) => read_count += 1,
            Some(Err(error)) if is_expected(entry, &error) => read_count += 1,
            Some(Err(error)) => wrong.push(format!("{}: {}: {error}", entry.place, entry.command)),
            None => wrong.push(format!("{}: nobody reads {}", entry.place, entry.command)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), recorded.len(), wrong.join("\n"));
    assert!(read_count > 300, "only {read_count} were read");
}

/// Files without commands, by the end of their path, and why nobody reads them.
const NO_COMMANDS: [(&str, &str); 4] = [
    ("README.md", "says where the recordings come from"),
    ("/FAULT", "says in words what was broken while its neighbours were recorded"),
    (".rc", "the exit code of the file beside it, which is read with it"),
    ("corosync-3.1.7/corosync.node1.log", "corosync's own log file; the journal has the same lines with unit and time"),
];

#[test]
fn every_file_of_the_recordings_is_visited() {
    let recorded = support::all();
    let visited: BTreeSet<&str> = recorded
        .iter()
        .map(|entry| entry.place.rsplit_once(':').map_or(entry.place.as_str(), |(file, _)| file))
        .collect();
    let files = support::every_file();
    assert!(files.len() > 100, "only {} files were found", files.len());
    let left: Vec<&String> = files
        .iter()
        .filter(|file| !visited.contains(file.as_str()))
        .filter(|file| !NO_COMMANDS.iter().any(|(end, _)| file.ends_with(end)))
        .collect();
    assert!(left.is_empty(), "nobody looks at {left:?}");
    for (end, _) in NO_COMMANDS {
        assert!(files.iter().any(|file| file.ends_with(end)), "no file ends with {end}");
    }
}

#[test]
fn every_refusal_has_a_recording() {
    let recorded = support::all();
    for (start, _) in REFUSED_ON_PURPOSE {
        assert!(recorded.iter().any(|entry| entry.command.starts_with(start)), "no recording begins with {start}");
    }
}

fn refused(entry: &Recorded) -> Option<&'static str> {
    // These begin like a refused one, but have a reader.
    if entry.command == "timedatectl show" || entry.command.contains(" -o json") {
        return None;
    }
    REFUSED_ON_PURPOSE.iter().find(|(start, _)| entry.command.starts_with(start)).map(|(_, why)| *why)
}

/// A failed command must be told apart by its words; exit codes alone are not enough.
fn is_expected(entry: &Recorded, error: &ParseError) -> bool {
    match error.reason {
        Reason::NotInCluster | Reason::CorosyncDown | Reason::NoSuchFile => entry.exit != 0,
        Reason::TimedOut => entry.exit == 124,
        _ => false,
    }
}

fn read(entry: &Recorded) -> Option<Result<(), ParseError>> {
    let answer = entry.answer();
    Some(match entry.command.as_str() {
        "pveversion" => done(pve::version::short(answer)),
        "pveversion -v" => done(pve::version::packages(answer)),
        "hostname" => done(pve::host::node_name(answer)),
        "date +%s.%N" => done(pve::host::clock_time(answer)),
        "timedatectl show" => done(pve::host::time(answer)),
        "ip -j addr" => done(pve::network::addresses(answer)),
        "ip -j link" => done(pve::network::interfaces(answer)),
        "ip -j route" => done(pve::network::routes(answer)),
        "ls /etc/pve/nodes" => done(pve::files::names(answer)),
        "cat /etc/hosts" => done(pve::files::content(answer)),
        "cat /etc/hostname" => done(pve::files::one_word(answer)),
        "cat /etc/pve/.members" | "/etc/pve/.members" => done(pve::pmxcfs::members(answer)),
        "cat /etc/pve/.version" | "/etc/pve/.version" => done(pve::pmxcfs::versions(answer)),
        "cat /etc/pve/.vmlist" | "/etc/pve/.vmlist" => done(pve::pmxcfs::guests(answer)),
        "findmnt -n /etc/pve" => done(pve::pmxcfs::mounted(answer)),
        "cat /etc/pve/corosync.conf" | "cat /etc/corosync/corosync.conf" => done(pve::corosync_conf::conf(answer)),
        "pvecm status" => done(pve::pvecm::cluster_status(answer)),
        "pvecm nodes" => done(pve::pvecm::members(answer)),
        "pvecm apiver" => done(pve::pvecm::api_version(answer)),
        "corosync-quorumtool -s" | "corosync-quorumtool -siH" => done(pve::quorumtool::quorum(answer)),
        "corosync-quorumtool -l" => done(pve::quorumtool::members(answer)),
        "corosync-quorumtool -h" => done(pve::quorumtool::options(answer)),
        "corosync-cfgtool -s" => done(pve::cfgtool::link_rows(answer)),
        "corosync-cfgtool -n" => done(pve::cfgtool::link_lines(answer)),
        "corosync-qdevice-tool -s" | "corosync-qdevice-tool -sv" => done(pve::qdevice::qdevice(answer)),
        "corosync-qnetd-tool -lv" => done(pve::qdevice::clients(answer)),
        command => return read_by_beginning(command, answer),
    })
}

fn read_by_beginning(command: &str, answer: Answer<'_>) -> Option<Result<(), ParseError>> {
    let begins = |start: &str| command.starts_with(start);
    if begins("corosync-cmapctl") {
        return Some(done(pve::cmap::entries(answer)));
    }
    if begins("getent ahosts ") {
        return Some(done(pve::network::resolved(answer)));
    }
    if begins("sha256sum ") {
        return Some(done(pve::files::digests(answer)));
    }
    if begins("systemctl is-active ") {
        let count = command.split_whitespace().count() - 2;
        return Some(done(pve::systemd::activity(answer, &SERVICES[..count])));
    }
    if begins("systemctl show ") {
        return Some(done(pve::systemd::states(answer)));
    }
    if begins("journalctl ") {
        return Some(done(pve::journal::entries(answer)));
    }
    if begins("pvecm create ") {
        let clear = !matches!(pve::outcome::create(answer), pve::outcome::CreateOutcome::Unclear { .. });
        return Some(told(clear, command));
    }
    if begins("pvecm add ") || command.contains("; pvecm add ") {
        let clear = !matches!(pve::outcome::join(answer), pve::outcome::JoinOutcome::Unclear { .. });
        return Some(told(clear, command));
    }
    if begins("pvecm qdevice setup ") {
        let clear = !matches!(pve::outcome::qdevice(answer), pve::outcome::QdeviceOutcome::Unclear { .. });
        return Some(told(clear, command));
    }
    None
}

const SERVICES: [pve::systemd::Service; 7] = {
    use pve::systemd::Service;
    [
        Service::Corosync,
        Service::PveCluster,
        Service::PveHaCrm,
        Service::PveHaLrm,
        Service::WatchdogMux,
        Service::Ssh,
        Service::CorosyncQdevice,
    ]
};

fn done<T: Debug>(result: Result<T, ParseError>) -> Result<(), ParseError> {
    result.map(|_| ())
}

fn told(clear: bool, command: &str) -> Result<(), ParseError> {
    assert!(clear, "the outcome of {command} is unclear");
    Ok(())
}
