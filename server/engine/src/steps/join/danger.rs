//! The looks without which `pvecm add --use_ssh` could overwrite another node: it registers with `--force`, under the
//! name that the machine has at this moment, and sends no version.

use super::{Join, problem};
use crate::context::store_problem;
use crate::limits::{CONFIGURATION_SETTLES, POLL_PAUSE};
use crate::steps::{StepContext, StepResult, Stop};
use model::facts::CorosyncConf;
use model::inventory::{Node, Purpose};
use model::joinable::{self, JoinVersions};
use model::problem::ProblemCode;
use pve::files::{self, NodeFolder};
use tokio::time::{Instant, sleep};

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

/// Every member has the version that the joiner will be given, in its database and beside its corosync: one that has
/// another would end at its next start (`Received config version ... Exiting`, exec/totemconfig.c) or take the joiner back out.
///
/// After a join the file beside corosync follows the database within moments; that long is waited.
pub async fn one_configuration(context: &StepContext<'_>, join: &Join<'_>, conf: &CorosyncConf) -> StepResult<()> {
    let nodes = context.engine.store.nodes(context.operation.cluster).await;
    let mut nodes = nodes.map_err(|error| Stop::Parked(store_problem(&error)))?;
    let listed = |node: &Node| node.label() != join.name && conf.nodes.iter().any(|one| one.name == node.label());
    nodes.retain(|node| node.purpose == Purpose::Member && listed(node));
    let until = Instant::now() + CONFIGURATION_SETTLES;
    loop {
        let told = futures::future::try_join_all(nodes.iter().map(|node| configurations(context, node))).await?;
        let other = nodes.iter().zip(told).find_map(|(node, versions)| {
            let other = versions.into_iter().find(|version| *version != Some(conf.config_version))?;
            Some((node, other))
        });
        let Some((node, version)) = other else { return Ok(()) };
        if Instant::now() >= until {
            let apart = problem(ProblemCode::JoinConfigurationsDiffer, join).with("version", conf.config_version);
            let apart = apart.with("other", node.label());
            return Err(Stop::Failed(match version {
                Some(version) => apart.with("other_version", version),
                None => apart,
            }));
        }
        sleep(POLL_PAUSE).await;
    }
}

/// The versions in a node's database and beside its corosync; `None` where there is no such file.
async fn configurations(context: &StepContext<'_>, node: &Node) -> StepResult<[Option<u64>; 2]> {
    let shared = context.cluster_conf(node).await?;
    let local = context.conf(node, &files::local_corosync_conf()).await?;
    Ok([shared, local].map(|conf| conf.map(|conf| conf.config_version)))
}
