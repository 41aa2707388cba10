//! The RSA host key that `pvecm` needs; every other host key stays as it is.

use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::operation::StepStatus;
use model::problem::{Problem, ProblemCode};
use pve::host_keys::{self, HostKeyKind};
use pve::remedy;
use pve::systemd::{self, Service};
use std::collections::BTreeMap;

const RSA: &str = "ssh-rsa";

/// Algorithm -> fingerprint.
async fn keys(context: &StepContext<'_>, node: &Node) -> StepResult<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for kind in HostKeyKind::ALL {
        let key = context.ask(node, &host_keys::cat_host_key(kind), host_keys::public_key).await?;
        found.extend(key.map(|key| (key.algorithm().to_owned(), key.fingerprint())));
    }
    Ok(found)
}

/// Everything beside the RSA key.
fn without_rsa(mut keys: BTreeMap<String, String>) -> BTreeMap<String, String> {
    keys.remove(RSA);
    keys
}

/// This step began before: whether sshd was told of the key is not known then, and telling it twice harms nothing.
fn began(context: &StepContext<'_>) -> bool {
    let status = context.operation.steps.get(usize::from(context.index));
    matches!(status, Some(StepStatus::Started { .. } | StepStatus::Acted { .. } | StepStatus::Parked { .. }))
}

pub async fn probe(context: &StepContext<'_>, node: &Node, others: &BTreeMap<String, String>) -> StepResult<Probe> {
    let keys = keys(context, node).await?;
    let there = keys.contains_key(RSA);
    if without_rsa(keys) != *others {
        return Err(Stop::Failed(Problem::new(ProblemCode::HostKeysDiffer).with("node", node.label())));
    }
    Ok(if there && !began(context) { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn act(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    if !keys(context, node).await?.contains_key(RSA) {
        context.change_ok(node, &remedy::make_rsa_host_key()).await?;
    }
    context.change_ok(node, &remedy::reload_sshd()).await
}

/// The key is there, the others are the same, and sshd runs.
pub async fn is_made(context: &StepContext<'_>, node: &Node, others: &BTreeMap<String, String>) -> StepResult<bool> {
    let keys = keys(context, node).await?;
    let there = keys.contains_key(RSA);
    let services = [Service::Ssh];
    let states =
        context.ask(node, &systemd::is_active(&services), |answer| systemd::activity(answer, &services)).await?;
    // Where sshd is started by its socket the service itself may rest; that this connection stands is then the proof.
    let fails = states.get(&Service::Ssh).is_some_and(|state| state == "failed");
    Ok(there && !fails && without_rsa(keys) == *others)
}
