//! What steady watching costs: 32 nodes with OpenSSH, for the console and for the nodes.

use crate::place::{self, Look, RealLab};
use crate::report::{Figure, print};
use crate::served::{Machine, Served};
use crate::usage;
use std::path::Path;
use std::time::Duration;

const NODES: &str = "32";
/// After the start, before anything is measured: the first sweeps ask for more than the later ones.
const SETTLE: Duration = Duration::from_secs(20);
/// Steady watching that is measured; six sweeps of each node.
const STEADY: Duration = Duration::from_secs(60);

pub fn run() -> anyhow::Result<()> {
    let Some(lab) = RealLab::up("watch", &[NODES, "--ssh-only"])? else { return Ok(()) };
    lab.inside("watch", &[])
}

/// The part in the network of the lab's console.
pub async fn inside(lab: &Path) -> anyhow::Result<()> {
    let look = place::look(lab)?;
    let machines = machines(&look);
    let mut served = Served::start(&machines).await?;
    served.restart().await?;
    tokio::time::sleep(SETTLE).await;
    let idle_mib = usage::memory_mib(served.pid()?)?;
    served.watch().await?;
    tokio::time::sleep(SETTLE).await;
    let alone = steady(&served, &look).await?;
    // A page that somebody has open gets every change.
    let mut stream = served.stream().await?;
    let reader = tokio::spawn(async move { while stream.line().await.is_ok() {} });
    let seen = steady(&served, &look).await?;
    reader.abort();
    served.end().await?;
    Figure::new("watch-32-cpu", alone.console, "% of a core", 1).at_most(2.0).print();
    Figure::new("watch-32-cpu-page-open", seen.console, "% of a core", 1).at_most(2.0).print();
    let memory = alone.memory_mib.max(seen.memory_mib);
    Figure::new("watch-32-rss", memory - idle_mib, "MiB above idle", 1).at_most(60.0).print();
    print("watch-32-rss-idle", idle_mib, "MiB", 1);
    match alone.nodes {
        Some(nodes) => {
            let mean = nodes.iter().sum::<f64>() / nodes.len() as f64;
            Figure::new("watch-node-cpu", mean, "% of a core", nodes.len()).at_most(0.5).print();
            let most = nodes.iter().copied().fold(0.0, f64::max);
            print("watch-node-cpu-most", most, "% of a core", nodes.len());
        }
        None => eprintln!("watch-node-cpu: left out, there is no cgroup2 mount to count it with"),
    }
    Ok(())
}

pub fn machines(look: &Look) -> Vec<Machine> {
    let machine = |node: &place::RealNode| Machine {
        host: node.address.clone(),
        port: node.ssh_port,
        password: look.root_password.clone(),
    };
    look.nodes.iter().map(machine).collect()
}

/// One stretch of watching; processor times in percent of a core.
struct Steady {
    console: f64,
    memory_mib: f64,
    nodes: Option<Vec<f64>>,
}

async fn steady(served: &Served, look: &Look) -> anyhow::Result<Steady> {
    let pid = served.pid()?;
    let percent = |seconds: f64| seconds / STEADY.as_secs_f64() * 100.0;
    let nodes_before = look.node_millis();
    let before = usage::of(pid)?;
    tokio::time::sleep(STEADY).await;
    let console = percent((usage::of(pid)? - before).as_secs_f64());
    let nodes = nodes_before.zip(look.node_millis()).map(|(before, after)| {
        before.iter().zip(&after).map(|(before, after)| percent((after - before) / 1_000.0)).collect()
    });
    Ok(Steady { console, memory_mib: usage::memory_mib(pid)?, nodes })
}
