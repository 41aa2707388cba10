//! Simulated nodes in a process of their own, so that their work is not counted as the console's.

use anyhow::{Context as _, ensure};
use lab::{Fault, Lab, Options, Scenario};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// First argument of the child process.
pub const CHILD: &str = "--nodes";
/// Root's password on all of them.
pub const PASSWORD: &str = lab::ROOT_PASSWORD;
const AUTHORIZED: &str = "/root/.ssh/authorized_keys2";
/// Simulated time per real time: a clean stop and start take corosync some seconds.
const SPEED: f64 = 4.0;
/// Programs of bare nodes take as long as real ones.
const BARE_SPEED: f64 = 1.0;
/// The scenario of machines that are in no cluster.
const BARE: &str = "bare";

/// The child: `--nodes SCENARIO COUNT KEY_LINE`; prints a line `NAME ADDRESS PORT` per node, then `ready`.
///
/// Each line of its standard input is a fault as JSON, answered by `done`; it ends with its standard input.
pub async fn serve(args: &[String]) -> anyhow::Result<()> {
    let name = args.get(1).context("which scenario?")?;
    let count: u8 = args.get(2).context("how many nodes?")?.parse()?;
    let key = args.get(3).context("which key?")?;
    let scenario = Scenario::by_name(name, count).context("no such scenario")?;
    let speed = if name == BARE { BARE_SPEED } else { SPEED };
    let lab = Lab::new(scenario, Options { seed: 1, speed, port: 0 })?;
    for endpoint in lab.listen().await? {
        lab.put_file(&endpoint.node, AUTHORIZED, format!("{key}\n").as_bytes());
        println!("{} {} {}", endpoint.node, endpoint.address, endpoint.port);
    }
    println!("ready");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        lab.inject(serde_json::from_str::<Fault>(&line)?)?;
        println!("done");
    }
    lab.shutdown().await;
    Ok(())
}

/// A node of the child.
#[derive(Debug, Clone)]
pub struct Simulated {
    pub name: String,
    pub host: String,
    pub port: u16,
}

/// The child; it ends when this is dropped.
pub struct Nodes {
    pub all: Vec<Simulated>,
    faults: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Nodes {
    /// A healthy cluster.
    pub async fn start(count: u8, key: &str) -> anyhow::Result<Self> {
        Self::of("healthy", count, key).await
    }

    /// Machines that are in no cluster.
    pub async fn start_bare(count: u8, key: &str) -> anyhow::Result<Self> {
        Self::of(BARE, count, key).await
    }

    async fn of(scenario: &str, count: u8, key: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([CHILD, scenario, &count.to_string(), key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut answers = BufReader::new(child.stdout.take().context("no output")?).lines();
        let faults = child.stdin.take().context("no input")?;
        let mut all = Vec::new();
        while let Some(line) = answers.next_line().await? {
            if line == "ready" {
                return Ok(Self { all, faults, answers, _child: child });
            }
            let words: Vec<&str> = line.split(' ').collect();
            if let [name, host, port] = words.as_slice()
                && !name.starts_with("qnetd")
            {
                all.push(Simulated { name: (*name).to_owned(), host: (*host).to_owned(), port: port.parse()? });
            }
        }
        anyhow::bail!("the simulated nodes did not start")
    }

    pub async fn inject(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.faults.write_all(format!("{}\n", serde_json::to_string(fault)?).as_bytes()).await?;
        let answer = self.answers.next_line().await?;
        ensure!(answer.as_deref() == Some("done"), "the simulated nodes have ended");
        Ok(())
    }
}
