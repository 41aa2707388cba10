//! The simulated lab held against the recordings.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers included")]

mod arguments;
mod fragments;
mod recordings;
mod words;

use conform::differences::Differences;
use conform::play::{Report, play};
use conform::scenario::{Scenario, names};
use conform::simulated::Simulated;

/// Plays every scenario on the simulated lab.
async fn play_all(differences: &Differences) -> Vec<(String, Report)> {
    let mut reports = Vec::new();
    for name in names().expect("the scenarios") {
        let scenario = Scenario::read(&name).expect("a scenario");
        let side = Simulated::new(&scenario).expect("a lab");
        let report = play(&name, &scenario, &side, differences).await;
        reports.push((name.clone(), report.unwrap_or_else(|error| panic!("{name}: {error:#}"))));
        side.lab.shutdown().await;
    }
    reports
}
