//! `quorate serve` with a live cluster of machines that are there already.

use crate::console::{binary, free_port, text};
use crate::tellers::now_ms;
use anyhow::{Context as _, bail, ensure};
use client::Client;
use engine::ports::ClusterStore as _;
use model::inventory::ClusterPhase;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use store::SqliteStore;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver};

const ACCOUNT: (&str, &str) = ("bench", "a long enough sentence");
const POLL: Duration = Duration::from_millis(100);
/// How long the console may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long all machines may take until the console knows what they say.
const WATCHED_LIMIT: Duration = Duration::from_secs(120);

/// A machine that takes root's password.
#[derive(Debug, Clone)]
pub struct Machine {
    pub host: String,
    pub port: u16,
    pub password: String,
}

pub struct Served {
    pub address: SocketAddr,
    pub cluster: String,
    pub cookie: String,
    nodes: Vec<String>,
    child: Child,
    data: TempDir,
}

impl Served {
    /// Starts it and lets it in on all machines; it does not watch them yet.
    pub async fn start(machines: &[Machine]) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut child = spawn(address, &data)?;
        let token = first_token(&mut child).await?;
        let mut client = Client::connect(address, "").await?;
        let account = json!({ "token": token, "name": ACCOUNT.0, "password": ACCOUNT.1 });
        client.call("accept_invite", account).await?;
        let made = client.call("add_cluster", json!({ "name": "bench" })).await?;
        let mut served =
            Self { address, cluster: text(&made, "/cluster")?, cookie: String::new(), nodes: Vec::new(), child, data };
        for machine in machines {
            let node = json!({ "host": machine.host, "port": machine.port, "user": "root", "qnetd": false });
            let offer = client.call("add_node", json!({ "cluster": served.cluster, "node": node })).await?;
            let id = text(&offer, "/node")?;
            client.call("pin_key", json!({ "node": id, "fingerprint": text(&offer, "/offered/fingerprint")? })).await?;
            client.call("install_key", json!({ "node": id, "password": machine.password })).await?;
            served.nodes.push(id);
        }
        served.cookie = client.cookie;
        Ok(served)
    }

    /// Ends the console and starts it again on the same data, so that nothing is left of the way there.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let pid = self.pid()?.to_string();
        ensure!(Command::new("kill").args(["-TERM", &pid]).status().await?.success(), "kill {pid}");
        let ended: ExitStatus = tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        ensure!(ended.success(), "the console ended with {ended}");
        self.child = spawn(self.address, &self.data)?;
        drain(&mut self.child)?;
        let began = Instant::now();
        while Client::connect(self.address, "").await.is_err() {
            ensure!(began.elapsed() < PATIENCE, "the console does not answer");
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Makes the cluster a live one, as its creation would have, and waits until every machine has told its state.
    pub async fn watch(&self) -> anyhow::Result<()> {
        let store = SqliteStore::open(&self.data.path().join("quorate.db")).await?;
        store.set_phase(self.cluster.parse()?, ClusterPhase::Live).await?;
        drop(store);
        let mut client = self.client().await?;
        // A log-in to any machine makes the console look after the whole cluster.
        let first = self.nodes.first().context("no machine")?;
        client.call("try_log_in", json!({ "node": first })).await?;
        let began = Instant::now();
        loop {
            let view = client.call("cluster", json!({ "id": self.cluster })).await?;
            let watched = watched(&view);
            if watched == self.nodes.len() {
                return Ok(());
            }
            if began.elapsed() > WATCHED_LIMIT {
                bail!("only {watched} of {} machines are watched", self.nodes.len());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the console and removes its data: what still runs would write into a folder that is being removed.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(self.data.close()?)
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the console has ended")
    }

    pub async fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.address, &self.cookie).await
    }

    /// A page's stream; the answer's head comes first.
    pub async fn stream(&self) -> anyhow::Result<Client> {
        let mut client = self.client().await?;
        client.send("GET", &format!("/live/clusters/{}", self.cluster), "text/event-stream", b"").await?;
        Ok(client)
    }

    /// What `read` makes of each event of a page's stream, with the time at which the event was there.
    pub async fn events<T: Send + 'static>(
        &self,
        read: impl Fn(&Value) -> Option<T> + Send + 'static,
    ) -> anyhow::Result<UnboundedReceiver<(f64, T)>> {
        let mut client = self.stream().await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(line) = client.line().await {
                let at = now_ms();
                let event = line.strip_prefix("data:").and_then(|text| serde_json::from_str::<Value>(text.trim()).ok());
                if let Some(found) = event.as_ref().and_then(&read)
                    && sender.send((at, found)).is_err()
                {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

fn spawn(address: SocketAddr, data: &TempDir) -> anyhow::Result<Child> {
    let mut command = Command::new(binary()?);
    command.args(["serve", "--listen", &address.to_string(), "--data", &data.path().display().to_string()]);
    command.env("QUORATE_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command.spawn()?)
}

/// What it prints is not interesting, but must be read.
fn drain(child: &mut Child) -> anyhow::Result<()> {
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(())
}

/// Of the first admin's link.
async fn first_token(child: &mut Child) -> anyhow::Result<String> {
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, token)) = line.split_once("/invite/") {
            let token = token.trim().to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(token);
        }
    }
    bail!("the console ended")
}

/// Machines that are connected and have told who they are in the cluster.
fn watched(view: &Value) -> usize {
    let nodes = view.pointer("/snapshot/nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is = |node: &&Value| {
        node.pointer("/contact/contact").and_then(Value::as_str) == Some("connected")
            && node.get("membership").and_then(Value::as_str) == Some("member")
    };
    nodes.iter().filter(is).count()
}
