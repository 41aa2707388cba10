//! Simulated nodes as a process of their own, for tests that kill the console and leave its nodes alive.
//!
//! `nodes COUNT [SCENARIO] [SPEED]` prints one line of JSON when every node listens: a list of
//! `{"name", "address", "port", "password", "fingerprint", "qnetd"}`.
//! Then each line of standard input is answered by one line of JSON: a fault such as `{"kind":"kill","node":"pve1"}` by
//! `{"done":true}`, the word `inspect` by what really happened on each node, `nodes` by the list as it is now.
//! It ends with its standard input.

use lab::{Fault, Inspection, Lab, Options, Scenario};
use serde_json::{Value, json};
use std::error::Error;
use std::io::Write as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let count: u8 = args.next().ok_or("how many nodes?")?.parse()?;
    let name = args.next().unwrap_or_else(|| "bare".to_owned());
    let speed: f64 = args.next().map_or(Ok(1.0), |text| text.parse())?;
    let scenario = Scenario::by_name(&name, count).ok_or("there is no such scenario")?;
    // Any free ports: several of these may run at once.
    let lab = Lab::new(scenario, Options { seed: 1, speed, port: 0 })?;
    lab.listen().await?;
    say(&nodes(&lab))?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        say(&answer(&lab, line.trim()))?;
    }
    lab.shutdown().await;
    Ok(())
}

fn nodes(lab: &Lab) -> Value {
    let node = |node: lab::NodeInfo| {
        let ssh = node.ssh?;
        Some(json!({
            "name": node.name,
            "address": ssh.ip(),
            "port": ssh.port(),
            "password": node.root_password,
            "fingerprint": node.host_key_fingerprint,
            "qnetd": node.is_qnetd,
        }))
    };
    lab.nodes().into_iter().filter_map(node).collect()
}

fn answer(lab: &Lab, line: &str) -> Value {
    match line {
        "inspect" => truth(&lab.inspect()),
        "nodes" => nodes(lab),
        fault => {
            let fault = serde_json::from_str::<Fault>(fault).map_err(|error| error.to_string());
            match fault.and_then(|fault| lab.inject(fault).map_err(|error| error.to_string())) {
                Ok(()) => json!({ "done": true }),
                Err(error) => json!({ "done": false, "error": error }),
            }
        }
    }
}

fn truth(inspection: &Inspection) -> Value {
    let nodes: serde_json::Map<String, Value> = inspection
        .nodes
        .iter()
        .map(|(name, node)| {
            let truth = json!({
                "alive": node.alive,
                "cluster": node.cluster,
                "members": node.nodelist.keys().collect::<Vec<_>>(),
                "nodelist": node.nodelist,
                "ran": node.ran,
                "writable": node.writable,
            });
            (name.clone(), truth)
        })
        .collect();
    let partition = |one: &lab::Partition| json!({ "nodes": one.nodes, "quorate": one.quorate, "votes": one.total_votes, "expected": one.expected_votes });
    let partitions: Vec<Value> = inspection.partitions.iter().map(partition).collect();
    json!({ "nodes": nodes, "partitions": partitions })
}

fn say(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
