//! `pvecm add --use_ssh` on the joining node.
//!
//! Its exit code means nothing, and it registers the node with `--force`: if the name exists already, the member
//! overwrites that node's addresses in the live configuration. So *name unused* and *addresses unused* are looked at
//! on the member right before, and the proof comes from the member.

pub mod again;
mod danger;

use super::create::{local_links, same_addresses, writable};
use super::{Probe, StepContext, StepResult, Stop, unit};
use crate::evidence::answer;
use crate::limits::POLL_PAUSE;
use crate::render::{join_again_command, join_command};
use model::facts::{ConfNode, CorosyncConf, GuestKind, GuestRef};
use model::inventory::Node;
use model::name::{ClusterName, NodeName};
use model::plan::{Action, LinkArgument};
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::outcome::{self, JoinOutcome};
use pve::quorumtool;
use std::net::IpAddr;

/// The parts of the action, and both machines.
struct Join<'a> {
    cluster: &'a ClusterName,
    name: &'a str,
    member_address: IpAddr,
    links: &'a [LinkArgument],
    /// The cluster lists the node already; whether `--force` is passed.
    again: Option<bool>,
    joiner: Node,
    member: Node,
}

async fn parts<'a>(context: &StepContext<'a>) -> StepResult<Join<'a>> {
    let (cluster, name, member, member_address, links, again) = match &context.step.action {
        Action::JoinCluster { cluster, name, member, member_address, links, .. } => {
            (cluster, name, member, member_address, links, None)
        }
        Action::ResumeJoin { cluster, name, member, member_address, links, force, .. } => {
            (cluster, name, member, member_address, links, Some(*force))
        }
        _ => return Err(Stop::Failed(ProblemCode::Internal.into())),
    };
    let joiner = context.node(context.step.node).await?;
    let member = context.node(*member).await?;
    Ok(Join { cluster, name, member_address: *member_address, links, again, joiner, member })
}

fn problem(code: ProblemCode, join: &Join<'_>) -> Problem {
    Problem::new(code)
        .with("node", join.joiner.label())
        .with("member", join.member.label())
        .with("cluster", join.cluster)
}

pub async fn probe(context: &StepContext<'_>) -> StepResult<Probe> {
    let join = parts(context).await?;
    if unit::attached(context, &join.joiner).await? {
        return Ok(Probe::Needed);
    }
    let conf = member_conf(context, &join).await?;
    if let Some(listed) = conf.nodes.iter().find(|node| node.name == join.name) {
        return judge_listed(context, &join, listed).await;
    }
    danger::versions_fit(context, &join).await?;
    danger::same_machine(context, &join).await?;
    joiner_is_free(context, &join).await?;
    danger::ha_is_quiet(context, &join).await?;
    // Read once more: everything before took seconds.
    let conf = member_conf(context, &join).await?;
    danger::name_unused(context, &join, &conf).await?;
    cluster_takes_it(context, &join, &conf).await?;
    local_links(context, &join.joiner, join.links).await?;
    Ok(Probe::Needed)
}

async fn member_conf(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<CorosyncConf> {
    let conf = context.members_conf(&join.member).await?;
    if conf.cluster_name == join.cluster.as_str() {
        return Ok(conf);
    }
    let other =
        Problem::new(ProblemCode::InOtherCluster).with("node", join.member.label()).with("cluster", &conf.cluster_name);
    Err(Stop::Failed(other))
}

/// The name is in the nodelist: this node and done, this node and half done, or another one of the same name.
async fn judge_listed(context: &StepContext<'_>, join: &Join<'_>, listed: &ConfNode) -> StepResult<Probe> {
    let own = context.conf(&join.joiner, &files::local_corosync_conf()).await?;
    let ours = own.is_some_and(|conf| conf.cluster_name == join.cluster.as_str()) && same_addresses(listed, join.links);
    if !ours {
        let started_here = matches!(
            context.operation.steps.get(usize::from(context.index)),
            Some(
                model::operation::StepStatus::Started { .. }
                    | model::operation::StepStatus::Acted { .. }
                    | model::operation::StepStatus::Parked { .. }
            )
        );
        if started_here && same_addresses(listed, join.links) {
            return Err(Stop::Parked(problem(ProblemCode::JoinHalfway, join)));
        }
        return Err(Stop::Failed(problem(ProblemCode::NameInCluster, join).with("name", join.name)));
    }
    if both_say_member(context, join, listed.id).await? {
        return Ok(Probe::AlreadyDone);
    }
    Err(Stop::Parked(problem(ProblemCode::JoinHalfway, join)))
}

async fn both_say_member(context: &StepContext<'_>, join: &Join<'_>, id: u32) -> StepResult<bool> {
    for node in [&join.member, &join.joiner] {
        let status = context.quorum(node).await?;
        if !status.is_some_and(|status| status.quorate && status.members.iter().any(|member| member.id == id)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// No configuration, no key, no guests: `--force` would turn each of these errors into a warning.
async fn joiner_is_free(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    if let Some(conf) = context.cluster_conf(&join.joiner).await? {
        let other = problem(ProblemCode::InOtherCluster, join).with("cluster", conf.cluster_name);
        return Err(Stop::Failed(other));
    }
    for (file, code) in [
        (NodeFile::LocalCorosyncConf, ProblemCode::LeftoverConfig),
        (NodeFile::CorosyncAuthkey, ProblemCode::LeftoverAuthkey),
    ] {
        if context.ask(&join.joiner, &files::exists(&file), files::yes_or_no).await? {
            return Err(Stop::Failed(problem(code, join)));
        }
    }
    no_guests(context, join).await
}

async fn no_guests(context: &StepContext<'_>, join: &Join<'_>) -> StepResult<()> {
    let name: NodeName = join.name.parse().map_err(|error: model::name::NameError| Stop::Failed(error.into()))?;
    for kind in [GuestKind::Qemu, GuestKind::Lxc] {
        let command = pve::host::guest_files(&name, kind);
        let guests = context.ask(&join.joiner, &command, |answer| pve::host::guests(answer, kind)).await?;
        if !guests.is_empty() {
            let found = problem(ProblemCode::GuestsOnJoiner, join).with("count", guests.len());
            return Err(Stop::Failed(found.with("guests", GuestRef::named(&guests))));
        }
    }
    Ok(())
}

/// Quorate, everybody there, no QDevice, the same links, none of the addresses used.
async fn cluster_takes_it(context: &StepContext<'_>, join: &Join<'_>, conf: &CorosyncConf) -> StepResult<()> {
    if conf.qdevice.is_some() {
        return Err(Stop::Failed(problem(ProblemCode::QdeviceBeforeJoin, join)));
    }
    let status = context.ask(&join.member, &quorumtool::status(), quorumtool::quorum).await?;
    if !status.quorate {
        return Err(Stop::Failed(problem(ProblemCode::ClusterNotQuorate, join)));
    }
    // A node whose join is taken up again is listed, and absent.
    let others = || conf.nodes.iter().filter(|node| node.name != join.name);
    let absent = others().find(|node| !status.members.iter().any(|member| member.id == node.id));
    if let Some(node) = absent {
        return Err(Stop::Failed(problem(ProblemCode::MembersOffline, join).with("absent", &node.name)));
    }
    danger::one_configuration(context, join, conf).await?;
    let used = others().flat_map(|node| node.addresses.values().map(move |address| (node, address)));
    for (node, address) in used {
        if join.links.iter().any(|link| link.address.to_string() == *address) {
            let taken = problem(ProblemCode::AddressInCluster, join).with("address", address).with("other", &node.name);
            return Err(Stop::Failed(taken));
        }
    }
    let numbers_match = others().all(|node| {
        node.addresses.len() == join.links.len()
            && join.links.iter().all(|link| node.addresses.contains_key(&link.number))
    });
    if numbers_match { Ok(()) } else { Err(Stop::Failed(problem(ProblemCode::LinksIncomplete, join))) }
}

pub async fn act(context: &StepContext<'_>) -> StepResult<()> {
    let join = parts(context).await?;
    let command = match join.again {
        None => join_command(join.member_address, join.links),
        Some(force) => join_again_command(join.member_address, join.links, force),
    };
    let command = command.map_err(Stop::Failed)?;
    let output = unit::run(context, &join.joiner, &command).await?;
    match outcome::join(answer(&output)) {
        JoinOutcome::Joined { name } if name == join.name => Ok(()),
        JoinOutcome::Joined { name } => Err(Stop::Parked(problem(ProblemCode::OutcomeUnknown, &join).quoting(name))),
        JoinOutcome::Refused { reasons } => {
            Err(Stop::Failed(problem(ProblemCode::JoinRefused, &join).quoting(reasons.join("; "))))
        }
        JoinOutcome::Failed { text, .. } => Err(after_failure(context, &join, text).await),
        JoinOutcome::Unclear { .. } => Err(after_failure(context, &join, String::new()).await),
    }
}

/// Exit 0 and no success: the member's nodelist tells whether anything is left behind.
async fn after_failure(context: &StepContext<'_>, join: &Join<'_>, text: String) -> Stop {
    match member_conf(context, join).await {
        Ok(conf) if conf.nodes.iter().any(|node| node.name == join.name) => {
            Stop::Parked(problem(ProblemCode::JoinHalfway, join).quoting(text))
        }
        Ok(_) => Stop::Failed(problem(ProblemCode::JoinRefused, join).quoting(text)),
        Err(_) => Stop::Parked(problem(ProblemCode::OutcomeUnknown, join).quoting(text)),
    }
}

/// The member sees the joiner, both are quorate, and `/etc/pve` takes writes on both.
pub async fn prove(context: &StepContext<'_>) -> StepResult<()> {
    let join = parts(context).await?;
    loop {
        let conf = member_conf(context, &join).await?;
        let listed = conf.nodes.iter().find(|node| node.name == join.name);
        if let Some(listed) = listed
            && both_say_member(context, &join, listed.id).await?
            && writable(context, &join.member).await?
            && writable(context, &join.joiner).await?
        {
            return Ok(());
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}
