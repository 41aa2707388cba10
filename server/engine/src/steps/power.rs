//! A machine's power, from outside: asked before, changed by the agent, and asked until it is as it has to be.

use super::{Probe, StepContext, StepResult, Stop};
use crate::bmc::fault_problem;
use crate::context::store_problem;
use crate::evidence::answer;
use crate::limits::BMC_POLL_PAUSE;
use model::bmc::{Bmc, BmcKind, BmcWay, Power, SystemUuid};
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use pve::bmc::PowerFault;
use tokio::time::sleep;

pub async fn probe(context: &StepContext<'_>, way: &BmcWay, uuid: &SystemUuid, wanted: Power) -> StepResult<Probe> {
    let (node, bmc) = target(context, way, uuid).await?;
    let power = read(context, &node, &bmc).await?;
    Ok(if power == wanted { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn act(context: &StepContext<'_>, way: &BmcWay, uuid: &SystemUuid, wanted: Power) -> StepResult<()> {
    let (node, bmc) = target(context, way, uuid).await?;
    let output = context.change_outside(&bmc, &pve::bmc::set(&bmc.way, wanted)).await?;
    let Err(fault) = pve::bmc::done(answer(&output), bmc.way.kind()) else { return Ok(()) };
    let problem = fault_problem(&fault, node.label(), &bmc);
    Err(match (&fault, bmc.way.kind()) {
        // Not even the first question was let in, so nothing was asked for; or a tool has said no in one word.
        (PowerFault::Refused | PowerFault::AgentMissing { .. }, _)
        | (PowerFault::Unclear { .. }, BmcKind::Qm | BmcKind::Virsh) => Stop::Failed(problem),
        // The agent asks, changes and asks again: where it came to is not known.
        _ => Stop::Parked(problem),
    })
}

/// The agent may report success before the machine is off (fence_ipmilan(8)): only a power that is read counts.
pub async fn prove(context: &StepContext<'_>, way: &BmcWay, uuid: &SystemUuid, wanted: Power) -> StepResult<()> {
    let (node, bmc) = target(context, way, uuid).await?;
    loop {
        match read(context, &node, &bmc).await {
            Ok(power) if power == wanted => return Ok(()),
            // A BMC that works on its power is often silent for a moment; the step's own limit ends this.
            Ok(_) => {}
            Err(Stop::Parked(problem)) if is_passing(problem.code) => {}
            Err(stop) => return Err(stop),
        }
        sleep(BMC_POLL_PAUSE).await;
    }
}

const fn is_passing(code: ProblemCode) -> bool {
    matches!(code, ProblemCode::BmcUnreachable | ProblemCode::BmcUnclear)
}

/// The very BMC that the plan was made with, and that people agreed to.
async fn target(context: &StepContext<'_>, way: &BmcWay, uuid: &SystemUuid) -> StepResult<(Node, Bmc)> {
    let node = context.node(context.step.node).await?;
    let bmc = context.engine.need_bmc(&node).await.map_err(Stop::Failed)?;
    let bound = bmc.bound(node.label()).map_err(Stop::Failed)?;
    if bmc.way != *way || bound != uuid {
        return Err(Stop::Failed(Problem::new(ProblemCode::WorldChanged).with("what", "BMC")));
    }
    // It may be that other machine's: switching it would take the power from the wrong one.
    match context.engine.shared_uuid(&node, &bmc).await.map_err(Stop::Parked)? {
        Some(shared) => Err(Stop::Failed(shared)),
        None => Ok((node, bmc)),
    }
}

/// What it says now, kept with this operation.
async fn read(context: &StepContext<'_>, node: &Node, bmc: &Bmc) -> StepResult<Power> {
    let store = &context.engine.store;
    let reading = context.engine.read_power(node, bmc).await;
    let (cluster, id) = (context.operation.cluster, context.operation.id);
    for seen in &reading.evidence {
        if let Err(error) = store.keep(cluster, Some(id), seen).await {
            tracing::warn!(store.error = %error, "evidence was not kept");
        }
    }
    let noted = store.note_power(node.id, bmc.set_at, &reading).await;
    noted.map_err(|error| Stop::Parked(store_problem(&error)))?;
    bmc.power_of(node.label(), &reading).map_err(|problem| match problem.code {
        // Another machine is there: nothing was done to it, and nothing will be.
        ProblemCode::BmcDiffers => Stop::Failed(problem),
        _ => Stop::Parked(problem),
    })
}
