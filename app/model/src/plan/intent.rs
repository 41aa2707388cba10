//! What a person wants.

use crate::bmc::{BmcWay, SystemUuid};
use crate::ids::{NodeId, OperationId};
use crate::links::LinkPlan;
use crate::name::ClusterName;
use crate::recovery::WrittenOff;
use crate::remedy::RemedyKind;
use crate::risk::Risk;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

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
        /// On an odd number of nodes, against the advice (`pvecm qdevice setup --force`).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        against_advice: bool,
    },
    RemoveQdevice,
    /// The daemon of a QDevice that is in the configuration, on every node where it does not run.
    StartQdevice,
    /// Lower the votes that corosync expects, until the absent nodes are back: `pvecm expected`.
    SetExpected {
        /// A node of the partition that goes on.
        through: NodeId,
        votes: u32,
        /// Names of that partition's members.
        members: Vec<String>,
        written_off: Vec<WrittenOff>,
    },
    /// Mend what a check has found on one machine.
    Remedy {
        node: NodeId,
        remedy: RemedyKind,
    },
    /// Take back what a remedy has done, where the machine is still as it left it.
    TakeBack {
        operation: OperationId,
    },
    /// Take a machine's power away, from outside and at once.
    PowerOff {
        node: NodeId,
        way: BmcWay,
        uuid: SystemUuid,
    },
    PowerOn {
        node: NodeId,
        way: BmcWay,
        uuid: SystemUuid,
    },
    /// Off, and on again once it is off.
    PowerCycle {
        node: NodeId,
        way: BmcWay,
        uuid: SystemUuid,
    },
    /// Carry a join that died midway through to its end.
    FinishJoin {
        node: NodeId,
        links: Vec<LinkPlan>,
    },
    /// Take away again what a join that died midway has left on both sides.
    UndoJoin {
        node: NodeId,
    },
    /// corosync on one node, ended and started again.
    RestartCorosync {
        node: NodeId,
    },
}

words!(
    /// For locales, audit and filters; stable.
    Intent {
        InstallKey => "install_key",
        AdmitConsole => "admit_console",
        Withdraw => "withdraw",
        CreateCluster => "create_cluster",
        JoinNodes => "join_nodes",
        SetUpQdevice => "set_up_qdevice",
        RemoveQdevice => "remove_qdevice",
        StartQdevice => "start_qdevice",
        SetExpected => "set_expected",
        Remedy => "remedy",
        TakeBack => "take_back",
        PowerOff => "power_off",
        PowerOn => "power_on",
        PowerCycle => "power_cycle",
        FinishJoin => "finish_join",
        UndoJoin => "undo_join",
        RestartCorosync => "restart_corosync",
    }
);

impl Intent {
    /// The highest class that a plan of the action with this word can have: the class that counts for it otherwise.
    #[must_use]
    pub fn highest_risk(word: &str) -> Risk {
        match word {
            "set_expected" | "power_off" | "power_cycle" | "finish_join" | "undo_join" | "set_up_qdevice"
            | "restart_corosync" => Risk::Destructive,
            "create_cluster" | "join_nodes" | "remove_qdevice" | "remedy" => Risk::Disruptive,
            _ => Risk::Reversible,
        }
    }

    /// Whether it may end an operation that has its cluster's place, instead of waiting for it: what brings a cluster
    /// back at night may not stand behind what has got stuck for the same reason.
    #[must_use]
    pub const fn overtakes(&self) -> bool {
        matches!(
            self,
            Self::SetExpected { .. } | Self::PowerOff { .. } | Self::PowerOn { .. } | Self::PowerCycle { .. }
        )
    }

    /// Whether it can stop between two steps and go on later. What logs in with a password, or is
    /// waited for by a person, cannot.
    #[must_use]
    pub const fn can_pause(&self) -> bool {
        !matches!(self, Self::InstallKey { .. } | Self::AdmitConsole { .. })
    }
}
