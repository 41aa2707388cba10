//! The ways on from a join that died midway. What both sides have shown a moment ago decides the steps.

use super::{PlanWorld, consequence, console, frozen, link_arguments, step};
use crate::ids::NodeId;
use crate::inventory::{ClusterPhase, Node, Purpose};
use crate::links::LinkPlan;
use crate::midway::{MidwayState as S, Scene, Way};
use crate::plan::{Action, Consequence, ConsequenceCode, Intent, KeyFile, Plan, Step};
use crate::problem::{Problem, ProblemCode};
use crate::remedy::Look;
use crate::risk::Risk;

/// The scene, the joiner, and the member that acts for the cluster.
type Stage<'a> = (&'a Scene, &'a Node, &'a Node);

fn stage<'a>(id: NodeId, world: &PlanWorld<'a>) -> Result<Stage<'a>, Problem> {
    if world.cluster.phase != ClusterPhase::Live {
        return Err(ProblemCode::NotInCluster.into());
    }
    let joiner = world.node_for(id, Purpose::Member)?;
    let Some(Look::Join(scene)) = world.look else { return Err(ProblemCode::Internal.into()) };
    let member = scene.members.first().and_then(|member| member.node).ok_or(ProblemCode::ClusterNotQuorate)?;
    Ok((scene.as_ref(), joiner, world.node_for(member, Purpose::Member)?))
}

fn about(code: ConsequenceCode, node: &Node) -> Consequence {
    consequence(code, &[("node", node.label().to_owned())])
}

/// The members act without the joiner for a moment, where its line in the nodelist alone has cost them their quorum.
fn regain(
    (scene, joiner, member): Stage<'_>,
    steps: &mut Vec<Step>,
    consequences: &mut Vec<Consequence>,
) -> Result<(), Problem> {
    let acting = scene.members.first().ok_or(ProblemCode::ClusterNotQuorate)?;
    match (acting.quorate, acting.votes) {
        (Some(true), _) => Ok(()),
        (Some(false), Some(votes)) => {
            let (without, without_name) = (joiner.id, joiner.label().to_owned());
            steps.push(step(member, Action::RegainQuorum { votes, without, without_name }));
            let params = [("node", member.label().to_owned()), ("votes", votes.to_string())];
            consequences.push(consequence(ConsequenceCode::QuorumWithoutJoiner, &params));
            Ok(())
        }
        _ => Err(scene.problem(ProblemCode::ClusterNotQuorate)),
    }
}

pub(super) fn finish(intent: &Intent, id: NodeId, links: &[LinkPlan], world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let stage = stage(id, world)?;
    let (scene, joiner, member) = stage;
    let state = scene.open_way(Way::Finish)?;
    let (mut steps, mut consequences) = (Vec::new(), Vec::new());
    let mut risk = Risk::Disruptive;
    if matches!(state, S::ListedOnly | S::FilesWritten) {
        regain(stage, &mut steps, &mut consequences)?;
        let force = scene.needs_force(state);
        if force {
            consequences.push(about(ConsequenceCode::JoinForced, joiner));
        }
        if force || !steps.is_empty() {
            risk = Risk::Destructive;
        }
        steps.extend(resume(stage, links, force, world)?);
        consequences.push(about(ConsequenceCode::JoinerConfigReplaced, joiner));
    } else {
        if state != S::CertificateMissing {
            steps.push(step(
                joiner,
                Action::StartMember {
                    cluster: world.cluster.name.clone(),
                    name: scene.name.clone(),
                    member: member.id,
                    member_name: member.label().to_owned(),
                },
            ));
        }
        steps.push(step(joiner, Action::MakeNodeFiles { name: scene.name.clone() }));
    }
    Ok(frozen(intent, world, risk, joiner.label().to_owned(), steps, consequences))
}

/// Keys, trust and the join, as an ordinary one has them.
fn resume(
    (scene, joiner, member): Stage<'_>,
    links: &[LinkPlan],
    force: bool,
    world: &PlanWorld<'_>,
) -> Result<Vec<Step>, Problem> {
    let first = link_arguments(links, member, false)?;
    let member_address = first.first().map(|link| link.address).ok_or(ProblemCode::LinksIncomplete)?;
    let (of_name, member_name) = (joiner.label().to_owned(), member.label().to_owned());
    let again = Action::ResumeJoin {
        cluster: world.cluster.name.clone(),
        name: scene.name.clone(),
        member: member.id,
        member_name: member_name.clone(),
        member_address,
        links: link_arguments(links, joiner, false)?,
        force,
    };
    Ok(vec![
        console::keep(joiner),
        step(joiner, Action::MakeRootKey),
        step(member, Action::AuthorizeRootKey { of: joiner.id, of_name, file: KeyFile::Cluster }),
        step(joiner, Action::TrustHostKeys { of: member.id, of_name: member_name, address: member_address }),
        step(joiner, again),
    ])
}

pub(super) fn undo(intent: &Intent, id: NodeId, world: &PlanWorld<'_>) -> Result<Plan, Problem> {
    let stage = stage(id, world)?;
    let (scene, joiner, member) = stage;
    let state = scene.open_way(Way::Undo)?;
    let (mut steps, mut consequences) = (Vec::new(), Vec::new());
    let seen = &scene.joiner;
    // What runs with the cluster's files would come back into the cluster by itself.
    let has_files = seen.local.known().is_some() || seen.authkey.known().is_some();
    if has_files {
        steps.push(step(joiner, Action::StopMember));
    }
    let listed = scene.members.iter().any(|one| one.listed.known().is_some());
    // A folder without a line would stand in the way of the next join.
    let folder = scene.members.first().is_some_and(|one| one.folder == Some(true));
    if listed {
        regain(stage, &mut steps, &mut consequences)?;
    }
    if listed || folder {
        steps.push(step(member, Action::RemoveUnjoined { name: scene.name.clone(), joiner: joiner.id }));
        consequences.push(about(ConsequenceCode::EntryRemoved, joiner));
    }
    if scene.members.first().is_some_and(|one| one.key_shared == Some(true)) {
        steps.push(step(member, Action::WithdrawRootKey { of: joiner.id, of_name: joiner.label().to_owned() }));
    }
    if has_files {
        // Only a join that has moved the database away has left a copy of it to go back to.
        let moved = seen.config_db == Some(false) || matches!(state, S::PmxcfsDown | S::NotInRing | S::ServicesDown);
        let backup = seen.backup.clone().filter(|_| moved);
        if let Some(file) = &backup {
            let file = format!("/var/lib/pve-cluster/backup/{file}");
            let params = [("node", joiner.label().to_owned()), ("file", file)];
            consequences.push(consequence(ConsequenceCode::DatabaseBack, &params));
        }
        consequences.push(about(ConsequenceCode::FilesAside, joiner));
        steps.push(step(joiner, Action::StandAlone { backup }));
    }
    let risk = if listed { Risk::Destructive } else { Risk::Disruptive };
    Ok(frozen(intent, world, risk, joiner.label().to_owned(), steps, consequences))
}
