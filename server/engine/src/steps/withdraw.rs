//! Taking the console's own traces off a machine. The last proof is the machine's: it refuses the console's key.

use super::keys::console_line;
use super::{Probe, StepContext, StepResult, Stop, leftovers};
use crate::evidence::{answer, unreadable};
use crate::limits::{KNOCK_FOR, POLL_PAUSE};
use crate::ports::{Credential, DialError};
use model::inventory::Node;
use model::plan::Action;
use model::problem::{Problem, ProblemCode};
use pve::files;
use pve::host_keys::PublicKey;
use pve::ssh_keys::{self, KeyFile, KeyLine, Without};
use tokio::time::{Instant, sleep};

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let node = context.node(context.step.node).await?;
    // After a crash, or where nothing was ever installed: a machine that refuses the key is done, and tells no more.
    if refuses(context, &node).await? {
        return Ok(Probe::AlreadyDone);
    }
    let done = match &context.step.action {
        Action::ClearLeftovers => leftovers::are_none(context, &node).await?,
        Action::RemoveSharedKey => !is_shared(context, &node).await?,
        // It let the console in a moment ago.
        _ => false,
    };
    Ok(if done { Probe::AlreadyDone } else { Probe::Needed })
}

pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    match &context.step.action {
        Action::ClearLeftovers if leftovers::are_none(context, &node).await? => Ok(()),
        Action::RemoveSharedKey if !is_shared(context, &node).await? => Ok(()),
        Action::RemoveConsoleKey { .. } if refuses(context, &node).await? => Ok(()),
        Action::RemoveConsoleKey { .. } => {
            Err(Stop::Parked(Problem::new(ProblemCode::KeyStillAccepted).with("node", node.label())))
        }
        _ => Err(Stop::Parked(Problem::new(ProblemCode::ProofMissing).with("node", node.label()))),
    }
}

/// Knocks at the machine's door anew; a kept connection proves nothing.
async fn refuses(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    let endpoint = context.engine.endpoint(node).await.map_err(Stop::Parked)?;
    let until = Instant::now() + KNOCK_FOR;
    loop {
        match context.engine.dialer.once(&endpoint, Credential::ConsoleKey).await {
            Ok(_) => return Ok(false),
            Err(DialError::KeyRefused) => return Ok(true),
            Err(error) if is_final(&error) || Instant::now() >= until => {
                return Err(Stop::Parked(error.problem().with("node", node.label())));
            }
            Err(_) => sleep(POLL_PAUSE).await,
        }
    }
}

/// A machine that shows another key is not the one that was asked about.
fn is_final(error: &DialError) -> bool {
    matches!(error, DialError::ChangedKey { .. } | DialError::UnknownKey { .. } | DialError::ConsoleKey { .. })
}

/// Whether the cluster's shared file has the console's key.
async fn is_shared(context: &StepContext<'_>, node: &Node) -> StepResult<bool> {
    shares(context, node, &console_line(context)?).await
}

/// Whether the cluster's shared file has a key. The nodes' own keys are always in it: without any it is not the file.
pub(super) async fn shares(context: &StepContext<'_>, node: &Node, line: &KeyLine) -> StepResult<bool> {
    let file = KeyFile::ClusterAuthorizedKeys;
    let lines = context.ask(node, &ssh_keys::cat(file), files::content).await?.unwrap_or_default();
    if !lines.iter().any(|line| PublicKey::parse(line).is_ok()) {
        return Err(Stop::Parked(
            Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", file.path()),
        ));
    }
    Ok(line.is_in(&lines))
}

pub async fn clear_leftovers(context: &StepContext<'_>) -> StepResult<()> {
    leftovers::clear(context, &context.node(context.step.node).await?).await
}

pub async fn remove_shared_key(context: &StepContext<'_>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    take_out(context, &node, KeyFile::ClusterAuthorizedKeys, &console_line(context)?, false).await
}

pub async fn remove_console_key(context: &StepContext<'_>, account: Option<&str>) -> StepResult<()> {
    let node = context.node(context.step.node).await?;
    let usual = KeyFile::usual(account);
    // In a cluster root's is a link to the shared file, from which the key is gone already.
    if !context.ask(&node, &ssh_keys::is_link(usual), files::yes_or_no).await? {
        take_out(context, &node, usual, &console_line(context)?, false).await?;
    }
    // The last way in goes last.
    take_out(context, &node, KeyFile::kept(account), &console_line(context)?, true).await
}

/// Writes a file again without a key. Somebody else's change in between is read again, not overwritten.
pub(super) async fn take_out(
    context: &StepContext<'_>,
    node: &Node,
    file: KeyFile,
    line: &KeyLine,
    drop_empty: bool,
) -> StepResult<()> {
    loop {
        let output = context.read(node, &ssh_keys::cat(file)).await?;
        let known = files::content(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))?;
        if known.is_none() {
            return Ok(());
        }
        let command = match ssh_keys::without(file, &output.stdout, line, drop_empty) {
            Without::NotThere => return Ok(()),
            Without::NotText => {
                return Err(Stop::Failed(
                    Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", file.path()),
                ));
            }
            Without::Change(command) => command,
        };
        let written = context.change(node, &command).await?;
        match written.exit {
            Some(0) => return Ok(()),
            Some(ssh_keys::EXIT_CHANGED) => sleep(POLL_PAUSE).await,
            _ => return Err(Stop::Parked(super::context::failed(node, &command, &written))),
        }
    }
}
