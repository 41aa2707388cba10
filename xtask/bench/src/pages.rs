//! The cluster's page at 200 requests a second.

use crate::console::Console;
use crate::report::{percentile, print};
use anyhow::ensure;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

const PER_SECOND: u32 = 200;
const SECONDS: u32 = 10;
/// Connections that take turns, as several browsers would.
const CONNECTIONS: u32 = 20;

pub async fn run() -> anyhow::Result<()> {
    let console = Console::with_cluster().await?;
    let path = format!("/clusters/{}", console.cluster);
    let mut tasks = Vec::new();
    for number in 0..CONNECTIONS {
        let mut client = console.client().await?;
        let path = path.clone();
        tasks.push(tokio::spawn(async move {
            let pause = Duration::from_secs(1) * CONNECTIONS / PER_SECOND;
            tokio::time::sleep(pause * number / CONNECTIONS).await;
            let mut tick = interval(pause);
            // A late answer must not hide: the next request leaves at its own time, and waits count.
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut took = Vec::new();
            for _ in 0..PER_SECOND * SECONDS / CONNECTIONS {
                let due = tick.tick().await;
                let answer = client.get(&path).await?;
                ensure!(answer.status == 200 && !answer.body.is_empty(), "the page answered {}", answer.status);
                took.push(Instant::now().saturating_duration_since(due.into_std()));
            }
            Ok::<_, anyhow::Error>(took)
        }));
    }
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await??);
    }
    print("page-p99-200rps", percentile(&took, 99), "ms", took.len());
    print("page-p50-200rps", percentile(&took, 50), "ms", took.len());
    Ok(())
}
