//! A cluster that is there gets one more node: its links stay, the newcomer's addresses are chosen.

use crate::nodes::Site;
use app::api::{NetworkView, OperationView, Preview};
use lab::Scenario;
use model::ids::{NodeId, OperationId};
use model::inventory::ClusterPhase;
use model::links::LinkPlan;
use model::operation::OperationState;
use model::preflight::Matrix;
use model::problem::ProblemCode;
use model::wizard::{Draft, StepState, WizardStep};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Far more than the simulated nodes need, in real time.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_cluster_of_three_gets_its_fourth_node() {
    let site = Site::with(Scenario::bare(4)).await;
    let mut first_three = Vec::new();
    for node in ["pve1", "pve2", "pve3"] {
        first_three.push(site.ready(node).await);
    }
    let matrix: Matrix = site.operator.call("run_checks", json!({ "cluster": site.cluster })).await.expect("checked");
    assert!(matrix.passes(), "{matrix:#?}");
    let network = read_network(&site).await;
    choose(&site, &network.proposal).await.expect("links");
    run(&site, json!({ "wish": "create", "name": "prod", "first": first_three[0] })).await;
    run(&site, json!({ "wish": "join", "joiners": first_three[1..] })).await;

    let fourth = site.ready("pve4").await;
    until(&site, WizardStep::Network, |state| matches!(state, StepState::Open)).await;
    let blocked = state_of(&site, WizardStep::Join).await;
    let StepState::Blocked { problem } = blocked else { panic!("the join waits for addresses: {blocked:?}") };
    assert_eq!(problem.code, ProblemCode::LinksIncomplete);

    let network = read_network(&site).await;
    assert_eq!(network.nodes.iter().map(|node| node.node).collect::<Vec<_>>(), [fourth], "only the newcomer is asked");
    assert_eq!(network.fixed.len(), 2);
    assert_eq!(network.faults, []);
    let own: Vec<String> = network.proposal.iter().map(|link| link.addresses[&fourth].to_string()).collect();
    assert_eq!(own, ["10.0.1.14", "10.0.2.14"], "its addresses in the networks of the members");
    refuses_to_move_a_member(&site, &network.proposal, first_three[0]).await;

    choose(&site, &network.proposal).await.expect("the newcomer's addresses");
    run(&site, json!({ "wish": "join", "joiners": [fourth] })).await;
    let truth = site.lab.inspect();
    let members: Vec<&str> = truth.nodes["pve4"].nodelist.keys().map(String::as_str).collect();
    assert_eq!(members, ["pve1", "pve2", "pve3", "pve4"]);
    assert_eq!(truth.ran("pvecm add"), 3);
    assert_eq!(site.wizard().await.view.cluster.phase, ClusterPhase::Live);
}

async fn refuses_to_move_a_member(site: &Site, proposal: &[LinkPlan], member: NodeId) {
    let mut moved = proposal.to_vec();
    moved[0].addresses.insert(member, "10.0.1.99".parse().expect("address"));
    assert_eq!(choose(site, &moved).await.expect_err("a member moves"), ProblemCode::LinksFixed);
    assert_eq!(choose(site, &proposal[..1]).await.expect_err("a link goes"), ProblemCode::LinksFixed);
}

pub async fn read_network(site: &Site) -> NetworkView {
    site.operator.call("network", json!({ "cluster": site.cluster })).await.expect("addresses")
}

pub async fn choose(site: &Site, links: &[LinkPlan]) -> Result<Draft, ProblemCode> {
    let revision = site.wizard().await.draft.revision;
    let input = json!({ "cluster": site.cluster, "links": links, "revision": revision });
    site.operator.call("choose_links", input).await.map_err(|problem| problem.code)
}

/// Reads the plan, runs exactly that, and waits until it is done.
pub async fn run(site: &Site, wish: Value) {
    let preview: Preview =
        site.operator.call("preview", json!({ "cluster": site.cluster, "wish": wish })).await.expect("a plan");
    assert_eq!(preview.obstacles, []);
    let consent = json!({ "reason": "test", "typed": "prod" });
    let input = json!({ "cluster": site.cluster, "wish": wish, "digest": preview.digest, "consent": consent });
    let id: OperationId = site.operator.call("run", input).await.expect("it runs");
    let ended = timeout(LIMIT, async {
        loop {
            let view: OperationView = site.operator.call("operation", json!({ "id": id })).await.expect("operation");
            if view.operation.state != OperationState::Running {
                return view.operation.state;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(ended.await.expect("it ends"), OperationState::Done);
}

async fn state_of(site: &Site, step: WizardStep) -> StepState {
    site.wizard().await.steps.into_iter().find(|(one, _)| *one == step).map(|(_, state)| state).expect("a step")
}

pub async fn until(site: &Site, step: WizardStep, holds: impl Fn(&StepState) -> bool) {
    let seen = timeout(LIMIT, async {
        while !holds(&state_of(site, step).await) {
            tokio::task::yield_now().await;
        }
    });
    seen.await.expect("the nodes tell it");
}
