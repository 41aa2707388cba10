//! Remedies: one machine, and what was read there a moment ago.

use super::{PlanWorld, consequence, frozen, step};
use crate::ids::NodeId;
use crate::inventory::{Node, Purpose};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, Plan, Step};
use crate::problem::{Problem, ProblemCode};
use crate::remedy::{
    ChronyLook, FirewallLook, HostsLook, Look, OtherZone, RemedyKind, ZoneName, firewall, hosts, steps_back,
};
use crate::risk::Risk;
use std::collections::BTreeMap;

type Parts = (Risk, Vec<Action>, Vec<Consequence>);

pub(super) fn remedy(intent: &Intent, id: NodeId, kind: RemedyKind, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let node = world.node_for(id, Purpose::Member)?;
    let look = world.look.filter(|look| look.kind() == Some(kind)).ok_or(ProblemCode::Internal)?;
    if let Look::Firewalls(all) = look {
        return of_firewalls(intent, node, all, world);
    }
    let (risk, actions, consequences) = match look {
        Look::Hosts(look) => of_hosts(node, look)?,
        Look::Authkey { digest } => {
            let digest = digest.clone().ok_or_else(|| about(ProblemCode::NothingToMend, node))?;
            let kept = kept(node, "/etc/corosync/authkey", digest.short());
            (Risk::Reversible, vec![Action::SetAsideAuthkey { digest }], vec![kept])
        }
        Look::Zones { own, others } => of_zones(node, own, others)?,
        Look::HostKeys(keys) => of_host_keys(node, keys)?,
        Look::Chrony(look) => of_chrony(node, *look)?,
        Look::Firewalls(_)
        | Look::Past(_)
        | Look::Qdevice(_)
        | Look::QdeviceDaemons(_)
        | Look::Join(_)
        | Look::SilentDevice { .. }
        | Look::Corosync(_) => {
            return Err(ProblemCode::Internal.into());
        }
    };
    let steps = actions.into_iter().map(|action| step(node, action)).collect();
    Ok(frozen(intent, world, risk, node.label().to_owned(), steps, consequences))
}

/// The reverse of a remedy, by what its operation says that it did.
pub(super) fn take_back(intent: &Intent, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let Some(Look::Past(operation)) = world.look else { return Err(ProblemCode::Internal.into()) };
    let steps: Vec<Step> = steps_back(operation);
    let Some(first) = steps.first() else { return Err(ProblemCode::NothingToTakeBack.into()) };
    // The machine may have been taken out of the cluster since.
    let node = world.node(first.node)?;
    let moves = steps.iter().any(|step| matches!(step.action, Action::SetTimeZone { .. }));
    let consequences = if moves { vec![said(ConsequenceCode::LocalTimesMove, node)] } else { Vec::new() };
    Ok(frozen(intent, world, Risk::Reversible, node.label().to_owned(), steps, consequences))
}

fn about(code: ProblemCode, node: &Node) -> Problem {
    Problem::new(code).with("node", node.label())
}

fn said(code: ConsequenceCode, node: &Node) -> Consequence {
    consequence(code, &[("node", node.label().to_owned())])
}

/// `short` is what the copy's name ends with.
fn kept(node: &Node, file: &str, short: &str) -> Consequence {
    let name = crate::remedy::kept_path(file, short);
    consequence(ConsequenceCode::CopyKept, &[("node", node.label().to_owned()), ("file", name)])
}

fn of_hosts(node: &Node, look: &HostsLook) -> Result<Parts, Problem> {
    let mended = hosts::mended(look).ok_or_else(|| about(ProblemCode::NoOwnAddress, node))?;
    if mended.text.lines().eq(look.content.lines()) {
        return Err(about(ProblemCode::NothingToMend, node));
    }
    let old = look.content.clone();
    let mut consequences = vec![kept(node, "/etc/hosts", crate::remedy::ContentDigest::of(old.as_bytes()).short())];
    consequences
        .extend(mended.left_out.into_iter().map(|peer| consequence(ConsequenceCode::PeerLeftOut, &[("peer", peer)])));
    let action = Action::ReplaceHosts { name: look.name.clone(), address: mended.address, old, new: mended.text };
    Ok((Risk::Reversible, vec![action], consequences))
}

/// The zone of the first node that tells one, because that is what the check compares with.
fn of_zones(node: &Node, own: &ZoneName, others: &[OtherZone]) -> Result<Parts, Problem> {
    let to = others.first().map(|other| other.zone.clone()).filter(|zone| zone != own);
    let to = to.ok_or_else(|| about(ProblemCode::NothingToMend, node))?;
    let moves = said(ConsequenceCode::LocalTimesMove, node);
    Ok((Risk::Reversible, vec![Action::SetTimeZone { from: own.clone(), to }], vec![moves]))
}

fn of_host_keys(node: &Node, keys: &BTreeMap<String, String>) -> Result<Parts, Problem> {
    if keys.contains_key("ssh-rsa") {
        return Err(about(ProblemCode::NothingToMend, node));
    }
    let action = Action::MakeRsaHostKey { others: keys.clone() };
    Ok((Risk::Reversible, vec![action], vec![said(ConsequenceCode::SshReloaded, node)]))
}

/// Where HA is armed nothing makes the clock jump, and what else touches it needs agreement.
fn of_chrony(node: &Node, look: ChronyLook) -> Result<Parts, Problem> {
    let mut actions = Vec::new();
    let mut consequences = Vec::new();
    if !look.installed {
        actions.push(Action::InstallChrony);
        consequences.push(said(ConsequenceCode::PackageFetched, node));
        if look.timesyncd {
            consequences.push(said(ConsequenceCode::TimeServiceReplaced, node));
        }
    }
    if !look.active {
        actions.push(Action::EnableChrony);
        consequences.push(said(ConsequenceCode::SyncTakesTime, node));
    }
    if look.armed {
        if actions.is_empty() {
            return Err(about(ProblemCode::HaArmed, node));
        }
        consequences.push(said(ConsequenceCode::ClockNotStepped, node));
        return Ok((Risk::Disruptive, actions, consequences));
    }
    actions.push(Action::StepClock);
    consequences.push(said(ConsequenceCode::ClockJumps, node));
    Ok((Risk::Reversible, actions, consequences))
}

/// Every node whose own firewall is in the way; what another one drops nobody can open from here.
fn of_firewalls(intent: &Intent, node: &Node, all: &[FirewallLook], world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    if all.is_empty() {
        return Err(about(ProblemCode::FirewallElsewhere, node));
    }
    let (mut steps, mut consequences) = (Vec::new(), Vec::new());
    for look in all {
        let on = world.node_for(look.node, Purpose::Member)?;
        let new = firewall::with_rules(look.content.as_deref(), &look.networks);
        if look.content.as_ref() != Some(&new) && look.networks.iter().any(|peers| !peers.is_empty()) {
            let action = Action::AllowLinks { name: look.name.clone(), old: look.content.clone(), new: Some(new) };
            steps.push(step(on, action));
            consequences.push(said(ConsequenceCode::LinksAllowed, on));
        }
    }
    if steps.is_empty() {
        return Err(about(ProblemCode::NothingToMend, node));
    }
    Ok(frozen(intent, world, Risk::Reversible, node.label().to_owned(), steps, consequences))
}
