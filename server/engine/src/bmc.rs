//! Power from outside: entering, binding, asking. What changes power is a step of a plan (`steps::power`).

mod ask;

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence};
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::bmc::{Binding, Bmc, BmcKind, BmcWay, SystemUuid, check_ipmi_password, uuid_shared};
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, Node, Purpose};
use model::problem::{Problem, ProblemCode};
use pve::bmc::PowerFault;
use zeroize::Zeroizing;

/// Another machine, of whichever cluster, whose firmware tells the same UUID.
struct Namesake {
    cluster: Cluster,
    node: Node,
    bmc: Bmc,
}

impl Engine {
    /// Writes down how a machine's power is reached. An IPMI entry without a new password keeps the one it has, as long as
    /// that would go to the same place.
    ///
    /// # Errors
    /// What is wrong with the entry, `SealMissing`, or a failing store.
    pub async fn set_bmc(
        &self,
        who: &Person,
        id: NodeId,
        way: BmcWay,
        password: Option<Zeroizing<String>>,
    ) -> Result<Bmc, Problem> {
        let node = self.node(id).await?;
        let way = self.checked(&node, way).await?;
        let sealed = self.sealed_for(id, &way, password).await?;
        let (set_at, set_by) = (self.clock.now(), who.name.clone());
        let earlier = self.store.bmc(id).await.map_err(|error| store_problem(&error))?.map(|one| one.binding);
        // That one is about the machine's firmware, and not about the way that is entered.
        let shared = earlier.filter(|binding| matches!(binding, Binding::Shared { .. }));
        let bmc = Bmc { node: id, way, binding: shared.unwrap_or(Binding::Never), set_at, set_by, last: None };
        let entry = self.bmc_entry(who, AuditCode::BmcSet, Outcome::Success, &node, &bmc).await?;
        self.store.set_bmc(&bmc, sealed.as_deref(), entry).await.map_err(|error| store_problem(&error))?;
        self.need_bmc(&node).await
    }

    /// # Errors
    /// `NotFound`, or a failing store.
    pub async fn remove_bmc(&self, who: &Person, id: NodeId) -> Result<(), Problem> {
        let node = self.node(id).await?;
        let bmc = self.need_bmc(&node).await?;
        let entry = self.bmc_entry(who, AuditCode::BmcRemoved, Outcome::Success, &node, &bmc).await?;
        self.store.remove_bmc(id, entry).await.map_err(|error| store_problem(&error))
    }

    /// Compares the UUID that the BMC tells with the one that the machine's own firmware tells, over its pinned SSH. One that
    /// another machine's firmware tells too tells nobody apart: neither is bound by it, until a comparison finds another one.
    ///
    /// # Errors
    /// Why they could not be compared, or `BmcUuidShared`. That they differ is no error: it is written down, and shown.
    pub async fn bind_bmc(&self, who: &Person, id: NodeId) -> Result<Bmc, Problem> {
        let node = self.node(id).await?;
        let bmc = self.need_bmc(&node).await?;
        let own = self.own_uuid(&node).await?;
        let told = self.told_uuid(&node, &bmc).await?;
        let at = self.clock.now();
        let here = self.store.cluster(node.cluster).await.map_err(|error| store_problem(&error))?;
        let others = self.namesakes(&node, &own).await?;
        for other in others.iter().filter(|other| matches!(other.bmc.binding, Binding::Bound { .. })) {
            // Which of the two boards that BMC belongs to is in doubt as much.
            let shared = shared_with(&own, &node, &here, at);
            self.write_binding(who, &other.node, &other.bmc, &shared).await?;
        }
        let binding = match (told.is_same_machine(&own), others.first()) {
            (true, None) => Binding::Bound { uuid: own, at, by: who.name.clone() },
            (true, Some(other)) => shared_with(&own, &other.node, &other.cluster, at),
            (false, _) => Binding::Differs { bmc: told, node: own, at },
        };
        self.write_binding(who, &node, &bmc, &binding).await?;
        let compared = self.need_bmc(&node).await?;
        match compared.bound(node.label()).err().filter(|problem| problem.code == ProblemCode::BmcUuidShared) {
            Some(shared) => Err(shared),
            None => Ok(compared),
        }
    }

    /// Why the UUID that a BMC is bound by proves nothing: another machine's firmware tells it too.
    ///
    /// # Errors
    /// A failing store.
    pub async fn shared_uuid(&self, node: &Node, bmc: &Bmc) -> Result<Option<Problem>, Problem> {
        let Binding::Bound { uuid, .. } = &bmc.binding else { return Ok(None) };
        let others = self.namesakes(node, uuid).await?;
        let problem =
            |other: &Namesake| uuid_shared(node.label(), uuid, other.node.label(), &other.cluster.name.to_string());
        Ok(others.first().map(problem))
    }

    async fn namesakes(&self, node: &Node, own: &SystemUuid) -> Result<Vec<Namesake>, Problem> {
        let failed = |error| store_problem(&error);
        let mut found = Vec::new();
        for cluster in self.store.clusters().await.map_err(failed)? {
            for bmc in self.store.bmcs(cluster.id).await.map_err(failed)? {
                let same = bmc.binding.of_node().is_some_and(|uuid| uuid.is_same_machine(own));
                if bmc.node == node.id || !same {
                    continue;
                }
                let node = self.node(bmc.node).await?;
                found.push(Namesake { cluster: cluster.clone(), node, bmc });
            }
        }
        Ok(found)
    }

    /// What a comparison found, with an entry of its own.
    async fn write_binding(&self, who: &Person, node: &Node, bmc: &Bmc, binding: &Binding) -> Result<(), Problem> {
        let bound = matches!(binding, Binding::Bound { .. });
        let outcome = if bound { Outcome::Success } else { Outcome::Failed };
        let mut entry = self.bmc_entry(who, AuditCode::BmcBound, outcome, node, bmc).await?;
        if let Some(uuid) = binding.of_node() {
            entry.details.insert("uuid".to_owned(), uuid.to_string());
        }
        if matches!(binding, Binding::Shared { .. }) {
            entry.details.insert("problem".to_owned(), ProblemCode::BmcUuidShared.as_str().to_owned());
        }
        self.store.bind_bmc(node.id, bmc.set_at, binding, entry).await.map_err(|error| store_problem(&error))
    }

    /// Every BMC of a cluster that was entered.
    ///
    /// # Errors
    /// A failing store.
    pub async fn bmcs(&self, cluster: ClusterId) -> Result<Vec<Bmc>, Problem> {
        self.store.bmcs(cluster).await.map_err(|error| store_problem(&error))
    }

    /// The BMC of a machine.
    ///
    /// # Errors
    /// `BmcMissing` where none was entered.
    pub async fn need_bmc(&self, node: &Node) -> Result<Bmc, Problem> {
        let found = self.store.bmc(node.id).await.map_err(|error| store_problem(&error))?;
        found.ok_or_else(|| Problem::new(ProblemCode::BmcMissing).with("node", node.label()))
    }

    /// Only a machine of the same list, and none that would lose its own power with the cluster, is asked for a guest.
    async fn checked(&self, node: &Node, way: BmcWay) -> Result<BmcWay, Problem> {
        if node.purpose != Purpose::Member {
            return Err(Problem::new(ProblemCode::NotANode).with("node", node.label()));
        }
        let Some(outer) = way.outer() else { return Ok(way.checked()?) };
        let host = self.node(outer).await?;
        if host.cluster != node.cluster || host.purpose == Purpose::Member {
            return Err(Problem::new(ProblemCode::BmcOuterInvalid).with("node", host.label()));
        }
        let name = host.label().to_owned();
        Ok(match way.checked()? {
            BmcWay::Qm { outer, vmid, .. } => BmcWay::Qm { outer, outer_name: name, vmid },
            BmcWay::Virsh { outer, domain, .. } => BmcWay::Virsh { outer, outer_name: name, domain },
            ipmi @ BmcWay::Ipmi { .. } => ipmi,
        })
    }

    async fn sealed_for(
        &self,
        id: NodeId,
        way: &BmcWay,
        password: Option<Zeroizing<String>>,
    ) -> Result<Option<Vec<u8>>, Problem> {
        if way.kind() != BmcKind::Ipmi {
            return Ok(None);
        }
        let name = way.secret_name(id);
        if let Some(password) = password {
            check_ipmi_password(&password)?;
            let sealed = self.agent.seal(&name, password).map_err(|error| error.problem())?;
            return Ok(Some(sealed.bytes));
        }
        let failed = |error| store_problem(&error);
        let earlier = self.store.bmc(id).await.map_err(failed)?.filter(|one| one.way.secret_name(id) == name);
        let kept = self.store.bmc_secret(id).await.map_err(failed)?;
        // Where it would go elsewhere it is asked for: kept, it would not open there.
        earlier.and(kept).map(Some).ok_or_else(|| ProblemCode::BmcPasswordInvalid.into())
    }

    async fn own_uuid(&self, node: &Node) -> Result<SystemUuid, Problem> {
        let shell = self.shell_to(node).await?;
        let mut none = Problem::new(ProblemCode::BmcNoUuid).with("bmc", node.label());
        for command in pve::bmc::own_uuid() {
            let output = shell.run(&command).await.map_err(|error| error.problem().with("node", node.label()))?;
            let seen = evidence(node.label(), &command, &output);
            self.store.keep(node.cluster, None, &seen).await.map_err(|error| store_problem(&error))?;
            match pve::bmc::own_uuid_told(answer(&output)) {
                Ok(uuid) => return Ok(uuid),
                // The first one says best what the firmware tells: a placeholder, or nothing.
                Err(fault) if none.quote.is_none() => none = ask::problem(&fault, node.label(), node.label()),
                Err(_) => {}
            }
        }
        Err(none)
    }

    async fn bmc_entry(
        &self,
        who: &Person,
        code: AuditCode,
        outcome: Outcome,
        node: &Node,
        bmc: &Bmc,
    ) -> Result<AuditEntry, Problem> {
        let cluster = self.store.cluster(node.cluster).await.map_err(|error| store_problem(&error))?;
        let mut entry = self.audit.about(code, who, outcome, &cluster);
        entry.node = Some(node.label().to_owned());
        entry.details.insert("bmc".to_owned(), bmc.way.to_string());
        if let Some(spoken) = bmc.way.spoken() {
            entry.details.insert("bmc_session".to_owned(), spoken);
        }
        Ok(entry)
    }
}

/// A UUID that does not tell a machine and this other one, of that cluster, apart.
fn shared_with(uuid: &SystemUuid, other: &Node, cluster: &Cluster, at: Timestamp) -> Binding {
    let (other, cluster) = (other.label().to_owned(), cluster.name.to_string());
    Binding::Shared { uuid: uuid.clone(), other, cluster, at }
}

/// What a step says of a power that it could not read or change.
pub(crate) fn fault_problem(fault: &PowerFault, node: &str, bmc: &Bmc) -> Problem {
    ask::problem(fault, node, &bmc.way.to_string())
}
