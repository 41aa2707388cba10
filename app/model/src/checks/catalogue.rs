//! What each check rests on, and the group in which people find it.

use crate::preflight::{CheckGroup, CheckId, Source};

impl CheckId {
    /// The sources without which there is no verdict: if one of them is missing, the cell is an error, unless the check
    /// has found by the others that there is nothing to judge.
    #[must_use]
    pub const fn needs(self) -> &'static [Source] {
        use Source as S;
        match self {
            Self::SameVersion => &[S::Version],
            Self::HostNames => &[S::HostName, S::HostNameFile, S::Resolve],
            Self::HostsFile => &[S::HostName, S::HostsFile, S::Resolve, S::Addresses],
            Self::Clocks => &[S::Clock, S::TimeSync],
            Self::ManagementNetwork => &[S::Resolve, S::Addresses, S::Interfaces, S::Probe],
            Self::RootSsh => &[S::User, S::HostKeys],
            Self::NoGuests => &[S::Guests, S::ClusterConfig],
            Self::JoinApi => &[S::ApiVersion],
            Self::CorosyncVersion | Self::ForeignSoftware => &[S::Packages],
            Self::HostLink => &[S::Resolve, S::Addresses],
            Self::ClockService => &[S::Services, S::TimeTracking],
            Self::ClockSource => &[S::Services, S::TimeSources],
            Self::TimeZone => &[S::TimeSync],
            Self::Firewall => &[S::Firewall, S::Ruleset],
            Self::MigrationPorts => &[S::Probe],
            Self::SshdSettings => &[S::Sshd],
            Self::QuietShell => &[S::QuietShell],
            Self::CorosyncDown | Self::Services => &[S::Services],
            Self::CorosyncState => &[S::CorosyncState],
            Self::PmxcfsDatabase => &[S::Database],
            Self::RenamedNode => &[S::HostName, S::PveNodes],
            Self::LinkAddresses | Self::LinkSubnets => &[S::Addresses],
            Self::Ports
            | Self::DuplicateAddresses
            | Self::LinkLoss
            | Self::LinkLatency
            | Self::LinkJitter
            | Self::LinkLoad => &[S::Addresses, S::Probe],
            Self::LinkMtu => &[S::Addresses, S::Interfaces, S::Probe],
            Self::LinkSpeed => &[S::Addresses, S::Interfaces, S::Speeds],
            Self::LinkRedundancy => &[S::Addresses, S::Interfaces],
            Self::Bonds => &[S::Interfaces],
            Self::LinkDedicated => &[S::Addresses, S::Routes, S::Storage],
            Self::ReversePath => &[S::Addresses, S::Settings],
            Self::Conntrack => &[S::Settings],
            Self::Repositories => &[S::Repositories],
            Self::Updates => &[S::Updates],
            Self::Kernel => &[S::Version, S::Packages],
            Self::Subscription => &[S::Subscription],
            Self::DiskSpace => &[S::Disks],
            Self::DiskLatency => &[S::IoPressure],
            Self::Memory => &[S::Memory],
            Self::StorageConfig | Self::ForeignStorage => &[S::Storage],
            Self::Users => &[S::Accounts],
            Self::Certificates => &[S::HostName, S::Certificate],
            Self::CertificateAuthority => &[S::CertificateAuthority, S::CertificateChain],
            Self::WorkingFolder => &[S::Folder],
            Self::NameOrder => &[S::Resolve],
            Self::ClusterName => &[S::ClusterName],
            Self::LinkSwitches => &[S::Addresses, S::Interfaces, S::Lldp],
            Self::HungTasks => &[S::KernelLog],
        }
    }

    #[must_use]
    pub const fn group(self) -> CheckGroup {
        match self {
            Self::NoGuests | Self::CorosyncDown | Self::CorosyncState | Self::PmxcfsDatabase | Self::RenamedNode => {
                CheckGroup::Leftovers
            }
            Self::LinkAddresses
            | Self::LinkSubnets
            | Self::DuplicateAddresses
            | Self::LinkLoss
            | Self::LinkLatency
            | Self::LinkJitter
            | Self::LinkMtu
            | Self::LinkLoad
            | Self::LinkSpeed
            | Self::LinkRedundancy
            | Self::LinkSwitches
            | Self::Bonds
            | Self::LinkDedicated
            | Self::ReversePath
            | Self::Conntrack => CheckGroup::Links,
            Self::Repositories
            | Self::Updates
            | Self::Kernel
            | Self::Subscription
            | Self::DiskSpace
            | Self::DiskLatency
            | Self::HungTasks
            | Self::Memory
            | Self::StorageConfig
            | Self::ForeignStorage
            | Self::Users
            | Self::Certificates
            | Self::CertificateAuthority
            | Self::Services
            | Self::WorkingFolder
            | Self::ForeignSoftware
            | Self::NameOrder => CheckGroup::Software,
            _ => CheckGroup::Basics,
        }
    }
}
