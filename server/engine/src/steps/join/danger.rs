//! The looks without which `pvecm add --use_ssh` could overwrite another node: it registers with `--force`, under the
//! name that the machine has at this moment, and sends no version.

use super::{Join, problem};
use crate::steps::{StepContext, StepResult, Stop};
use model::facts::CorosyncConf;
use model::inventory::Node;
use model::joinable::{self, JoinVersions};
use model::problem::ProblemCode;
use pve::files::{self, NodeFolder};

/// What `hostname` prints now is what will be registered, whatever the plan remembers.
pub async fn same_machine(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    let found = context.ask(&join.joiner, &pve::host::hostname(), pve::host::node_name).await?;
    if found.as_str() == join.name {
        return Ok(());
    }
    Err(Stop::Failed(problem(ProblemCode::NameChanged, join).with("name", join.name).with("found", found)))
}

/// Neither a node of this name, in whatever case, nor files of an earlier one.
pub async fn name_unused(context: &StepContext<'_>, join: &Join<'_>, conf: &CorosyncConf) -> StepResult<()> {
    let taken = |name: &str| name.eq_ignore_ascii_case(join.name);
    if conf.nodes.iter().any(|node| taken(&node.name)) {
        return Err(Stop::Failed(problem(ProblemCode::NameInCluster, join).with("name", join.name)));
    }
    let folders = context.ask(&join.member, &files::list(&NodeFolder::PveNodes), files::names).await?;
    match folders {
        // A member has at least its own folder.
        None => Err(Stop::Parked(problem(ProblemCode::Garbage, join).with("what", NodeFolder::PveNodes.path()))),
        Some(names) if names.iter().any(|name| taken(name)) => {
            Err(Stop::Failed(problem(ProblemCode::NameLeftover, join).with("name", join.name)))
        }
        Some(_) => Ok(()),
    }
}

/// Each join changes the membership, and with it the moment that HA waits for.
pub async fn ha_is_quiet(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    let moving = context.ask(&join.member, &pve::ha::cat_manager_status(), pve::ha::moving).await?;
    if moving.is_empty() {
        return Ok(());
    }
    Err(Stop::Failed(problem(ProblemCode::HaBusy, join).with("services", moving.join(", "))))
}

/// The comparison that `pvecm` makes only where the API is used.
pub async fn versions_fit(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    let (joiner, member) =
        futures::future::try_join(versions(context, &join.joiner), versions(context, &join.member)).await?;
    joinable::versions_fit(&joiner, &member).map_err(|mut apart| {
        apart.params.extend(problem(apart.code, join).params);
        Stop::Failed(apart)
    })
}

async fn versions(context: &StepContext<'_>, node: &Node) -> StepResult<JoinVersions> {
    let pve = context.ask(node, &pve::version::pveversion(), pve::version::short).await?;
    let api = context.ask(node, &pve::pvecm::apiver(), pve::pvecm::api_version).await?;
    Ok(JoinVersions { pve, api })
}
