//! The facts of a node, from recordings and from the programs of the machine that runs the test.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use model::facts::{GuestKind, GuestRef, UnitState};
use pve::files::NodeFile;
use pve::systemd::Service;
use pve::unit::Started;
use pve::{Answer, CommandLine, Reason};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use support::{entry, text};

const FACTS: &str = "pve-9.2/71-node-facts.txt";
const HEALTHY: &str = "pve-9.2/10-healthy-3n.txt";

#[test]
fn versions() {
    let version = pve::version::short(entry(HEALTHY, "pveversion").answer()).expect("a version");
    assert_eq!((version.major, version.minor, version.patch), (9, 2, 11));
    assert_eq!(version.kernel.as_deref(), Some("6.17.2-1-pve"));
    let old = pve::version::short(Answer::ok(b"pve-manager/7.4-17/513c62be (running kernel: 5.15.131-2-pve)\n"));
    assert_eq!(old.map(|version| version.to_string()).as_deref(), Ok("7.4.17"));
    let packages = pve::version::packages(entry(HEALTHY, "pveversion -v").answer()).expect("packages");
    assert_eq!(packages["corosync"], pve::version::PackageVersion::Version("3.1.9-2+deb13u1".to_owned()));
    assert_eq!(packages["lvm2"], pve::version::PackageVersion::NotCorrectlyInstalled);
}

#[test]
fn addresses_interfaces_and_routes() {
    let addresses = pve::network::addresses(entry(FACTS, "ip -j addr").answer()).expect("addresses");
    let global: Vec<String> = addresses
        .iter()
        .filter(|address| address.global)
        .map(|address| format!("{} {}/{}", address.interface, address.address, address.prefix))
        .collect();
    assert_eq!(global, ["eth0 10.0.1.11/24", "eth1 10.0.2.11/24"]);
    let interfaces = pve::network::interfaces(entry(FACTS, "ip -j link").answer()).expect("interfaces");
    let eth0 = interfaces.iter().find(|interface| interface.name == "eth0").expect("eth0");
    assert!(eth0.up && eth0.mtu == 1500 && eth0.mac.is_some());
    let routes = pve::network::routes(entry(FACTS, "ip -j route").answer()).expect("routes");
    assert_eq!(routes[0].destination, "10.0.1.0/24");
    assert_eq!(routes[0].source, "10.0.1.11".parse().ok());
    let vlan = br#"[{"ifname":"bond0.20","link":"bond0","flags":["UP"],"mtu":9000,"link_type":"ether",
        "address":"aa:bb:cc:00:11:22","master":"vmbr1","addr_info":[{"family":"inet","local":"10.0.2.7",
        "prefixlen":24,"scope":"global","dynamic":true}]}]"#;
    let found = pve::network::interfaces(Answer::ok(vlan)).expect("an interface");
    assert_eq!(
        (found[0].lower.as_deref(), found[0].master.as_deref(), found[0].up),
        (Some("bond0"), Some("vmbr1"), false)
    );
    assert!(pve::network::addresses(Answer::ok(vlan)).expect("an address")[0].dynamic);
}

#[test]
fn names_and_what_they_resolve_to() {
    let bundle = "bundles/healthy/pve1.txt";
    assert_eq!(pve::host::node_name(entry(bundle, "hostname").answer()).map(String::from).as_deref(), Ok("pve1"));
    let resolved = pve::network::resolved(entry(FACTS, "getent ahosts pve1").answer()).expect("addresses");
    assert_eq!(resolved, ["10.0.1.11".parse::<std::net::IpAddr>().expect("an address")]);
    assert_eq!(pve::network::resolved(Answer::new(b"", b"", 2)), Ok(Vec::new()));
    assert!(pve::network::resolved(Answer::ok(b"")).is_err());
    let six = pve::network::resolved(Answer::ok(b"fe80::1%eth0   STREAM pve1\n127.0.1.1 STREAM\n")).expect("addresses");
    assert_eq!(six.len(), 2);
    let hosts = pve::files::content(entry(bundle, "cat /etc/hosts").answer()).expect("a file").expect("lines");
    assert!(hosts.iter().any(|line| line.contains("pve1")));
}

#[test]
fn clocks() {
    let clock = pve::host::clock_time(entry("bundles/healthy/pve1.txt", "date +%s.%N").answer()).expect("a time");
    assert_eq!(clock.as_nanosecond(), 1_795_337_480_441_566_622);
    let time = pve::host::time(entry(FACTS, "timedatectl show").answer()).expect("a status");
    assert_eq!(time.timezone.as_deref(), Some("Etc/UTC"));
    assert!(time.ntp.is_some() && time.synchronized.is_some());
    assert!(pve::host::clock_time(Answer::ok(b"1795337480.4\n")).is_err());
    assert!(pve::host::clock_time(Answer::ok(b"99999999999999999999.000000000\n")).is_err());
}

#[test]
fn guests_are_files_with_a_number() {
    let listing = b".\n..\n100.conf\n2.conf\n100.conf.tmp.12\nreadme\n104.conf\n";
    let guests = pve::host::guests(Answer::ok(listing), GuestKind::Qemu).expect("guests");
    assert_eq!(guests, [2, 100, 104].map(|vmid| GuestRef { vmid, kind: GuestKind::Qemu }));
    assert!(pve::host::guests(Answer::ok(b""), GuestKind::Qemu).is_err(), "silence is no empty folder");
    let missing = Answer::new(b"", b"ls: cannot access '/etc/pve/nodes/x/lxc': No such file or directory\n", 2);
    assert_eq!(pve::host::guests(missing, GuestKind::Lxc), Ok(Vec::new()));
    assert!(
        pve::host::guests(Answer::new(b"", b"ls: cannot open directory: Permission denied\n", 2), GuestKind::Lxc)
            .is_err()
    );
}

#[test]
fn the_state_of_pmxcfs() {
    let member = pve::pmxcfs::members(entry(HEALTHY, "cat /etc/pve/.members").answer()).expect("members");
    assert_eq!((member.node_name.as_str(), member.nodes.len()), ("pve1", 3));
    assert!(member.cluster.is_some_and(|cluster| cluster.quorate && cluster.version == 3));
    let alone =
        pve::pmxcfs::members(entry("pve-9.2/01-create.txt", "cat /etc/pve/.members").answer()).expect("members");
    assert!(alone.cluster.is_none() && alone.nodes.is_empty());
    let stopped = pve::pmxcfs::members(entry("bundles/pmxcfs-stopped/pve2.txt", "cat /etc/pve/.members").answer());
    assert_eq!(stopped.map_err(|error| error.reason), Err(Reason::NoSuchFile));
    let three: String = ["cat /etc/pve/.members", "cat /etc/pve/.version", "cat /etc/pve/.vmlist"]
        .iter()
        .map(|command| entry("bundles/healthy/pve1.txt", command).stdout)
        .collect();
    let state = pve::pmxcfs::state(Answer::ok(three.as_bytes())).expect("a state");
    assert_eq!(state.versions.versions["corosync.conf"], 3);
    assert_eq!(state.guests[&100].node, "pve1");
    assert!(pve::pmxcfs::state(Answer::ok(entry(HEALTHY, "cat /etc/pve/.members").stdout.as_bytes())).is_err());
    assert!(pve::pmxcfs::guests(Answer::ok(b"{}")).is_err());
}

#[test]
fn corosync_conf_with_and_without_a_qdevice() {
    let conf = pve::corosync_conf::read(&text("corosync-3.1.7/corosync.conf.3node")).expect("a configuration");
    assert_eq!((conf.cluster_name.as_str(), conf.config_version, conf.nodes.len()), ("lab", 3, 3));
    assert_eq!(conf.nodes[1].addresses[&1], "10.0.2.12");
    assert!(conf.qdevice.is_none() && conf.quorum_options.is_empty() && conf.link_priorities.is_empty());
    let recorded = entry("pve-9.2/50-qdevice-3-ok.txt", "cat /etc/pve/corosync.conf");
    let conf = pve::corosync_conf::conf(recorded.answer()).expect("a file").expect("a configuration");
    let device = conf.qdevice.expect("a device");
    assert_eq!((device.model.as_str(), device.votes), ("net", 1));
    assert_eq!((device.host.as_deref(), device.algorithm.as_deref()), (Some("10.0.1.50"), Some("ffsplit")));
    assert_eq!(conf.token_coefficient, Some(125));
    let missing = Answer::new(b"", b"cat: /etc/pve/corosync.conf: No such file or directory\n", 1);
    assert_eq!(pve::corosync_conf::conf(missing), Ok(None));
}

#[test]
fn corosync_conf_by_other_hands() {
    let text = "# by hand\ntotem{\n cluster_name: x\n\tconfig_version: 9\n interface {\n ringnumber: 1\n knet_link_priority: 5\n }\n}\n\
        nodelist {\n node {\n nodeid: 7\n ring0_addr: a\n quorum_votes: 2\n ring1_addr: fd00::7\n }\n}\n\
        quorum {\n provider: corosync_votequorum\n two_node: 1\n}\nsystem {\n unknown: yes\n}\n";
    let conf = pve::corosync_conf::read(text).expect("a configuration");
    assert_eq!((conf.nodes[0].name.as_str(), conf.nodes[0].votes), ("a", 2));
    assert_eq!(conf.nodes[0].addresses[&1], "fd00::7");
    assert_eq!(conf.link_priorities[&1], 5);
    assert_eq!(conf.quorum_options["two_node"], "1");
    for broken in
        ["", "totem {", "}", "totem {\n}\n", "words", &"a {\n".repeat(100), &text.replace("nodeid: 7", "nodeid: x")]
    {
        assert!(pve::corosync_conf::read(broken).is_err(), "{broken}");
    }
}

#[test]
fn services_and_units() {
    let services = [Service::Corosync, Service::PveCluster, Service::PveHaCrm];
    let states = pve::systemd::activity(Answer::new(b"active\nfailed\ninactive\n", b"", 3), &services).expect("states");
    assert_eq!(states[&Service::PveCluster], "failed");
    assert!(pve::systemd::activity(Answer::ok(b"active\n"), &services).is_err());
    let show = |load: &str, active: &str, sub: &str, result: &str, status: i32| {
        let text = format!(
            "Result={result}\nExecMainCode=1\nExecMainStatus={status}\nLoadState={load}\nActiveState={active}\nSubState={sub}\n"
        );
        pve::unit::state(Answer::ok(text.as_bytes())).expect("a state")
    };
    assert_eq!(show("loaded", "active", "running", "success", 0), UnitState::Running);
    assert_eq!(show("loaded", "active", "exited", "success", 0), UnitState::Exited { code: 0 });
    assert_eq!(show("loaded", "failed", "failed", "exit-code", 255), UnitState::Exited { code: 255 });
    assert_eq!(show("loaded", "failed", "failed", "timeout", 15), UnitState::Failed { code: 15 });
    assert_eq!(show("not-found", "inactive", "dead", "success", 0), UnitState::NotFound);
    let again =
        b"Failed to start transient service unit: Unit quorate-1.service was already loaded or has a fragment file.\n";
    assert_eq!(pve::unit::started(Answer::new(b"", again, 1)), Ok(Started::Already));
    assert_eq!(pve::unit::started(Answer::new(b"", b"Running as unit: quorate-1.service\n", 0)), Ok(Started::Started));
    assert!(pve::unit::started(Answer::new(b"", b"Failed to connect to bus\n", 1)).is_err());
}

#[test]
fn qdevice_and_qnetd() {
    let file = "pve-9.2/50-qdevice-3-ok.txt";
    let device = pve::qdevice::qdevice(entry(file, "corosync-qdevice-tool -sv").answer()).expect("a status");
    assert!(device.connected() && device.tls_active == Some(true));
    assert_eq!(device.qnetd_host.as_deref(), Some("10.0.1.50:5403"));
    let clients = pve::qdevice::clients(entry(file, "corosync-qnetd-tool -lv").answer()).expect("clients");
    let told: Vec<(&str, u32, &str)> =
        clients.iter().map(|one| (one.cluster.as_str(), one.node_id, one.address.as_str())).collect();
    assert_eq!(told, [("lab2", 1, "10.0.1.14:45436"), ("lab2", 2, "10.0.1.15:52190")]);
    assert_eq!(pve::qdevice::clients(Answer::new(b"", b"", 0)), Ok(Vec::new()), "nobody is connected");
    assert!(pve::qdevice::clients(Answer::new(b"QNetd address:\t*:5403\n", b"", 0)).is_err());
}

#[test]
fn debian_packages() {
    let known = b"corosync 3.1.7-1+deb12u2 installed\nlibknet1 1.25-1 installed\npve-cluster  not-installed\n";
    let unknown = b"dpkg-query: no packages found matching pve-manager\n";
    let found = pve::packages::installed(Answer::new(known, unknown, 1)).expect("packages");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["corosync", "libknet1"]);
    assert_eq!(pve::packages::installed(Answer::new(b"", unknown, 1)), Ok(std::collections::BTreeMap::new()));
    assert!(pve::packages::installed(Answer::new(b"", b"dpkg-query: error: no database\n", 2)).is_err());
}

#[test]
fn journal_lines() {
    let recorded = entry(HEALTHY, "journalctl -u corosync -n 3 --no-pager -o json");
    let entries = pve::journal::entries(recorded.answer()).expect("entries");
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[2].message.trim(), "[KNET  ] pmtud: Global data MTU changed to: 1397");
    assert_eq!((entries[2].unit.as_deref(), entries[2].priority), (Some("corosync.service"), Some(6)));
    assert!(entries[0].cursor.is_some());
    let bytes = br#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[27,91,51,49,109,104,105,255],"PRIORITY":"9"}"#;
    let entry = pve::journal::entry(bytes).expect("an entry");
    assert_eq!((entry.message.as_str(), entry.priority), ("hi\u{fffd}", None));
    assert!(pve::journal::entry(b"{}").is_err());
    assert_eq!(pve::journal::entries(Answer::ok(b"-- No entries --\n")), Ok(Vec::new()));
}

/// Debian's own programs, where the machine has them, speak as the readers expect.
#[test]
fn the_machine_itself_can_be_asked() {
    let kernel = ask(&pve::host::kernel());
    assert!(!pve::host::kernel_release(kernel.answer()).expect("a release").is_empty());
    assert!(pve::host::clock_time(ask(&pve::host::clock()).answer()).is_ok());
    assert!(pve::host::user_number(ask(&pve::host::user_id()).answer()).is_ok());
    assert_eq!(pve::files::yes_or_no(ask(&pve::files::exists(&NodeFile::Hosts)).answer()), Ok(true));
    assert_eq!(pve::files::yes_or_no(ask(&pve::files::exists(&NodeFile::PmxMembers)).answer()), Ok(false));
    let missing = ask(&pve::files::cluster_corosync_conf());
    assert_eq!(pve::files::content(missing.answer()), Ok(None));
    let sums = ask(&pve::files::sha256sums(&[NodeFile::Hosts, NodeFile::PmxMembers]));
    let digests = pve::files::digests(sums.answer()).expect("a digest");
    assert_eq!(digests.keys().collect::<Vec<_>>(), ["/etc/hosts"]);
}

/// Root may write whatever a mode says; the question is whether pmxcfs lets it.
#[test]
fn what_has_lost_its_owners_right_to_write_looks_unwritable_to_root_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = pve::files::pmxcfs_writable().exec_line(false);
    let line = line.replace("/etc/pve/nodes", &folder.path().display().to_string());
    let looks = |mode: u32| {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("a mode");
        let output = Command::new("/bin/sh").arg("-c").arg(&line).output().expect("a shell");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        !output.stdout.is_empty()
    };
    assert!(looks(0o755));
    assert!(!looks(0o555));
    assert!(looks(0o755));
    assert_eq!(
        pve::files::writable(ask(&pve::files::pmxcfs_writable()).answer()).map_err(|error| error.reason),
        Err(Reason::NoSuchFile)
    );
}

struct Asked {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    exit: i32,
}

impl Asked {
    fn answer(&self) -> Answer<'_> {
        Answer::new(&self.stdout, &self.stderr, self.exit)
    }
}

fn ask(command: &CommandLine) -> Asked {
    let output = Command::new("/bin/sh").arg("-c").arg(command.exec_line(false)).output().expect("a shell");
    Asked { stdout: output.stdout, stderr: output.stderr, exit: output.status.code().expect("an exit code") }
}

#[test]
fn quorumtool_tells_its_options() {
    let text = include_bytes!("fixtures/corosync-3.1.7/quorumtool_-h.txt");
    let letters = pve::quorumtool::options(pve::Answer::new(text, b"", 0)).expect("options");
    assert!(letters.contains(&'m') && letters.contains(&'V') && !letters.contains(&'W'), "{letters:?}");
    assert!(pve::quorumtool::options(pve::Answer::new(b"usage: nothing\n", b"", 0)).is_err());
}
