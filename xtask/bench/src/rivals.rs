//! What people use today for the same question to many nodes: OpenSSH's client with ControlMaster, and ansible-core.

use crate::usage;
use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// A machine by its address.
#[derive(Debug, Clone)]
pub struct Place {
    pub host: String,
    pub port: u16,
}

/// One control master per node; each sweep is one client process per node.
pub struct OpenSsh {
    folder: PathBuf,
    key: PathBuf,
    places: Vec<Place>,
    line: String,
    masters: Vec<u32>,
}

impl OpenSsh {
    /// Opens all connections; `line` is what each client runs on its node.
    pub async fn start(folder: &Path, key: &Path, places: &[Place], line: &str) -> anyhow::Result<Self> {
        let (folder, key) = (folder.to_owned(), key.to_owned());
        let mut rival = Self { folder, key, places: places.to_vec(), line: line.to_owned(), masters: Vec::new() };
        for (index, place) in places.iter().enumerate() {
            // The first client becomes the master and stays for the others.
            let options = ["-o", "ControlMaster=yes", "-o", "ControlPersist=yes"];
            let status = rival.client(index, place, &options).arg("true").stdout(Stdio::null()).status().await?;
            ensure!(status.success(), "OpenSSH cannot reach {}", place.host);
            let check = rival.client(index, place, &["-O", "check"]).stderr(Stdio::piped()).output().await?;
            let words = String::from_utf8_lossy(&check.stderr).into_owned();
            let pid = words.split_once("pid=").and_then(|(_, rest)| rest.split(')').next()).context("no master")?;
            rival.masters.push(pid.parse().context("pid of a master")?);
        }
        Ok(rival)
    }

    fn client(&self, index: usize, place: &Place, options: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"])
            .args(["-o", &format!("UserKnownHostsFile={}", self.folder.join("known_hosts").display())])
            .args(["-o", &format!("ControlPath={}", self.folder.join(format!("master-{index}")).display())])
            .args(["-i", &self.key.display().to_string(), "-p", &place.port.to_string()])
            .args(options)
            .arg(format!("root@{}", place.host))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    /// One client per node, all at once.
    pub async fn once(&self) -> anyhow::Result<Duration> {
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

    /// Processor time of the masters, and of all clients that have ended.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let masters = self.masters.iter().map(|pid| usage::of(*pid)).sum::<anyhow::Result<Duration>>()?;
        Ok(masters + usage::ended_children()?)
    }

    pub async fn stop(&self) {
        for (index, place) in self.places.iter().enumerate() {
            let _ = self.client(index, place, &["-O", "exit"]).stderr(Stdio::null()).status().await;
        }
    }
}

/// ansible-core in an environment of its own.
pub struct Ansible {
    program: PathBuf,
    folder: PathBuf,
    /// The argument of the `raw` task.
    task: String,
    forks: String,
}

/// YAML too, which JSON is a part of.
const INVENTORY: &str = "inventory.json";
/// Which ansible-core is the rival.
const ANSIBLE: &str = "ansible-core>=2.16";

impl Ansible {
    /// The program in its environment below the target folder, installed when it is not there yet.
    pub fn install() -> anyhow::Result<PathBuf> {
        let here = std::env::current_exe().context("own path")?;
        let target = here.parent().and_then(Path::parent).context("target folder")?;
        let environment = target.join("ansible");
        let program = environment.join("bin/ansible");
        if program.is_file() {
            return Ok(program);
        }
        let run = |command: &mut std::process::Command| -> anyhow::Result<()> {
            let output = command.stdin(Stdio::null()).output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
            Ok(())
        };
        run(std::process::Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        run(std::process::Command::new(environment.join("bin/pip")).args(["install", "--quiet", ANSIBLE]))?;
        ensure!(program.is_file(), "{} is not there", program.display());
        Ok(program)
    }

    /// The same line on every node.
    pub fn new(program: &Path, folder: &Path, key: &Path, places: &[Place], line: &str) -> anyhow::Result<Self> {
        Self::write(program, folder, key, places, &[], line)
    }

    /// A line of its own for every node, in the order of `places`.
    pub fn with_lines(
        program: &Path,
        folder: &Path,
        key: &Path,
        places: &[Place],
        lines: &[String],
    ) -> anyhow::Result<Self> {
        // What begins with a brace would be read as JSON.
        Self::write(program, folder, key, places, lines, ": ; {{ line }}")
    }

    fn write(
        program: &Path,
        folder: &Path,
        key: &Path,
        places: &[Place],
        lines: &[String],
        task: &str,
    ) -> anyhow::Result<Self> {
        let hosts: serde_json::Map<String, Value> = places
            .iter()
            .enumerate()
            .map(|(index, place)| {
                // Nothing in a line is a template of ansible's.
                let line = lines.get(index).map(|line| format!("{{% raw %}}{line}{{% endraw %}}"));
                let host = json!({
                    "ansible_host": place.host,
                    "ansible_port": place.port,
                    "ansible_user": "root",
                    "ansible_ssh_private_key_file": key,
                    "line": line,
                });
                (format!("node{index}"), host)
            })
            .collect();
        let inventory = json!({ "all": { "hosts": hosts } });
        std::fs::write(folder.join(INVENTORY), inventory.to_string())?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        Ok(Self { program, folder, task: task.to_owned(), forks: places.len().to_string() })
    }

    /// One `raw` task on all nodes; its connections stay for the next one.
    pub async fn once(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let output = Command::new(&self.program)
            .args(["all", "--forks", &self.forks, "-m", "raw", "-a", &self.task, "-i"])
            .arg(self.folder.join(INVENTORY))
            .env("ANSIBLE_HOME", self.folder.join("ansible"))
            .env("ANSIBLE_HOST_KEY_CHECKING", "False")
            .env(
                "ANSIBLE_SSH_ARGS",
                "-F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            )
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", self.folder.join("cp"))
            .stdin(Stdio::null())
            .output()
            .await
            .context("running ansible")?;
        let took = began.elapsed();
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "ansible: {}", String::from_utf8_lossy(&said));
        Ok(took)
    }

    /// Its masters would end by themselves a minute later.
    pub async fn stop(&self) {
        let Ok(sockets) = std::fs::read_dir(self.folder.join("cp")) else { return };
        for socket in sockets.flatten() {
            let mut command = Command::new("ssh");
            command.args(["-F", "none", "-O", "exit", "-o"]).arg(format!("ControlPath={}", socket.path().display()));
            let _ = command.arg("node").stderr(Stdio::null()).status().await;
        }
    }
}
