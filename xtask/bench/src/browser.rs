//! Real Chromium with the cluster's page open: when which votes stood in its DOM.

use crate::served::Served;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

/// The script beside the browser tests, from this package's folder.
const SCRIPT: &str = "../../end2end/votes.mjs";

pub struct Browser {
    pub votes: mpsc::UnboundedReceiver<(f64, usize)>,
    /// The script ends with its standard input.
    input: Option<ChildStdin>,
    child: Child,
}

impl Browser {
    /// Opens the page; the votes that it shows first come first.
    pub async fn open(served: &Served) -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
        let origin = format!("http://{}", served.address);
        let mut child = Command::new("node")
            .arg(&script)
            .args([&origin, &format!("/clusters/{}", served.cluster)])
            // Not among the arguments, which everybody on the machine can read.
            .env("QUORATE_COOKIE", &served.cookie)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (sender, votes) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(seen) = serde_json::from_str::<Value>(&line) else { continue };
                let votes = seen.get("votes").and_then(Value::as_u64).and_then(|votes| usize::try_from(votes).ok());
                if let (Some(at), Some(votes)) = (seen.get("at").and_then(Value::as_f64), votes) {
                    let _ = sender.send((at, votes));
                }
            }
        });
        let input = child.stdin.take();
        Ok(Self { votes, input, child })
    }

    pub async fn close(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        let ended = self.child.wait().await?;
        ensure!(ended.success(), "the browser's script ended with {ended}");
        Ok(())
    }
}
