//! A package from the machine's own sources: asked for, installed as a unit, asked for again.

use super::context::failed;
use super::{Probe, StepContext, StepResult, Stop, unit};
use crate::evidence::answer;
use crate::limits::POLL_PAUSE;
use crate::ports::Output;
use crate::render::package;
use model::inventory::Node;
use model::plan::SystemPackage;
use model::problem::{Problem, ProblemCode};
use pve::CommandLine;
use pve::packages::{self, DPKG_LOCK_WAIT_S, InstallFault};
use pve::qdevice;

pub async fn probe(context: &StepContext<'_>, wanted: SystemPackage) -> StepResult<Probe> {
    let node = context.node(context.step.node).await?;
    if unit::attached(context, &node).await? {
        return Ok(Probe::Needed);
    }
    Ok(if is_installed(context, &node, wanted).await? { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn is_installed(context: &StepContext<'_>, node: &Node, wanted: SystemPackage) -> StepResult<bool> {
    let found = context.ask(node, &packages::query(&[package(wanted)]), packages::installed).await?;
    Ok(found.contains_key(wanted.name()))
}

pub async fn act(context: &StepContext<'_>, wanted: SystemPackage) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let command = packages::install(package(wanted));
    let output = unit::run(context, &node, &command).await?;
    match output.exit {
        Some(0) => Ok(()),
        // dpkg may have been ended in the middle of it.
        _ if output.timed_out() => Err(Stop::Parked(failed(&node, &command, &output))),
        _ => Err(Stop::Failed(why(&node, wanted, &command, &output))),
    }
}

fn why(node: &Node, wanted: SystemPackage, command: &CommandLine, output: &Output) -> Problem {
    let about = |code| Problem::new(code).with("node", node.label()).with("package", wanted.name());
    match packages::install_fault(answer(output)) {
        Some(InstallFault::Busy { line }) => {
            about(ProblemCode::PackageManagerBusy).with("seconds", DPKG_LOCK_WAIT_S).quoting(line)
        }
        Some(InstallFault::NotFetched { line }) => about(ProblemCode::PackageNotFetched).quoting(line),
        Some(InstallFault::Unknown { line }) => about(ProblemCode::PackageUnknown).quoting(line),
        None => failed(node, command, output),
    }
}

/// The package is there, and what serves others listens.
pub async fn prove(context: &StepContext<'_>, wanted: SystemPackage) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    loop {
        let listens = match wanted {
            SystemPackage::CorosyncQnetd => context.ask(&node, &qdevice::listening(), qdevice::listens).await?,
            // Its daemon is started by the set-up.
            SystemPackage::CorosyncQdevice => true,
        };
        if listens && is_installed(context, &node, wanted).await? {
            return Ok(());
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}
