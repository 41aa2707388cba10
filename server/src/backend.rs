//! What the pages' server functions do: the role is checked here, for every call.

mod access;
mod checks;
mod clusters;
mod demo;
mod evidence;
mod import;
mod measure;
mod messages;
mod nodes;
mod people;
mod plans;
mod power;
mod runs;
mod team;
mod trail;
mod ways;
mod who;
mod wizard;

pub use evidence::EVIDENCE_DAYS;
pub use who::caller_of;

use crate::state::AppState;
use app::api::*;
use async_trait::async_trait;
use engine::audit::Person as Actor;
use engine::context::store_problem;
use model::audit::{AuditFilter, AuditPage, ChainView, ChainedEntry, SavedFilter};
use model::can::{self, Deed};
use model::ids::{ClusterId, NodeId, OperationId, RequestId, UserId};
use model::import::{Chosen, Discovery};
use model::inventory::{Cluster, Node};
use model::links::LinkPlan;
use model::measure::Measurement;
use model::midway::Midway;
use model::observation::Evidence;
use model::operation::Operation;
use model::policy::Consent;
use model::preflight::{Cell, CheckId, Matrix};
use model::reading::{Behind, EvidenceGap};
use model::recovery::Recovery;
use model::role::Role;
use model::verify::Verification;
use model::wizard::Draft;
use tower_sessions::Session;

/// The backend of one request: the session comes with it.
pub struct RequestBackend {
    state: AppState,
    session: Session,
    from: String,
}

impl RequestBackend {
    #[must_use]
    pub const fn new(state: AppState, session: Session, from: String) -> Self {
        Self { state, session, from }
    }

    /// A deed that concerns no single cluster.
    fn may(caller: &Caller, deed: Deed) -> ApiResult<()> {
        can::do_it(caller.me.access.everywhere, deed).map_err(ApiError)
    }

    /// The cluster, if the caller may do this to it.
    async fn cluster_for(&self, caller: &Caller, id: ClusterId, deed: Deed) -> ApiResult<Cluster> {
        can::do_it(caller.me.access.on(id), deed).map_err(ApiError)?;
        self.state.engine.store.cluster(id).await.map_err(|error| ApiError(store_problem(&error)))
    }

    /// The machine, if the caller may do this to its cluster.
    async fn node_for(&self, caller: &Caller, id: NodeId, deed: Deed) -> ApiResult<(Cluster, Node)> {
        let node = self.state.engine.store.node(id).await.map_err(|error| ApiError(store_problem(&error)))?;
        let cluster = self.cluster_for(caller, node.cluster, deed).await?;
        Ok((cluster, node))
    }

    fn role_on(caller: &Caller, cluster: ClusterId) -> Role {
        caller.me.access.on(cluster)
    }
}

/// For the audit.
fn actor(caller: &Caller) -> Actor {
    Actor { name: caller.me.name.clone() }
}

fn stored(error: engine::ports::StoreError) -> ApiError {
    ApiError(store_problem(&error))
}

#[async_trait]
impl Backend for RequestBackend {
    async fn caller(&self) -> ApiResult<Caller> {
        let me = caller_of(&self.state, &self.session).await.map_err(ApiError)?;
        Ok(Caller { me, from: self.from.clone() })
    }

    async fn sign_in(&self, name: String, password: String, code: Option<String>) -> ApiResult<Me> {
        self.do_sign_in(name, password, code).await
    }

    async fn sign_out(&self) -> ApiResult<()> {
        self.do_sign_out().await
    }

    async fn confirm_password(&self, password: String, code: Option<String>) -> ApiResult<Me> {
        self.do_confirm_password(password, code).await
    }

    async fn look_at_invite(&self, token: String) -> ApiResult<Invite> {
        self.do_look_at_invite(token).await
    }

    async fn accept_invite(&self, token: String, name: String, password: String) -> ApiResult<Me> {
        self.do_accept_invite(token, name, password).await
    }

    async fn people(&self, caller: Caller) -> ApiResult<Vec<Person>> {
        self.do_people(caller).await
    }

    async fn disable_person(&self, caller: Caller, id: UserId) -> ApiResult<()> {
        self.do_disable_person(caller, id).await
    }

    async fn clusters(&self, caller: Caller) -> ApiResult<Vec<ClusterLine>> {
        self.do_clusters(caller).await
    }

    async fn cluster(&self, caller: Caller, id: ClusterId) -> ApiResult<ClusterView> {
        self.do_cluster(caller, id).await
    }

    async fn add_cluster(&self, caller: Caller, name: String) -> ApiResult<NewCluster> {
        self.do_add_cluster(caller, name).await
    }

    async fn forget_cluster(&self, caller: Caller, id: ClusterId) -> ApiResult<()> {
        self.do_forget_cluster(caller, id).await
    }

    async fn import_begin(&self, caller: Caller, node: NewNode) -> ApiResult<ImportBegun> {
        self.do_import_begin(caller, node).await
    }

    async fn discover(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Discovery> {
        self.do_discover(caller, cluster).await
    }

    async fn import_members(&self, caller: Caller, cluster: ClusterId, members: Vec<Chosen>) -> ApiResult<ImportDone> {
        self.do_import_members(caller, cluster, members).await
    }

    async fn key_seen(&self, caller: Caller, node: NodeId) -> ApiResult<KeySeen> {
        self.do_key_seen(caller, node).await
    }

    async fn add_node(&self, caller: Caller, cluster: ClusterId, node: NewNode) -> ApiResult<KeyOffer> {
        self.do_add_node(caller, cluster, node).await
    }

    async fn forget_node(&self, caller: Caller, node: NodeId) -> ApiResult<()> {
        self.do_forget_node(caller, node).await
    }

    async fn pin_key(&self, caller: Caller, node: NodeId, fingerprint: String) -> ApiResult<()> {
        self.do_pin_key(caller, node, fingerprint).await
    }

    async fn try_log_in(&self, caller: Caller, node: NodeId) -> ApiResult<()> {
        self.do_try_log_in(caller, node).await
    }

    async fn install_key(&self, caller: Caller, node: NodeId, password: String, consent: Consent) -> ApiResult<()> {
        self.do_install_key(caller, node, password, consent).await
    }

    async fn wizard(&self, caller: Caller, cluster: ClusterId) -> ApiResult<WizardView> {
        self.do_wizard(caller, cluster).await
    }

    async fn run_checks(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Matrix> {
        self.do_run_checks(caller, cluster).await
    }

    async fn network(&self, caller: Caller, cluster: ClusterId) -> ApiResult<NetworkView> {
        self.do_network(caller, cluster).await
    }

    async fn check_proof(&self, caller: Caller, cluster: ClusterId, check: CheckId, node: NodeId) -> ApiResult<Cell> {
        self.do_check_proof(caller, cluster, check, node).await
    }

    async fn acknowledge_checks(
        &self,
        caller: Caller,
        cluster: ClusterId,
        cells: Vec<(CheckId, NodeId)>,
        reason: String,
        revision: u64,
    ) -> ApiResult<Draft> {
        self.do_acknowledge_checks(caller, cluster, cells, reason, revision).await
    }

    async fn choose_links(
        &self,
        caller: Caller,
        cluster: ClusterId,
        links: Vec<LinkPlan>,
        revision: u64,
    ) -> ApiResult<Draft> {
        self.do_choose_links(caller, cluster, links, revision).await
    }

    async fn measure_links(&self, caller: Caller, cluster: ClusterId, links: Vec<LinkPlan>) -> ApiResult<Measurement> {
        self.do_measure_links(caller, cluster, links).await
    }

    async fn measure_proof(
        &self,
        caller: Caller,
        cluster: ClusterId,
        link: u8,
        from: NodeId,
        to: NodeId,
    ) -> ApiResult<Vec<Evidence>> {
        self.do_measure_proof(caller, cluster, link, from, to).await
    }

    async fn verify(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Verification> {
        self.do_verify(caller, cluster).await
    }

    async fn recovery(&self, caller: Caller, id: ClusterId) -> ApiResult<Recovery> {
        self.do_recovery(caller, id).await
    }

    async fn midway(&self, caller: Caller, id: ClusterId) -> ApiResult<Vec<Midway>> {
        self.do_midway(caller, id).await
    }

    async fn skip_qdevice(&self, caller: Caller, cluster: ClusterId, revision: u64) -> ApiResult<Draft> {
        self.do_skip_qdevice(caller, cluster, revision).await
    }

    async fn preview(&self, caller: Caller, cluster: ClusterId, wish: Wish) -> ApiResult<Preview> {
        self.do_preview(caller, cluster, wish).await
    }

    async fn run(
        &self,
        caller: Caller,
        cluster: ClusterId,
        wish: Wish,
        digest: String,
        consent: Consent,
        ends: Option<Ending>,
    ) -> ApiResult<OperationId> {
        self.do_run(caller, cluster, wish, (digest, consent), ends).await
    }

    async fn operation(&self, caller: Caller, id: OperationId) -> ApiResult<OperationView> {
        self.do_operation(caller, id).await
    }

    async fn operations(&self, caller: Caller, cluster: Option<ClusterId>) -> ApiResult<Vec<Operation>> {
        self.do_operations(caller, cluster).await
    }

    async fn resume(&self, caller: Caller, id: OperationId) -> ApiResult<()> {
        self.do_resume(caller, id).await
    }

    async fn abandon(&self, caller: Caller, id: OperationId, reason: String) -> ApiResult<()> {
        self.do_abandon(caller, id, reason).await
    }

    async fn evidence(&self, caller: Caller, cluster: ClusterId, node: Option<String>) -> ApiResult<Vec<Evidence>> {
        self.do_evidence(caller, cluster, node).await
    }

    async fn evidence_behind(&self, caller: Caller, cluster: ClusterId, source: FactSource) -> ApiResult<Behind> {
        self.do_behind(caller, cluster, source).await
    }

    async fn relied_on(&self, caller: Caller, request: RequestId) -> ApiResult<Vec<FactSource>> {
        self.do_relied(caller, request).await
    }

    async fn evidence_gap(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Option<EvidenceGap>> {
        self.do_gap(caller, cluster).await
    }

    async fn audit(&self, caller: Caller, filter: AuditFilter) -> ApiResult<AuditPage> {
        self.do_audit(caller, filter).await
    }

    async fn audit_entry(&self, caller: Caller, index: u64) -> ApiResult<ChainedEntry> {
        self.do_audit_entry(caller, index).await
    }

    async fn audit_chain(&self, caller: Caller) -> ApiResult<ChainView> {
        self.do_audit_chain(caller).await
    }

    async fn saved_filters(&self, caller: Caller) -> ApiResult<Vec<SavedFilter>> {
        self.do_saved_filters(caller).await
    }

    async fn save_filter(&self, caller: Caller, name: String, query: String) -> ApiResult<()> {
        self.do_save_filter(caller, name, query).await
    }

    async fn drop_filter(&self, caller: Caller, name: String) -> ApiResult<()> {
        self.do_drop_filter(caller, name).await
    }

    async fn demo_switches(&self, caller: Caller) -> ApiResult<Vec<DemoSwitch>> {
        self.do_demo_switches(caller).await
    }

    async fn demo_switch(&self, caller: Caller, id: String, on: bool) -> ApiResult<Vec<DemoSwitch>> {
        self.do_demo_switch(caller, id, on).await
    }
}
