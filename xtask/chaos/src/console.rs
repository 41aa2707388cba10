//! `quorate serve` with the lab's nodes, and its stream as a browser reads it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use client::Client;
use model::live::LiveEvent;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::lab::Lab;

const ADMIN: (&str, &str) = ("ada", "a long enough sentence");
/// The namespace has its own loopback, so nobody else has the port.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8686);
/// A debug build opens its database and listens within this time.
const START_LIMIT: Duration = Duration::from_secs(60);

pub struct Console {
    pub cluster: String,
    cookie: String,
    _child: Child,
    _data: tempfile::TempDir,
}

impl Console {
    /// Starts it, becomes its first admin, and makes all nodes known to it.
    pub async fn start(lab: &Lab) -> anyhow::Result<Self> {
        let binary = match std::env::var_os("QUORATE_BIN") {
            Some(binary) => binary.into(),
            None => std::env::current_exe()?.with_file_name("quorate"),
        };
        let data = tempfile::tempdir()?;
        let mut child = Command::new(binary)
            .args(["serve", "--listen", &ADDRESS.to_string(), "--data", &data.path().display().to_string()])
            .env("QUORATE_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let token = tokio::time::timeout(START_LIMIT, invitation(&mut child)).await.context("no invitation")??;
        let mut client = connect(START_LIMIT).await?;
        client.call("accept_invite", json!({ "token": token, "name": ADMIN.0, "password": ADMIN.1 })).await?;
        let cluster = import(&mut client, lab).await?;
        Ok(Self { cluster, cookie: client.cookie, _child: child, _data: data })
    }

    /// Every event of the cluster's stream.
    pub async fn stream(&self) -> anyhow::Result<mpsc::UnboundedReceiver<LiveEvent>> {
        let mut client = Client::connect(ADDRESS, &self.cookie).await?;
        client.send("GET", &format!("/live/clusters/{}", self.cluster), "text/event-stream", b"").await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(line) = client.line().await {
                let Some(text) = line.strip_prefix("data:") else { continue };
                let Ok(event) = serde_json::from_str(text.trim()) else { continue };
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

/// The first admin's link is on the terminal.
async fn invitation(child: &mut Child) -> anyhow::Result<String> {
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let token = loop {
        let line = lines.next_line().await?.context("the console ended")?;
        if let Some((_, token)) = line.split_once("/invite/") {
            break token.trim().to_owned();
        }
    };
    // The rest of its output is not interesting, but must be read.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(token)
}

async fn connect(limit: Duration) -> anyhow::Result<Client> {
    let end = tokio::time::Instant::now() + limit;
    loop {
        match Client::connect(ADDRESS, "").await {
            Ok(client) => return Ok(client),
            Err(error) if tokio::time::Instant::now() > end => return Err(error.context("the console does not listen")),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Takes the running cluster over through its first node, by one password.
async fn import(client: &mut Client, lab: &Lab) -> anyhow::Result<String> {
    let (first, others) = lab.nodes.split_first().context("a lab without nodes")?;
    let node = json!({ "host": first.address, "port": 22, "user": "root", "qnetd": false });
    let begun = client.call("import_begin", json!({ "node": node })).await?;
    let (cluster, id) = (text(&begun, "/cluster")?, text(&begun, "/node")?);
    pin(client, &cluster, |node| node["id"] == id.as_str()).await?;
    client.call("install_key", json!({ "node": id, "password": lab.password })).await?;
    client.call("discover", json!({ "cluster": cluster })).await?;
    let members: Vec<Value> = others.iter().map(|node| json!({ "name": node.name, "host": node.address })).collect();
    client.call("import_members", json!({ "cluster": cluster, "members": members })).await?;
    for node in others {
        pin(client, &cluster, |one| one["name"] == node.name.as_str()).await?;
    }
    Ok(cluster)
}

async fn pin(client: &mut Client, cluster: &str, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let view = client.call("wizard", json!({ "cluster": cluster })).await?;
    let nodes = view.pointer("/view/nodes").and_then(Value::as_array).context("no nodes")?;
    let node = nodes.iter().find(|node| is_it(node)).context("the node is not there")?;
    let input = json!({ "node": text(node, "/id")?, "fingerprint": text(node, "/offered/fingerprint")? });
    client.call("pin_key", input).await.map(|_| ())
}

fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => bail!("no {pointer} in {value}"),
    }
}
