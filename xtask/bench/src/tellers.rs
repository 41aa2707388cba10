//! The nodes' own tool, read beside the console: when it printed which membership.

use crate::place::RealNode;
use anyhow::Context as _;
use engine::ports::{Chunk, NodeShell};
use pve::quorumtool::{self, BlockReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

/// Bytes that are read at once; a block of 32 members is smaller.
const READ_BYTES: usize = 16 * 1024;

/// A node's tool printed a membership.
#[derive(Debug, Clone, Copy)]
pub struct Printed {
    pub teller: usize,
    pub members: usize,
    pub at_ms: f64,
}

pub type Tellers = mpsc::UnboundedReceiver<Printed>;
pub type Tell = mpsc::UnboundedSender<Printed>;

/// The machine's clock, which the browser reads too, in milliseconds.
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// Runs the tool inside the node, over a pipe: its lines are here when they are printed.
pub async fn real(number: usize, node: &RealNode, tell: Tell) -> anyhow::Result<()> {
    let mut command = node.command(&["stdbuf", "-oL", "corosync-quorumtool", "-m"])?;
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut output = child.stdout.take().context("no output")?;
    tokio::spawn(async move {
        let mut listener = Listener { number, tell, reader: BlockReader::default() };
        let mut bytes = vec![0; READ_BYTES];
        while let Ok(count @ 1..) = output.read(&mut bytes).await {
            listener.hear(bytes.get(..count).unwrap_or_default());
        }
        drop(child);
    });
    Ok(())
}

/// The same over a connection of its own to a simulated node, which has no other way out.
pub async fn simulated(number: usize, shell: Arc<dyn NodeShell>, tell: Tell) -> anyhow::Result<()> {
    let mut stream = shell.follow(&quorumtool::follow()).await?;
    tokio::spawn(async move {
        let mut listener = Listener { number, tell, reader: BlockReader::default() };
        while let Some(Chunk::Data { bytes, .. }) = stream.chunks.recv().await {
            listener.hear(&bytes);
        }
        drop(shell);
    });
    Ok(())
}

struct Listener {
    number: usize,
    tell: Tell,
    reader: BlockReader,
}

impl Listener {
    fn hear(&mut self, bytes: &[u8]) {
        let at_ms = now_ms();
        for status in self.reader.push(bytes).into_iter().flatten() {
            // Nobody waits any more at the very end.
            let _ = self.tell.send(Printed { teller: self.number, members: status.members.len(), at_ms });
        }
    }
}
