//! Machines that more than one cluster of this console lists: under whose roles, policy and running operation they stand.

use crate::context::{Engine, store_problem};
use model::host_key::HostKey;
use model::ids::NodeId;
use model::inventory::{Cluster, ClusterPhase, Node, Purpose};
use model::plan::{Action, Plan, Step};
use model::problem::{Problem, ProblemCode};
use std::collections::BTreeSet;

/// A living cluster with its machines.
struct Living {
    cluster: Cluster,
    nodes: Vec<Node>,
}

impl Living {
    /// Its member with this host key.
    fn member(&self, key: &HostKey) -> Option<NodeId> {
        let same = |node: &&Node| node.purpose == Purpose::Member && node.is_pinned_to(key);
        self.nodes.iter().find(same).map(|node| node.id)
    }

    /// Those of its machines that others have for members too.
    fn claimed(&self, all: &[Self]) -> BTreeSet<NodeId> {
        let elsewhere =
            |key: &HostKey| all.iter().any(|other| other.cluster.id != self.cluster.id && other.member(key).is_some());
        let claimed = |node: &&Node| node.pin.as_ref().is_some_and(|pin| elsewhere(&pin.key));
        self.nodes.iter().filter(claimed).map(|node| node.id).collect()
    }
}

impl Engine {
    /// Whatever a machine is here for, as a member of another living cluster it is touched only by plans of that one, apart from
    /// taking away again what this one's put there. Where both
    /// live and list it as a member it is this one's if its corosync.conf says so, or, where nobody has read that, if those
    /// of all others say that it is not theirs.
    ///
    /// # Errors
    /// `InOtherCluster`, or a failing store.
    pub(crate) async fn stays_out_of_others(
        &self,
        cluster: &Cluster,
        nodes: &[Node],
        plan: &Plan,
    ) -> Result<(), Problem> {
        let all = self.living().await?;
        // Without that step a host that has joined another cluster would keep root's key, and the device its silence.
        let leaves = |step: &Step| matches!(step.action, Action::ForgetRootKey { .. });
        let touched = |node: &&Node| plan.steps.iter().any(|step| step.node == node.id && !leaves(step));
        for node in nodes.iter().filter(touched) {
            let Some(pin) = &node.pin else { continue };
            let others = all.iter().filter(|other| other.cluster.id != cluster.id);
            let claims: Vec<(&Living, NodeId)> =
                others.filter_map(|other| Some((other, other.member(&pin.key)?))).collect();
            let Some((other, _)) = claims.first() else { continue };
            if !self.is_ours(cluster, node, &claims, &all) {
                let problem = Problem::new(ProblemCode::InOtherCluster).with("node", node.label());
                return Err(problem.with("cluster", &other.cluster.name));
            }
        }
        Ok(())
    }

    async fn living(&self) -> Result<Vec<Living>, Problem> {
        let mut living = Vec::new();
        for cluster in self.store.clusters().await.map_err(|error| store_problem(&error))? {
            if cluster.phase == ClusterPhase::Live {
                let nodes = self.store.nodes(cluster.id).await.map_err(|error| store_problem(&error))?;
                living.push(Living { cluster, nodes });
            }
        }
        Ok(living)
    }

    fn is_ours(&self, cluster: &Cluster, node: &Node, claims: &[(&Living, NodeId)], all: &[Living]) -> bool {
        let here = all.iter().find(|one| one.cluster.id == cluster.id);
        let Some(here) = here.filter(|_| node.purpose == Purpose::Member) else { return false };
        let in_nodelist = |one: &Living, id: NodeId| self.hub.in_nodelist(one.cluster.id, id, &one.claimed(all));
        let theirs = || claims.iter().any(|&(other, id)| in_nodelist(other, id) != Some(false));
        in_nodelist(here, node.id).unwrap_or_else(|| !theirs())
    }
}
