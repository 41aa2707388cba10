//! The same facts by ansible-core: every command of the three rounds on every node, and beside them the probe of all pairs.
//!
//! One task without a look between the rounds, which the console has to take: what is compared is generous to the rival,
//! which also neither reads nor judges anything.

use crate::place::{Look, RealNode};
use crate::report::percentile;
use crate::rivals::{Ansible, Place};
use anyhow::{Context as _, ensure};
use engine::limits::PROBE_WINDOW_S;
use model::ids::NodeId;
use model::preflight::{NodeEvidence, ProbeTargets, probe_plan};
use model::problem::{Problem, ProblemCode};
use pve::probe::{self, ProbePlan};
use pve::{Answer, CommandLine, network, prerequisites};
use std::path::Path;
use uuid::Uuid;

/// Runs one after the other; the middle one counts.
const SAMPLES: usize = 5;

/// How long ansible takes for it, in seconds.
pub async fn gathers(program: &Path, look: &Look) -> anyhow::Result<f64> {
    let mut known = Vec::new();
    for (number, node) in (1_u128..).zip(&look.nodes) {
        known.push(evidence(number, node).await.with_context(|| node.name.clone())?);
    }
    let plan = probe_plan(&known);
    let empty = ProbeTargets::default();
    let lines: Vec<String> = known.iter().map(|node| line(node, plan.get(&node.node).unwrap_or(&empty))).collect();
    let places: Vec<Place> =
        look.nodes.iter().map(|node| Place { host: node.address.clone(), port: node.ssh_port }).collect();
    let folder = tempfile::tempdir()?;
    let rival = Ansible::with_lines(program, folder.path(), &look.key_file, &places, &lines)?;
    // Its connections are open afterwards, as the console's are.
    rival.once().await?;
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        times.push(rival.once().await?);
    }
    rival.stop().await;
    Ok(percentile(&times, 50) / 1_000.0)
}

/// What the questions of the later rounds depend on: the node's name, its cards and its addresses.
async fn evidence(number: u128, node: &RealNode) -> anyhow::Result<NodeEvidence> {
    let id = NodeId::from_uuid(Uuid::from_u128(number));
    let waiting = Problem::new(ProblemCode::Garbage);
    let mut found = NodeEvidence::missing(id, &node.name, number == 1, &waiting);
    found.management = node.address.parse().ok();
    found.host_name = Ok(text(node, &["hostname"]).await?.trim().to_owned());
    let addresses = text(node, &["ip", "-j", "addr"]).await?;
    found.addresses = Ok(network::addresses(Answer::ok(addresses.as_bytes()))?);
    let links = text(node, &["ip", "-d", "-j", "link"]).await?;
    found.interfaces = Ok(network::interfaces(Answer::ok(links.as_bytes()))?);
    found.host.devices = Ok(prerequisites::devices(Answer::ok(links.as_bytes()))?);
    Ok(found)
}

async fn text(node: &RealNode, words: &[&str]) -> anyhow::Result<String> {
    let output = node.command(words)?.output().await?;
    ensure!(output.status.success(), "{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}

/// The probe in the background, all questions before it, and an exit of 0 whatever they answered.
fn line(node: &NodeEvidence, targets: &ProbeTargets) -> String {
    let plan = ProbePlan {
        listen: targets.listen.clone(),
        udp: targets.udp.iter().map(|(_, address)| *address).collect(),
        tcp: targets.tcp.iter().map(|(_, address)| *address).chain(targets.refusing.iter().copied()).collect(),
        echo: targets.echo.clone(),
    };
    let rounds = [prerequisites::first(node), prerequisites::second(node), prerequisites::third(node)].concat();
    let questions: Vec<String> = rounds.iter().map(|question| question.command.exec_line(false)).collect();
    let probe: CommandLine = probe::run(&plan, PROBE_WINDOW_S);
    format!("{} & {}; wait; true", probe.exec_line(false), questions.join("; "))
}
