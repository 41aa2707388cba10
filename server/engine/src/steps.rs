//! One file per kind of step: what it looks at before (probe), what it does (act), what proves it (prove).

mod context;
mod corosync;
mod create;
mod database;
mod expected;
mod join;
mod keys;
mod leftovers;
mod midway;
mod packages;
mod power;
mod printed;
mod qdevice;
mod qdevice_removal;
mod remedy;
mod runs;
mod unit;
mod withdraw;

pub use context::StepContext;
pub(crate) use context::quorum_told;
pub use runs::{StillRuns, still_runs};

use expected::Aim;
use model::bmc::Power;
use model::plan::Action;
use model::problem::Problem;

/// What a look at the node says before acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The step's effect is there and proven; nothing is done.
    AlreadyDone,
    Needed,
}

/// Why a step does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Refused, or failed without a trace: nothing is left half done by this step.
    Failed(Problem),
    /// Only a person can tell how to go on: the outcome is not known, or it is half done.
    Parked(Problem),
}

pub type StepResult<T> = Result<T, Stop>;

/// # Errors
/// `Failed` for a conflict, `Parked` where the node cannot be asked.
pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    match &context.step.action {
        Action::KeepConsoleKey { account } => {
            keys::probe_console_key(context, pve::ssh_keys::KeyFile::kept(account.as_deref())).await
        }
        Action::ShareConsoleKey => {
            keys::probe_console_key(context, pve::ssh_keys::KeyFile::ClusterAuthorizedKeys).await
        }
        Action::MakeRootKey => keys::probe_root_key(context).await,
        Action::AuthorizeRootKey { of, file, .. } => keys::probe_authorized(context, *of, *file).await,
        Action::ForgetRootKey { of, file, .. } => keys::probe_forgotten(context, *of, *file).await,
        Action::TrustHostKeys { of, address, .. } => keys::probe_trusted(context, *of, *address).await,
        Action::CreateCluster { name, links } => create::probe(context, name, links).await,
        Action::JoinCluster { .. } => join::probe(context).await,
        Action::SetUpQdevice { .. } => qdevice::probe(context).await,
        Action::RemoveQdevice { .. } => qdevice_removal::probe(context).await,
        Action::SetExpected { votes, expected, members, written_off } => {
            expected::probe(context, Aim::of(*votes, *expected), members, written_off).await
        }
        Action::ClearLeftovers | Action::RemoveSharedKey | Action::RemoveConsoleKey { .. } => {
            withdraw::probe(context).await
        }
        Action::PowerOff { way, uuid } => power::probe(context, way, uuid, Power::Off).await,
        Action::PowerOn { way, uuid } => power::probe(context, way, uuid, Power::On).await,
        Action::InstallPackage { package } => packages::probe(context, *package).await,
        Action::ResumeJoin { .. } => join::again::probe(context).await,
        action if midway::is_its(action) => midway::probe(context).await,
        Action::SetAsideQdeviceStore { digest } => qdevice::store::probe(context, digest).await,
        Action::StartQdevice => qdevice::daemon::probe(context).await,
        Action::RestartCorosync { was } => corosync::probe(context, was.as_deref()).await,
        _ => remedy::probe(context).await,
    }
}

/// # Errors
/// `Failed` where the node says that nothing was changed, `Parked` where that is not known.
pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    if context.step.action.keeps_database() {
        database::keep(context).await?;
    }
    match &context.step.action {
        Action::KeepConsoleKey { account } => keys::keep_console_key(context, account.as_deref()).await,
        Action::ShareConsoleKey => keys::share_console_key(context).await,
        Action::MakeRootKey => keys::make_root_key(context).await,
        Action::AuthorizeRootKey { of, file, .. } => keys::authorize(context, *of, *file).await,
        Action::ForgetRootKey { of, file, .. } => keys::forget(context, *of, *file).await,
        Action::TrustHostKeys { of, address, .. } => keys::trust(context, *of, *address).await,
        Action::CreateCluster { name, links } => create::act(context, name, links).await,
        Action::JoinCluster { .. } | Action::ResumeJoin { .. } => join::act(context).await,
        Action::SetUpQdevice { .. } => qdevice::act(context).await,
        Action::RemoveQdevice { .. } => qdevice_removal::act(context).await,
        Action::SetExpected { votes, .. } => expected::act(context, *votes).await,
        Action::ClearLeftovers => withdraw::clear_leftovers(context).await,
        Action::RemoveSharedKey => withdraw::remove_shared_key(context).await,
        Action::RemoveConsoleKey { account } => withdraw::remove_console_key(context, account.as_deref()).await,
        Action::PowerOff { way, uuid } => power::act(context, way, uuid, Power::Off).await,
        Action::PowerOn { way, uuid } => power::act(context, way, uuid, Power::On).await,
        Action::InstallPackage { package } => packages::act(context, *package).await,
        action if midway::is_its(action) => midway::act(context).await,
        Action::SetAsideQdeviceStore { digest } => qdevice::store::act(context, digest).await,
        Action::StartQdevice => qdevice::daemon::act(context).await,
        Action::RestartCorosync { .. } => corosync::act(context).await,
        _ => remedy::act(context).await,
    }
}

/// Waits for the state that proves the step, within the step's time limit.
///
/// # Errors
/// `Parked`: it was done, but nothing proves it.
pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    match &context.step.action {
        Action::CreateCluster { name, .. } => create::prove(context, name).await,
        Action::JoinCluster { .. } | Action::ResumeJoin { .. } => join::prove(context).await,
        Action::SetUpQdevice { .. } => qdevice::prove(context).await,
        Action::RemoveQdevice { .. } => qdevice_removal::prove(context).await,
        Action::SetExpected { votes, expected, .. } => expected::prove(context, Aim::of(*votes, *expected)).await,
        Action::ClearLeftovers | Action::RemoveSharedKey | Action::RemoveConsoleKey { .. } => {
            withdraw::prove(context).await
        }
        Action::KeepConsoleKey { .. }
        | Action::ShareConsoleKey
        | Action::MakeRootKey
        | Action::AuthorizeRootKey { .. }
        | Action::ForgetRootKey { .. }
        | Action::TrustHostKeys { .. } => keys::prove(context).await,
        Action::PowerOff { way, uuid } => power::prove(context, way, uuid, Power::Off).await,
        Action::PowerOn { way, uuid } => power::prove(context, way, uuid, Power::On).await,
        Action::InstallPackage { package } => packages::prove(context, *package).await,
        action if midway::is_its(action) => midway::prove(context).await,
        Action::SetAsideQdeviceStore { digest } => qdevice::store::prove(context, digest).await,
        Action::StartQdevice => qdevice::daemon::prove(context).await,
        Action::RestartCorosync { was } => corosync::prove(context, was.as_deref()).await,
        _ => remedy::prove(context).await,
    }
}

/// Removes what a long command left on the node; a failure here changes nothing.
pub async fn clean_up(context: &StepContext<'_>) {
    if context.step.action.runs_as_unit() {
        unit::clean_up(context).await;
    }
}
