//! Remedies: the machine is looked at again right before, changed by one command, and looked at afterwards.

mod authkey;
mod chrony;
mod firewall;
mod host_key;
mod hosts;
mod zone;

use super::context::failed;
use super::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::plan::Action;
use model::problem::{Problem, ProblemCode};
use pve::CommandLine;
use pve::remedy;

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let node = &context.node(context.step.node).await?;
    match &context.step.action {
        Action::ReplaceHosts { old, new, .. } | Action::RestoreHosts { old, new } => {
            hosts::probe(context, node, old, new).await
        }
        Action::SetAsideAuthkey { digest } => authkey::probe_aside(context, node, digest).await,
        Action::PutBackAuthkey { digest } => authkey::probe_back(context, node, digest).await,
        Action::SetTimeZone { from, to } => zone::probe(context, node, from, to).await,
        Action::MakeRsaHostKey { others } => host_key::probe(context, node, others).await,
        Action::AllowLinks { name, old, new } => {
            firewall::probe(context, node, name, old.as_deref(), new.as_deref()).await
        }
        Action::InstallChrony => chrony::probe_install(context, node).await,
        Action::EnableChrony => chrony::probe_enable(context, node).await,
        Action::StepClock => chrony::probe_step(context, node).await,
        _ => Err(Stop::Failed(ProblemCode::Internal.into())),
    }
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    match &context.step.action {
        Action::ReplaceHosts { old, new, .. } => {
            swap(context, node, &remedy::replace_hosts(old, new), hosts::FILE).await
        }
        Action::RestoreHosts { old, new } => swap(context, node, &remedy::restore_hosts(old, new), hosts::FILE).await,
        Action::SetAsideAuthkey { digest } => {
            swap(context, node, &remedy::set_aside_authkey(digest), authkey::FILE).await
        }
        Action::PutBackAuthkey { digest } => {
            swap(context, node, &remedy::put_back_authkey(digest), authkey::FILE).await
        }
        Action::SetTimeZone { to, .. } => context.change_ok(node, &remedy::set_time_zone(to)).await,
        Action::MakeRsaHostKey { .. } => host_key::act(context, node).await,
        Action::AllowLinks { name, old, new } => {
            firewall::write(context, node, name, old.as_deref(), new.as_deref()).await
        }
        Action::InstallChrony => chrony::install(context, node).await,
        Action::EnableChrony => context.change_ok(node, &remedy::enable_chrony()).await,
        Action::StepClock => chrony::step(context, node).await,
        _ => Err(Stop::Failed(ProblemCode::Internal.into())),
    }
}

pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let node = &context.node(context.step.node).await?;
    let there = match &context.step.action {
        Action::ReplaceHosts { name, address, new, .. } => {
            hosts::is(context, node, new).await? && hosts::leads_to(context, node, name, *address).await?
        }
        Action::RestoreHosts { new, .. } => hosts::is(context, node, new).await?,
        Action::SetAsideAuthkey { digest } => authkey::is_aside(context, node, digest).await?,
        Action::PutBackAuthkey { digest } => authkey::is_back(context, node, digest).await?,
        Action::SetTimeZone { to, .. } => zone::of(context, node).await?.as_ref() == Some(to),
        Action::MakeRsaHostKey { others } => host_key::is_made(context, node, others).await?,
        Action::AllowLinks { name, new, .. } => return firewall::prove(context, node, name, new.as_deref()).await,
        Action::InstallChrony => chrony::is_installed(context, node).await?,
        Action::EnableChrony => return chrony::prove_enabled(context, node).await,
        Action::StepClock => return chrony::prove_stepped(context, node).await,
        _ => false,
    };
    if there {
        return Ok(());
    }
    Err(Stop::Parked(Problem::new(ProblemCode::ProofMissing).with("node", node.label())))
}

/// Runs a script that touches a file only while it is the one that the plan was made for.
async fn swap(context: &StepContext<'_>, node: &Node, command: &CommandLine, file: &str) -> StepResult<()> {
    let output = context.change(node, command).await?;
    match output.exit {
        Some(0) => Ok(()),
        Some(remedy::EXIT_CHANGED) => Err(changed(node, file)),
        Some(_) if !output.timed_out() => Err(Stop::Failed(failed(node, command, &output))),
        _ => Err(Stop::Parked(failed(node, command, &output))),
    }
}

/// Somebody else's file stays as it is; a new plan is made for it.
fn changed(node: &Node, file: &str) -> Stop {
    Stop::Failed(Problem::new(ProblemCode::FileChanged).with("node", node.label()).with("file", file))
}
