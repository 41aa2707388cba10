//! Named starting points, and building the world from them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use rand::Rng as _;

use crate::cluster::config::{ClusterConfig, NodeEntry};
use crate::cluster::corosync::{AUTHKEY_FILE, CONFIG_FILE};
use crate::cluster::pmxcfs::DB_CONFIG;
use crate::error::LabError;
use crate::faults::Fault;
use crate::node::files::Files;
use crate::node::keys::{HostKeys, rng_for, rsa_public};
use crate::node::net::Nic;
use crate::node::release::Release;
use crate::node::{Kind, Node, NodeFaults, Power, SudoUser};
use crate::world::World;

/// Root's password on every simulated node, unless a scenario says otherwise.
pub const ROOT_PASSWORD: &str = "quorate-demo";
/// Password of the sudo user.
const USER_PASSWORD: &str = "quorate-user";
/// A machine whose disks have little to do.
const IO_PRESSURE: &str =
    "some avg10=0.00 avg60=0.10 avg300=0.01 total=2492239\nfull avg10=0.00 avg60=0.07 avg300=0.00 total=2019606\n";
/// 16 GiB, most of it free.
const MEMORY: &str = "MemTotal:       16384000 kB\nMemFree:        11000000 kB\nMemAvailable:   12000000 kB\nSwapTotal:       8388604 kB\nSwapFree:        8388604 kB\n";
/// Long enough for every timer of a freshly started cluster, in simulated milliseconds.
const SETTLE_MS: u64 = 600_000;

/// One host of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// The lab's name for it.
    pub name: String,
    /// What it calls itself; usually the same.
    pub hostname: String,
    /// Addresses of its cards, the first one being where its name leads.
    pub addresses: Vec<Ipv4Addr>,
    /// What is installed.
    pub release: Release,
    /// A user who may use sudo without a password.
    pub sudo_user: Option<String>,
    /// Root's password.
    pub root_password: String,
}

impl NodeSpec {
    /// Host `number` (1..) of the lab's two networks, 10.0.1.0/24 and 10.0.2.0/24, from .11 on.
    pub fn pve(name: &str, number: u8) -> Self {
        let last = number.saturating_add(10);
        Self {
            name: name.to_owned(),
            hostname: name.to_owned(),
            addresses: vec![Ipv4Addr::new(10, 0, 1, last), Ipv4Addr::new(10, 0, 2, last)],
            release: Release::Pve92,
            sudo_user: None,
            root_password: ROOT_PASSWORD.to_owned(),
        }
    }

    /// The host for the QDevice: 10.0.1.50, Debian.
    pub fn qnetd(name: &str) -> Self {
        let addresses = vec![Ipv4Addr::new(10, 0, 1, 50)];
        Self { addresses, release: Release::Debian13, ..Self::pve(name, 40) }
    }
}

/// A starting point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Second last number of the loopback addresses: nodes listen on 127.77.INDEX.N.
    pub index: u8,
    /// The hosts.
    pub nodes: Vec<NodeSpec>,
    /// Name of a cluster that all Proxmox nodes already form.
    pub cluster: Option<String>,
    /// Faults that are there from the beginning.
    pub faults: Vec<Fault>,
}

impl Scenario {
    /// A starting point by its name: `bare`, `bare-84`, `healthy`, `sick` (always three nodes), `unprepared`.
    pub fn by_name(name: &str, count: u8) -> Option<Self> {
        Some(match name {
            "bare" => Self::bare(count),
            "bare-84" => Self::bare_84(count),
            "healthy" => Self::healthy(count),
            "sick" => Self::sick(),
            "unprepared" => Self::unprepared(count),
            _ => return None,
        })
    }

    /// `count` standalone Proxmox VE 9.2 nodes `pve1`.. and the host `qnetd1`.
    pub fn bare(count: u8) -> Self {
        let mut nodes: Vec<NodeSpec> =
            (1..=count).map(|number| NodeSpec::pve(&format!("pve{number}"), number)).collect();
        nodes.push(NodeSpec::qnetd("qnetd1"));
        Self { index: 1, nodes, cluster: None, faults: Vec::new() }
    }

    /// The same with Proxmox VE 8.4.
    pub fn bare_84(count: u8) -> Self {
        let mut scenario = Self::bare(count);
        for node in scenario.nodes.iter_mut().filter(|node| node.release == Release::Pve92) {
            node.release = Release::Pve84;
        }
        scenario
    }

    /// A running cluster `lab` of `count` nodes.
    pub fn healthy(count: u8) -> Self {
        Self { index: 2, cluster: Some("lab".to_owned()), ..Self::bare(count) }
    }

    /// Three nodes in a cluster: the third is dead, link 1 of the second is cut.
    pub fn sick() -> Self {
        let faults =
            vec![Fault::CutLink { node: "sick2".to_owned(), link: 1 }, Fault::Kill { node: "sick3".to_owned() }];
        let nodes = (1..=3).map(|number| NodeSpec::pve(&format!("sick{number}"), number + 20)).collect();
        Self { index: 3, nodes, cluster: Some("sick".to_owned()), faults }
    }

    /// Bare nodes with what a check must find: 127.0.1.1, a guest, a clock 3 s off, another minor version.
    ///
    /// With fewer than four nodes the later ones share nothing: only the first `count` flaws are there.
    pub fn unprepared(count: u8) -> Self {
        let mut scenario = Self { index: 4, ..Self::bare(count) };
        let mut flaws = vec![
            Fault::BreakHosts { node: "pve1".to_owned(), on: true },
            Fault::AddGuest { node: "pve2".to_owned(), vmid: 100 },
            Fault::SkewClock { node: "pve3".to_owned(), millis: 3_000 },
        ];
        flaws.truncate(usize::from(count));
        scenario.faults = flaws;
        if let Some(node) = scenario.nodes.get_mut(3).filter(|node| node.release == Release::Pve92) {
            node.release = Release::Pve91;
        }
        scenario
    }

    /// Gives the Proxmox nodes other names, in order.
    #[must_use]
    pub fn named(mut self, names: &[&str]) -> Self {
        for (node, name) in self.nodes.iter_mut().zip(names) {
            node.name = (*name).to_owned();
            node.hostname = (*name).to_owned();
        }
        self
    }
}

/// Builds the world of a scenario at the given time (microseconds since 1970).
pub(crate) fn build(scenario: &Scenario, seed: u64, speed: f64, started_us: i64) -> Result<World, LabError> {
    let mut nodes = BTreeMap::new();
    for spec in &scenario.nodes {
        nodes.insert(spec.name.clone(), host(spec, &scenario.nodes, seed)?);
    }
    let mut world = World::new(nodes, started_us, speed, seed, 2 * SETTLE_MS);
    let names: Vec<String> =
        scenario.nodes.iter().filter(|spec| spec.release != Release::Debian13).map(|spec| spec.name.clone()).collect();
    if let Some(cluster) = &scenario.cluster {
        form_cluster(&mut world, cluster, &names);
    }
    for name in &names {
        world.start_pmxcfs(name);
        if scenario.cluster.is_some() {
            world.start_corosync(name);
        }
    }
    world.settle(SETTLE_MS);
    for fault in &scenario.faults {
        world.inject(fault)?;
    }
    world.settle(SETTLE_MS);
    Ok(world)
}

fn host(spec: &NodeSpec, all: &[NodeSpec], seed: u64) -> Result<Node, LabError> {
    let mut rng = rng_for(seed, &spec.name);
    let keys = HostKeys::generate(&spec.hostname, &mut rng)?;
    let kind = if spec.release == Release::Debian13 { Kind::Qnetd } else { Kind::Pve };
    let mut node = Node {
        name: spec.name.clone(),
        hostname: spec.hostname.clone(),
        kind,
        release: spec.release,
        power: Power::On,
        powered: true,
        boots: 1,
        nics: nics(spec, kind, &mut rng),
        files: Files::default(),
        keys,
        root_password: spec.root_password.clone(),
        sudo_user: spec.sudo_user.clone().map(|name| SudoUser { name, password: USER_PASSWORD.to_owned() }),
        clock_offset_ms: 0,
        time: Default::default(),
        units: BTreeMap::new(),
        pmxcfs: Default::default(),
        corosync: Default::default(),
        qdevice: Default::default(),
        qnetd_running: kind == Kind::Qnetd,
        journal: Default::default(),
        faults: NodeFaults::default(),
        ran: BTreeMap::new(),
    };
    disk(&mut node, all, rng.random());
    Ok(node)
}

fn nics(spec: &NodeSpec, kind: Kind, rng: &mut impl rand::RngCore) -> Vec<Nic> {
    let mut nics = Vec::new();
    for (at, address) in spec.addresses.iter().enumerate() {
        let [a, b, c]: [u8; 3] = rng.random();
        let [_, _, network, _] = address.octets();
        let bridge = (at == 0 && kind == Kind::Pve).then(|| "vmbr0".to_owned());
        nics.push(Nic {
            port: format!("eno{}", at + 1),
            bridge,
            address: IpAddr::V4(*address),
            prefix: 24,
            mac: format!("52:54:00:{a:02x}:{b:02x}:{c:02x}"),
            network: usize::from(network),
            up: true,
            deaf: false,
            unheard: false,
            loss_percent: 0,
            delay_ms: 0,
            mtu: 1_500,
        });
    }
    nics
}

fn disk(node: &mut Node, all: &[NodeSpec], id: u128) {
    for directory in [
        "/root/.ssh",
        "/etc/corosync/uidgid.d",
        "/etc/ssh",
        "/run",
        "/tmp",
        "/var/lib/corosync",
        "/var/lib/pve-cluster/backup",
    ] {
        node.files.make_directory(directory);
    }
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    // Every node knows its own name only: the others' are not needed.
    if let Some(address) = all.iter().find(|spec| spec.name == node.name).and_then(|spec| spec.addresses.first()) {
        hosts.push_str(&format!("{address} {host}.lab.local {host}\n", host = node.hostname));
    }
    node.files.put("/proc/pressure/io", IO_PRESSURE, 0o444);
    node.files.put("/proc/meminfo", MEMORY, 0o444);
    if node.kind == Kind::Pve {
        for kind in ["qemu-server", "lxc"] {
            node.pmxcfs.db.insert(format!("nodes/{}/{kind}/", node.hostname), Vec::new());
        }
    }
    node.files.put("/etc/hosts", hosts, 0o644);
    node.files.put("/etc/hostname", format!("{}\n", node.hostname), 0o644);
    node.files.put("/etc/machine-id", format!("{id:032x}\n"), 0o444);
    if node.kind == Kind::Pve {
        node.files.put(crate::bmc::UUID_FILE, format!("{}\n", uuid(id)), 0o400);
    }
    if let Some(user) = &node.sudo_user {
        node.files.make_directory(&format!("/home/{}/.ssh", user.name));
    }
    node.write_host_keys();
}

/// A UUID that differs from the machine id: a real one has nothing to do with it.
fn uuid(id: u128) -> String {
    let hex = format!("{:032x}", id.rotate_left(64) | 1);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Leaves behind what `pvecm create` and the joins would have left.
fn form_cluster(world: &mut World, cluster: &str, names: &[String]) {
    let mut entries: Vec<NodeEntry> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let Some(node) = world.nodes.get(name) else { continue };
        let rings = (0..).zip(node.nics.iter().map(|nic| nic.address.to_string())).collect();
        let id = u32::try_from(at + 1).unwrap_or(0);
        entries.push(NodeEntry { name: node.hostname.clone(), id, votes: 1, rings });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let links: BTreeMap<u8, Option<u32>> =
        entries.first().map(|entry| entry.rings.keys().map(|link| (*link, None)).collect()).unwrap_or_default();
    let modern =
        names.iter().filter_map(|name| world.nodes.get(name)).all(|node| node.release.writes_token_coefficient());
    let config = ClusterConfig {
        name: cluster.to_owned(),
        version: u64::try_from(names.len()).unwrap_or(1),
        nodes: entries,
        interfaces: links,
        token_coefficient: modern.then_some(125),
        device: None,
    };
    let Some(first) = names.first() else { return };
    let key = world.fresh_bytes(first, "authkey", 256);
    let mut shared = String::new();
    for name in names {
        let mut rng = world.fresh_rng(name, "/root/.ssh/id_rsa");
        let Some(node) = world.nodes.get_mut(name) else { continue };
        let line = rsa_public(&format!("root@{}", node.hostname), &mut rng);
        node.files.put(
            "/root/.ssh/id_rsa",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
            0o600,
        );
        node.files.put("/root/.ssh/id_rsa.pub", format!("{line}\n"), 0o644);
        node.files.link("/root/.ssh/authorized_keys", "/etc/pve/priv/authorized_keys");
        node.files.put(AUTHKEY_FILE, &key, 0o400);
        node.files.put(CONFIG_FILE, config.render(), 0o644);
        shared.push_str(&format!("{line}\n"));
    }
    for name in names {
        let Some(node) = world.nodes.get_mut(name) else { continue };
        node.pmxcfs.db.insert(DB_CONFIG.to_owned(), config.render().into_bytes());
        node.pmxcfs.db.insert("priv/authorized_keys".to_owned(), shared.clone().into_bytes());
        node.pmxcfs.db_version = 1;
    }
    for name in names {
        world.publish_seeded(name, names);
    }
}

impl World {
    /// Lets everything settle without anybody waiting for it.
    fn settle(&mut self, span: u64) {
        self.advance(self.now + span);
    }

    /// Puts one node's own files into the databases of all, as the joins would have.
    fn publish_seeded(&mut self, name: &str, names: &[String]) {
        let Some(node) = self.nodes.get(name) else { return };
        let host = node.hostname.clone();
        let words: Vec<&str> = node.keys.rsa_public.split(' ').take(2).collect();
        let line = format!("{host} {}\n", words.join(" "));
        for peer in names {
            let Some(peer) = self.nodes.get_mut(peer) else { continue };
            peer.pmxcfs.db.insert(format!("nodes/{host}/ssh_known_hosts"), line.clone().into_bytes());
            peer.pmxcfs.db.insert(
                format!("nodes/{host}/pve-ssl.pem"),
                format!("-----BEGIN CERTIFICATE-----\n{host}\n-----END CERTIFICATE-----\n").into_bytes(),
            );
            for kind in ["qemu-server", "lxc"] {
                peer.pmxcfs.db.insert(format!("nodes/{host}/{kind}/"), Vec::new());
            }
        }
    }
}
