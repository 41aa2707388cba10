//! The clusters and machines that the console has been told of.

use crate::host_key::{HostKey, Pin};
use crate::ids::{ClusterId, NodeId};
use crate::name::{ClusterName, SshAddress};
use crate::problem::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a machine is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A Proxmox VE node.
    Member,
    /// The host of corosync-qnetd, outside the cluster.
    Qnetd,
    /// Only a way to other machines: nothing but SSH connections through it is asked of it.
    Jump,
}

/// How far a cluster has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterPhase {
    /// Nodes are collected, nothing has been created.
    Draft,
    /// A node of a cluster that exists already has been named; the others have not been chosen yet.
    Importing,
    /// `pvecm create` has been proven.
    Live,
}

/// A cluster, or the draft of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    pub id: ClusterId,
    /// What people call it here; the name in corosync.conf once there is one.
    pub name: ClusterName,
    pub phase: ClusterPhase,
    /// A disruptive plan needs another person too.
    pub protected: bool,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// Whether the console can log in to a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum LogIn {
    /// The host key waits for a person.
    KeyUnconfirmed,
    /// The host key is not the pinned one.
    KeyChanged {
        offered: HostKey,
    },
    /// The console's own key is not accepted yet.
    NeedsKey,
    Works {
        at: Timestamp,
    },
    Fails {
        problem: Problem,
        at: Timestamp,
    },
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub id: NodeId,
    pub cluster: ClusterId,
    pub purpose: Purpose,
    pub address: SshAddress,
    /// The machine through which this one is reached, as its own address may mean nothing to the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<NodeId>,
    /// What `hostname` printed; unknown until the first log-in.
    pub name: Option<String>,
    pub pin: Option<Pin>,
    /// The key that the machine showed and nobody has confirmed.
    pub offered: Option<HostKey>,
    pub log_in: LogIn,
    /// Order in which people added them; the first is proposed for `pvecm create`.
    pub position: u32,
}

impl Node {
    /// The name if it is known, else the host as it was typed.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.address.host)
    }

    /// Whether this is the host key that a person confirmed for it.
    #[must_use]
    pub fn is_pinned_to(&self, key: &HostKey) -> bool {
        self.pin.as_ref().is_some_and(|pin| pin.key.base64 == key.base64 && pin.key.algorithm == key.algorithm)
    }
}
