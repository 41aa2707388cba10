//! A join that is taken up again: the cluster lists the node, and the node has no configuration of its own yet.
//!
//! `--force` turns `pvecm`'s own refusals into warnings, so everything that it would refuse is looked at here, seconds before.

use super::{Join, both_say_member, cluster_takes_it, danger, local_links, member_conf, no_guests, parts, problem};
use crate::evidence::unreadable;
use crate::remedy::digest_in;
use crate::steps::{Probe, StepContext, StepResult, Stop, unit};
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use model::remedy::ContentDigest;
use pve::files::{self, NodeFile};
use pve::systemd::{self, Service};

/// # Errors
/// `Failed` where something stands against it, `Parked` where that cannot be told.
pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let join = parts(context).await?;
    if unit::attached(context, &join.joiner).await? {
        return Ok(Probe::Needed);
    }
    let conf = member_conf(context, &join).await?;
    let Some(listed) = conf.nodes.iter().find(|node| node.name == join.name) else {
        // Somebody has taken it out meanwhile: then an ordinary join is what is needed.
        return Err(Stop::Failed(Problem::new(ProblemCode::WorldChanged).with("what", "nodelist")));
    };
    if both_say_member(context, &join, listed.id).await? {
        return Ok(Probe::AlreadyDone);
    }
    danger::versions_fit(context, &join).await?;
    danger::same_machine(context, &join).await?;
    services_fit(context, &join).await?;
    no_guests(context, &join).await?;
    key_fits(context, &join).await?;
    let own = context.conf(&join.joiner, &files::cluster_corosync_conf()).await?;
    if let Some(own) = own.filter(|own| own.cluster_name != join.cluster.as_str()) {
        return Err(Stop::Failed(problem(ProblemCode::InOtherCluster, &join).with("cluster", own.cluster_name)));
    }
    // Read once more: everything before took seconds.
    let conf = member_conf(context, &join).await?;
    cluster_takes_it(context, &join, &conf).await?;
    local_links(context, &join.joiner, join.links).await?;
    Ok(Probe::Needed)
}

/// corosync does not run; pmxcfs does, or nobody could tell whether there are guests.
async fn services_fit(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    const SERVICES: [Service; 2] = [Service::Corosync, Service::PveCluster];
    let reads = |answer: pve::Answer<'_>| systemd::activity(answer, &SERVICES);
    let states = context.ask(&join.joiner, &systemd::is_active(&SERVICES), reads).await?;
    let runs = |service| states.get(&service).is_some_and(|state| state == "active");
    if runs(Service::Corosync) {
        return Err(Stop::Failed(problem(ProblemCode::CorosyncRunning, join)));
    }
    if !runs(Service::PveCluster) {
        return Err(Stop::Failed(Problem::new(ProblemCode::WorldChanged).with("what", "pve-cluster")));
    }
    Ok(())
}

/// No key, or, where it is forced, the cluster's own and nobody else's.
async fn key_fits(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    let own = authkey(context, &join.joiner).await?;
    let fits = match own {
        None => true,
        Some(own) => join.again == Some(true) && authkey(context, &join.member).await? == Some(own),
    };
    if fits { Ok(()) } else { Err(Stop::Failed(problem(ProblemCode::LeftoverAuthkey, join))) }
}

async fn authkey(context: &StepContext<'_>, node: &Node) -> StepResult<Option<ContentDigest>> {
    let output = context.read(node, &files::sha256sums(&[NodeFile::CorosyncAuthkey])).await?;
    digest_in(crate::evidence::answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))
}
