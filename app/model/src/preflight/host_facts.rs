//! The facts beside those of the seed's eight checks, each with the source that it is read from.

use super::{Gathered, Source};
use crate::facts::host::{
    Accounts, Certificate, ClockTracking, Database, Device, DiskSpace, LinkSpeed, Memory, NameUse, Repository, Ruleset,
    Storage, SwitchSeen, TimeSource,
};
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

macro_rules! host_facts {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $source:ident),+ $(,)?) => {
        /// Facts of one machine; each is missing until its source has answered.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct HostFacts {
            $($(#[$doc])* pub $field: Gathered<$type>),+
        }

        impl HostFacts {
            /// All facts missing for one reason.
            #[must_use]
            pub fn missing(problem: &Problem) -> Self {
                Self { $($field: Err(problem.clone())),+ }
            }

            /// Takes away what was read from one source.
            pub fn forget(&mut self, source: Source, problem: &Problem) {
                $(if source == Source::$source { self.$field = Err(problem.clone()); })+
            }
        }
    };
}

host_facts!(
    /// `pvecm apiver`: the version of the join's interface.
    api_version: u32 = ApiVersion,
    /// Installed packages of those that were asked for, with their versions.
    packages: BTreeMap<String, String> = Packages,
    /// Folders in `/etc/pve/nodes`.
    pve_nodes: Vec<String> = PveNodes,
    /// Unit -> `active`, `inactive`, `failed` ...
    services: BTreeMap<String, String> = Services,
    time_tracking: ClockTracking = TimeTracking,
    time_sources: Vec<TimeSource> = TimeSources,
    /// Keywords of `sshd -T` in lower case; the first value of each.
    sshd: BTreeMap<String, String> = Sshd,
    /// What the log-in's shell printed around the one word that it was asked to print.
    shell_noise: Vec<String> = QuietShell,
    /// What lies in `/var/lib/corosync`.
    corosync_state: Vec<String> = CorosyncState,
    database: Database = Database,
    devices: Vec<Device> = Interfaces,
    /// Interfaces that carry a default route.
    default_interfaces: BTreeSet<String> = Routes,
    /// Interface -> speed.
    speeds: BTreeMap<String, LinkSpeed> = Speeds,
    /// Kernel settings by name; what the kernel does not have is not in it.
    settings: BTreeMap<String, i64> = Settings,
    /// Proxmox VE's own firewall is enabled.
    firewall: bool = Firewall,
    ruleset: Ruleset = Ruleset,
    repositories: Vec<Repository> = Repositories,
    /// Packages that an upgrade would replace.
    updates: BTreeSet<String> = Updates,
    /// `active`, `notfound` ...
    subscription: String = Subscription,
    disks: Vec<DiskSpace> = Disks,
    /// The share of the last minute in which everything waited for disks, in hundredths of a percent.
    io_stalled: u32 = IoPressure,
    memory: Memory = Memory,
    storages: Vec<Storage> = Storage,
    accounts: Accounts = Accounts,
    certificate: Certificate = Certificate,
    certificate_authority: Certificate = CertificateAuthority,
    /// The node's certificate is signed by the cluster's authority; else OpenSSL's words.
    certificate_chain: Result<(), String> = CertificateChain,
    /// Where the console's commands run.
    folder: String = Folder,
    /// What the own name resolves to, in the resolver's order.
    name_order: Vec<IpAddr> = Resolve,
    cluster_name: NameUse = ClusterName,
    /// Switches that the cards see; empty where lldpd runs and sees none.
    switches: Vec<SwitchSeen> = Lldp,
    /// Lines of the kernel's journal about tasks that have hung, of the newest ones.
    hung_tasks: u32 = KernelLog,
);
