//! What one step does to one machine.

use crate::bmc::{BmcWay, SystemUuid};
use crate::ids::NodeId;
use crate::name::ClusterName;
use crate::recovery::WrittenOff;
use crate::remedy::{ContentDigest, ZoneName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One address of a link as `pvecm` takes it: `--link0 ADDR[,priority=N]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkArgument {
    pub number: u8,
    pub address: IpAddr,
    pub priority: Option<u32>,
}

/// What one step does to one machine. The executor knows nothing else that changes a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum Action {
    /// The console's public key into the account's `.ssh/authorized_keys2`, where a join does not replace it.
    KeepConsoleKey {
        /// The account that the console logs in as, where it is not root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
    },
    /// The console's public key into the cluster's shared authorised keys.
    ShareConsoleKey,
    CreateCluster {
        name: ClusterName,
        links: Vec<LinkArgument>,
    },
    /// `/root/.ssh/id_rsa`, made if missing: `pvecm add --use_ssh` logs in with it.
    MakeRootKey,
    /// Root's public key of another machine into this machine's authorised keys.
    AuthorizeRootKey {
        of: NodeId,
        of_name: String,
        file: KeyFile,
    },
    /// Another machine's host keys into root's known_hosts here, under the address that will be used.
    TrustHostKeys {
        of: NodeId,
        of_name: String,
        address: IpAddr,
    },
    JoinCluster {
        cluster: ClusterName,
        name: String,
        member: NodeId,
        member_name: String,
        member_address: IpAddr,
        links: Vec<LinkArgument>,
    },
    SetUpQdevice {
        host: NodeId,
        address: IpAddr,
        votes_before: u32,
        /// An odd number of nodes is set up only by force.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force: bool,
    },
    /// `pvecm qdevice remove`; so many votes are expected afterwards.
    RemoveQdevice {
        votes_after: u32,
    },
    /// `pvecm expected VOTES`: at run time only, and for this partition only.
    SetExpected {
        votes: u32,
        /// What corosync expects afterwards, where that is more: votes of a QDevice that it does not cast.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<u32>,
        members: Vec<String>,
        written_off: Vec<WrittenOff>,
    },
    /// Takes a key away again that a step of this plan put there.
    ForgetRootKey {
        of: NodeId,
        of_name: String,
        file: KeyFile,
    },
    /// Takes away what transient units of this console's operations left in `/run`.
    ClearLeftovers,
    /// The console's public key out of the cluster's shared authorised keys.
    RemoveSharedKey,
    /// The console's public key out of the account's own files; done when the machine refuses it.
    RemoveConsoleKey {
        /// The account that the console logs in as, where it is not root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
    },
    /// `/etc/hosts` from `old` to `new` in one move; the old one is kept beside it.
    ReplaceHosts {
        /// The machine's own name, which has to lead to `address` afterwards.
        name: String,
        address: IpAddr,
        old: String,
        new: String,
    },
    /// The kept `/etc/hosts` back in its place: from `old`, which a remedy wrote, to `new`, which was there before.
    RestoreHosts {
        old: String,
        new: String,
    },
    /// `/etc/corosync/authkey` of no cluster under another name in its folder.
    SetAsideAuthkey {
        digest: ContentDigest,
    },
    /// The same key under its own name again.
    PutBackAuthkey {
        digest: ContentDigest,
    },
    /// A node's certificates for a QDevice that the cluster does not have, under another name in their folder.
    SetAsideQdeviceStore {
        /// Of what `sha256sum` prints of every file in it, sorted.
        digest: ContentDigest,
    },
    /// The QDevice's daemon on one node, now and after the next start.
    StartQdevice,
    SetTimeZone {
        from: ZoneName,
        to: ZoneName,
    },
    /// `/etc/ssh/ssh_host_rsa_key`, and sshd told of it.
    MakeRsaHostKey {
        /// The host keys that are there, and have to stay: algorithm -> fingerprint.
        others: BTreeMap<String, String>,
    },
    /// `/etc/pve/nodes/NAME/host.fw` from `old` to `new`; `None` is no such file.
    AllowLinks {
        name: String,
        old: Option<String>,
        new: Option<String>,
    },
    InstallChrony,
    /// chrony runs, now and after the next start.
    EnableChrony,
    /// The clock to the right time at once, where no watchdog counts on it.
    StepClock,
    /// The machine's power away, by its BMC or the host that it is a guest of; nothing is shut down first.
    PowerOff {
        way: BmcWay,
        /// What the BMC has to tell, so that no other machine is hit.
        uuid: SystemUuid,
    },
    PowerOn {
        way: BmcWay,
        uuid: SystemUuid,
    },
    /// A package from the machine's own sources, without what it only recommends.
    InstallPackage {
        package: SystemPackage,
    },
    /// `pvecm add` once more on a node that the cluster lists already; with `force` where its own leftovers would refuse it.
    ResumeJoin {
        cluster: ClusterName,
        name: String,
        member: NodeId,
        member_name: String,
        member_address: IpAddr,
        links: Vec<LinkArgument>,
        force: bool,
    },
    /// corosync and pmxcfs of a node that a join has left without them.
    StartMember {
        cluster: ClusterName,
        name: String,
        member: NodeId,
        member_name: String,
    },
    /// `pvecm updatecerts` on a node whose join ended before its certificate was made.
    MakeNodeFiles {
        name: String,
    },
    /// Both daemons of a node whose join is taken back.
    StopMember,
    /// `pvecm expected VOTES` where the only absent node is one whose join is not complete, and whose corosync does not run.
    RegainQuorum {
        votes: u32,
        without: NodeId,
        without_name: String,
    },
    /// `pvecm delnode NAME` of a node that never was a whole member, and its empty folder in `/etc/pve/nodes`.
    RemoveUnjoined {
        name: String,
        joiner: NodeId,
    },
    /// The root key of a machine out of the cluster's shared authorised keys.
    WithdrawRootKey {
        of: NodeId,
        of_name: String,
    },
    /// The cluster's key and configuration aside, the own database back where a join has moved it away, pmxcfs started.
    StandAlone {
        backup: Option<String>,
    },
    /// `systemctl restart corosync`.
    RestartCorosync {
        /// systemd's number of the run that is ended (`InvocationID`, systemd.exec(5)); `None` where it does not run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<String>,
    },
}

/// A package that a plan may install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemPackage {
    /// The QDevice's host.
    CorosyncQnetd,
    /// Every node of a cluster with a QDevice.
    CorosyncQdevice,
}

impl SystemPackage {
    /// Debian's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CorosyncQnetd => "corosync-qnetd",
            Self::CorosyncQdevice => "corosync-qdevice",
        }
    }
}

/// A file of authorised keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFile {
    /// `/etc/pve/priv/authorized_keys`: shared by the cluster, writable only when quorate.
    Cluster,
    /// `/root/.ssh/authorized_keys` of a machine outside the cluster.
    Own,
}

words!(
    /// For locales and the audit; stable.
    Action {
        KeepConsoleKey => "keep_console_key",
        ShareConsoleKey => "share_console_key",
        CreateCluster => "create_cluster",
        MakeRootKey => "make_root_key",
        AuthorizeRootKey => "authorize_root_key",
        TrustHostKeys => "trust_host_keys",
        JoinCluster => "join_cluster",
        SetUpQdevice => "set_up_qdevice",
        RemoveQdevice => "remove_qdevice",
        SetExpected => "set_expected",
        ForgetRootKey => "forget_root_key",
        ClearLeftovers => "clear_leftovers",
        RemoveSharedKey => "remove_shared_key",
        RemoveConsoleKey => "remove_console_key",
        ReplaceHosts => "replace_hosts",
        RestoreHosts => "restore_hosts",
        SetAsideAuthkey => "set_aside_authkey",
        PutBackAuthkey => "put_back_authkey",
        SetAsideQdeviceStore => "set_aside_qdevice_store",
        StartQdevice => "start_qdevice",
        SetTimeZone => "set_time_zone",
        MakeRsaHostKey => "make_rsa_host_key",
        AllowLinks => "allow_links",
        InstallChrony => "install_chrony",
        EnableChrony => "enable_chrony",
        StepClock => "step_clock",
        PowerOff => "power_off",
        PowerOn => "power_on",
        InstallPackage => "install_package",
        ResumeJoin => "resume_join",
        StartMember => "start_member",
        MakeNodeFiles => "make_node_files",
        StopMember => "stop_member",
        RegainQuorum => "regain_quorum",
        RemoveUnjoined => "remove_unjoined",
        WithdrawRootKey => "withdraw_root_key",
        StandAlone => "stand_alone",
        RestartCorosync => "restart_corosync",
    }
);

impl Action {
    /// Whether doing it twice harms. Such a step is never repeated blindly after a crash.
    #[must_use]
    pub const fn repeatable(&self) -> bool {
        !self.runs_as_unit()
    }

    /// Whether it changes a machine's power from outside.
    #[must_use]
    pub const fn is_power(&self) -> bool {
        matches!(self, Self::PowerOff { .. } | Self::PowerOn { .. })
    }

    /// Whether its first command runs as a transient unit, because it lasts longer than a connection may.
    #[must_use]
    pub const fn runs_as_unit(&self) -> bool {
        matches!(
            self,
            Self::CreateCluster { .. }
                | Self::JoinCluster { .. }
                | Self::SetUpQdevice { .. }
                | Self::RemoveQdevice { .. }
                | Self::InstallChrony
                | Self::InstallPackage { .. }
                | Self::ResumeJoin { .. }
        )
    }

    /// Whether it changes who is in the cluster, or who votes: then an earlier verification says nothing any more.
    #[must_use]
    pub const fn changes_cluster(&self) -> bool {
        matches!(
            self,
            Self::CreateCluster { .. }
                | Self::JoinCluster { .. }
                | Self::SetUpQdevice { .. }
                | Self::RemoveQdevice { .. }
                | Self::StartQdevice
                | Self::SetExpected { .. }
                | Self::ResumeJoin { .. }
                | Self::StartMember { .. }
                | Self::MakeNodeFiles { .. }
                | Self::RegainQuorum { .. }
                | Self::RemoveUnjoined { .. }
        )
    }

    /// Whether a copy of the cluster's database is kept on the step's node before it acts. A joining machine's own copy is
    /// kept by `pvecm add`; `pvecm expected` writes nothing there, and a full disk may not keep a cluster without quorum.
    #[must_use]
    pub const fn keeps_database(&self) -> bool {
        matches!(
            self,
            Self::CreateCluster { .. }
                | Self::SetUpQdevice { .. }
                | Self::RemoveQdevice { .. }
                | Self::RemoveUnjoined { .. }
        )
    }

    /// The step's own time limit in seconds, waiting for its proof included.
    #[must_use]
    pub const fn time_limit_s(&self) -> u32 {
        match self {
            Self::CreateCluster { .. } => 180,
            Self::ResumeJoin { .. } => 240,
            // `pvecm updatecerts` gives up by itself after 80 s; a membership needs several tokens.
            Self::StartMember { .. } | Self::MakeNodeFiles { .. } | Self::RemoveUnjoined { .. } => 120,
            Self::JoinCluster { .. } | Self::SetUpQdevice { .. } | Self::RemoveQdevice { .. } => 240,
            // Package lists and the package come over the network.
            Self::InstallChrony | Self::InstallPackage { .. } => 420,
            // A key of 4096 bits on a slow machine; a time source that has to answer first.
            Self::MakeRsaHostKey { .. } | Self::StepClock => 120,
            // The agent itself waits, and a slow BMC takes half a minute for each answer.
            Self::PowerOff { .. } | Self::PowerOn { .. } => 180,
            // The vote comes with a poll, for which corosync waits up to 30 s (`quorum.device.sync_timeout`, corosync.conf(5)).
            Self::StartQdevice => 90,
            // A membership of 32 nodes takes up to 50 s to form (token and consensus, corosync.conf(5)).
            Self::RestartCorosync { .. } => 120,
            // Before its command a slow BMC alone may take a minute by its own limits, and every node and every way to the absent
            // ones is asked again.
            Self::SetExpected { .. } => 240,
            _ => 60,
        }
    }
}
