//! From the node's own tool printing a membership to the browser's stream carrying it.

use crate::console::Console;
use crate::dialer::{Key, dialer, endpoint};
use crate::report::{percentile, print};
use anyhow::Context as _;
use engine::ports::{Chunk, Credential, Dialer, OutputStream};
use pve::quorumtool::{self, BlockReader};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Clean stops and starts of corosync; p99 needs at least 200.
const EVENTS: usize = 200;
/// One event must be on the stream within this time, or the run fails.
const PATIENCE: Duration = Duration::from_secs(30);
const NODE: &str = "pve3";

pub async fn run() -> anyhow::Result<()> {
    let console = Console::with_cluster().await?;
    // Our own look at the node's tool: the reference is when its block arrived over a connection of its own.
    let dialer = dialer(Arc::new(Key::make()?));
    let endpoint = endpoint(&dialer, 1, &console.first_node.0, console.first_node.1).await?;
    let shell = dialer.once(&endpoint, Credential::Password(Zeroizing::new("quorate-demo".to_owned()))).await?;
    let mut blocks = Blocks { stream: shell.follow(&quorumtool::follow()).await?, reader: BlockReader::default() };
    let mut stream = sse(&console).await?;
    blocks.until(3).await?;
    let mut client = console.client().await?;
    let mut delays = Vec::new();
    for index in 0..EVENTS {
        let stop = index % 2 == 0;
        while stream.try_recv().is_ok() {}
        let switch = json!({ "id": format!("stop-corosync/{NODE}"), "on": stop });
        client.call("demo_switch", switch).await?;
        let members = if stop { 2 } else { 3 };
        let printed = blocks.until(members).await?;
        let seen = until(&mut stream, members).await?;
        delays.push(seen.saturating_duration_since(printed));
    }
    print("event-to-sse-p99", percentile(&delays, 99), "ms", delays.len());
    Ok(())
}

struct Blocks {
    stream: OutputStream,
    reader: BlockReader,
}

impl Blocks {
    /// Waits for a block with so many members; returns when it arrived.
    async fn until(&mut self, members: usize) -> anyhow::Result<Instant> {
        loop {
            let chunk =
                tokio::time::timeout(PATIENCE, self.stream.chunks.recv()).await?.context("the follower ended")?;
            let Chunk::Data { bytes, .. } = chunk else { anyhow::bail!("the follower ended") };
            let arrived = Instant::now();
            if self.reader.push(&bytes).into_iter().flatten().any(|status| status.members.len() == members) {
                return Ok(arrived);
            }
        }
    }
}

/// Every message of the cluster's stream with its time: how many members the newest quorum answer names.
async fn sse(console: &Console) -> anyhow::Result<mpsc::UnboundedReceiver<(Instant, usize)>> {
    let mut client = console.client().await?;
    client.send("GET", &format!("/live/clusters/{}", console.cluster), "text/event-stream", b"").await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok(line) = client.line().await {
            let Some(text) = line.strip_prefix("data:") else { continue };
            let Ok(event) = serde_json::from_str::<Value>(text.trim()) else { continue };
            let members = event.pointer("/what/data/quorum/fact/value/members").and_then(Value::as_array).map(Vec::len);
            if let Some(members) = members
                && sender.send((Instant::now(), members)).is_err()
            {
                return;
            }
        }
    });
    Ok(receiver)
}

async fn until(stream: &mut mpsc::UnboundedReceiver<(Instant, usize)>, members: usize) -> anyhow::Result<Instant> {
    loop {
        let (at, seen) = tokio::time::timeout(PATIENCE, stream.recv()).await?.context("the stream ended")?;
        if seen == members {
            return Ok(at);
        }
    }
}
