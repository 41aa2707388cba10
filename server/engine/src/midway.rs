//! Joins that died midway: both sides are asked, and the model judges.

mod sides;
mod traces;

use crate::context::{Engine, store_problem};
use crate::evidence::evidence;
use crate::limits::{EVIDENCE_BATCH_MAX, ROUND_MAX};
use futures::future::join_all;
use model::ids::{ClusterId, NodeId, OperationId};
use model::inventory::{Cluster, LogIn, Node, Purpose};
use model::midway::{Midway, MidwayState, Scene, judge, ways};
use model::operation::Operation;
use model::plan::Intent;
use model::problem::{Problem, ProblemCode};
use sides::{Ask, Side};

/// Operations among which the join of a node is looked for, newest first.
const OPERATIONS_LOOKED_THROUGH: u32 = 200;

impl Engine {
    /// Every node of a cluster whose join has begun and is not complete, as both sides show it now. Changes nothing.
    ///
    /// # Errors
    /// When the store fails. What a machine does not tell is a state of its own.
    pub async fn midway(&self, id: ClusterId) -> Result<Vec<Midway>, Problem> {
        let cluster = self.store.cluster(id).await.map_err(|error| store_problem(&error))?;
        let sides = self.both_sides(id).await?;
        let past = self.store.operations(Some(id), OPERATIONS_LOOKED_THROUGH).await;
        let past = past.map_err(|error| store_problem(&error))?;
        let mut found = Vec::new();
        for side in &sides {
            let Some(scene) = scene(&cluster, &sides, side) else { continue };
            let state = judge(&scene);
            if matches!(state, MidwayState::NotBegun | MidwayState::Joined) {
                continue;
            }
            found.push(Midway {
                node: scene.node,
                name: scene.name.clone(),
                state,
                ways: ways(&scene, state),
                traces: traces::of(&sides, side, &scene),
                operation: newest_join(&past, scene.node),
            });
        }
        Ok(found)
    }

    /// Both sides of one join, asked now.
    ///
    /// # Errors
    /// `NotFound` for a machine that is not there, `WasAMember` for one whose join is long complete.
    pub(crate) async fn join_scene(&self, id: ClusterId, node: NodeId) -> Result<Scene, Problem> {
        let cluster = self.store.cluster(id).await.map_err(|error| store_problem(&error))?;
        let sides = self.both_sides(id).await?;
        let side = sides.iter().find(|side| side.node.id == node).ok_or(ProblemCode::NotFound)?;
        let whole = || Problem::new(ProblemCode::WasAMember).with("node", side.node.label());
        scene(&cluster, &sides, side).ok_or_else(whole)
    }

    async fn both_sides(&self, id: ClusterId) -> Result<Vec<Side>, Problem> {
        let mut nodes = self.store.nodes(id).await.map_err(|error| store_problem(&error))?;
        nodes.retain(|node| node.purpose == Purpose::Member && could_answer(node));
        nodes.sort_by_key(|node| node.position);
        let names: Vec<String> = nodes.iter().filter_map(|node| node.name.clone()).collect();
        let sides = join_all(nodes.into_iter().map(|node| self.side(node, &names))).await;
        let seen: Vec<_> = sides.iter().flat_map(Side::evidence).map(|one| (id, one)).collect();
        for batch in seen.chunks(EVIDENCE_BATCH_MAX) {
            self.store.keep_all(batch).await.map_err(|error| store_problem(&error))?;
        }
        Ok(sides)
    }

    async fn side(&self, node: Node, names: &[String]) -> Side {
        let asks = Ask::all(&node, names);
        let commands: Vec<_> = asks.iter().map(|(_, command)| command.clone()).collect();
        let Ok(shell) = self.shell_to(&node).await else { return Side::silent(node) };
        match tokio::time::timeout(ROUND_MAX, shell.sweep(&commands)).await {
            Ok(Ok(outputs)) => {
                let answers = asks.into_iter().zip(outputs).map(|((ask, command), output)| {
                    let seen = evidence(node.label(), &command, &output);
                    (ask, (output, seen))
                });
                let answers = answers.collect();
                Side { node, answers }
            }
            // One that hangs says as little as one that is off.
            Ok(Err(_)) | Err(_) => Side::silent(node),
        }
    }
}

/// Where no key was ever confirmed the console cannot log in.
const fn could_answer(node: &Node) -> bool {
    matches!(node.log_in, LogIn::Works { .. } | LogIn::Fails { .. })
}

/// Both sides of one node's join; `None` for a whole member, and for a machine without a name.
fn scene(cluster: &Cluster, sides: &[Side], side: &Side) -> Option<Scene> {
    let name = side.node.name.clone().or_else(|| side.name())?;
    let cluster_name = cluster.name.to_string();
    if side.is_member_of(&cluster_name) {
        return None;
    }
    let mut members: Vec<&Side> =
        sides.iter().filter(|one| one.node.id != side.node.id && one.is_member_of(&cluster_name)).collect();
    // A member of the side that may act acts.
    members.sort_by_key(|one| (!one.is_quorate(), one.node.position));
    let root_key = side.root_key();
    let seen: Vec<_> = members.iter().map(|one| one.as_member(&name, &root_key)).collect();
    // Silent, but the cluster has its certificate: it was a member once, and is one that is down.
    let was_member = seen.iter().any(|one| one.certificate == Some(true));
    if was_member && !side.answers() {
        return None;
    }
    Some(Scene { node: side.node.id, name, cluster: cluster_name, joiner: side.as_joiner(), members: seen })
}

/// The newest operation that joined, finished or undid this node.
fn newest_join(past: &[Operation], node: NodeId) -> Option<OperationId> {
    let about = |operation: &&Operation| match &operation.plan.intent {
        Intent::JoinNodes { joiners, .. } => joiners.contains(&node),
        Intent::FinishJoin { node: of, .. } | Intent::UndoJoin { node: of } => *of == node,
        _ => false,
    };
    past.iter().find(about).map(|operation| operation.id)
}
