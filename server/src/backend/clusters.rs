//! The list of clusters and one of them.

use super::access::demand;
use super::{RequestBackend, actor, stored};
use app::api::*;
use model::audit::{AuditCode, Outcome};
use model::can::{self, Deed};
use model::ids::ClusterId;
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::ClusterName;
use model::policy::SignInDemand;
use model::problem::{Problem, ProblemCode};
use model::wizard::{self, World};

/// Operations that the cluster page shows.
const RECENT: u32 = 20;

impl RequestBackend {
    pub(super) async fn do_clusters(&self, caller: Caller) -> ApiResult<Vec<ClusterLine>> {
        let mut lines = Vec::new();
        for cluster in self.state.engine.store.clusters().await.map_err(stored)? {
            if can::do_it(caller.me.access.on(cluster.id), Deed::See).is_ok() {
                lines.push(self.line(cluster).await?);
            }
        }
        Ok(lines)
    }

    async fn line(&self, cluster: Cluster) -> ApiResult<ClusterLine> {
        let engine = &self.state.engine;
        let nodes = engine.store.nodes(cluster.id).await.map_err(stored)?;
        let draft = engine.store.draft(cluster.id).await.map_err(stored)?;
        let (snapshot, _) = engine.hub.look(cluster.id);
        let matrix = engine.hub.matrix(cluster.id);
        let world = World {
            cluster: &cluster,
            nodes: &nodes,
            draft: &draft,
            matrix: matrix.as_deref(),
            snapshot: Some(&snapshot),
            now: engine.clock.now(),
        };
        let wizard_step = wizard::current(&world);
        let recent = engine.store.operations(Some(cluster.id), RECENT).await.map_err(stored)?;
        let running = recent.iter().find(|operation| operation.state.holds_cluster()).map(|operation| operation.id);
        let members = nodes.iter().filter(|node| node.purpose == Purpose::Member).count();
        Ok(ClusterLine {
            nodes: u32::try_from(members).unwrap_or(u32::MAX),
            health: snapshot.health,
            told_at: snapshot.quorum.as_ref().map(|aged| aged.fact.at),
            wizard_step,
            running,
            cluster,
        })
    }

    pub(super) async fn do_cluster(&self, caller: Caller, id: ClusterId) -> ApiResult<ClusterView> {
        let cluster = self.cluster_for(&caller, id, Deed::See).await?;
        self.view(&caller, cluster).await
    }

    pub(super) async fn view(&self, caller: &Caller, cluster: Cluster) -> ApiResult<ClusterView> {
        let engine = &self.state.engine;
        let id = cluster.id;
        // Looked at before the rest is read: the stream then repeats a little, and misses nothing.
        let (snapshot, seq) = engine.hub.look(id);
        Ok(ClusterView {
            nodes: engine.store.nodes(id).await.map_err(stored)?,
            snapshot: (*snapshot).clone(),
            seq,
            operations: engine.store.operations(Some(id), RECENT).await.map_err(stored)?,
            role: Self::role_on(caller, id),
            gap: engine.evidence.gap(id),
            cluster,
        })
    }

    pub(super) async fn do_add_cluster(&self, caller: Caller, name: String) -> ApiResult<NewCluster> {
        Self::may(&caller, Deed::AddCluster)?;
        let name: ClusterName = name.trim().parse().map_err(|error: model::name::NameError| ApiError(error.into()))?;
        let engine = &self.state.engine;
        let cluster = Cluster {
            id: ClusterId::from_uuid(engine.ids.next()),
            name,
            phase: ClusterPhase::Draft,
            protected: false,
            created_at: engine.clock.now(),
            created_by: caller.me.name.clone(),
        };
        let entry = engine.audit.about(AuditCode::ClusterAdded, &actor(&caller), Outcome::Success, &cluster);
        match engine.store.add_cluster(&cluster, entry).await {
            Ok(()) => Ok(NewCluster { cluster: cluster.id }),
            Err(engine::ports::StoreError::Conflict { .. }) => {
                Err(ApiError(Problem::new(ProblemCode::ClusterNameTaken).with("name", &cluster.name)))
            }
            Err(error) => Err(stored(error)),
        }
    }

    pub(super) async fn do_forget_cluster(&self, caller: Caller, id: ClusterId) -> ApiResult<()> {
        let cluster = self.cluster_for(&caller, id, Deed::See).await?;
        let engine = &self.state.engine;
        let role = Self::role_on(&caller, id);
        // An import that was begun and never finished is given up by whoever may begin one.
        if cluster.phase == ClusterPhase::Importing && !self.holds_admins_things(id).await? {
            can::do_it(role, Deed::AddCluster).map_err(ApiError)?;
        } else {
            can::do_it(role, Deed::ForgetCluster).map_err(ApiError)?;
            // With it go policy, roles, pins and the BMCs' passwords: an open tab is not enough.
            demand(&caller, SignInDemand::WHOLE)?;
        }
        let operations = engine.store.operations(Some(id), RECENT).await.map_err(stored)?;
        if operations.iter().any(|operation| operation.state.is_carried_out()) {
            return Err(ProblemCode::AlreadyRunning.into());
        }
        // Where the console was ever let in its key may lie: this call takes nothing away.
        let mut keep_key = engine.store.nodes(id).await.map_err(stored)?;
        keep_key.retain(|node| node.pin.is_some());
        engine.forget_cluster(&actor(&caller), &cluster, &keep_key).await.map_err(stored)
    }

    /// What only an admin may replace or enter: a pin that a machine's key does not fit any more, and BMCs.
    async fn holds_admins_things(&self, id: ClusterId) -> ApiResult<bool> {
        let store = &self.state.engine.store;
        let changed = |node: &Node| matches!(node.log_in, LogIn::KeyChanged { .. });
        let changed = store.nodes(id).await.map_err(stored)?.iter().any(changed);
        Ok(changed || !store.bmcs(id).await.map_err(stored)?.is_empty())
    }
}
