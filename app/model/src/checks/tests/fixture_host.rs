//! The facts of a healthy machine beside those of the seed's eight checks.

use crate::checks::fixture::{KERNEL, device};
use crate::facts::host::{
    Accounts, Certificate, ClockTracking, Database, DiskSpace, LinkSpeed, Memory, NameUse, Repository, Ruleset,
    Storage, SwitchSeen, TimeSource,
};
use crate::preflight::HostFacts;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// So many KiB are a gibibyte.
const GIB_IN_KIB: u64 = 1 << 20;

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn certificate(name: &str, address: IpAddr, until: &str) -> Certificate {
    Certificate {
        not_after: until.parse().expect("a time"),
        names: [name.to_owned()].into(),
        addresses: [address].into(),
    }
}

pub fn switch(interface: &str, chassis: &str) -> SwitchSeen {
    SwitchSeen { interface: interface.into(), chassis: chassis.into(), name: None }
}

pub fn healthy(name: &str, address: IpAddr) -> HostFacts {
    let kernel = format!("proxmox-kernel-{KERNEL}-signed");
    let fast = LinkSpeed { megabits: Some(10_000), full_duplex: Some(true) };
    let local = Storage { id: "local".into(), kind: "dir".into(), options: texts([("path", "/var/lib/vz")]) };
    let source = |suite: &str, component: &str| Repository {
        uri: "http://repository.example/".into(),
        suite: suite.into(),
        component: component.into(),
    };
    HostFacts {
        api_version: Ok(1),
        packages: Ok(texts([("corosync", "3.1.9-pve2"), ("pve-cluster", "9.1.6"), (&kernel, "6.17.2-1")])),
        pve_nodes: Ok(vec![name.to_owned()]),
        services: Ok(texts([
            ("corosync", "inactive"),
            ("chrony", "active"),
            ("pve-cluster", "active"),
            ("pveproxy", "active"),
            ("pvedaemon", "active"),
            ("pvestatd", "active"),
        ])),
        time_tracking: Ok(ClockTracking { offset_us: 120, synchronised: true }),
        time_sources: Ok(vec![TimeSource { name: "ntp.example.net".into(), selected: true }]),
        sshd: Ok(texts([("port", "22"), ("permitrootlogin", "yes")])),
        shell_noise: Ok(Vec::new()),
        corosync_state: Ok(Vec::new()),
        database: Ok(Database { integrity: "ok".into(), entries: 21, bytes: 9_000, doubles: Vec::new() }),
        devices: Ok(vec![
            device("vmbr0", Some("bridge"), None, None),
            device("eno1", None, Some("0000:02:00.0"), Some("vmbr0")),
            device("eno2", None, Some("0000:03:00.0"), None),
        ]),
        default_interfaces: Ok(["vmbr0".to_owned()].into()),
        speeds: Ok([("eno1".to_owned(), fast), ("eno2".to_owned(), fast)].into()),
        settings: Ok([
            ("net.ipv4.conf.all.rp_filter".to_owned(), 2),
            ("net.netfilter.nf_conntrack_count".to_owned(), 90),
            ("net.netfilter.nf_conntrack_max".to_owned(), 262_144),
        ]
        .into()),
        firewall: Ok(false),
        ruleset: Ok(Ruleset::default()),
        repositories: Ok(vec![source("trixie", "main"), source("trixie", "pve-no-subscription")]),
        updates: Ok(BTreeSet::new()),
        subscription: Ok("notfound".into()),
        disks: Ok(vec![DiskSpace { place: "/".into(), free_bytes: 60 << 30, inodes_used_percent: Some(3) }]),
        io_stalled: Ok(12),
        memory: Ok(Memory { available_kib: 12 * GIB_IN_KIB, swap_kib: 0, swap_free_kib: 0 }),
        storages: Ok(vec![local]),
        accounts: Ok(Accounts::default()),
        certificate: Ok(certificate(name, address, "2028-11-20T08:41:56Z")),
        certificate_authority: Ok(certificate("pve", address, "2036-11-20T08:41:56Z")),
        certificate_chain: Ok(Ok(())),
        folder: Ok("/root".into()),
        name_order: Ok(vec![address]),
        cluster_name: Ok(NameUse { name: "prod".into(), addresses: Vec::new() }),
        switches: Ok(vec![switch("eno1", "00:1b:21:00:00:0a"), switch("eno2", "00:1b:21:00:00:0b")]),
        hung_tasks: Ok(0),
    }
}
