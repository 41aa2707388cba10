//! From the nodes' own tool printing a membership to the browser's stream carrying it, and to its page showing it.
//!
//! The time begins when the first of all tools prints it, whichever node that is.

use crate::browser::Browser;
use crate::dialer::{Key, dialer, endpoint};
use crate::nodes::{self, Nodes};
use crate::place::{self, RealLab, RealNode};
use crate::report::{Figure, percentile_of, print};
use crate::served::{Machine, Served};
use crate::tellers::{self, Tellers};
use crate::watch::machines;
use anyhow::{Context as _, ensure};
use engine::ports::Dialer as _;
use lab::Fault;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Clean stops and starts of corosync; p99 needs at least 200.
const EVENTS: usize = 200;
/// One event must be in all places within this time, or the run fails.
const PATIENCE: Duration = Duration::from_secs(60);
const REAL_NODES: &str = "5";
const SIMULATED_NODES: u8 = 32;

/// With real nodes, then with simulated ones.
pub async fn run() -> anyhow::Result<()> {
    if let Some(lab) = RealLab::up("events", &[REAL_NODES, "--cluster", "bench"])? {
        lab.inside("events", &[])?;
    }
    simulated().await
}

/// The part in the network of the lab's console.
pub async fn inside(lab: &Path) -> anyhow::Result<()> {
    let look = place::look(lab)?;
    let (victim, others) = look.nodes.split_last().context("no node")?;
    let (tell, tellers) = mpsc::unbounded_channel();
    for (number, node) in others.iter().enumerate() {
        tellers::real(number, node, tell.clone()).await?;
    }
    let served = Served::start(&machines(&look)).await?;
    let mut run = Run::start(served, tellers, look.nodes.len()).await?;
    run.all(&mut Switch::Real(victim)).await?;
    run.end("").await
}

async fn simulated() -> anyhow::Result<()> {
    let key = Arc::new(Key::make()?);
    let mut nodes = Nodes::start(SIMULATED_NODES, &key.public).await?;
    let all = nodes.all.clone();
    let (victim, others) = all.split_last().context("no node")?;
    let dialer = dialer(key);
    let (tell, tellers) = mpsc::unbounded_channel();
    for (number, node) in others.iter().enumerate() {
        let endpoint = endpoint(&dialer, number as u128 + 1, &node.host, node.port).await?;
        tellers::simulated(number, dialer.shell(&endpoint).await?, tell.clone()).await?;
    }
    let machine = |node: &nodes::Simulated| Machine {
        host: node.host.clone(),
        port: node.port,
        password: nodes::PASSWORD.to_owned(),
    };
    let served = Served::start(&all.iter().map(machine).collect::<Vec<_>>()).await?;
    let mut run = Run::start(served, tellers, all.len()).await?;
    run.all(&mut Switch::Simulated(&mut nodes, &victim.name)).await?;
    run.end("-32-simulated").await
}

/// Stops and starts corosync on one node, cleanly.
enum Switch<'a> {
    Real(&'a RealNode),
    Simulated(&'a mut Nodes, &'a str),
}

impl Switch<'_> {
    async fn corosync(&mut self, on: bool) -> anyhow::Result<()> {
        match self {
            Self::Real(node) => {
                let mut command = node.command(&["systemctl", if on { "start" } else { "stop" }, "corosync"])?;
                ensure!(command.status().await?.success(), "systemctl on {}", node.name);
                Ok(())
            }
            Self::Simulated(nodes, name) => {
                let node = (*name).to_owned();
                nodes.inject(&if on { Fault::StartCorosync { node } } else { Fault::StopCorosync { node } }).await
            }
        }
    }
}

/// Everybody who sees the memberships: the nodes, a stream, a page.
struct Run {
    /// All members while nothing is stopped; every other one of them tells.
    members: usize,
    tellers: Tellers,
    stream: UnboundedReceiver<(f64, usize)>,
    /// `None` where no page can be had; the other figures stand without it.
    browser: Option<Browser>,
    served: Served,
    to_stream: Vec<f64>,
    to_page: Vec<f64>,
}

impl Run {
    async fn start(served: Served, tellers: Tellers, members: usize) -> anyhow::Result<Self> {
        served.watch().await?;
        let stream = served.events(members_in).await?;
        let browser = page(&served, members).await;
        if let Err(error) = &browser {
            eprintln!("event-to-dom: {error:#}");
        }
        let browser = browser.ok();
        let mut run = Self { members, tellers, stream, browser, served, to_stream: vec![], to_page: vec![] };
        until(&mut run.stream, members).await.context("the stream")?;
        Ok(run)
    }

    async fn all(&mut self, switch: &mut Switch<'_>) -> anyhow::Result<()> {
        for index in 0..EVENTS {
            let on = index % 2 == 1;
            let members = if on { self.members } else { self.members - 1 };
            // What was seen so far is not this event; a page that showed nothing new has nothing here.
            while self.tellers.try_recv().is_ok() {}
            while self.stream.try_recv().is_ok() {}
            if let Some(page) = &mut self.browser {
                while page.votes.try_recv().is_ok() {}
            }
            switch.corosync(on).await?;
            let event = || format!("event {index}: {members} members");
            let printed = self.printed(members).await.with_context(event)?;
            let sent = until(&mut self.stream, members).await.context("the stream").with_context(event)?;
            // The console may read a print before we do.
            self.to_stream.push((sent - printed).max(0.0));
            if let Some(page) = &mut self.browser {
                let shown = until(&mut page.votes, members).await.context("the page").with_context(event)?;
                // The page's clock ticks in whole milliseconds.
                self.to_page.push((shown - printed).max(0.0));
            }
        }
        Ok(())
    }

    /// Waits until every tool has printed it; the earliest counts.
    async fn printed(&mut self, members: usize) -> anyhow::Result<f64> {
        let mut told: BTreeMap<usize, f64> = BTreeMap::new();
        while told.len() < self.members - 1 {
            let wait = tokio::time::timeout(PATIENCE, self.tellers.recv());
            let printed = wait.await.with_context(|| format!("only {} tools printed it", told.len()))?;
            let printed = printed.context("the tools ended")?;
            if printed.members == members {
                told.entry(printed.teller).or_insert(printed.at_ms);
            }
        }
        Ok(told.values().copied().fold(f64::INFINITY, f64::min))
    }

    async fn end(self, which: &str) -> anyhow::Result<()> {
        let seen = self.browser.is_some();
        if let Some(page) = self.browser {
            page.close().await?;
        }
        self.served.end().await?;
        let all = [("event-to-sse", &self.to_stream, 100.0), ("event-to-dom", &self.to_page, 300.0)];
        for (name, delays, most) in all.into_iter().filter(|(_, delays, _)| !delays.is_empty()) {
            let p99 = percentile_of(delays, 99);
            Figure::new(&format!("{name}-p99{which}"), p99, "ms", delays.len()).at_most(most).print();
            print(&format!("{name}-p50{which}"), percentile_of(delays, 50), "ms", delays.len());
        }
        ensure!(seen, "the page was not measured");
        Ok(())
    }
}

/// Chromium with the cluster's page, once it shows all votes.
async fn page(served: &Served, members: usize) -> anyhow::Result<Browser> {
    let mut browser = Browser::open(served).await?;
    until(&mut browser.votes, members).await.context("the page does not show the votes")?;
    Ok(browser)
}

/// How many members the counting partition has, in one message of the cluster's stream.
fn members_in(event: &Value) -> Option<usize> {
    event.pointer("/what/data/quorum/fact/value/members").and_then(Value::as_array).map(Vec::len)
}

/// The first time at which so many were seen.
async fn until(seen: &mut UnboundedReceiver<(f64, usize)>, members: usize) -> anyhow::Result<f64> {
    loop {
        let (at, count) = tokio::time::timeout(PATIENCE, seen.recv()).await?.context("it ended")?;
        if count == members {
            return Ok(at);
        }
    }
}
