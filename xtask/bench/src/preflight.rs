//! All prerequisites of 32 simulated nodes, and of 5 real ones: from the call to the last verdict, and to the first one
//! that a page shows.

mod rival;

use crate::dialer::Key;
use crate::nodes::{self, Nodes};
use crate::place::{self, RealLab};
use crate::report::{Figure, percentile_of, print};
use crate::rivals::Ansible;
use crate::served::{Machine, Served};
use crate::tellers::now_ms;
use crate::watch::machines;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const ANSIBLE: &str = "ansible-core, forks=5, all commands of the three rounds as one raw task";
const SIMULATED_NODES: u8 = 32;
/// Two networks, the usual kind of cluster.
const REAL_NODES: [&str; 3] = ["5", "--networks", "2"];
/// Runs one after the other; the middle one counts for the whole, the slowest one for the first verdict.
const SAMPLES: usize = 5;
/// One run must have ended within this time, or the benchmark fails.
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn run() -> anyhow::Result<()> {
    simulated().await?;
    // Installed out here: the lab's network leads nowhere.
    let ansible = Ansible::install();
    if let Err(error) = &ansible {
        eprintln!("preflight-5: without its rival, ansible-core cannot be installed: {error:#}");
    }
    if let Some(lab) = RealLab::up("preflight", &REAL_NODES)? {
        let ansible = ansible.map(|program| program.display().to_string());
        let more: Vec<&str> = ansible.iter().map(String::as_str).collect();
        lab.inside("preflight", &more)?;
    }
    Ok(())
}

async fn simulated() -> anyhow::Result<()> {
    let key = Key::make()?;
    let nodes = Nodes::start_bare(SIMULATED_NODES, &key.public).await?;
    let machine = |node: &nodes::Simulated| Machine {
        host: node.host.clone(),
        port: node.port,
        password: nodes::PASSWORD.to_owned(),
    };
    let served = Served::start(&nodes.all.iter().map(machine).collect::<Vec<_>>()).await?;
    let times = measure(&served, usize::from(SIMULATED_NODES)).await?;
    served.end().await?;
    Figure::new("preflight-32", percentile_of(&times.whole_s, 50), "s", SAMPLES).at_most(20.0).print();
    let slowest = times.first_ms.iter().copied().fold(0.0, f64::max);
    Figure::new("preflight-first-verdict", slowest, "ms", SAMPLES).at_most(300.0).print();
    print("preflight-first-verdict-p50", percentile_of(&times.first_ms, 50), "ms", SAMPLES);
    Ok(())
}

/// The part in the network of the lab's console.
pub async fn inside(lab: &Path, ansible: Option<&Path>) -> anyhow::Result<()> {
    let look = place::look(lab)?;
    let served = Served::start(&machines(&look)).await?;
    let times = measure(&served, look.nodes.len()).await?;
    served.end().await?;
    let whole = Figure::new("preflight-5", percentile_of(&times.whole_s, 50), "s", SAMPLES).at_most(8.0);
    match ansible {
        Some(program) => whole.against(ANSIBLE, rival::gathers(program, &look).await?).print(),
        None => whole.print(),
    }
    print("preflight-5-first-verdict", percentile_of(&times.first_ms, 50), "ms", SAMPLES);
    Ok(())
}

#[derive(Default)]
struct Times {
    whole_s: Vec<f64>,
    first_ms: Vec<f64>,
}

async fn measure(served: &Served, nodes: usize) -> anyhow::Result<Times> {
    let mut verdicts = served.events(unfinished).await?;
    let mut client = served.client().await?;
    let mut times = Times::default();
    for _ in 0..SAMPLES {
        while verdicts.try_recv().is_ok() {}
        let began = now_ms();
        let asked = client.call("run_checks", json!({ "cluster": served.cluster }));
        let matrix = tokio::time::timeout(PATIENCE, asked).await.context("the checks do not end")??;
        times.whole_s.push((now_ms() - began) / 1_000.0);
        proven(&matrix, nodes)?;
        let (first, ()) = tokio::time::timeout(PATIENCE, verdicts.recv()).await?.context("the stream ended")?;
        ensure!(first >= began, "the first verdict is older than the question");
        times.first_ms.push(first - began);
    }
    Ok(times)
}

/// A figure counts only if every node was really asked everything.
fn proven(matrix: &Value, nodes: usize) -> anyhow::Result<()> {
    let cells = matrix.get("cells").and_then(Value::as_array).context("no cells")?;
    let columns = matrix.get("nodes").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(columns == nodes && cells.len() == nodes * model::preflight::CheckId::ALL.len(), "cells are missing");
    let missing = cells.iter().filter(|cell| cell.get("verdict").and_then(Value::as_str) == Some("error"));
    let missing: Vec<String> = missing.filter_map(|cell| Some(cell.get("check")?.as_str()?.to_owned())).collect();
    ensure!(missing.is_empty(), "evidence is missing: {missing:?}");
    Ok(())
}

/// An unfinished matrix with at least one verdict; the finished ones are left out.
fn unfinished(event: &Value) -> Option<()> {
    let cells = event.pointer("/what/data/cells").and_then(Value::as_array).map_or(0, Vec::len);
    let open = event.pointer("/what/data/finished_at").is_some_and(Value::is_null);
    (cells > 0 && open).then_some(())
}
