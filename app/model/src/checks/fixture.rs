//! Nodes for tests: two networks, names that appear nowhere else.

use crate::facts::host::{Device, Pings, Traffic, WholePackets};
use crate::facts::{Interface, InterfaceAddress, ProbeReport, PveVersion, TcpProbe, TimeStatus};
use crate::ids::NodeId;
use crate::links::LinkPlan;
use crate::observation::{Evidence, EvidenceLine};
use crate::preflight::{Cell, ClockOffset, ClusterTraces, FindingCode, Gathered, NodeEvidence, Source, probe_plan};
use crate::problem::ProblemCode;
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The kernel that every node of the fixture runs.
pub const KERNEL: &str = "6.17.2-1-pve";
/// A short way without losses.
pub const GOOD_PINGS: Pings = Pings { sent: 20, received: 20, min_us: 150, avg_us: 210, max_us: 400, jitter_us: 30 };

/// The card behind an address of the fixture: `52:54:00:00:NETWORK:HOST`.
fn mac_of(address: &std::net::IpAddr) -> String {
    let std::net::IpAddr::V4(four) = address else { return String::new() };
    let [_, _, network, host] = four.octets();
    format!("52:54:00:00:{network:02x}:{host:02x}")
}

pub fn id(n: u8) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(u128::from(n)))
}

pub fn version(major: u32, minor: u32, patch: u32) -> PveVersion {
    PveVersion { major, minor, patch, kernel: Some(KERNEL.into()) }
}

/// A node whose every fact is as it should be; the probe has not run.
pub fn healthy(n: u8, first: bool) -> NodeEvidence {
    let name = format!("alder{n}");
    let management = format!("10.0.1.{n}");
    let hosts = format!("127.0.0.1 localhost\n{management} {name}.example.net {name}\n");
    let mut node = NodeEvidence {
        node: id(n),
        label: name.clone(),
        first,
        management: management.parse().ok(),
        wanted_name: Some("prod".into()),
        version: Ok(version(9, 2, 11)),
        host_name: Ok(name.clone()),
        host_name_file: Ok(format!("{name}\n")),
        hosts_file: Ok(hosts.clone()),
        resolves_to: Ok(management.parse().into_iter().collect()),
        addresses: Ok(own(&[("vmbr0", &management), ("eno2", &format!("10.0.0.{n}"))])),
        interfaces: Ok(vec![interface("vmbr0", &management), interface("eno2", &format!("10.0.0.{n}"))]),
        clock: Ok(ClockOffset { millis: i64::from(n), error_millis: 2 }),
        time_sync: Ok(TimeStatus { timezone: Some("UTC".into()), ntp: Some(true), synchronized: Some(true) }),
        guests: Ok(Vec::new()),
        traces: Ok(ClusterTraces::default()),
        host_keys: Ok(["ssh-ed25519".to_owned(), "ssh-rsa".to_owned()].into()),
        user_id: Ok(0),
        probe: Ok(ProbeReport::default()),
        host: super::tests::fixture_host::healthy(&name, management.parse().expect("an address")),
        evidence: BTreeMap::new(),
    };
    show(&mut node, Source::Version, "pve-manager/9.2.11/1e3d (running kernel: 6.17.2-1-pve)\n");
    show(&mut node, Source::HostName, &format!("{name}\n"));
    show(&mut node, Source::HostNameFile, &format!("{name}\n"));
    show(&mut node, Source::HostsFile, &hosts);
    show(&mut node, Source::Certificate, "notAfter=Nov 20 08:41:56 2028 GMT\n");
    show(&mut node, Source::CertificateAuthority, "notAfter=Nov 20 08:41:56 2036 GMT\n");
    node
}

/// A node that never answered.
pub fn lost(n: u8) -> NodeEvidence {
    NodeEvidence {
        management: format!("10.0.1.{n}").parse().ok(),
        ..NodeEvidence::missing(id(n), &format!("alder{n}"), false, &ProblemCode::Unreachable.into())
    }
}

/// A fact that did not come in time.
pub fn gone<T>() -> Gathered<T> {
    Err(ProblemCode::NodeHangs.into())
}

/// Gives every node that answers the report of a network without faults.
pub fn probed<const N: usize>(mut nodes: [NodeEvidence; N]) -> [NodeEvidence; N] {
    let plan = probe_plan(&nodes);
    for node in nodes.iter_mut().filter(|node| node.probe.is_ok()) {
        let targets = plan.get(&node.node).cloned().unwrap_or_default();
        node.probe = Ok(ProbeReport {
            listen: targets.listen.iter().map(|one| (one.to_string(), "ok".to_owned())).collect(),
            udp: targets.udp.iter().map(|(_, one)| (one.to_string(), (5, 5))).collect(),
            tcp: targets
                .tcp
                .iter()
                .map(|(_, one)| (one.to_string(), TcpProbe::Open { millis: 1 }))
                .chain(targets.refusing.iter().map(|one| (one.to_string(), TcpProbe::Refused)))
                .collect(),
            pings: targets.echo.iter().map(|(_, one, _)| (one.to_string(), GOOD_PINGS)).collect(),
            whole: targets
                .echo
                .iter()
                .map(|(_, one, bytes)| (one.to_string(), WholePackets { bytes: *bytes, sent: 3, received: 3 }))
                .collect(),
            path_mtu: targets.echo.iter().map(|(_, one, bytes)| (one.to_string(), *bytes)).collect(),
            neighbours: targets.echo.iter().map(|(_, one, _)| (one.to_string(), mac_of(one))).collect(),
            traffic: ["vmbr0", "eno2"]
                .map(|name| (name.to_owned(), Traffic { millis: 4_000, bytes: 4_096, errors: 0, drops: 0 }))
                .into(),
            ..ProbeReport::default()
        });
    }
    nodes
}

pub fn show(node: &mut NodeEvidence, source: Source, text: &str) {
    let evidence = Evidence {
        node: node.label.clone(),
        command: format!("{source:?}"),
        exit: Some(0),
        at: Timestamp::UNIX_EPOCH,
        millis: 3,
        lines: text.lines().map(|line| EvidenceLine { text: line.to_owned(), guilty: false }).collect(),
        cut: false,
    };
    node.evidence.insert(source, evidence);
}

/// The lines that a cell accuses.
pub fn guilty(cell: &Cell) -> Vec<&str> {
    cell.evidence.iter().flat_map(|one| &one.lines).filter(|line| line.guilty).map(|line| line.text.as_str()).collect()
}

pub fn has(cell: &Cell, code: FindingCode) -> bool {
    cell.findings.iter().any(|finding| finding.code == code)
}

/// The parameters of a finding that the cell must have.
pub fn params(cell: &Cell, code: FindingCode) -> &BTreeMap<String, String> {
    let found = cell.findings.iter().find(|finding| finding.code == code);
    &found.unwrap_or_else(|| panic!("no {code:?} in {:?}", cell.findings)).params
}

fn interface(name: &str, address: &str) -> Interface {
    let mac = address.parse().ok().map(|address| mac_of(&address));
    Interface { name: name.into(), mac, mtu: 1500, up: true, master: None, lower: None }
}

/// A real card in a slot of its own, unless `bus` is `None`.
pub fn device(name: &str, kind: Option<&str>, bus: Option<&str>, master: Option<&str>) -> Device {
    let text = |word: Option<&str>| word.map(str::to_owned);
    Device {
        name: name.into(),
        kind: text(kind),
        bus: text(bus),
        master: text(master),
        mtu: 1_500,
        up: true,
        ..Device::default()
    }
}

/// Interface and address, in networks of 24 bits.
pub fn own(list: &[(&str, &str)]) -> Vec<InterfaceAddress> {
    let one = |(interface, address): &(&str, &str)| InterfaceAddress {
        interface: (*interface).to_owned(),
        address: address.parse().expect("an address"),
        prefix: 24,
        global: true,
        dynamic: false,
    };
    list.iter().map(one).collect()
}

/// Two chosen links for nodes of the fixture: management, and the dedicated network with the higher priority.
pub fn links(numbers: &[u8]) -> Vec<LinkPlan> {
    let link = |number: u8, priority: u32, network: &str| LinkPlan {
        number,
        priority: Some(priority),
        network: None,
        addresses: numbers.iter().map(|n| (id(*n), format!("{network}.{n}").parse().expect("an address"))).collect(),
    };
    vec![link(0, 10, "10.0.1"), link(1, 20, "10.0.0")]
}
