//! A plan: a frozen, typed list of steps, complete enough that execution makes no choices.

mod spoken;

pub use spoken::Spoken;

use crate::digest::{self, Digest};
use crate::ids::{ClusterId, NodeId};
use crate::links::LinkPlan;
use crate::name::ClusterName;
use crate::preflight::Acknowledgement;
use crate::recovery::WrittenOff;
use crate::risk::Risk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The domain word of a plan's digest; raised when the meaning of a plan's bytes changes.
pub const PLAN_DIGEST_DOMAIN: &str = "quorate-plan/v1";

/// What a person wants; the planner turns it into steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "intent")]
pub enum Intent {
    /// Put the console's own public key on a machine, logged in once with a password.
    InstallKey {
        node: NodeId,
    },
    /// Keep the console's own public key on a machine that lets it in already, and `share` it with all nodes of its cluster.
    AdmitConsole {
        node: NodeId,
        share: bool,
    },
    /// Take everything of the console's off the machines, then forget the cluster.
    Withdraw {
        /// Machines that do not answer, and that a person lets keep the console's key.
        leave: Vec<NodeId>,
    },
    CreateCluster {
        name: ClusterName,
        first: NodeId,
        links: Vec<LinkPlan>,
    },
    /// Join machines one after the other, in this order.
    JoinNodes {
        joiners: Vec<NodeId>,
        member: NodeId,
        links: Vec<LinkPlan>,
    },
    SetUpQdevice {
        host: NodeId,
        address: IpAddr,
    },
    RemoveQdevice,
    /// Lower the votes that corosync expects, until the absent nodes are back: `pvecm expected`.
    SetExpected {
        /// A node of the partition that goes on.
        through: NodeId,
        votes: u32,
        /// Names of that partition's members.
        members: Vec<String>,
        written_off: Vec<WrittenOff>,
    },
}

impl Intent {
    /// The stable word for locales, audit and filters.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::InstallKey { .. } => "install_key",
            Self::AdmitConsole { .. } => "admit_console",
            Self::Withdraw { .. } => "withdraw",
            Self::CreateCluster { .. } => "create_cluster",
            Self::JoinNodes { .. } => "join_nodes",
            Self::SetUpQdevice { .. } => "set_up_qdevice",
            Self::RemoveQdevice => "remove_qdevice",
            Self::SetExpected { .. } => "set_expected",
        }
    }

    pub const WORDS: &'static [&'static str] = &[
        "install_key",
        "admit_console",
        "withdraw",
        "create_cluster",
        "join_nodes",
        "set_up_qdevice",
        "remove_qdevice",
        "set_expected",
    ];
}

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
    },
    /// `pvecm qdevice remove`; so many votes are expected afterwards.
    RemoveQdevice {
        votes_after: u32,
    },
    /// `pvecm expected VOTES`: at run time only, and for this partition only.
    SetExpected {
        votes: u32,
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

impl Action {
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::KeepConsoleKey { .. } => "keep_console_key",
            Self::ShareConsoleKey => "share_console_key",
            Self::CreateCluster { .. } => "create_cluster",
            Self::MakeRootKey => "make_root_key",
            Self::AuthorizeRootKey { .. } => "authorize_root_key",
            Self::TrustHostKeys { .. } => "trust_host_keys",
            Self::JoinCluster { .. } => "join_cluster",
            Self::SetUpQdevice { .. } => "set_up_qdevice",
            Self::RemoveQdevice { .. } => "remove_qdevice",
            Self::SetExpected { .. } => "set_expected",
            Self::ForgetRootKey { .. } => "forget_root_key",
            Self::ClearLeftovers => "clear_leftovers",
            Self::RemoveSharedKey => "remove_shared_key",
            Self::RemoveConsoleKey { .. } => "remove_console_key",
        }
    }

    pub const WORDS: &'static [&'static str] = &[
        "keep_console_key",
        "share_console_key",
        "create_cluster",
        "make_root_key",
        "authorize_root_key",
        "trust_host_keys",
        "join_cluster",
        "set_up_qdevice",
        "remove_qdevice",
        "set_expected",
        "forget_root_key",
        "clear_leftovers",
        "remove_shared_key",
        "remove_console_key",
    ];

    /// Whether doing it twice harms. Such a step is never repeated blindly after a crash.
    #[must_use]
    pub const fn repeatable(&self) -> bool {
        !self.runs_as_unit()
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
        )
    }

    /// The step's own time limit in seconds, waiting for its proof included.
    #[must_use]
    pub const fn time_limit_s(&self) -> u32 {
        match self {
            Self::CreateCluster { .. } => 180,
            Self::JoinCluster { .. } | Self::SetUpQdevice { .. } | Self::RemoveQdevice { .. } => 240,
            _ => 60,
        }
    }

    #[must_use]
    pub const fn undo(&self) -> Undo {
        match self {
            Self::KeepConsoleKey { .. }
            | Self::ShareConsoleKey
            | Self::AuthorizeRootKey { .. }
            | Self::TrustHostKeys { .. } => Undo::RemoveLine,
            Self::MakeRootKey | Self::ForgetRootKey { .. } | Self::ClearLeftovers => Undo::NotNeeded,
            Self::RemoveSharedKey | Self::RemoveConsoleKey { .. } => Undo::InstallAgain,
            Self::CreateCluster { .. } => Undo::SeparateNode,
            Self::JoinCluster { .. } => Undo::RemoveNode,
            Self::SetUpQdevice { .. } => Undo::QdeviceRemove,
            Self::RemoveQdevice { .. } => Undo::QdeviceSetUp,
            Self::SetExpected { .. } => Undo::MembersReturn,
        }
    }
}

/// How a step could be taken back, said before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    NotNeeded,
    RemoveLine,
    /// By importing the cluster again.
    InstallAgain,
    SeparateNode,
    RemoveNode,
    QdeviceRemove,
    QdeviceSetUp,
    /// corosync raises the votes by itself when the members come back.
    MembersReturn,
}

impl Undo {
    pub const WORDS: &'static [&'static str] = &[
        "not_needed",
        "remove_line",
        "install_again",
        "separate_node",
        "remove_node",
        "qdevice_remove",
        "qdevice_set_up",
        "members_return",
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::RemoveLine => "remove_line",
            Self::InstallAgain => "install_again",
            Self::SeparateNode => "separate_node",
            Self::RemoveNode => "remove_node",
            Self::QdeviceRemove => "qdevice_remove",
            Self::QdeviceSetUp => "qdevice_set_up",
            Self::MembersReturn => "members_return",
        }
    }
}

/// One step on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub node: NodeId,
    pub node_name: String,
    #[serde(flatten)]
    pub action: Action,
    /// The exact commands, quoted as they will run; parts that only exist later are named in angle brackets.
    pub commands: Vec<String>,
}

/// Consequences that a person must know before, as codes with parameters (`consequence_CODE` in the locales).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequence {
    pub code: ConsequenceCode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

crate::problem::codes!(
    /// Codes of consequences.
    ConsequenceCode {
        /// `pvecm create` rewrites PermitRootLogin and links root's authorised keys into `/etc/pve`.
        SshConfigRewritten => "ssh_config_rewritten",
        /// `/etc/pve` of the joiner is replaced.
        JoinerConfigReplaced => "joiner_config_replaced",
        /// With one node, the second raises the quorum to 2: if it does not come up, the first is read-only.
        FirstNodeMayLoseQuorum => "first_node_may_lose_quorum",
        /// The name and the addresses of a node stay as they are from now on.
        NamesFinal => "names_final",
        /// `/etc/pve` blinks while the cluster file system restarts.
        PmxcfsRestarts => "pmxcfs_restarts",
        /// Votes and tolerance before and after.
        VotesChange => "votes_change",
        /// The node's root key is authorised on the qnetd host while setting up.
        KeyOnQnetdHost => "key_on_qnetd_host",
        /// The console's own key stays on the machine until it is removed.
        ConsoleKeyStays => "console_key_stays",
        /// The cluster's shared file lets the console in on every node.
        ConsoleKeyShared => "console_key_shared",
        /// The machine does not answer; the console's key stays there.
        KeyLeftBehind => "key_left_behind",
        /// The console cannot log in to any of the machines afterwards.
        AccessEnds => "access_ends",
        /// `votes`, `nodes`: this side goes on alone.
        QuorumByDecree => "quorum_by_decree",
        /// `nodes`: two quorate halves if one of them runs after all.
        SplitIfAlive => "split_if_alive",
        /// `guests`: their disks may be written from two sides.
        GuestsMayRunTwice => "guests_may_run_twice",
        /// `services`: HA starts them on this side.
        ServicesRecovered => "services_recovered",
        /// corosync raises the expected votes when members return; the console watches for it.
        ExpectedRisesAgain => "expected_rises_again",
        /// What the console knows of the cluster goes; audit and operations stay.
        ClusterForgotten => "cluster_forgotten",
    }
);

/// The world as the plan was made for it; execution compares before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialFacts {
    /// Name in corosync.conf, where there is one.
    pub cluster_name: Option<String>,
    pub config_version: Option<u64>,
    pub members: Vec<String>,
    pub expected_votes: Option<u32>,
}

/// A frozen plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub cluster: ClusterId,
    pub intent: Intent,
    pub risk: Risk,
    /// The word that the policy may ask a person to type.
    pub target: String,
    pub steps: Vec<Step>,
    pub consequences: Vec<Consequence>,
    pub facts: MaterialFacts,
    /// Warnings of the checks that somebody answers for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledgement>,
}

impl Plan {
    /// # Errors
    /// When the plan cannot be written as JSON.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        digest::of(PLAN_DIGEST_DOMAIN, self)
    }
}
