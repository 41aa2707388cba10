//! Power from outside: entering, binding, asking. What changes power is a step of a plan (`steps::power`).

mod ask;

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::bmc::{Binding, Bmc, BmcKind, BmcWay, SystemUuid, check_ipmi_password};
use model::ids::{ClusterId, NodeId};
use model::inventory::{Node, Purpose};
use model::problem::{Problem, ProblemCode};
use pve::bmc::PowerFault;
use zeroize::Zeroizing;

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
        let bmc = Bmc { node: id, way, binding: Binding::Never, set_at, set_by, last: None };
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
    /// another machine is bound by already tells nobody apart: it binds nothing, and an earlier binding by it ends.
    ///
    /// # Errors
    /// Why they could not be compared, or `BmcUuidShared`. That they differ is no error: it is written down, and shown.
    pub async fn bind_bmc(&self, who: &Person, id: NodeId) -> Result<Bmc, Problem> {
        let node = self.node(id).await?;
        let bmc = self.need_bmc(&node).await?;
        let own = self.own_uuid(&node).await?;
        let told = self.told_uuid(&node, &bmc).await?;
        let at = self.clock.now();
        let shared = self.bound_elsewhere(&node, &[&own, &told]).await?;
        let (binding, outcome) = match (told.is_same_machine(&own), &shared) {
            (true, None) => (Binding::Bound { uuid: own.clone(), at, by: who.name.clone() }, Outcome::Success),
            (true, Some(_)) => (Binding::Never, Outcome::Failed),
            (false, _) => (Binding::Differs { bmc: told, node: own.clone(), at }, Outcome::Failed),
        };
        let refused = shared.filter(|_| binding == Binding::Never);
        let mut entry = self.bmc_entry(who, AuditCode::BmcBound, outcome, &node, &bmc).await?;
        entry.details.insert("uuid".to_owned(), own.to_string());
        self.store.bind_bmc(id, bmc.set_at, &binding, entry).await.map_err(|error| store_problem(&error))?;
        match refused {
            Some(problem) => Err(problem),
            None => self.need_bmc(&node).await,
        }
    }

    /// Whether another machine, of whichever cluster, is bound by one of these: firmware that many boards share would make the
    /// BMC of one prove the death of another.
    async fn bound_elsewhere(&self, node: &Node, uuids: &[&SystemUuid]) -> Result<Option<Problem>, Problem> {
        let failed = |error| store_problem(&error);
        let is_one = |known: &SystemUuid| uuids.iter().any(|uuid| uuid.is_same_machine(known));
        for cluster in self.store.clusters().await.map_err(failed)? {
            for other in self.store.bmcs(cluster.id).await.map_err(failed)? {
                let Binding::Bound { uuid, .. } = &other.binding else { continue };
                if other.node == node.id || !is_one(uuid) {
                    continue;
                }
                let machine = self.node(other.node).await?;
                let problem = Problem::new(ProblemCode::BmcUuidShared).with("node", node.label()).with("uuid", uuid);
                return Ok(Some(problem.with("other", machine.label()).with("cluster", &cluster.name)));
            }
        }
        Ok(None)
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

/// What a step says of a power that it could not read or change.
pub(crate) fn fault_problem(fault: &PowerFault, node: &str, bmc: &Bmc) -> Problem {
    ask::problem(fault, node, &bmc.way.to_string())
}
