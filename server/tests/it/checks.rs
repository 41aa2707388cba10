//! Nodes that must not become a cluster: the checks say why, and nothing can be run over them.

use crate::nodes::Site;
use app::api::Preview;
use lab::Scenario;
use model::inventory::ClusterPhase;
use model::preflight::{Cell, CheckId, Matrix, Verdict};
use model::problem::ProblemCode;
use model::wizard::{Draft, StepState, WizardStep};
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

/// A machine with little memory: a warning, and nothing worse.
const LITTLE_MEMORY: &[u8] = b"MemTotal: 2000000 kB\nMemAvailable: 900000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";

#[tokio::test]
async fn a_warning_opens_the_next_step_once_somebody_answers_for_it() {
    let site = Site::with(Scenario::bare(2)).await;
    let first = site.ready("pve1").await;
    let second = site.ready("pve2").await;
    assert!(site.lab.put_file("pve2", "/proc/meminfo", LITTLE_MEMORY));
    let matrix = checked(&site).await;
    assert_eq!(verdict(&matrix, CheckId::Memory, 1), Verdict::Warn);
    assert!(matrix.passes(), "a warning does not block by itself");
    refused_to_create(&site, first).await;

    let input = |cells: Value, reason: &str, revision: u64| json!({ "cluster": site.cluster, "cells": cells, "reason": reason, "revision": revision });
    let revision = site.wizard().await.draft.revision;
    let call = |input: Value| site.operator.call::<Draft>("acknowledge_checks", input);
    let mute = call(input(json!([["memory", second]]), "  ok ", revision)).await.expect_err("no reason");
    assert_eq!(mute.code, ProblemCode::ReasonNeeded);
    let green = call(input(json!([["memory", first]]), "nothing to see", revision)).await.expect_err("no warning");
    assert_eq!(green.code, ProblemCode::NotFound);
    let draft = call(input(json!([["memory", second]]), "a lab of small machines", revision)).await.expect("saved");
    assert_eq!(draft.acknowledged.len(), 1);
    let late = call(input(json!([["memory", second]]), "somebody else was faster", revision)).await.expect_err("late");
    assert_eq!(late.code, ProblemCode::WorldChanged);

    let view = site.wizard().await;
    assert!(view.steps.iter().any(|(step, state)| *step == WizardStep::Prerequisites && *state == StepState::Done));
    let network: Value = site.operator.call("network", json!({ "cluster": site.cluster })).await.expect("networks");
    let links = json!({ "cluster": site.cluster, "links": network["proposal"], "revision": draft.revision });
    site.operator.call::<Draft>("choose_links", links).await.expect("links");
    let wish = json!({ "wish": "create", "name": "prod", "first": first });
    let preview: Preview =
        site.operator.call("preview", json!({ "cluster": site.cluster, "wish": wish })).await.expect("a plan");
    let [kept] = preview.plan.acknowledged.as_slice() else { panic!("{:?}", preview.plan.acknowledged) };
    assert_eq!((kept.check, kept.node, kept.reason.as_str()), (CheckId::Memory, second, "a lab of small machines"));
    let found: Value = site.operator.call("audit", json!({ "filter": {}, "again": false })).await.expect("the audit");
    let text = found.to_string();
    assert!(text.contains("checks_acknowledged") && text.contains("a lab of small machines"), "{text}");
}

#[tokio::test]
async fn a_cell_that_passed_shows_its_raw_lines_when_it_is_opened() {
    let site = Site::with(Scenario::bare(2)).await;
    site.ready("pve1").await;
    site.ready("pve2").await;
    let matrix = checked(&site).await;
    let cell = matrix.cells.iter().find(|cell| cell.check == CheckId::Memory).expect("a cell");
    assert!(cell.verdict == Verdict::Pass && cell.evidence.is_empty(), "{cell:?}");
    let input = json!({ "cluster": site.cluster, "check": "memory", "node": cell.node });
    let whole: Cell = site.operator.call("check_proof", input).await.expect("the proof");
    let proof = &whole.evidence[0];
    assert_eq!((proof.command.as_str(), proof.exit), ("cat /proc/meminfo", Some(0)));
    assert!(proof.lines.iter().any(|line| line.text.starts_with("MemAvailable")), "{proof:?}");
}
