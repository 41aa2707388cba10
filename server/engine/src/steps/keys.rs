//! Keys: the console's own, root's of one node on another, host keys. Everything carried over pinned connections.

use super::create::writable;
use super::withdraw::take_out;
use super::{Probe, StepContext, StepResult, Stop};
use crate::context::store_problem;
use crate::evidence::unreadable;
use crate::limits::{OPERATIONS_SEARCHED, POLL_PAUSE};
use crate::render::key_file;
use model::audit::{AuditCode, AuditFilter};
use model::ids::NodeId;
use model::inventory::Node;
use model::operation::StepStatus;
use model::plan::{Action, KeyFile as PlanFile};
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::host_keys::{self, HostKeyKind, PublicKey};
use pve::ssh_keys::{self, KeyFile, KeyLine};
use std::net::IpAddr;

/// sshd's port between nodes: `pvecm` always uses 22.
const SSH_PORT: u16 = 22;
/// Commands of one operation that are looked through, newest first; key steps have few.
const COMMANDS_MAX: u32 = 200;

async fn lines_of(context: &StepContext<'_>, node: &Node, file: KeyFile) -> StepResult<Vec<String>> {
    let lines = context.ask(node, &ssh_keys::cat(file), files::content).await?;
    Ok(lines.unwrap_or_default())
}

async fn contains_all(context: &StepContext<'_>, node: &Node, file: KeyFile, wanted: &[KeyLine]) -> StepResult<bool> {
    let lines = lines_of(context, node, file).await?;
    Ok(wanted.iter().all(|line| line.is_in(&lines)))
}

async fn probe_lines(context: &StepContext<'_>, file: KeyFile, wanted: &[KeyLine]) -> StepResult<Probe> {
    let node = context.node(context.step.node).await?;
    let there = contains_all(context, &node, file, wanted).await?;
    Ok(if there { Probe::AlreadyDone } else { Probe::Needed })
}

async fn append_missing(context: &StepContext<'_>, file: KeyFile, wanted: &[KeyLine]) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let lines = lines_of(context, &node, file).await?;
    let missing: Vec<KeyLine> = wanted.iter().filter(|line| !line.is_in(&lines)).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    if file == KeyFile::ClusterAuthorizedKeys {
        wait_writable(context, &node).await?;
    }
    context.change_ok(&node, &ssh_keys::append(file, &missing)).await
}

/// Right after create or join `/etc/pve` refuses writes for a moment: wait for the state, not for a time.
pub(super) async fn wait_writable(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    while !writable(context, node).await? {
        tokio::time::sleep(POLL_PAUSE).await;
    }
    Ok(())
}

pub(super) fn console_line(context: &StepContext<'_>) -> StepResult<KeyLine> {
    let text = context.engine.dialer.console_key().map_err(Stop::Failed)?;
    let key = PublicKey::parse(&text).map_err(|error| Stop::Failed(unreadable(&error, "console")))?;
    Ok(KeyLine::authorized(&key))
}

pub async fn probe_console_key(context: &StepContext<'_>, file: KeyFile) -> StepResult<Probe> {
    probe_lines(context, file, &[console_line(context)?]).await
}

pub async fn keep_console_key(context: &StepContext<'_>, account: Option<&str>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let folder = if account.is_some() { ssh_keys::make_login_ssh_folder() } else { ssh_keys::make_ssh_folder() };
    context.change_ok(&node, &folder).await?;
    append_missing(context, KeyFile::kept(account), &[console_line(context)?]).await
}

pub async fn share_console_key(context: &StepContext<'_>) -> StepResult<()> {
    append_missing(context, KeyFile::ClusterAuthorizedKeys, &[console_line(context)?]).await
}

async fn root_key(context: &StepContext<'_>, of: NodeId) -> StepResult<Option<PublicKey>> {
    let node = context.node(of).await?;
    context.ask(&node, &host_keys::cat_root_key(), host_keys::public_key).await
}

pub(super) async fn root_line(context: &StepContext<'_>, of: NodeId) -> StepResult<KeyLine> {
    let node = context.node(of).await?;
    root_key(context, of).await?.map(|key| KeyLine::authorized(&key)).ok_or_else(|| {
        Stop::Failed(
            Problem::new(ProblemCode::ProofMissing).with("node", node.label()).with("what", "/root/.ssh/id_rsa.pub"),
        )
    })
}

pub async fn probe_root_key(context: &StepContext<'_>) -> StepResult<Probe> {
    let there = root_key(context, context.step.node).await?.is_some();
    Ok(if there { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn make_root_key(context: &StepContext<'_>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    context.change_ok(&node, &ssh_keys::make_ssh_folder()).await?;
    context.change_ok(&node, &ssh_keys::make_root_key()).await
}

pub async fn probe_authorized(context: &StepContext<'_>, of: NodeId, file: PlanFile) -> StepResult<Probe> {
    let line = root_line(context, of).await?;
    let there = probe_lines(context, key_file(file), &[line]).await?;
    if there == Probe::Needed && file == PlanFile::Own {
        // The key could not be taken away again, and would let root in on every machine that shares the file.
        let node = context.node(context.step.node).await?;
        own_place(context, &node, key_file(file)).await?;
    }
    Ok(there)
}

/// Where the file's lines lie. Proxmox VE makes it a link into `/etc/pve` (`setup_ssh_keys` of `PVE::Cluster::Setup`): on a
/// machine in no cluster that is its own. Fails where it is a link otherwise, as on every member: what others share is not this
/// machine's alone.
async fn own_place(context: &StepContext<'_>, node: &Node, file: KeyFile) -> StepResult<KeyFile> {
    if !context.ask(node, &ssh_keys::is_link(file), files::yes_or_no).await? {
        return Ok(file);
    }
    let mut alone = exists(context, node, NodeFile::ClusterAuthorizedKeys).await?;
    for conf in [NodeFile::LocalCorosyncConf, NodeFile::ClusterCorosyncConf] {
        alone = alone && !exists(context, node, conf).await?;
    }
    if alone {
        return Ok(KeyFile::ClusterAuthorizedKeys);
    }
    let shared = Problem::new(ProblemCode::KeyFileShared).with("node", node.label()).with("file", file.path());
    Err(Stop::Failed(shared))
}

async fn exists(context: &StepContext<'_>, node: &Node, file: NodeFile) -> StepResult<bool> {
    context.ask(node, &files::exists(&file), files::yes_or_no).await
}

pub async fn authorize(context: &StepContext<'_>, of: NodeId, file: PlanFile) -> StepResult<()> {
    let line = root_line(context, of).await?;
    if file == PlanFile::Own {
        let node = context.node(context.step.node).await?;
        context.change_ok(&node, &ssh_keys::make_ssh_folder()).await?;
    }
    append_missing(context, key_file(file), &[line]).await
}

pub async fn probe_forgotten(context: &StepContext<'_>, of: NodeId, file: PlanFile) -> StepResult<Probe> {
    if !added_here(context, of, file).await? {
        return Ok(Probe::AlreadyDone);
    }
    let line = root_line(context, of).await?;
    let node = context.node(context.step.node).await?;
    let lines = lines_of(context, &node, key_file(file)).await?;
    if lines.iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
        // Bytes that are no text: whether the key is among them is not known.
        let garbage = Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", key_file(file).path());
        return Err(Stop::Parked(garbage));
    }
    let there = line.is_in(&lines);
    Ok(if there { Probe::Needed } else { Probe::AlreadyDone })
}

/// Whether this operation put the key there, or an earlier one that never came to taking it away. Any other that was there
/// before belongs to somebody else.
async fn added_here(context: &StepContext<'_>, of: NodeId, file: PlanFile) -> StepResult<bool> {
    let (steps, statuses) = (&context.operation.plan.steps, &context.operation.steps);
    let authorised = steps.iter().zip(statuses).zip(0u16..).find(|((step, _), _)| {
        step.node == context.step.node
            && matches!(&step.action, Action::AuthorizeRootKey { of: whose, file: place, .. } if (*whose, *place) == (of, file))
    });
    match authorised {
        None => left_by_an_earlier_one(context, of, file).await,
        Some(((_, StepStatus::Proven { already: true, .. }), index)) => {
            Ok(began_to_change(context, index).await? || left_by_an_earlier_one(context, of, file).await?)
        }
        Some(_) => Ok(true),
    }
}

/// By this cluster's operations, the newest first: the one that added the key, or the one that took it away, whichever was later.
async fn left_by_an_earlier_one(context: &StepContext<'_>, of: NodeId, file: PlanFile) -> StepResult<bool> {
    let operations = context.engine.store.operations(Some(context.operation.cluster), OPERATIONS_SEARCHED).await;
    let operations = operations.map_err(|error| Stop::Parked(store_problem(&error)))?;
    let key = (context.step.node, of, file);
    for earlier in operations.iter().filter(|one| one.id != context.operation.id) {
        let mut last = None;
        for (step, status) in earlier.plan.steps.iter().zip(&earlier.steps) {
            let StepStatus::Proven { already: false, .. } = status else { continue };
            last = match &step.action {
                Action::AuthorizeRootKey { of, file, .. } if (step.node, *of, *file) == key => Some(true),
                Action::ForgetRootKey { of, file, .. } if (step.node, *of, *file) == key => Some(false),
                _ => last,
            };
        }
        if let Some(added) = last {
            return Ok(added);
        }
    }
    Ok(false)
}

/// A step that a crash interrupted finds its own line when it starts again; then the audit knows that it was ours.
async fn began_to_change(context: &StepContext<'_>, step: u16) -> StepResult<bool> {
    let filter = AuditFilter {
        operation: Some(context.operation.id),
        code: Some(AuditCode::CommandStarted),
        ..AuditFilter::default()
    };
    let page = context.engine.store.find(&filter, COMMANDS_MAX).await;
    let page = page.map_err(|error| Stop::Parked(store_problem(&error)))?;
    Ok(page
        .entries
        .iter()
        .any(|one| one.entry.step == Some(step) && one.entry.command.as_deref().is_some_and(ssh_keys::is_append)))
}

pub async fn forget(context: &StepContext<'_>, of: NodeId, file: PlanFile) -> StepResult<()> {
    let line = root_line(context, of).await?;
    let node = context.node(context.step.node).await?;
    let file = key_file(file);
    if own_place(context, &node, file).await? == KeyFile::ClusterAuthorizedKeys {
        // A new file in the link's place would cut Proxmox VE off from its own.
        return take_out(context, &node, KeyFile::ClusterAuthorizedKeys, &line, false).await;
    }
    let lines = lines_of(context, &node, file).await?;
    let commands = ssh_keys::remove(file, &lines, &line).ok_or_else(|| Stop::Failed(ProblemCode::Internal.into()))?;
    for command in &commands {
        context.change_ok(&node, command).await?;
    }
    Ok(())
}

/// The host keys of a machine as `known_hosts` lines; `pvecm` needs an RSA one among them.
async fn host_lines(context: &StepContext<'_>, of: NodeId, address: IpAddr) -> StepResult<Vec<KeyLine>> {
    let node = context.node(of).await?;
    let mut lines = Vec::new();
    let mut rsa = false;
    for kind in HostKeyKind::ALL {
        let key = context.ask(&node, &host_keys::cat_host_key(kind), host_keys::public_key).await?;
        if let Some(key) = key {
            rsa = rsa || kind == HostKeyKind::Rsa;
            lines.push(KeyLine::known_host(address, SSH_PORT, &key));
        }
    }
    if rsa { Ok(lines) } else { Err(Stop::Failed(Problem::new(ProblemCode::NoRsaHostKey).with("node", node.label()))) }
}

pub async fn probe_trusted(context: &StepContext<'_>, of: NodeId, address: IpAddr) -> StepResult<Probe> {
    let lines = host_lines(context, of, address).await?;
    probe_lines(context, KeyFile::KnownHosts, &lines).await
}

pub async fn trust(context: &StepContext<'_>, of: NodeId, address: IpAddr) -> StepResult<()> {
    let lines = host_lines(context, of, address).await?;
    append_missing(context, KeyFile::KnownHosts, &lines).await
}

/// Every key step is proven by looking again.
pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let there = match &context.step.action {
        Action::KeepConsoleKey { account } => probe_console_key(context, KeyFile::kept(account.as_deref())).await?,
        Action::ShareConsoleKey => probe_console_key(context, KeyFile::ClusterAuthorizedKeys).await?,
        Action::MakeRootKey => probe_root_key(context).await?,
        Action::AuthorizeRootKey { of, file, .. } => probe_authorized(context, *of, *file).await?,
        Action::ForgetRootKey { of, file, .. } => probe_forgotten(context, *of, *file).await?,
        Action::TrustHostKeys { of, address, .. } => probe_trusted(context, *of, *address).await?,
        _ => Probe::Needed,
    };
    match there {
        Probe::AlreadyDone => Ok(()),
        // Which step it is stands beside it.
        Probe::Needed => {
            Err(Stop::Parked(Problem::new(ProblemCode::ProofMissing).with("node", &context.step.node_name)))
        }
    }
}
