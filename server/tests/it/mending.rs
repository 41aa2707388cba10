//! A remedy as a page asks for it: offered by a cell, read as a plan, run, and its check is green afterwards.

use crate::nodes::Site;
use app::api::{OperationView, Preview};
use lab::{Fault, Scenario};
use model::ids::OperationId;
use model::operation::OperationState;
use model::plan::Action;
use model::preflight::{Cell, CheckId, Matrix};
use model::problem::{Problem, ProblemCode};
use model::remedy::RemedyKind;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// No remedy of these tests may take longer.
const LIMIT: Duration = Duration::from_secs(120);

async fn cell_of(site: &Site, check: CheckId, column: usize) -> Cell {
    let matrix: Matrix = site.operator.call("run_checks", json!({ "cluster": site.cluster })).await.expect("checked");
    let node = matrix.nodes[column].node;
    matrix.cells.into_iter().find(|cell| cell.check == check && cell.node == node).expect("a cell")
}

async fn preview(site: &Site, wish: &Value) -> Result<Preview, Problem> {
    site.operator.call("preview", json!({ "cluster": site.cluster, "wish": wish })).await
}

/// Reads the plan, runs it without a word, and waits for its end.
pub async fn done(site: &Site, wish: &Value) -> OperationId {
    let read = preview(site, wish).await.expect("a plan");
    assert!(!read.ruling.reason && !read.ruling.typed_target, "what can be taken back asks for nothing");
    let consent = json!({ "reason": "", "typed": "" });
    let input = json!({ "cluster": site.cluster, "wish": wish, "digest": read.digest, "consent": consent });
    let id: OperationId = site.operator.call("run", input).await.expect("it starts");
    let ended = timeout(LIMIT, async {
        loop {
            let view: OperationView =
                site.operator.call("operation", json!({ "id": id })).await.expect("the operation");
            if view.operation.state.is_over() {
                return view.operation;
            }
            tokio::task::yield_now().await;
        }
    });
    let operation = ended.await.expect("it ends");
    assert_eq!(operation.state, OperationState::Done, "{:#?}", operation.steps);
    id
}

#[tokio::test]
async fn a_cell_is_mended_and_what_was_there_comes_back() {
    let site = Site::with(Scenario::bare(2)).await;
    site.ready("pve1").await;
    let node = site.ready("pve2").await;
    site.lab.inject(Fault::BreakHosts { node: "pve2".into(), on: true }).expect("broken");
    let broken = cell_of(&site, CheckId::HostsFile, 1).await;
    assert_eq!(RemedyKind::of(&broken), Some(RemedyKind::HostsFile));
    let wish = json!({ "wish": "remedy", "node": node, "remedy": "hosts_file" });
    let read = preview(&site, &wish).await.expect("a plan");
    let [step] = read.plan.steps.as_slice() else { panic!("{:#?}", read.plan) };
    let Action::ReplaceHosts { old, new, .. } = &step.action else { panic!("{step:#?}") };
    assert!(old.contains("127.0.1.1") && !new.contains("127.0.1.1"), "the page can show the change: {new}");

    let operation = done(&site, &wish).await;
    let file =
        |site: &Site| site.lab.file("pve2", "/etc/hosts").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert_eq!(file(&site).as_ref(), Some(new));
    assert_eq!(RemedyKind::of(&cell_of(&site, CheckId::HostsFile, 1).await), None);
    assert_eq!(preview(&site, &wish).await.expect_err("once is enough").code, ProblemCode::NothingToMend);

    let back = json!({ "wish": "take-back", "operation": operation });
    done(&site, &back).await;
    assert_eq!(file(&site).as_ref(), Some(old));
}

#[tokio::test]
async fn only_nodes_of_this_cluster_are_mended() {
    let site = Site::with(Scenario::bare(1)).await;
    site.ready("pve1").await;
    let nobody = model::ids::NodeId::from_uuid(uuid::Uuid::from_u128(1));
    let wish = json!({ "wish": "remedy", "node": nobody, "remedy": "authkey" });
    assert_eq!(preview(&site, &wish).await.expect_err("nobody").code, ProblemCode::NotFound);
    let none = json!({ "wish": "take-back", "operation": nobody });
    assert_eq!(preview(&site, &none).await.expect_err("nothing").code, ProblemCode::NotFound);
}
