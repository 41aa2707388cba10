//! What travels about the power of machines; the rest of it are types of `model`. No password travels to a page.

use model::bmc::Bmc;
use model::ids::{ClusterId, NodeId};
use model::problem::Problem;
use model::role::Role;
use serde::{Deserialize, Serialize};

/// The power of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerLine {
    pub node: NodeId,
    pub name: String,
    pub bmc: Option<Bmc>,
    /// Why nothing can be switched, and nothing that is read is a proof: no BMC, or none that is bound.
    pub problem: Option<Problem>,
}

/// The power of all machines of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerView {
    pub cluster: ClusterId,
    pub lines: Vec<PowerLine>,
    /// Machines outside of the cluster that a member may be a guest of.
    pub outer: Vec<(NodeId, String)>,
    pub role: Role,
}
