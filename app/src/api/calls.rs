//! The server functions: signatures for the page, one line of work on the server.

use super::carried::*;
use super::runs::Ending;
use super::wire::Json;
use leptos::prelude::*;
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

#[cfg(feature = "ssr")]
pub(super) fn backend() -> ApiResult<std::sync::Arc<dyn super::Backend>> {
    use_context::<std::sync::Arc<dyn super::Backend>>()
        .ok_or_else(|| ApiError(model::problem::ProblemCode::Internal.into()))
}

/// Who is signed in; an error when nobody is.
#[server(name = MeCall, prefix = "/api", endpoint = "me", input = Json, output = Json)]
pub async fn me() -> ApiResult<Me> {
    Ok(backend()?.caller().await?.me)
}

#[server(name = SignInCall, prefix = "/api", endpoint = "sign_in", input = Json, output = Json)]
pub async fn sign_in(name: String, password: String, code: Option<String>) -> ApiResult<Me> {
    backend()?.sign_in(name, password, code).await
}

#[server(name = SignOutCall, prefix = "/api", endpoint = "sign_out", input = Json, output = Json)]
pub async fn sign_out() -> ApiResult<()> {
    backend()?.sign_out().await
}

#[server(name = ConfirmPasswordCall, prefix = "/api", endpoint = "confirm_password", input = Json, output = Json)]
pub async fn confirm_password(password: String, code: Option<String>) -> ApiResult<Me> {
    backend()?.confirm_password(password, code).await
}

#[server(name = LookAtInviteCall, prefix = "/api", endpoint = "look_at_invite", input = Json, output = Json)]
pub async fn look_at_invite(token: String) -> ApiResult<Invite> {
    backend()?.look_at_invite(token).await
}

#[server(name = AcceptInviteCall, prefix = "/api", endpoint = "accept_invite", input = Json, output = Json)]
pub async fn accept_invite(token: String, name: String, password: String) -> ApiResult<Me> {
    backend()?.accept_invite(token, name, password).await
}

#[server(name = PeopleCall, prefix = "/api", endpoint = "people", input = Json, output = Json)]
pub async fn people() -> ApiResult<Vec<Person>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.people(caller).await
}

#[server(name = DisablePersonCall, prefix = "/api", endpoint = "disable_person", input = Json, output = Json)]
pub async fn disable_person(id: UserId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.disable_person(caller, id).await
}

#[server(name = ClustersCall, prefix = "/api", endpoint = "clusters", input = Json, output = Json)]
pub async fn clusters() -> ApiResult<Vec<ClusterLine>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.clusters(caller).await
}

#[server(name = ClusterCall, prefix = "/api", endpoint = "cluster", input = Json, output = Json)]
pub async fn cluster(id: ClusterId) -> ApiResult<ClusterView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.cluster(caller, id).await
}

#[server(name = AddClusterCall, prefix = "/api", endpoint = "add_cluster", input = Json, output = Json)]
pub async fn add_cluster(name: String) -> ApiResult<NewCluster> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.add_cluster(caller, name).await
}

#[server(name = ForgetClusterCall, prefix = "/api", endpoint = "forget_cluster", input = Json, output = Json)]
pub async fn forget_cluster(id: ClusterId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.forget_cluster(caller, id).await
}

/// Adds a machine of a cluster that exists already; the cluster is asked once the console can log in to it.
#[server(name = ImportBeginCall, prefix = "/api", endpoint = "import_begin", input = Json, output = Json)]
pub async fn import_begin(node: NewNode) -> ApiResult<ImportBegun> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.import_begin(caller, node).await
}

#[server(name = DiscoverCall, prefix = "/api", endpoint = "discover", input = Json, output = Json)]
pub async fn discover(cluster: ClusterId) -> ApiResult<Discovery> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.discover(caller, cluster).await
}

#[server(name = ImportMembersCall, prefix = "/api", endpoint = "import_members", input = Json, output = Json)]
pub async fn import_members(cluster: ClusterId, members: Vec<Chosen>) -> ApiResult<ImportDone> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.import_members(caller, cluster, members).await
}

#[server(name = KeySeenCall, prefix = "/api", endpoint = "key_seen", input = Json, output = Json)]
pub async fn key_seen(node: NodeId) -> ApiResult<KeySeen> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.key_seen(caller, node).await
}

#[server(name = AddNodeCall, prefix = "/api", endpoint = "add_node", input = Json, output = Json)]
pub async fn add_node(cluster: ClusterId, node: NewNode) -> ApiResult<KeyOffer> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.add_node(caller, cluster, node).await
}

#[server(name = ForgetNodeCall, prefix = "/api", endpoint = "forget_node", input = Json, output = Json)]
pub async fn forget_node(node: NodeId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.forget_node(caller, node).await
}

#[server(name = PinKeyCall, prefix = "/api", endpoint = "pin_key", input = Json, output = Json)]
pub async fn pin_key(node: NodeId, fingerprint: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.pin_key(caller, node, fingerprint).await
}

#[server(name = TryLogInCall, prefix = "/api", endpoint = "try_log_in", input = Json, output = Json)]
pub async fn try_log_in(node: NodeId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.try_log_in(caller, node).await
}

#[server(name = InstallKeyCall, prefix = "/api", endpoint = "install_key", input = Json, output = Json)]
pub async fn install_key(node: NodeId, password: String, #[server(default)] consent: Consent) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.install_key(caller, node, password, consent).await
}

#[server(name = WizardCall, prefix = "/api", endpoint = "wizard", input = Json, output = Json)]
pub async fn wizard(cluster: ClusterId) -> ApiResult<WizardView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.wizard(caller, cluster).await
}

#[server(name = RunChecksCall, prefix = "/api", endpoint = "run_checks", input = Json, output = Json)]
pub async fn run_checks(cluster: ClusterId) -> ApiResult<Matrix> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.run_checks(caller, cluster).await
}

#[server(name = NetworkCall, prefix = "/api", endpoint = "network", input = Json, output = Json)]
pub async fn network(cluster: ClusterId) -> ApiResult<NetworkView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.network(caller, cluster).await
}

/// One cell with its raw answers.
#[server(name = CheckProofCall, prefix = "/api", endpoint = "check_proof", input = Json, output = Json)]
pub async fn check_proof(cluster: ClusterId, check: CheckId, node: NodeId) -> ApiResult<Cell> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.check_proof(caller, cluster, check, node).await
}

/// Answers for warnings of the checks, with a reason.
#[server(name = AcknowledgeChecksCall, prefix = "/api", endpoint = "acknowledge_checks", input = Json, output = Json)]
pub async fn acknowledge_checks(
    cluster: ClusterId,
    cells: Vec<(CheckId, NodeId)>,
    reason: String,
    revision: u64,
) -> ApiResult<Draft> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.acknowledge_checks(caller, cluster, cells, reason, revision).await
}

#[server(name = ChooseLinksCall, prefix = "/api", endpoint = "choose_links", input = Json, output = Json)]
pub async fn choose_links(cluster: ClusterId, links: Vec<LinkPlan>, revision: u64) -> ApiResult<Draft> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.choose_links(caller, cluster, links, revision).await
}

/// Measures these links between all members, as they are chosen now; every answer comes over the stream before.
#[server(name = MeasureLinksCall, prefix = "/api", endpoint = "measure_links", input = Json, output = Json)]
pub async fn measure_links(cluster: ClusterId, links: Vec<LinkPlan>) -> ApiResult<Measurement> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.measure_links(caller, cluster, links).await
}

/// The raw lines of both ends of one measured way.
#[server(name = MeasureProofCall, prefix = "/api", endpoint = "measure_proof", input = Json, output = Json)]
pub async fn measure_proof(cluster: ClusterId, link: u8, from: NodeId, to: NodeId) -> ApiResult<Vec<Evidence>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.measure_proof(caller, cluster, link, from, to).await
}

#[server(name = VerifyCall, prefix = "/api", endpoint = "verify", input = Json, output = Json)]
pub async fn verify(cluster: ClusterId) -> ApiResult<Verification> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.verify(caller, cluster).await
}

#[server(name = RecoveryCall, prefix = "/api", endpoint = "recovery", input = Json, output = Json)]
pub async fn recovery(cluster: ClusterId) -> ApiResult<Recovery> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.recovery(caller, cluster).await
}

/// Joins that stopped midway, as both sides show them now.
#[server(name = MidwayCall, prefix = "/api", endpoint = "midway", input = Json, output = Json)]
pub async fn midway(cluster: ClusterId) -> ApiResult<Vec<Midway>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.midway(caller, cluster).await
}

#[server(name = SkipQdeviceCall, prefix = "/api", endpoint = "skip_qdevice", input = Json, output = Json)]
pub async fn skip_qdevice(cluster: ClusterId, revision: u64) -> ApiResult<Draft> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.skip_qdevice(caller, cluster, revision).await
}

#[server(name = PreviewCall, prefix = "/api", endpoint = "preview", input = Json, output = Json)]
pub async fn preview(cluster: ClusterId, wish: Wish) -> ApiResult<Preview> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.preview(caller, cluster, wish).await
}

#[server(name = RunCall, prefix = "/api", endpoint = "run", input = Json, output = Json)]
pub async fn run(
    cluster: ClusterId,
    wish: Wish,
    digest: String,
    consent: Consent,
    ends: Option<Ending>,
) -> ApiResult<OperationId> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.run(caller, cluster, wish, digest, consent, ends).await
}

#[server(name = OperationCall, prefix = "/api", endpoint = "operation", input = Json, output = Json)]
pub async fn operation(id: OperationId) -> ApiResult<OperationView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.operation(caller, id).await
}

#[server(name = OperationsCall, prefix = "/api", endpoint = "operations", input = Json, output = Json)]
pub async fn operations(cluster: Option<ClusterId>) -> ApiResult<Vec<Operation>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.operations(caller, cluster).await
}

#[server(name = ResumeCall, prefix = "/api", endpoint = "resume", input = Json, output = Json)]
pub async fn resume(id: OperationId) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.resume(caller, id).await
}

#[server(name = AbandonCall, prefix = "/api", endpoint = "abandon", input = Json, output = Json)]
pub async fn abandon(id: OperationId, reason: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.abandon(caller, id, reason).await
}

#[server(name = EvidenceCall, prefix = "/api", endpoint = "evidence", input = Json, output = Json)]
pub async fn evidence(cluster: ClusterId, node: Option<String>) -> ApiResult<Vec<Evidence>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.evidence(caller, cluster, node).await
}

/// The raw answer behind a fact, also behind an older one that somebody sent the address of.
#[server(name = EvidenceBehindCall, prefix = "/api", endpoint = "evidence_behind", input = Json, output = Json)]
pub async fn evidence_behind(cluster: ClusterId, source: FactSource) -> ApiResult<Behind> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.evidence_behind(caller, cluster, source).await
}

/// Where the answers come from that a request for somebody's agreement rests on.
#[server(name = ReliedOnCall, prefix = "/api", endpoint = "relied_on", input = Json, output = Json)]
pub async fn relied_on(request: RequestId) -> ApiResult<Vec<FactSource>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.relied_on(caller, request).await
}

/// Raw answers of this cluster that could not be kept since the console began. Asked by a page that looks by itself.
#[server(name = EvidenceGapCall, prefix = "/api", endpoint = "evidence_gap", input = Json, output = Json)]
pub async fn evidence_gap(cluster: ClusterId) -> ApiResult<Option<EvidenceGap>> {
    let backend = backend()?;
    let caller = backend.looking().await?;
    backend.evidence_gap(caller, cluster).await
}

/// What a question finds. `again` is a page that looks by itself.
#[server(name = AuditCall, prefix = "/api", endpoint = "audit", input = Json, output = Json)]
pub async fn audit(filter: AuditFilter, again: bool) -> ApiResult<AuditPage> {
    let backend = backend()?;
    let caller = if again { backend.looking().await? } else { backend.caller().await? };
    backend.audit(caller, filter).await
}

#[server(name = AuditEntryCall, prefix = "/api", endpoint = "audit_entry", input = Json, output = Json)]
pub async fn audit_entry(index: u64) -> ApiResult<ChainedEntry> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.audit_entry(caller, index).await
}

#[server(name = AuditChainCall, prefix = "/api", endpoint = "audit_chain", input = Json, output = Json)]
pub async fn audit_chain() -> ApiResult<ChainView> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.audit_chain(caller).await
}

#[server(name = SavedFiltersCall, prefix = "/api", endpoint = "saved_filters", input = Json, output = Json)]
pub async fn saved_filters() -> ApiResult<Vec<SavedFilter>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.saved_filters(caller).await
}

#[server(name = SaveFilterCall, prefix = "/api", endpoint = "save_filter", input = Json, output = Json)]
pub async fn save_filter(name: String, query: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.save_filter(caller, name, query).await
}

#[server(name = DropFilterCall, prefix = "/api", endpoint = "drop_filter", input = Json, output = Json)]
pub async fn drop_filter(name: String) -> ApiResult<()> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.drop_filter(caller, name).await
}

#[server(name = DemoSwitchesCall, prefix = "/api", endpoint = "demo_switches", input = Json, output = Json)]
pub async fn demo_switches() -> ApiResult<Vec<DemoSwitch>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.demo_switches(caller).await
}

#[server(name = DemoSwitchCall, prefix = "/api", endpoint = "demo_switch", input = Json, output = Json)]
pub async fn demo_switch(id: String, on: bool) -> ApiResult<Vec<DemoSwitch>> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.demo_switch(caller, id, on).await
}
