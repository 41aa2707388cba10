//! chrony: installed, running, and the clock set right where nothing counts on it.

use crate::evidence::answer;
use crate::limits::{CLOCK_SYNC_WAIT, POLL_PAUSE};
use crate::steps::context::failed;
use crate::steps::{Probe, StepContext, StepResult, Stop, unit};
use model::facts::host::ClockTracking;
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use pve::packages::{self, Package};
use pve::systemd::{self, Service};
use pve::{clean_text, files, remedy};
use tokio::time::{Instant, sleep};

/// So far off a clock may be to count as right, in microseconds: what the check of the services lets pass.
const RIGHT_WITHIN_US: u64 = 50_000;

pub async fn is_installed(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let found = context.ask(node, &packages::query(&[Package::Chrony]), packages::installed).await?;
    Ok(found.contains_key(Package::Chrony.name()))
}

pub async fn probe_install(context: &StepContext<'_>, node: &Node) -> StepResult<Probe> {
    if unit::attached(context, node).await? {
        return Ok(Probe::Needed);
    }
    Ok(if is_installed(context, node).await? { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn install(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    let command = remedy::install_chrony();
    let output = unit::run(context, node, &command).await?;
    match output.exit {
        Some(0) => Ok(()),
        Some(_) if !output.timed_out() => Err(Stop::Failed(failed(node, &command, &output))),
        _ => Err(Stop::Parked(failed(node, &command, &output))),
    }
}

async fn runs(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let services = [Service::Chrony];
    let states =
        context.ask(node, &systemd::is_active(&services), |answer| systemd::activity(answer, &services)).await?;
    Ok(states.get(&Service::Chrony).is_some_and(|state| state == "active"))
}

pub async fn probe_enable(context: &StepContext<'_>, node: &Node) -> StepResult<Probe> {
    Ok(if runs(context, node).await? { Probe::AlreadyDone } else { Probe::Needed })
}

/// It runs and answers; whether the clock is right already is shown, and judged by the check that follows.
pub async fn prove_enabled(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    loop {
        if runs(context, node).await? && tracking(context, node).await?.0.is_some() {
            return Ok(());
        }
        sleep(POLL_PAUSE).await;
    }
}

/// What chrony says, with its own line; none while it does not answer.
async fn tracking(context: &StepContext<'_>, node: &Node) -> StepResult<(Option<ClockTracking>, String)> {
    let output = context.read(node, &remedy::chrony_tracking()).await?;
    let line = String::from_utf8_lossy(&output.stdout).lines().next().map(clean_text).unwrap_or_default();
    Ok((remedy::tracking(answer(&output)).ok(), line))
}

fn is_right(tracking: &ClockTracking) -> bool {
    tracking.synchronised && tracking.offset_us <= RIGHT_WITHIN_US
}

/// A jump of the clock makes `watchdog-mux` believe that its clients are silent, and the machine is reset.
async fn is_free(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    if context.ask(node, &remedy::watchdog_held(), files::yes_or_no).await? {
        return Err(Stop::Failed(Problem::new(ProblemCode::HaArmed).with("node", node.label())));
    }
    Ok(())
}

pub async fn probe_step(context: &StepContext<'_>, node: &Node) -> StepResult<Probe> {
    let now = context.ask(node, &remedy::chrony_tracking(), remedy::tracking).await?;
    if is_right(&now) {
        return Ok(Probe::AlreadyDone);
    }
    is_free(context, node).await?;
    Ok(Probe::Needed)
}

pub async fn step(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    // Without a source there is nothing to step to; one may answer in a moment.
    let until = Instant::now() + CLOCK_SYNC_WAIT;
    while Instant::now() < until && !tracking(context, node).await?.0.is_some_and(|now| now.synchronised) {
        sleep(POLL_PAUSE).await;
    }
    is_free(context, node).await?;
    context.change_ok(node, &remedy::step_clock()).await
}

/// In sync, or said that it is not: nothing is left half done, chrony goes on by itself.
pub async fn prove_stepped(context: &StepContext<'_>, node: &Node) -> StepResult<()> {
    let until = Instant::now() + CLOCK_SYNC_WAIT;
    loop {
        let (now, line) = tracking(context, node).await?;
        if now.as_ref().is_some_and(is_right) {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(Stop::Failed(
                Problem::new(ProblemCode::ClockNotInSync).with("node", node.label()).quoting(line),
            ));
        }
        sleep(POLL_PAUSE).await;
    }
}
