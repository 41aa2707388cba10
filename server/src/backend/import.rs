//! Taking over a cluster that exists already.

use super::access::demand;
use super::{RequestBackend, actor, stored, ways};
use app::api::*;
use engine::import::{Answered, Dialled};
use engine::ports::{DialError, StoreError};
use model::audit::{AuditCode, Outcome};
use model::can::Deed;
use model::host_key::{HostKey, Verdict, judge};
use model::ids::{ClusterId, NodeId};
use model::import::{Chosen, Discovery, Source};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::problem::{Problem, ProblemCode};

impl RequestBackend {
    pub(super) async fn do_import_begin(&self, caller: Caller, new: NewNode) -> ApiResult<ImportBegun> {
        Self::may(&caller, Deed::AddCluster)?;
        let (address, via) = ways::addresses(&new).map_err(ApiError)?;
        let (offered, way) = match &via {
            None => (Some(self.offer_at(&address, &address.host).await?), None),
            Some(via) => (None, Some(self.knock_at_way(via).await?)),
        };
        if let Some(begun) = self.begun_before(&address, via.as_ref(), offered.as_ref()).await? {
            return Ok(begun);
        }
        if let Some(offered) = &offered {
            self.not_elsewhere(offered, None).await?;
        }
        let engine = &self.state.engine;
        let id = ClusterId::from_uuid(engine.ids.next());
        // Its real name is not known before the node has been asked.
        let name = format!("import-{}", id.short());
        let cluster = Cluster {
            id,
            name: name.parse().map_err(|error: model::name::NameError| ApiError(error.into()))?,
            phase: ClusterPhase::Importing,
            protected: false,
            created_at: engine.clock.now(),
            created_by: caller.me.name.clone(),
        };
        let entry = engine.audit.about(AuditCode::ClusterAdded, &actor(&caller), Outcome::Success, &cluster);
        engine.store.add_cluster(&cluster, entry).await.map_err(stored)?;
        let via = match way {
            Some(way) => Some(self.add_way(&caller, &cluster, way).await?.id),
            None => None,
        };
        let node = self.insert_node(&caller, &cluster, address, Purpose::Member, offered.as_ref(), via).await?;
        Ok(ImportBegun { cluster: cluster.id, node: node.id })
    }

    /// An import that somebody began with this machine and has not finished is gone on with.
    async fn begun_before(
        &self,
        address: &SshAddress,
        via: Option<&SshAddress>,
        offered: Option<&HostKey>,
    ) -> ApiResult<Option<ImportBegun>> {
        let engine = &self.state.engine;
        for cluster in engine.store.clusters().await.map_err(stored)? {
            if cluster.phase != ClusterPhase::Importing {
                continue;
            }
            let nodes = engine.store.nodes(cluster.id).await.map_err(stored)?;
            let way = |node: &Node| nodes.iter().find(|one| Some(one.id) == node.via).map(|one| &one.address);
            let at = |node: &&Node| {
                ways::same_place(&node.address, address)
                    && match (way(node), via) {
                        (None, None) => true,
                        (Some(one), Some(other)) => ways::same_place(one, other),
                        _ => false,
                    }
            };
            if let Some(node) = nodes.iter().find(at) {
                if let Some(offered) = offered {
                    engine.store.keep_offer(node.id, offered).await.map_err(stored)?;
                }
                return Ok(Some(ImportBegun { cluster: cluster.id, node: node.id }));
            }
        }
        Ok(None)
    }

    /// One cluster is not taken over twice: two watchers would tell two stories of it.
    async fn not_elsewhere(&self, key: &HostKey, here: Option<ClusterId>) -> ApiResult<()> {
        match self.state.engine.pinned_elsewhere(key, here, |_| true).await.map_err(ApiError)? {
            None => Ok(()),
            Some(other) => Err(ApiError(
                Problem::new(ProblemCode::ClusterKnown).with("name", &other.name).with("cluster", other.id),
            )),
        }
    }

    pub(super) async fn do_discover(&self, caller: Caller, id: ClusterId) -> ApiResult<Discovery> {
        self.cluster_for(&caller, id, Deed::RunChecks).await?;
        Ok(self.state.engine.discover(id).await.map_err(ApiError)?.discovery)
    }

    pub(super) async fn do_import_members(
        &self,
        caller: Caller,
        id: ClusterId,
        chosen: Vec<Chosen>,
    ) -> ApiResult<ImportDone> {
        let cluster = self.cluster_for(&caller, id, Deed::AddNode).await?;
        let engine = &self.state.engine;
        // Asked for before anything is taken over: what follows lets the console in.
        demand(&caller, engine.store.policy(id).await.map_err(stored)?.of_admission().sign_in())?;
        let answered = engine.discover(id).await.map_err(ApiError)?;
        if let Some(pin) = &answered.through.pin {
            // Behind a jump host its key was not known when the import began.
            self.not_elsewhere(&pin.key, Some(id)).await?;
        }
        let dialled = engine.dial_members(&answered, &chosen).await.map_err(ApiError)?;
        for key in dialled.iter().filter_map(|one: &Dialled| one.offered.as_ref().ok()) {
            self.not_elsewhere(key, Some(id)).await?;
        }
        let who = actor(&caller);
        let done = engine.adopt(&who, &cluster, &answered, dialled).await.map_err(ApiError)?;
        // Asked for nobody it shares the key again: a console that died after the adoption has not come to that, and a
        // cluster without quorum could not take it.
        let said_before = cluster.phase == ClusterPhase::Live && done.added.is_empty() && !chosen.is_empty();
        let key_not_shared = if said_before { None } else { self.admit(&caller, &answered).await };
        Ok(ImportDone { name: done.cluster.name.to_string(), name_taken: done.name_taken, key_not_shared })
    }

    /// The console's key for all nodes at once, where the cluster can carry it; why not, where it cannot.
    async fn admit(&self, caller: &Caller, answered: &Answered) -> Option<Problem> {
        let (through, told) = (&answered.through, &answered.discovery);
        let hindrance = if through.address.needs_sudo() {
            // The shared file lets root in and nobody else.
            Some(Problem::new(ProblemCode::KeyNotShared).with("user", &through.address.user))
        } else if told.quorate != Some(true) || told.source != Source::Shared {
            Some(ProblemCode::ClusterNotQuorate.into())
        } else {
            None
        };
        let admitted =
            self.state.engine.admit_console(&actor(caller), through, hindrance.is_none(), caller.me.shown).await;
        admitted.err().or(hindrance)
    }

    /// A member that was found by an import is named before it was ever logged in to: the shared file lets the console in,
    /// and now its key is kept where pmxcfs is not needed. What goes wrong here is an operation that people see.
    pub(super) async fn keep_key(&self, caller: &Caller, cluster: &Cluster, before: &Node) {
        let named = before.name.is_some() && before.purpose == Purpose::Member;
        if cluster.phase != ClusterPhase::Live || !named || matches!(before.log_in, LogIn::Works { .. }) {
            return;
        }
        let engine = &self.state.engine;
        let result = match engine.keeps_console_key(before).await {
            Ok(true) => Ok(()),
            Ok(false) => engine.admit_console(&actor(caller), before, false, caller.me.shown).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = result {
            tracing::warn!(node.name = before.label(), problem = %problem, "the console's key was not kept there");
        }
    }

    pub(super) async fn do_key_seen(&self, caller: Caller, id: NodeId) -> ApiResult<KeySeen> {
        let (cluster, node) = self.node_for(&caller, id, Deed::RunChecks).await?;
        let engine = &self.state.engine;
        let offered = node.offered.clone().ok_or_else(|| ApiError(ProblemCode::HostKeyUnknown.into()))?;
        let answered = engine.discover(cluster.id).await.map_err(ApiError)?;
        let seen = engine.seen_by_member(&node, &answered.discovery, &offered).await.map_err(ApiError)?;
        let same = seen.seen.as_ref().is_some_and(|key| key.base64 == offered.base64);
        Ok(KeySeen { by: seen.by, address: seen.address, fingerprint: seen.seen.map(|key| key.fingerprint), same })
    }

    /// The host key that a machine shows; `label` is what people call it.
    pub(super) async fn offer_at(&self, address: &SshAddress, label: &str) -> ApiResult<HostKey> {
        let offered = self.state.engine.dialer.offered_key(address, None).await;
        offered.map_err(|error| ApiError(error.problem().with("host", &address.host).with("node", label)))
    }

    /// A new machine of a cluster, whose key waits for a person.
    pub(super) async fn insert_node(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        address: SshAddress,
        purpose: Purpose,
        offered: Option<&HostKey>,
        via: Option<NodeId>,
    ) -> ApiResult<Node> {
        let engine = &self.state.engine;
        let node = Node {
            id: NodeId::from_uuid(engine.ids.next()),
            cluster: cluster.id,
            purpose,
            address,
            via,
            name: None,
            pin: None,
            offered: offered.cloned(),
            log_in: LogIn::KeyUnconfirmed,
            position: 0,
        };
        let mut entry = self.node_entry(AuditCode::NodeAdded, caller, cluster, &node);
        entry.details.insert("address".to_owned(), node.address.to_string());
        if let Some(offered) = offered {
            entry.details.insert("offered".to_owned(), offered.fingerprint.clone());
        }
        let host = node.address.host.clone();
        let added = engine.store.add_node(&node, entry).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ApiError(Problem::new(ProblemCode::NodeAlreadyAdded).with("host", host)),
            other => stored(other),
        })?;
        // Its address had another key before the machine was taken off the list.
        if let Some(Verdict::Changed { pinned, offered }) = offered.map(|key| judge(added.pin.as_ref(), key.clone())) {
            engine.note_changed_key(&actor(caller), &added, &DialError::ChangedKey { pinned, offered }.problem()).await;
        }
        Ok(added)
    }
}
