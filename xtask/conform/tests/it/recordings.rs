//! Every scenario: what the simulated nodes print is what real nodes printed, word by word.

use crate::play_all;
use conform::differences::Differences;
use conform::normal::message_shape;
use conform::play::was_recorded;
use conform::recording::everything;
use conform::scenario::{Scenario, names};
use conform::side::Side;
use conform::simulated::Simulated;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Far fewer would mean that the scenarios compare nothing any more.
const COMPARED_MIN: usize = 150;

#[tokio::test(start_paused = true)]
async fn the_simulated_lab_prints_what_real_nodes_printed() {
    let differences = Differences::read().expect("the argued differences");
    let reports = play_all(&differences).await;
    let compared: usize = reports.iter().map(|(_, report)| report.compared.len()).sum();
    let problems: Vec<&String> = reports.iter().flat_map(|(_, report)| &report.problems).collect();
    println!("{} scenarios, {compared} answers compared with recordings", reports.len());
    assert!(
        problems.is_empty(),
        "{} differences:\n{}",
        problems.len(),
        problems.iter().map(|problem| problem.as_str()).collect::<Vec<_>>().join("\n")
    );
    let unused = {
        let names = names().expect("the scenarios");
        differences.unused("simulated", &names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(unused.is_empty(), "argued, and not so: {unused:#?}");
    assert!(compared >= COMPARED_MIN, "{compared} answers only");
}

/// Journal entries as JSON: no field and no message that a real journal does not have.
#[tokio::test(start_paused = true)]
async fn the_journal_as_json_has_recorded_fields_and_messages() {
    let recorded: BTreeSet<String> = everything()
        .expect("the recordings")
        .lines()
        .filter(|line| line.contains("\"__REALTIME_TIMESTAMP\""))
        .filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok())
        .flat_map(|entry| entry.into_iter().map(|(field, _)| field))
        .collect();
    let scenario = Scenario::read("healthy").expect("a scenario");
    let side = Simulated::new(&scenario).expect("a lab");
    let differences = Differences::of(Vec::new()).expect("none");
    let start = Scenario { steps: Vec::new(), ..scenario };
    conform::play::play("start", &start, &side, &differences).await.expect("a cluster");
    let answer = side.run("pve1", "journalctl -u corosync -n 50 -o json", "").await.expect("an answer");
    assert!(answer.stdout.lines().count() > 5, "{answer:?}");
    for line in answer.stdout.lines() {
        let entry: Map<String, Value> = serde_json::from_str(line).expect("JSON");
        let foreign: Vec<&String> = entry.keys().filter(|field| !recorded.contains(*field)).collect();
        assert!(foreign.is_empty(), "no journal has {foreign:?}");
        let message = entry["MESSAGE"].as_str().expect("a message");
        // Printed at every start and reload (corosync, exec/main.c, exec/cfg.c); the recorded windows begin later.
        let known = message.contains("Config reload requested") || message.contains("starting up");
        assert!(known || was_recorded(&format!("corosync: {}", message_shape(message))), "{message:?}");
    }
}
