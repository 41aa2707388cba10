//! The release binary with its demo nodes, and a cluster built through it as a person would.

use anyhow::Context as _;
use client::Client;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Password of the demo's accounts and of its nodes.
const ACCOUNT: (&str, &str) = ("operator", "demo-password");
const ROOT_PASSWORD: &str = "quorate-demo";
const POLL: Duration = Duration::from_millis(100);
const NODES: u8 = 3;

pub struct Console {
    pub address: SocketAddr,
    pub cluster: String,
    pub cookie: String,
    _child: Child,
    _data: tempfile::TempDir,
}

impl Console {
    /// Starts it and builds a cluster of three.
    pub async fn with_cluster() -> anyhow::Result<Self> {
        let binary = binary()?;
        let data = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let ssh_port = free_port()?;
        let mut child = Command::new(binary)
            .args(["demo", "--nodes", &NODES.to_string(), "--speed", "40", "--bare-only"])
            .args(["--listen", &address.to_string(), "--ssh-port", &ssh_port.to_string()])
            .args(["--data", &data.path().display().to_string()])
            .env("QUORATE_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let hosts = node_hosts(&mut child).await?;
        let mut client = Client::connect(address, "").await?;
        client.call("sign_in", json!({ "name": ACCOUNT.0, "password": ACCOUNT.1 })).await?;
        let cluster = build(&mut client, &hosts, ssh_port).await?;
        Ok(Self { address, cluster, cookie: client.cookie, _child: child, _data: data })
    }

    pub async fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.address, &self.cookie).await
    }
}

/// The release binary that is measured.
pub fn binary() -> anyhow::Result<String> {
    std::env::var("QUORATE_BIN").context("QUORATE_BIN is not set: run cargo xtask bench")
}

pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Reads the addresses of the Proxmox VE nodes from what the demo prints.
async fn node_hosts(child: &mut Child) -> anyhow::Result<Vec<String>> {
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut hosts = Vec::new();
    while let Some(line) = lines.next_line().await? {
        if line.starts_with("Stop with") {
            break;
        }
        let place = line.split_whitespace().find_map(|word| word.strip_prefix("root@"));
        if let (true, Some(place)) = (line.contains("Proxmox VE"), place) {
            hosts.push(place.rsplit_once(':').map_or(place, |(host, _)| host).to_owned());
        }
    }
    // The rest of its output is not interesting, but must be read.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(hosts)
}

async fn build(client: &mut Client, hosts: &[String], port: u16) -> anyhow::Result<String> {
    let made = client.call("add_cluster", json!({ "name": "bench" })).await?;
    let cluster = text(&made, "/cluster")?;
    let mut nodes = Vec::new();
    for host in hosts {
        let node = json!({ "host": host, "port": port, "user": "root", "qnetd": false });
        let offer = client.call("add_node", json!({ "cluster": cluster, "node": node })).await?;
        let id = text(&offer, "/node")?;
        client.call("pin_key", json!({ "node": id, "fingerprint": text(&offer, "/offered/fingerprint")? })).await?;
        client.call("install_key", json!({ "node": id, "password": ROOT_PASSWORD })).await?;
        nodes.push(id);
    }
    client.call("run_checks", json!({ "cluster": cluster })).await?;
    let network = client.call("network", json!({ "cluster": cluster })).await?;
    let wizard = client.call("wizard", json!({ "cluster": cluster })).await?;
    let revision = wizard.pointer("/draft/revision").cloned().context("no draft")?;
    let links = network.get("proposal").cloned().context("no proposal")?;
    client.call("choose_links", json!({ "cluster": cluster, "links": links, "revision": revision })).await?;
    let (first, others) = nodes.split_first().context("no node")?;
    run(client, &cluster, &json!({ "wish": "create", "name": "bench", "first": first })).await?;
    run(client, &cluster, &json!({ "wish": "join", "joiners": others })).await?;
    Ok(cluster)
}

/// Previews and runs a plan, and waits for its end.
async fn run(client: &mut Client, cluster: &str, wish: &Value) -> anyhow::Result<()> {
    let preview = loop {
        // Right after a step the snapshot may need a moment to show it.
        let preview = client.call("preview", json!({ "cluster": cluster, "wish": wish })).await;
        match preview {
            Ok(preview) => break preview,
            Err(_) => tokio::time::sleep(POLL).await,
        }
    };
    let consent = json!({ "reason": "bench", "typed": text(&preview, "/plan/target")? });
    let digest = text(&preview, "/digest")?;
    let id =
        client.call("run", json!({ "cluster": cluster, "wish": wish, "digest": digest, "consent": consent })).await?;
    loop {
        let view = client.call("operation", json!({ "id": id })).await?;
        match text(&view, "/operation/state/state")?.as_str() {
            "done" => return Ok(()),
            "failed" | "parked" => {
                anyhow::bail!("building the cluster ended with {}", view.pointer("/operation/state").unwrap_or(&view))
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
}

pub fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no {pointer} in the answer"))
}
