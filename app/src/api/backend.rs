//! The one door from the pages to the server. The server implements it; tests may too.

use super::carried::*;
use super::runs::Ending;
use async_trait::async_trait;
use model::audit::{AuditFilter, AuditPage, ChainView, ChainedEntry, SavedFilter};
use model::ids::{ClusterId, NodeId, OperationId, RequestId, UserId};
use model::import::{Chosen, Discovery};
use model::links::LinkPlan;
use model::measure::Measurement;
use model::midway::Midway;
use model::observation::Evidence;
use model::operation::Operation;
use model::policy::Consent;
use model::preflight::{Cell, CheckId, Matrix};
use model::reading::{Behind, EvidenceGap};
use model::recovery::Recovery;
use model::verify::Verification;
use model::wizard::Draft;

/// Who calls: taken from the session by the server, never from the page.
#[derive(Debug, Clone)]
pub struct Caller {
    pub me: Me,
    /// Peer address, for the audit and the rate limit.
    pub from: String,
}

/// Every method checks the caller's role itself before it does anything.
#[async_trait]
pub trait Backend:
    super::TeamBackend + super::PowerBackend + super::AccessBackend + super::RunsBackend + super::MessagesBackend
{
    /// The caller of the request being answered.
    ///
    /// # Errors
    /// `NotSignedIn`.
    async fn caller(&self) -> ApiResult<Caller>;

    async fn sign_in(&self, name: String, password: String, code: Option<String>) -> ApiResult<Me>;
    async fn sign_out(&self) -> ApiResult<()>;
    async fn confirm_password(&self, password: String, code: Option<String>) -> ApiResult<Me>;
    async fn look_at_invite(&self, token: String) -> ApiResult<Invite>;
    async fn accept_invite(&self, token: String, name: String, password: String) -> ApiResult<Me>;
    async fn people(&self, caller: Caller) -> ApiResult<Vec<Person>>;
    async fn disable_person(&self, caller: Caller, id: UserId) -> ApiResult<()>;

    async fn clusters(&self, caller: Caller) -> ApiResult<Vec<ClusterLine>>;
    async fn cluster(&self, caller: Caller, id: ClusterId) -> ApiResult<ClusterView>;
    async fn add_cluster(&self, caller: Caller, name: String) -> ApiResult<NewCluster>;
    async fn forget_cluster(&self, caller: Caller, id: ClusterId) -> ApiResult<()>;

    async fn import_begin(&self, caller: Caller, node: NewNode) -> ApiResult<ImportBegun>;
    async fn discover(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Discovery>;
    async fn import_members(&self, caller: Caller, cluster: ClusterId, members: Vec<Chosen>) -> ApiResult<ImportDone>;
    async fn key_seen(&self, caller: Caller, node: NodeId) -> ApiResult<KeySeen>;

    async fn add_node(&self, caller: Caller, cluster: ClusterId, node: NewNode) -> ApiResult<KeyOffer>;
    async fn forget_node(&self, caller: Caller, node: NodeId) -> ApiResult<()>;
    async fn pin_key(&self, caller: Caller, node: NodeId, fingerprint: String) -> ApiResult<()>;
    async fn try_log_in(&self, caller: Caller, node: NodeId) -> ApiResult<()>;
    async fn install_key(&self, caller: Caller, node: NodeId, password: String, consent: Consent) -> ApiResult<()>;

    async fn wizard(&self, caller: Caller, cluster: ClusterId) -> ApiResult<WizardView>;
    async fn run_checks(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Matrix>;
    async fn check_proof(&self, caller: Caller, cluster: ClusterId, check: CheckId, node: NodeId) -> ApiResult<Cell>;
    async fn acknowledge_checks(
        &self,
        caller: Caller,
        cluster: ClusterId,
        cells: Vec<(CheckId, NodeId)>,
        reason: String,
        revision: u64,
    ) -> ApiResult<Draft>;
    async fn network(&self, caller: Caller, cluster: ClusterId) -> ApiResult<NetworkView>;
    async fn choose_links(
        &self,
        caller: Caller,
        cluster: ClusterId,
        links: Vec<LinkPlan>,
        revision: u64,
    ) -> ApiResult<Draft>;
    async fn measure_links(&self, caller: Caller, cluster: ClusterId, links: Vec<LinkPlan>) -> ApiResult<Measurement>;
    async fn measure_proof(
        &self,
        caller: Caller,
        cluster: ClusterId,
        link: u8,
        from: NodeId,
        to: NodeId,
    ) -> ApiResult<Vec<Evidence>>;
    async fn verify(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Verification>;
    /// A cluster without quorum, looked at from every side; changes nothing.
    async fn recovery(&self, caller: Caller, id: ClusterId) -> ApiResult<Recovery>;
    /// Joins that stopped midway, as both sides show them now; changes nothing.
    async fn midway(&self, caller: Caller, id: ClusterId) -> ApiResult<Vec<Midway>>;
    async fn skip_qdevice(&self, caller: Caller, cluster: ClusterId, revision: u64) -> ApiResult<Draft>;

    async fn preview(&self, caller: Caller, cluster: ClusterId, wish: Wish) -> ApiResult<Preview>;
    async fn run(
        &self,
        caller: Caller,
        cluster: ClusterId,
        wish: Wish,
        digest: String,
        consent: Consent,
        ends: Option<Ending>,
    ) -> ApiResult<OperationId>;
    async fn operation(&self, caller: Caller, id: OperationId) -> ApiResult<OperationView>;
    async fn operations(&self, caller: Caller, cluster: Option<ClusterId>) -> ApiResult<Vec<Operation>>;
    async fn resume(&self, caller: Caller, id: OperationId) -> ApiResult<()>;
    async fn abandon(&self, caller: Caller, id: OperationId, reason: String) -> ApiResult<()>;
    async fn evidence(&self, caller: Caller, cluster: ClusterId, node: Option<String>) -> ApiResult<Vec<Evidence>>;
    async fn evidence_behind(&self, caller: Caller, cluster: ClusterId, source: FactSource) -> ApiResult<Behind>;
    /// Where the answers come from that a request for somebody's agreement rests on.
    async fn relied_on(&self, caller: Caller, request: RequestId) -> ApiResult<Vec<FactSource>>;
    async fn evidence_gap(&self, caller: Caller, cluster: ClusterId) -> ApiResult<Option<EvidenceGap>>;

    async fn audit(&self, caller: Caller, filter: AuditFilter) -> ApiResult<AuditPage>;
    async fn audit_entry(&self, caller: Caller, index: u64) -> ApiResult<ChainedEntry>;
    async fn audit_chain(&self, caller: Caller) -> ApiResult<ChainView>;
    async fn saved_filters(&self, caller: Caller) -> ApiResult<Vec<SavedFilter>>;
    /// Keeps a question to the audit under a name; one of that name is replaced.
    async fn save_filter(&self, caller: Caller, name: String, query: String) -> ApiResult<()>;
    async fn drop_filter(&self, caller: Caller, name: String) -> ApiResult<()>;

    async fn demo_switches(&self, caller: Caller) -> ApiResult<Vec<DemoSwitch>>;
    async fn demo_switch(&self, caller: Caller, id: String, on: bool) -> ApiResult<Vec<DemoSwitch>>;
}
