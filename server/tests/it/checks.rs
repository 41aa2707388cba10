//! Nodes that must not become a cluster: the checks say why, and nothing can be run over them.

use crate::nodes::Site;
use app::api::Preview;
use lab::Scenario;
use model::inventory::ClusterPhase;
use model::preflight::{CheckId, Matrix, Verdict};
use model::problem::ProblemCode;
use serde_json::{Value, json};

async fn checked(site: &Site) -> Matrix {
    site.operator.call("run_checks", json!({ "cluster": site.cluster })).await.expect("checked")
}

fn verdict(matrix: &Matrix, check: CheckId, column: usize) -> Verdict {
    let node = matrix.nodes[column].node;
    let cell = matrix.cells.iter().find(|cell| cell.check == check && cell.node == node);
    cell.unwrap_or_else(|| panic!("no cell {check:?} for column {column}")).verdict
}

async fn refused_to_create(site: &Site, first: model::ids::NodeId) {
    let wish = json!({ "wish": "create", "name": "prod", "first": first });
    let preview: Result<Preview, _> =
        site.operator.call("preview", json!({ "cluster": site.cluster, "wish": wish })).await;
    let digest = preview.as_ref().map_or_else(|_| String::new(), |preview| preview.digest.clone());
    if let Ok(preview) = preview {
        assert!(!preview.obstacles.is_empty(), "nothing stands in the way");
    }
    let consent = json!({ "reason": "test", "typed": "prod" });
    let input = json!({ "cluster": site.cluster, "wish": wish, "digest": digest, "consent": consent });
    let refused = site.operator.call::<Value>("run", input).await.expect_err("refused");
    assert_eq!(refused.code, ProblemCode::ChecksNotPassed, "{refused:?}");
    let view = site.wizard().await.view;
    assert_eq!(view.cluster.phase, ClusterPhase::Draft);
    assert!(!view.nodes.is_empty(), "the draft has lost its nodes");
    assert_eq!(site.lab.inspect().ran("pvecm create"), 0);
}

#[tokio::test]
async fn flaws_of_bare_nodes_are_found_on_the_node_that_has_them() {
    let site = Site::with(Scenario::unprepared(3)).await;
    let first = site.ready("pve1").await;
    for node in ["pve2", "pve3"] {
        site.ready(node).await;
    }
    let matrix = checked(&site).await;
    assert!(!matrix.passes());
    assert!(verdict(&matrix, CheckId::HostsFile, 0).blocks(), "127.0.1.1 on pve1");
    assert!(verdict(&matrix, CheckId::NoGuests, 1).blocks(), "a guest on pve2");
    assert_eq!(verdict(&matrix, CheckId::NoGuests, 2), Verdict::Pass);
    refused_to_create(&site, first).await;
}

#[tokio::test]
async fn nodes_of_another_cluster_are_not_taken() {
    let site = Site::with(Scenario::healthy(2)).await;
    let first = site.ready("pve1").await;
    site.ready("pve2").await;
    let matrix = checked(&site).await;
    for column in 0..2 {
        assert_eq!(verdict(&matrix, CheckId::NoGuests, column), Verdict::Fail, "column {column} is in a cluster");
    }
    refused_to_create(&site, first).await;
}

#[tokio::test]
async fn a_node_that_died_is_an_error_in_its_own_column() {
    let site = Site::with(Scenario::bare(2)).await;
    let first = site.ready("pve1").await;
    site.ready("pve2").await;
    site.lab.inject(lab::Fault::Kill { node: "pve2".to_owned() }).expect("dead");
    let matrix = checked(&site).await;
    assert_eq!(verdict(&matrix, CheckId::NoGuests, 0), Verdict::Pass);
    assert_eq!(verdict(&matrix, CheckId::NoGuests, 1), Verdict::Error);
    refused_to_create(&site, first).await;
}
