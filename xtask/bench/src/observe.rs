//! A sweep of eight nodes, everything that the cluster page needs, connections warm.

use crate::dialer::{Key, dialer, endpoint};
use crate::nodes::{self, Place};
use crate::report::{percentile, print_against};
use anyhow::{Context as _, ensure};
use engine::ports::{Dialer, NodeShell};
use futures::future::try_join_all;
use pve::{CommandLine, cfgtool, files, pmxcfs, quorumtool};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Command;

const NODES: u8 = 8;
const SAMPLES: usize = 40;

pub async fn run() -> anyhow::Result<()> {
    let key = Arc::new(Key::make()?);
    let (_child, places) = nodes::start(NODES, &key.public).await?;
    let commands = [quorumtool::status(), cfgtool::nodes(), files::cluster_corosync_conf(), pmxcfs::cat_members()];
    let dialer = dialer(Arc::clone(&key));
    let mut shells = Vec::new();
    for (number, place) in (1_u128..).zip(&places) {
        let endpoint = endpoint(&dialer, number, &place.host, place.port).await?;
        shells.push(dialer.shell(&endpoint).await?);
    }
    let folder = tempfile::tempdir()?;
    let rival = OpenSsh::start(folder.path(), &key, &places, &commands).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    ours_once(&shells, &commands).await?;
    // In turns, so that a busy moment of the machine hits both.
    for _ in 0..SAMPLES {
        ours.push(ours_once(&shells, &commands).await?);
        theirs.push(rival.once().await?);
    }
    rival.stop().await;
    let rival_name = "OpenSSH client with ControlMaster, in parallel";
    print_against("observe", percentile(&ours, 50), "ms", SAMPLES, rival_name, percentile(&theirs, 50));
    Ok(())
}

async fn ours_once(shells: &[Arc<dyn NodeShell>], commands: &[CommandLine]) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let outputs = try_join_all(shells.iter().map(|shell| shell.sweep(commands))).await?;
    let took = began.elapsed();
    ensure!(outputs.iter().flatten().all(engine::ports::Output::success), "a node did not answer");
    Ok(took)
}

/// One control master per node; each sweep is one client process per node.
struct OpenSsh {
    folder: PathBuf,
    places: Vec<Place>,
    line: String,
}

impl OpenSsh {
    async fn start(folder: &Path, key: &Key, places: &[Place], commands: &[CommandLine]) -> anyhow::Result<Self> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("key"))?;
        file.write_all(key.private.as_bytes())?;
        let line = commands.iter().map(|command| command.exec_line(false)).collect::<Vec<_>>().join("; ");
        let rival = Self { folder: folder.to_owned(), places: places.to_vec(), line };
        for (index, place) in places.iter().enumerate() {
            // The first client becomes the master and stays for the others.
            let options = ["-o", "ControlMaster=yes", "-o", "ControlPersist=yes"];
            let status = rival.client(index, place, &options).arg("true").stdout(Stdio::null()).status().await?;
            ensure!(status.success(), "OpenSSH cannot reach a simulated node");
        }
        Ok(rival)
    }

    fn client(&self, index: usize, place: &Place, options: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"])
            .args(["-o", &format!("UserKnownHostsFile={}", self.folder.join("known_hosts").display())])
            .args(["-o", &format!("ControlPath={}", self.folder.join(format!("master-{index}")).display())])
            .args(["-i", &self.folder.join("key").display().to_string(), "-p", &place.port.to_string()])
            .args(options)
            .arg(format!("root@{}", place.host))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    async fn once(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let runs = self
            .places
            .iter()
            .enumerate()
            .map(|(index, place)| self.client(index, place, &[]).arg(&self.line).output());
        let outputs = try_join_all(runs).await.context("running ssh")?;
        let took = began.elapsed();
        ensure!(outputs.iter().all(|output| output.status.success() && !output.stdout.is_empty()), "a client failed");
        Ok(took)
    }

    async fn stop(&self) {
        for (index, place) in self.places.iter().enumerate() {
            let _ = self.client(index, place, &["-O", "exit"]).stderr(Stdio::null()).status().await;
        }
    }
}
