//! Machines: their keys, and getting in.

use super::access::demand;
use super::{RequestBackend, actor, stored, ways};
use app::api::*;
use engine::execute;
use engine::ports::{Credential, DialError, NodeShell};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::can::{self, Deed};
use model::host_key::{HostKey, Pin, Verdict, judge};
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::plan::Intent;
use model::policy::{Consent, SignInDemand};
use model::problem::{Problem, ProblemCode};
use model::topology::NodeState;
use std::sync::Arc;
use zeroize::Zeroizing;

impl RequestBackend {
    pub(super) async fn do_add_node(&self, caller: Caller, cluster: ClusterId, new: NewNode) -> ApiResult<KeyOffer> {
        let cluster = self.cluster_for(&caller, cluster, Deed::AddNode).await?;
        let (address, via) = ways::addresses(&new).map_err(ApiError)?;
        let way = self.way(&caller, &cluster, via.as_ref()).await?;
        let offered = self.first_offer(&address, way.as_ref()).await?;
        let purpose = if new.qnetd { Purpose::Qnetd } else { Purpose::Member };
        let via = way.map(|way| way.id);
        let node = self.insert_node(&caller, &cluster, address, purpose, offered.as_ref(), via).await?;
        self.state.engine.watch(cluster.id).await;
        Ok(KeyOffer { node: node.id, offered })
    }

    pub(super) fn node_entry(&self, code: AuditCode, caller: &Caller, cluster: &Cluster, node: &Node) -> AuditEntry {
        let mut entry = self.state.engine.audit.about(code, &actor(caller), Outcome::Success, cluster);
        entry.node = Some(node.label().to_owned());
        entry
    }

    pub(super) async fn do_forget_node(&self, caller: Caller, id: NodeId) -> ApiResult<()> {
        let (cluster, node) = self.node_for(&caller, id, Deed::AddNode).await?;
        let engine = &self.state.engine;
        self.is_no_member(&cluster, &node).map_err(ApiError)?;
        self.is_no_way(&node).await?;
        self.may_go(&caller, &cluster, &node).await?;
        engine.unwatch_node(id);
        engine.dialer.forget(id).await;
        let entry = self.node_entry(AuditCode::NodeForgotten, &caller, &cluster, &node);
        engine.store.forget_node(id, entry).await.map_err(stored)
    }

    /// A member of a living cluster stays on the list as long as it is one. One that was never logged in to is only taken off,
    /// for instance to give it another address.
    fn is_no_member(&self, cluster: &Cluster, node: &Node) -> Result<(), Problem> {
        if cluster.phase != ClusterPhase::Live || node.purpose != Purpose::Member || node.pin.is_none() {
            return Ok(());
        }
        let snapshot = self.state.engine.hub.snapshot(cluster.id);
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.config_version.is_some()) else {
            return Err(Problem::new(ProblemCode::MembershipUnknown).with("node", node.label()));
        };
        let member = |state: &NodeState| state.id == Some(node.id) && state.corosync_id.is_some();
        if snapshot.nodes.iter().any(member) {
            return Err(Problem::new(ProblemCode::ClusterAlreadyBuilt).with("name", &cluster.name));
        }
        Ok(())
    }

    /// With a machine goes what only an admin may replace or enter: a pin that its key does not fit any more, and its BMC.
    async fn may_go(&self, caller: &Caller, cluster: &Cluster, node: &Node) -> ApiResult<()> {
        let role = Self::role_on(caller, cluster.id);
        if self.state.engine.store.bmc(node.id).await.map_err(stored)?.is_some() {
            can::do_it(role, Deed::ManageBmc).map_err(ApiError)?;
            demand(caller, SignInDemand::WHOLE)?;
        }
        match can::do_it(role, Deed::ReplaceChangedKey) {
            Err(refused) if self.has_other_key(caller, node).await => Err(ApiError(refused)),
            _ => Ok(()),
        }
    }

    /// Whether the machine has another key than the pinned one. Where nobody knows yet it is asked: it may have changed since
    /// anybody tried. Of one that does not answer counts what it showed last.
    async fn has_other_key(&self, caller: &Caller, node: &Node) -> bool {
        let Some(pin) = &node.pin else { return false };
        if matches!(node.log_in, LogIn::KeyChanged { .. }) {
            return true;
        }
        let engine = &self.state.engine;
        let shown = match engine.offered_by(node).await {
            Ok(offered) => Some(offered),
            Err(_) => node.offered.clone(),
        };
        let Some(Verdict::Changed { pinned, offered }) = shown.map(|key| judge(Some(pin), key)) else { return false };
        engine.note_changed_key(&actor(caller), node, &DialError::ChangedKey { pinned, offered }.problem()).await;
        true
    }

    /// Pins exactly the key that the person saw; replacing a changed one needs more.
    pub(super) async fn do_pin_key(&self, caller: Caller, id: NodeId, fingerprint: String) -> ApiResult<()> {
        let (cluster, node) = self.node_for(&caller, id, Deed::PinUnknownKey).await?;
        let engine = &self.state.engine;
        let offered = engine.offered_by(&node).await.map_err(ApiError)?;
        if offered.fingerprint != fingerprint {
            engine.store.keep_offer(id, &offered).await.map_err(stored)?;
            let other =
                Problem::new(ProblemCode::HostKeyOther).with("seen", fingerprint).with("offered", &offered.fingerprint);
            return Err(ApiError(other));
        }
        let code = match judge(node.pin.as_ref(), offered.clone()) {
            Verdict::Known => return self.do_try_log_in(caller, id).await,
            Verdict::Unknown { .. } => AuditCode::HostKeyPinned,
            Verdict::Changed { .. } => {
                can::do_it(Self::role_on(&caller, cluster.id), Deed::ReplaceChangedKey).map_err(ApiError)?;
                // Whoever is let in by it gets what the console sends there: an open tab is not enough.
                demand(&caller, SignInDemand::WHOLE)?;
                AuditCode::HostKeyReplaced
            }
        };
        // A way or a host that is in use has been let in with its old key: refused, its machine could not even be taken off.
        if code == AuditCode::HostKeyPinned || node.purpose == Purpose::Member {
            self.in_no_other(&cluster, &node, &offered).await?;
        }
        self.pin(&caller, &cluster, &node, offered, code).await?;
        // What the console's key is good for there is the next question on the page; a refusal is no error of pinning.
        let node = engine.node(id).await.map_err(ApiError)?;
        if engine.try_log_in(&node).await.is_ok() {
            self.keep_key(&caller, &cluster, &node).await;
            self.try_behind(&node).await?;
        }
        Ok(())
    }

    /// A member of a living cluster is taken into no second one, neither as a member nor as the host of its QDevice or the way to
    /// others: the console is let in there already, and whoever has a lower role on the first would reach its machine past that
    /// cluster's roles, policy and running operation. Drafts do not count: somebody may begin anew.
    async fn in_no_other(&self, cluster: &Cluster, node: &Node, key: &HostKey) -> ApiResult<()> {
        let lives = |other: &Cluster| other.phase == ClusterPhase::Live;
        match self.state.engine.pinned_elsewhere(key, Some(cluster.id), lives).await.map_err(ApiError)? {
            None => Ok(()),
            Some(other) => Err(ApiError(
                Problem::new(ProblemCode::InOtherCluster).with("node", node.label()).with("cluster", other.name),
            )),
        }
    }

    async fn pin(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        node: &Node,
        key: HostKey,
        code: AuditCode,
    ) -> ApiResult<()> {
        let engine = &self.state.engine;
        let mut entry = self.node_entry(code, caller, cluster, node);
        entry.details.insert("fingerprint".to_owned(), key.fingerprint.clone());
        if let Some(old) = &node.pin {
            entry.details.insert("before".to_owned(), old.key.fingerprint.clone());
        }
        let pin = Pin { key, pinned_at: engine.clock.now(), pinned_by: caller.me.name.clone() };
        engine.store.pin(node.id, &pin, entry).await.map_err(stored)?;
        engine.dialer.forget(node.id).await;
        Ok(())
    }

    pub(super) async fn do_try_log_in(&self, caller: Caller, id: NodeId) -> ApiResult<()> {
        let (cluster, node) = self.node_for(&caller, id, Deed::AddNode).await?;
        let result = self.state.engine.try_log_in(&node).await;
        if result.is_ok() {
            self.keep_key(&caller, &cluster, &node).await;
            self.try_behind(&node).await?;
        }
        self.keep_first_offer(&node, &result).await?;
        self.state.engine.watch(cluster.id).await;
        result.map_err(ApiError)
    }

    /// A machine that did not answer when it was added shows its key now.
    pub(super) async fn keep_first_offer(&self, node: &Node, result: &Result<(), Problem>) -> ApiResult<()> {
        if !result.as_ref().is_err_and(|problem| problem.code == ProblemCode::HostKeyUnknown) {
            return Ok(());
        }
        let engine = &self.state.engine;
        match engine.offered_by(node).await {
            Ok(offered) => engine.store.keep_offer(node.id, &offered).await.map_err(stored),
            Err(_) => Ok(()),
        }
    }

    /// A plan like any other; only its connection is opened with the password, which is then wiped.
    pub(super) async fn do_install_key(
        &self,
        caller: Caller,
        id: NodeId,
        password: String,
        consent: Consent,
    ) -> ApiResult<()> {
        let password = Zeroizing::new(password);
        let (cluster, node) = self.node_for(&caller, id, Deed::RunPlan).await?;
        let engine = &self.state.engine;
        let intent = Intent::InstallKey { node: id };
        let proposal = engine.plan(cluster.id, &intent).await.map_err(ApiError)?;
        // Before the password opens anything.
        engine.demands_met(&actor(&caller), &proposal, &consent, caller.me.shown).await.map_err(ApiError)?;
        let shell = self.by_password(&caller, &cluster, &node, password).await?;
        let operation = engine.begin(&actor(&caller), proposal, &consent).await.map_err(ApiError)?;
        execute::spawn(engine.clone(), operation, actor(&caller), Some(shell))
            .await
            .map_err(|_| ApiError(ProblemCode::Internal.into()))?;
        let ended = engine.store.operation(operation).await.map_err(stored)?;
        if let model::operation::OperationState::Failed { problem, .. }
        | model::operation::OperationState::Parked { problem, .. } = ended.state
        {
            return Err(ApiError(problem));
        }
        self.do_try_log_in(caller, id).await
    }

    /// Nobody finds a machine's password out by trying: a wrong one is written down, and after a few the machine waits.
    async fn by_password(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        node: &Node,
        password: Zeroizing<String>,
    ) -> ApiResult<Arc<dyn NodeShell>> {
        let (engine, guesses) = (&self.state.engine, &self.state.guesses);
        let endpoint = engine.endpoint(node).await.map_err(ApiError)?;
        let _alone = guesses.turn(node).await;
        if let Some(waits) = guesses.still_waits(node, engine.clock.now()) {
            return self.password_refused(caller, cluster, node, waits).await;
        }
        let error = match engine.dialer.once(&endpoint, Credential::Password(password)).await {
            Ok(shell) => {
                guesses.forget(node);
                return Ok(shell);
            }
            Err(error) => error,
        };
        let problem = error.problem().with("node", node.label()).with("host", &node.address.host);
        engine.note_changed_key(&actor(caller), node, &problem).await;
        if !error.spent_password() {
            return Err(ApiError(problem));
        }
        guesses.note_failure(node, engine.clock.now());
        self.password_refused(caller, cluster, node, problem).await
    }

    async fn password_refused<T>(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        node: &Node,
        problem: Problem,
    ) -> ApiResult<T> {
        let mut entry = self.node_entry(AuditCode::PlanRefused, caller, cluster, node);
        entry.outcome = Outcome::Refused;
        entry.details.insert("intent".to_owned(), Intent::InstallKey { node: node.id }.word().to_owned());
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.state.engine.audit.write(entry).await.map_err(stored)?;
        Err(ApiError(problem))
    }
}
