//! Simulated nodes in a process of their own, so that their work is not counted as the console's.

use anyhow::Context as _;
use lab::{Lab, Options, Scenario};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// First argument of the child process.
pub const CHILD: &str = "--nodes";
const AUTHORIZED: &str = "/root/.ssh/authorized_keys2";

/// The child: `--nodes COUNT KEY_LINE`; prints a line `NAME ADDRESS PORT` per node, then `ready`; ends with its standard input.
pub async fn serve(args: &[String]) -> anyhow::Result<()> {
    let count: u8 = args.get(1).context("how many nodes?")?.parse()?;
    let key = args.get(2).context("which key?")?;
    let lab = Lab::new(Scenario::healthy(count), Options { seed: 1, speed: 1.0, port: 0 })?;
    for endpoint in lab.listen().await? {
        lab.put_file(&endpoint.node, AUTHORIZED, format!("{key}\n").as_bytes());
        println!("{} {} {}", endpoint.node, endpoint.address, endpoint.port);
    }
    println!("ready");
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    lab.shutdown().await;
    Ok(())
}

/// A node of the child.
#[derive(Debug, Clone)]
pub struct Place {
    pub host: String,
    pub port: u16,
}

/// Starts the child; it ends when the returned handle is dropped.
pub async fn start(count: u8, key: &str) -> anyhow::Result<(Child, Vec<Place>)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([CHILD, &count.to_string(), key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut places = Vec::new();
    while let Some(line) = lines.next_line().await? {
        if line == "ready" {
            return Ok((child, places));
        }
        let words: Vec<&str> = line.split(' ').collect();
        if let [name, host, port] = words.as_slice()
            && !name.starts_with("qnetd")
        {
            places.push(Place { host: (*host).to_owned(), port: port.parse()? });
        }
    }
    anyhow::bail!("the simulated nodes did not start")
}
