//! Every check with what it must find, and with each of its sources unreadable.
//!
//! A check without a case, or one that passes without its evidence, fails here, and so the build.

use super::fixture_host;
use crate::checks::fixture::{device, healthy, id, links, probed, show};
use crate::checks::judge;
use crate::facts::TcpProbe;
use crate::facts::host::{Device, DiskSpace, LinkSpeed, Repository, Storage, TimeSource, WholePackets};
use crate::preflight::{Cell, CheckGroup, CheckId, FindingCode as F, NodeEvidence, Verdict};
use crate::problem::ProblemCode;

/// What the second of three nodes is changed into, and what that has to be.
type Case = (CheckId, F, Verdict, fn(&mut NodeEvidence));

const NUMBERS: [u8; 3] = [11, 12, 13];

fn cell(check: CheckId, change: impl Fn(&mut NodeEvidence)) -> Cell {
    let mut nodes = probed([healthy(11, true), healthy(12, false), healthy(13, false)]);
    change(&mut nodes[1]);
    if check == CheckId::ForeignStorage {
        // Shared means that another one has it too.
        change(&mut nodes[2]);
    }
    let cells = judge(&nodes, &links(&NUMBERS));
    cells.into_iter().find(|cell| cell.check == check && cell.node == id(12)).expect("a cell")
}

fn first_ping(node: &mut NodeEvidence, change: fn(&mut crate::facts::host::Pings)) {
    node.probe.as_mut().unwrap().pings.values_mut().take(1).for_each(change);
}

fn bond(mode: &str, rate: &str, second_up: bool) -> Vec<Device> {
    let member = |name: &str, up| Device { member_up: Some(up), ..device(name, None, None, Some("bond0")) };
    let bond = Device {
        bond_mode: Some(mode.into()),
        lacp_rate: Some(rate.into()),
        ..device("bond0", Some("bond"), None, None)
    };
    vec![bond, member("eno1", true), member("eno2", second_up)]
}

fn shared(server: &str) -> Storage {
    let options = [("server", server), ("export", "/vm")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    Storage { id: "nas".into(), kind: "nfs".into(), options: options.into() }
}

const BASICS: &[Case] = &[
    (CheckId::SameVersion, F::VersionMajorDiffers, Verdict::Fail, |n| n.version.as_mut().unwrap().major = 8),
    (CheckId::HostNames, F::NameTwice, Verdict::Fail, |n| n.host_name = Ok("alder11".into())),
    (CheckId::HostsFile, F::NameLoopback, Verdict::Fail, |n| n.resolves_to = Ok(["127.0.1.1".parse().unwrap()].into())),
    (CheckId::Clocks, F::NotSynchronized, Verdict::Fail, |n| n.time_sync.as_mut().unwrap().synchronized = Some(false)),
    (CheckId::ManagementNetwork, F::ManagementDynamic, Verdict::Fail, |n| {
        n.addresses.as_mut().unwrap()[0].dynamic = true
    }),
    (CheckId::Ports, F::UdpLost, Verdict::Fail, |n| {
        n.probe.as_mut().unwrap().udp.values_mut().for_each(|one| one.0 = 0)
    }),
    (CheckId::RootSsh, F::NotRoot, Verdict::Fail, |n| n.user_id = Ok(1000)),
    (CheckId::JoinApi, F::ApiDiffers, Verdict::Fail, |n| n.host.api_version = Ok(3)),
    (CheckId::CorosyncVersion, F::CorosyncOld, Verdict::Fail, |n| {
        n.host.packages.as_mut().unwrap().insert("corosync".into(), "2.4.4-pve1".into());
    }),
    (CheckId::CorosyncVersion, F::PackageDiffers, Verdict::Warn, |n| {
        n.host.packages.as_mut().unwrap().insert("pve-cluster".into(), "9.0.7".into());
    }),
    (CheckId::HostLink, F::NameNotOnLink, Verdict::Warn, |n| {
        let other = crate::checks::fixture::own(&[("vmbr1", "10.9.9.12")]);
        n.addresses.as_mut().unwrap().extend(other);
        n.management = None;
        n.resolves_to = Ok(["10.9.9.12".parse().unwrap()].into());
    }),
    (CheckId::ClockService, F::ChronyNotSynchronised, Verdict::Fail, |n| {
        n.host.time_tracking.as_mut().unwrap().synchronised = false
    }),
    (CheckId::ClockService, F::ChronyOffset, Verdict::Warn, |n| {
        n.host.time_tracking.as_mut().unwrap().offset_us = 51_000
    }),
    (CheckId::ClockService, F::TimesyncdOnly, Verdict::Warn, |n| {
        let services = n.host.services.as_mut().unwrap();
        services.insert("chrony".into(), "inactive".into());
        services.insert("systemd-timesyncd".into(), "active".into());
    }),
    (CheckId::ClockService, F::TimeServiceNone, Verdict::Fail, |n| {
        drop(n.host.services.as_mut().unwrap().remove("chrony"))
    }),
    (CheckId::ClockSource, F::NoTimeSource, Verdict::Fail, |n| {
        n.host.time_sources.as_mut().unwrap()[0].selected = false
    }),
    (CheckId::ClockSource, F::TimeSourcesDiffer, Verdict::Warn, |n| {
        n.host.time_sources = Ok(vec![TimeSource { name: "192.0.2.1".into(), selected: true }]);
    }),
    (CheckId::TimeZone, F::ZoneDiffers, Verdict::Warn, |n| {
        n.time_sync.as_mut().unwrap().timezone = Some("Europe/Paris".into())
    }),
    (CheckId::Firewall, F::InputDropped, Verdict::Fail, |n| n.host.ruleset.as_mut().unwrap().drops_input = true),
    (CheckId::Firewall, F::ForeignFirewall, Verdict::Warn, |n| {
        n.host.ruleset.as_mut().unwrap().foreign.insert("ufw".into());
    }),
    (CheckId::MigrationPorts, F::MigrationPortSilent, Verdict::Warn, |n| {
        n.probe.as_mut().unwrap().tcp.values_mut().for_each(|one| *one = TcpProbe::Timeout);
    }),
    (CheckId::SshdSettings, F::SshdPort, Verdict::Warn, |n| {
        drop(n.host.sshd.as_mut().unwrap().insert("port".into(), "2222".into()))
    }),
    (CheckId::SshdSettings, F::RootLoginForbidden, Verdict::Warn, |n| {
        n.host.sshd.as_mut().unwrap().insert("permitrootlogin".into(), "no".into());
    }),
    (CheckId::QuietShell, F::ShellTalks, Verdict::Warn, |n| n.host.shell_noise = Ok(vec!["Welcome!".into()])),
];

const LEFTOVERS: &[Case] = &[
    (CheckId::NoGuests, F::LeftoverAuthkey, Verdict::Fail, |n| n.traces.as_mut().unwrap().authkey = true),
    (CheckId::CorosyncDown, F::CorosyncRuns, Verdict::Fail, |n| {
        n.host.services.as_mut().unwrap().insert("corosync".into(), "active".into());
    }),
    (CheckId::CorosyncState, F::CorosyncLeftovers, Verdict::Warn, |n| {
        n.host.corosync_state = Ok(vec!["ringid_1".into()])
    }),
    (CheckId::PmxcfsDatabase, F::DatabaseDamaged, Verdict::Fail, |n| {
        n.host.database.as_mut().unwrap().integrity = "row 3 missing".into()
    }),
    (CheckId::PmxcfsDatabase, F::DatabaseDoubles, Verdict::Fail, |n| {
        n.host.database.as_mut().unwrap().doubles = vec!["7/storage.cfg".into()]
    }),
    (CheckId::PmxcfsDatabase, F::DatabaseLarge, Verdict::Warn, |n| n.host.database.as_mut().unwrap().bytes = 70 << 20),
    (CheckId::RenamedNode, F::ForeignNodeFolder, Verdict::Fail, |n| {
        n.host.pve_nodes.as_mut().unwrap().push("old".into())
    }),
    (CheckId::RenamedNode, F::OwnFolderMissing, Verdict::Fail, |n| n.host.pve_nodes = Ok(vec!["old".into()])),
];

const LINKS: &[Case] = &[
    (CheckId::LinkAddresses, F::LinkNotOwn, Verdict::Fail, |n| drop(n.addresses.as_mut().unwrap().remove(1))),
    (CheckId::LinkAddresses, F::LinkLearned, Verdict::Fail, |n| n.addresses.as_mut().unwrap()[1].dynamic = true),
    (CheckId::LinkSubnets, F::LinksOverlap, Verdict::Fail, |n| {
        n.addresses.as_mut().unwrap().iter_mut().for_each(|one| one.prefix = 16)
    }),
    (CheckId::DuplicateAddresses, F::OtherMachine, Verdict::Fail, |n| {
        n.probe.as_mut().unwrap().neighbours.insert("10.0.1.11".into(), "66:66:66:66:66:66".into());
    }),
    (CheckId::DuplicateAddresses, F::AddressTwice, Verdict::Fail, |n| {
        n.addresses.as_mut().unwrap().extend(crate::checks::fixture::own(&[("eno3", "10.0.1.13")]));
    }),
    (CheckId::LinkLoss, F::PingLost, Verdict::Warn, |n| first_ping(n, |one| one.received = 19)),
    (CheckId::LinkLoss, F::PingLost, Verdict::Fail, |n| first_ping(n, |one| one.received = 18)),
    (CheckId::LinkLatency, F::PingSlow, Verdict::Warn, |n| first_ping(n, |one| one.avg_us = 9_000)),
    (CheckId::LinkLatency, F::PingSlow, Verdict::Fail, |n| first_ping(n, |one| one.avg_us = 11_000)),
    (CheckId::LinkLatency, F::PingPeak, Verdict::Warn, |n| first_ping(n, |one| one.max_us = 12_000)),
    (CheckId::LinkJitter, F::PingUneven, Verdict::Warn, |n| first_ping(n, |one| one.jitter_us = 1_500)),
    (CheckId::LinkJitter, F::PingUneven, Verdict::Fail, |n| first_ping(n, |one| one.jitter_us = 3_500)),
    (CheckId::LinkMtu, F::MtuBlocked, Verdict::Fail, |n| {
        let blocked = WholePackets { bytes: 9_000, sent: 3, received: 0 };
        n.probe.as_mut().unwrap().whole.values_mut().for_each(|one| *one = blocked);
    }),
    (CheckId::LinkMtu, F::MtuDiffers, Verdict::Warn, |n| n.interfaces.as_mut().unwrap()[1].mtu = 9_000),
    (CheckId::LinkLoad, F::CardErrors, Verdict::Warn, |n| {
        n.probe.as_mut().unwrap().traffic.get_mut("eno2").unwrap().errors = 3
    }),
    (CheckId::LinkLoad, F::CardBusy, Verdict::Warn, |n| {
        n.probe.as_mut().unwrap().traffic.get_mut("eno2").unwrap().bytes = 3 << 30
    }),
    (CheckId::LinkSpeed, F::CardSlow, Verdict::Warn, |n| {
        n.host
            .speeds
            .as_mut()
            .unwrap()
            .insert("eno2".into(), LinkSpeed { megabits: Some(100), full_duplex: Some(true) });
    }),
    (CheckId::LinkSpeed, F::HalfDuplex, Verdict::Warn, |n| {
        n.host
            .speeds
            .as_mut()
            .unwrap()
            .insert("eno2".into(), LinkSpeed { megabits: Some(1_000), full_duplex: Some(false) });
    }),
    (CheckId::LinkRedundancy, F::SameCard, Verdict::Fail, |n| {
        n.host.devices.as_mut().unwrap()[2] =
            Device { lower: Some("eno1".into()), ..device("eno2", Some("vlan"), None, None) };
    }),
    (CheckId::LinkRedundancy, F::SameSlot, Verdict::Warn, |n| {
        n.host.devices.as_mut().unwrap()[2].bus = Some("0000:02:00.1".into())
    }),
    (CheckId::LinkRedundancy, F::HardwareUnknown, Verdict::Skipped, |n| n.host.devices.as_mut().unwrap()[2].bus = None),
    (CheckId::Bonds, F::BondBalances, Verdict::Warn, |n| n.host.devices = Ok(bond("balance-rr", "slow", true))),
    (CheckId::Bonds, F::BondSlowLacp, Verdict::Warn, |n| n.host.devices = Ok(bond("802.3ad", "slow", true))),
    (CheckId::Bonds, F::BondSingle, Verdict::Warn, |n| n.host.devices = Ok(bond("active-backup", "slow", false))),
    (CheckId::LinkDedicated, F::PreferredShared, Verdict::Warn, |n| {
        n.host.default_interfaces = Ok(["eno2".to_owned()].into())
    }),
    (CheckId::LinkDedicated, F::PreferredStorage, Verdict::Fail, |n| n.host.storages = Ok(vec![shared("10.0.0.200")])),
    (CheckId::ReversePath, F::StrictFilter, Verdict::Warn, |n| {
        n.host.settings.as_mut().unwrap().insert("net.ipv4.conf.all.rp_filter".into(), 1);
        n.addresses.as_mut().unwrap().extend(crate::checks::fixture::own(&[("eno3", "10.0.1.99")]));
    }),
    (CheckId::Conntrack, F::ConntrackFull, Verdict::Warn, |n| {
        _ = n.host.settings.as_mut().unwrap().insert("net.netfilter.nf_conntrack_count".into(), 200_000)
    }),
    (CheckId::Conntrack, F::ConntrackFull, Verdict::Fail, |n| {
        _ = n.host.settings.as_mut().unwrap().insert("net.netfilter.nf_conntrack_count".into(), 262_000)
    }),
];

const SOFTWARE: &[Case] = &[
    (CheckId::Repositories, F::SuitesMixed, Verdict::Warn, |n| {
        n.host.repositories.as_mut().unwrap()[0].suite = "bookworm".into()
    }),
    (CheckId::Repositories, F::NoPveRepository, Verdict::Warn, |n| drop(n.host.repositories.as_mut().unwrap().pop())),
    (CheckId::Repositories, F::RepositoryDiffers, Verdict::Warn, |n| {
        let enterprise = Repository { uri: String::new(), suite: "trixie".into(), component: "pve-enterprise".into() };
        n.host.repositories = Ok(vec![enterprise]);
    }),
    (CheckId::Updates, F::UpdatesPending, Verdict::Warn, |n| n.host.updates = Ok(["corosync".to_owned()].into())),
    (CheckId::Kernel, F::RebootPending, Verdict::Warn, |n| {
        n.host.packages.as_mut().unwrap().insert("proxmox-kernel-6.17.10-1-pve-signed".into(), "6.17.10-1".into());
    }),
    (CheckId::Kernel, F::KernelDiffers, Verdict::Warn, |n| {
        n.version.as_mut().unwrap().kernel = Some("6.18.1-1-pve".into())
    }),
    (CheckId::Subscription, F::SubscriptionsMixed, Verdict::Pass, |n| n.host.subscription = Ok("active".into())),
    (CheckId::DiskSpace, F::DiskFull, Verdict::Fail, |n| n.host.disks.as_mut().unwrap()[0].free_bytes = 63 << 20),
    (CheckId::DiskSpace, F::DiskLow, Verdict::Warn, |n| n.host.disks.as_mut().unwrap()[0].free_bytes = 900 << 20),
    (CheckId::DiskSpace, F::InodesGone, Verdict::Fail, |n| {
        n.host.disks = Ok(vec![DiskSpace { place: "/".into(), free_bytes: 1 << 40, inodes_used_percent: Some(100) }]);
    }),
    (CheckId::DiskLatency, F::IoStalls, Verdict::Warn, |n| n.host.io_stalled = Ok(1_001)),
    (CheckId::Memory, F::MemoryLow, Verdict::Warn, |n| n.host.memory.as_mut().unwrap().available_kib = 1_000_000),
    (CheckId::StorageConfig, F::StorageLost, Verdict::Warn, |n| {
        n.host.storages.as_mut().unwrap().push(shared("192.0.2.9"))
    }),
    (CheckId::StorageConfig, F::StorageDiffers, Verdict::Warn, |n| {
        n.host.storages.as_mut().unwrap()[0].options.clear()
    }),
    (CheckId::StorageConfig, F::StorageAbsent, Verdict::Warn, |n| n.host.storages = Ok(Vec::new())),
    (CheckId::ForeignStorage, F::StorageShared, Verdict::Warn, |n| {
        n.host.storages.as_mut().unwrap().push(shared("192.0.2.9"))
    }),
    (CheckId::Users, F::AccountsLost, Verdict::Warn, |n| {
        n.host.accounts.as_mut().unwrap().users = vec!["ops@pve".into()]
    }),
    (CheckId::Users, F::PermissionsLost, Verdict::Warn, |n| n.host.accounts.as_mut().unwrap().rules = 2),
    (CheckId::Certificates, F::CertificateExpired, Verdict::Fail, |n| {
        n.host.certificate.as_mut().unwrap().not_after = "1969-12-30T00:00:00Z".parse().unwrap()
    }),
    (CheckId::Certificates, F::CertificateEnds, Verdict::Warn, |n| {
        n.host.certificate.as_mut().unwrap().not_after = "1970-01-20T00:00:00Z".parse().unwrap()
    }),
    (CheckId::Certificates, F::CertificateName, Verdict::Warn, |n| n.host.certificate.as_mut().unwrap().names.clear()),
    (CheckId::CertificateAuthority, F::AuthorityEnds, Verdict::Fail, |n| {
        n.host.certificate_authority.as_mut().unwrap().not_after = "1970-01-10T00:00:00Z".parse().unwrap()
    }),
    (CheckId::CertificateAuthority, F::ChainBroken, Verdict::Fail, |n| {
        n.host.certificate_chain = Ok(Err("error 20".into()))
    }),
    (CheckId::Services, F::ServiceDown, Verdict::Fail, |n| {
        drop(n.host.services.as_mut().unwrap().insert("pveproxy".into(), "failed".into()))
    }),
    (CheckId::WorkingFolder, F::InsidePve, Verdict::Fail, |n| n.host.folder = Ok("/etc/pve/nodes".into())),
    (CheckId::ForeignSoftware, F::SoftwareInTheWay, Verdict::Warn, |n| {
        drop(n.host.packages.as_mut().unwrap().insert("ufw".into(), "0.36".into()))
    }),
    (CheckId::NameOrder, F::Ipv6First, Verdict::Warn, |n| {
        n.host.name_order.as_mut().unwrap().insert(0, "fd00::12".parse().unwrap())
    }),
    (CheckId::HungTasks, F::TasksHung, Verdict::Warn, |n| n.host.hung_tasks = Ok(2)),
    (CheckId::Users, F::RealmsLost, Verdict::Warn, |n| n.host.accounts.as_mut().unwrap().realms = 1),
    (CheckId::Users, F::SecondFactorsLost, Verdict::Warn, |n| n.host.accounts.as_mut().unwrap().second_factors = true),
    (CheckId::ClusterName, F::ClusterNameAnswers, Verdict::Warn, |n| {
        n.host.cluster_name.as_mut().unwrap().addresses = vec!["10.0.1.99".parse().unwrap()]
    }),
    (CheckId::LinkSwitches, F::SameSwitch, Verdict::Warn, |n| {
        n.host.switches = Ok(["eno1", "eno2"].map(|card| fixture_host::switch(card, "00:1b:21:00:00:0a")).into())
    }),
    (CheckId::LinkSwitches, F::SwitchUnknown, Verdict::Skipped, |n| n.host.switches = Ok(Vec::new())),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    BASICS.iter().chain(LEFTOVERS).chain(LINKS).chain(SOFTWARE)
}

#[test]
fn every_check_finds_what_it_is_there_for() {
    for (check, code, verdict, change) in cases() {
        assert!(
            cell(*check, |_| ()).verdict == Verdict::Pass,
            "{check:?} of a healthy node: {:?}",
            cell(*check, |_| ())
        );
        let found = cell(*check, change);
        assert!(
            found.findings.iter().any(|one| one.code == *code),
            "{check:?}: {code:?} is not in {:?}",
            found.findings
        );
        assert_eq!(found.verdict, *verdict, "{check:?}: {:?}", found.findings);
    }
}

#[test]
fn no_check_is_without_a_case() {
    for check in CheckId::ALL {
        assert!(cases().any(|case| case.0 == *check), "{check:?} has no case");
        assert!(!check.needs().is_empty(), "{check:?} needs nothing, so nothing could be missing");
    }
    assert!(CheckGroup::ALL.iter().all(|group| CheckId::ALL.iter().any(|check| check.group() == *group)));
}

#[test]
fn unreadable_evidence_is_an_error_whatever_the_rest_says() {
    for check in CheckId::ALL {
        for source in check.needs() {
            let found = cell(*check, |node| node.forget(*source, &ProblemCode::Garbage.into()));
            assert_eq!(found.verdict, Verdict::Error, "{check:?} without {source:?}: {found:?}");
            assert!(found.findings.iter().any(|one| one.code == F::EvidenceMissing), "{check:?} without {source:?}");
        }
    }
}

#[test]
fn what_a_check_needs_is_what_it_shows() {
    for check in CheckId::ALL {
        for source in check.needs() {
            let found = cell(*check, |node| show(node, *source, "the raw line\n"));
            let shown = found.evidence.iter().any(|one| one.command == format!("{source:?}"));
            assert!(shown, "{check:?} does not show {source:?}");
        }
    }
}
