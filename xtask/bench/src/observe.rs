//! A sweep of 32 nodes with OpenSSH, everything that the cluster page needs, connections warm.
//!
//! In turns with its rivals on the same nodes. What the nodes themselves spend is told apart.

use crate::dialer::{Key, dialer, endpoint};
use crate::place::{self, Look, RealLab};
use crate::report::{Figure, percentile, print};
use crate::rivals::{Ansible, OpenSsh, Place};
use crate::usage;
use anyhow::{Context as _, ensure};
use engine::evidence::answer;
use engine::ports::{Dialer as _, NodeShell, Output};
use futures::future::try_join_all;
use pve::{CommandLine, cfgtool, corosync_conf, files, pmxcfs, quorumtool};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NODES: &str = "32";
/// Turns of the console and of OpenSSH's client.
const SAMPLES: usize = 30;
/// Turns of ansible, which are long.
const ANSIBLE_SAMPLES: usize = 5;
const OPENSSH: &str = "OpenSSH client with ControlMaster, in parallel";
const ANSIBLE: &str = "ansible-core, forks=32, one raw task";

pub fn run() -> anyhow::Result<()> {
    // Installed out here: the lab's network leads nowhere.
    let ansible = Ansible::install();
    if let Err(error) = &ansible {
        eprintln!("observe-32-ansible: left out, ansible-core cannot be installed: {error:#}");
    }
    let Some(lab) = RealLab::up("observe", &[NODES, "--ssh-only"])? else { return Ok(()) };
    let ansible = ansible.map(|program| program.display().to_string());
    let more: Vec<&str> = ansible.iter().map(String::as_str).collect();
    lab.inside("observe", &more)
}

/// The part in the network of the lab's console.
pub async fn inside(lab: &Path, ansible: Option<&Path>) -> anyhow::Result<()> {
    let look = place::look(lab)?;
    let key = Arc::new(Key::read(&look.key_file)?);
    let commands = commands();
    let line = commands.iter().map(|command| command.exec_line(false)).collect::<Vec<_>>().join("; ");
    let places: Vec<Place> =
        look.nodes.iter().map(|node| Place { host: node.address.clone(), port: node.ssh_port }).collect();
    let folder = tempfile::tempdir()?;
    let dialer = dialer(key);
    let mut shells = Vec::new();
    for (number, place) in (1_u128..).zip(&places) {
        let endpoint = endpoint(&dialer, number, &place.host, place.port).await?;
        shells.push(dialer.shell(&endpoint).await?);
    }
    let rival = OpenSsh::start(folder.path(), &look.key_file, &places, &line).await?;
    sweep(&shells, &commands).await?;
    rival.once().await?;
    let (mut ours, mut theirs) = (Turns::default(), Turns::default());
    // In turns, so that a busy moment of the machine hits both.
    for _ in 0..SAMPLES {
        ours.take(&look, usage::own, sweep(&shells, &commands)).await?;
        theirs.take(&look, || rival.cpu(), rival.once()).await?;
    }
    rival.stop().await;
    let cpu = Figure::new("observe-32-cpu", ours.cpu_ms(), "ms", SAMPLES);
    cpu.against(OPENSSH, theirs.cpu_ms()).times_better(5.0).print();
    let wall = Figure::new("observe-32-wall", percentile(&ours.wall, 50), "ms", SAMPLES);
    wall.against(OPENSSH, percentile(&theirs.wall, 50)).times_better(1.0).print();
    if let (Some(mine), Some(others)) = (ours.node_ms(), theirs.node_ms()) {
        Figure::new("observe-32-nodes-cpu", mine, "ms", SAMPLES).against(OPENSSH, others).print();
    }
    if let Some(program) = ansible {
        let rival = Ansible::new(program, folder.path(), &look.key_file, &places, &line)?;
        against_ansible(&rival, &shells, &commands).await?;
    }
    Ok(())
}

async fn against_ansible(
    rival: &Ansible,
    shells: &[Arc<dyn NodeShell>],
    commands: &[CommandLine],
) -> anyhow::Result<()> {
    rival.once().await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ANSIBLE_SAMPLES {
        theirs.push(rival.once().await?);
        ours.push(sweep(shells, commands).await?);
    }
    rival.stop().await;
    let figure = Figure::new("observe-32-ansible", percentile(&ours, 50), "ms", ANSIBLE_SAMPLES);
    figure.against(ANSIBLE, percentile(&theirs, 50)).times_better(10.0).print();
    print("observe-32-ansible-slowest-own", percentile(&ours, 100), "ms", ANSIBLE_SAMPLES);
    Ok(())
}

/// As the engine's sweep asks.
fn commands() -> Vec<CommandLine> {
    vec![pmxcfs::cat_state(), quorumtool::status(), cfgtool::nodes().unless_hung(), files::cluster_corosync_conf()]
}

/// Asks all nodes and reads all answers.
async fn sweep(shells: &[Arc<dyn NodeShell>], commands: &[CommandLine]) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let outputs = try_join_all(shells.iter().map(|shell| shell.sweep(commands))).await?;
    for output in &outputs {
        understand(output).context("an answer cannot be read")?;
    }
    Ok(began.elapsed())
}

fn understand(outputs: &[Output]) -> anyhow::Result<()> {
    let [state, quorum, links, conf] = outputs else { anyhow::bail!("{} answers", outputs.len()) };
    let members = pmxcfs::state(answer(state))?.members;
    let told = quorumtool::quorum(answer(quorum))?;
    cfgtool::link_lines(answer(links))?;
    ensure!(corosync_conf::conf(answer(conf))?.is_some(), "no configuration");
    ensure!(told.quorate && members.cluster.is_some(), "no cluster");
    Ok(())
}

/// What one way of asking has used in all its turns.
#[derive(Default)]
struct Turns {
    wall: Vec<Duration>,
    cpu: Duration,
    /// All nodes together; `None` where that is not counted.
    nodes_ms: Option<f64>,
}

impl Turns {
    async fn take(
        &mut self,
        lab: &Look,
        cpu: impl Fn() -> anyhow::Result<Duration>,
        turn: impl Future<Output = anyhow::Result<Duration>>,
    ) -> anyhow::Result<()> {
        let nodes = || lab.node_millis().map(|all| all.iter().sum::<f64>());
        let nodes_before = nodes();
        let before = cpu()?;
        self.wall.push(turn.await?);
        self.cpu += cpu()?.saturating_sub(before);
        if let (Some(before), Some(after)) = (nodes_before, nodes()) {
            self.nodes_ms = Some(self.nodes_ms.unwrap_or_default() + after - before);
        }
        Ok(())
    }

    /// Per turn.
    fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1_000.0 / self.wall.len() as f64
    }

    fn node_ms(&self) -> Option<f64> {
        self.nodes_ms.map(|all| all / self.wall.len() as f64)
    }
}
