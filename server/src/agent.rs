//! `fence_ipmilan` and `ipmitool` on the console's own machine.
//!
//! `fence_ipmilan` hands a password that it knows to `ipmitool` as an argument, where every account of the machine reads it.
//! So it gets none: it calls our shim in place of `ipmitool`, which drops the empty password that the agent then writes
//! (`-P ''`) and lets `ipmitool` read `IPMI_PASSWORD` from its environment (`-E`). Only root and the console's own account
//! can read that.

use crate::keys::Seal;
use async_trait::async_trait;
use engine::ports::{AgentError, BmcAgent, Clock, Output, SealedSecret};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use pve::CommandLine;
use pve::bmc::{FENCE_IPMILAN, PASSWORD_VARIABLE};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Where the programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The shim's file in the data folder.
const SHIM_FILE: &str = "ipmitool-without-password";
/// What stands in it. Every other argument goes on as it came.
const SHIM: &str = r#"#!/bin/sh
# Called by fence_ipmilan in place of ipmitool: the password is in the environment, not among the arguments.
left=$#
while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    if [ "$word" = -P ]; then
        shift
        left=$((left - 1))
    else
        set -- "$@" "$word"
    fi
done
exec ipmitool -E "$@"
"#;
/// Agents that run at once; the next one waits.
const AT_ONCE_MAX: usize = 16;

/// Runs the agents.
pub struct ConsoleAgent {
    /// `None` in a restored backup without its key file.
    seal: Option<Seal>,
    clock: Arc<dyn Clock>,
    shim: PathBuf,
    path: String,
    places: Semaphore,
}

impl ConsoleAgent {
    /// Writes the shim into the data folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(data: &Path, seal: Option<Seal>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let shim = fs::canonicalize(data)?.join(SHIM_FILE);
        write_shim(&shim)?;
        Ok(Self { seal, clock, shim, path: PATH.to_owned(), places: Semaphore::new(AT_ONCE_MAX) })
    }

    /// The same, looking for programs in this folder first.
    #[must_use]
    pub fn looking_in(self, folder: &Path) -> Self {
        Self { path: format!("{}:{PATH}", folder.display()), ..self }
    }

    /// The same, looking for programs nowhere else.
    #[must_use]
    pub fn looking_only_in(self, folder: &Path) -> Self {
        Self { path: folder.display().to_string(), ..self }
    }

    /// Opens a password for one use.
    ///
    /// # Errors
    /// `Sealed` where the key, the name or a byte is not the one it was sealed with.
    pub(crate) fn unseal(&self, secret: &SealedSecret) -> Result<Zeroizing<String>, AgentError> {
        let seal = self.seal.as_ref().ok_or(AgentError::Sealed)?;
        let bytes = seal.unseal(&secret.name, &secret.bytes).map_err(|_| AgentError::Sealed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| AgentError::Sealed)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn prepared(&self, command: &CommandLine, password: &str) -> Result<Command, AgentError> {
        let mut process = Command::new(command.program());
        process.args(command.argv().into_iter().skip(1));
        if command.program() == FENCE_IPMILAN {
            process.arg(format!("--ipmitool-path={}", self.shim_word()?));
        }
        // Nothing of the console's own environment goes on; the agent's Python warns of itself where nobody asked.
        process.env_clear().env("PATH", &self.path).env("LC_ALL", "C").env("PYTHONWARNINGS", "ignore");
        process.env(PASSWORD_VARIABLE, password);
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        process.process_group(0).kill_on_drop(true);
        Ok(process)
    }

    /// The agent splits the line that it makes as a shell would: the path has to stay one word.
    fn shim_word(&self) -> Result<&str, AgentError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        let text = self.shim.to_str().filter(|text| text.chars().all(plain));
        text.ok_or_else(|| AgentError::Failed {
            text: format!("the folder of {SHIM_FILE} has characters that fence_ipmilan would split"),
        })
    }
}

/// In one move, so that no agent ever meets half of it.
fn write_shim(path: &Path) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == SHIM.as_bytes()) {
        return Ok(());
    }
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o700).open(&new)?;
    file.write_all(SHIM.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(new, path)
}

#[async_trait]
impl BmcAgent for ConsoleAgent {
    async fn run(&self, command: &CommandLine, secret: &SealedSecret) -> Result<Output, AgentError> {
        let _place = self.places.acquire().await.map_err(|error| AgentError::Failed { text: error.to_string() })?;
        let mut process = self.prepared(command, &self.unseal(secret)?)?;
        let began = Instant::now();
        let mut child = process.spawn().map_err(|error| not_started(command, &error))?;
        // The password stays in no value of ours longer than that.
        drop(process);
        let group = Group::of(child.id());
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(AgentError::Failed { text: "no pipes".to_owned() });
        };
        let max = command.output_max_bytes();
        let ended = async {
            let (stdout, stderr) = tokio::try_join!(capped(out, max), capped(err, max))?;
            let status = child.wait().await.map_err(|error| AgentError::Failed { text: error.to_string() })?;
            Ok((stdout, stderr, status))
        };
        let limit = Duration::from_secs(u64::from(command.time_limit_s()));
        let late = |_| AgentError::Timeout { seconds: command.time_limit_s() };
        let (stdout, stderr, status) = tokio::time::timeout(limit, ended).await.map_err(late)??;
        group.ended();
        let millis = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        Ok(Output { stdout, stderr, exit: status.code(), at: self.clock.now(), millis })
    }

    fn seal(&self, name: &str, password: Zeroizing<String>) -> Result<SealedSecret, AgentError> {
        let seal = self.seal.as_ref().ok_or(AgentError::Sealed)?;
        let bytes = seal.seal(name, password.as_bytes()).map_err(|_| AgentError::Sealed)?;
        Ok(SealedSecret { name: name.to_owned(), bytes })
    }
}

fn not_started(command: &CommandLine, error: &io::Error) -> AgentError {
    match error.kind() {
        io::ErrorKind::NotFound => AgentError::Missing { program: command.program().to_owned() },
        _ => AgentError::Failed { text: error.to_string() },
    }
}

async fn capped(stream: impl AsyncRead + Unpin, max: u32) -> Result<Vec<u8>, AgentError> {
    let mut bytes = Vec::new();
    let read = stream.take(u64::from(max) + 1).read_to_end(&mut bytes).await;
    read.map_err(|error| AgentError::Failed { text: error.to_string() })?;
    if bytes.len() > max as usize { Err(AgentError::TooMuchOutput { bytes: max }) } else { Ok(bytes) }
}

/// Everything that an agent has started; it ends with this value, unless it has ended by itself.
struct Group(Option<Pid>);

impl Group {
    fn of(child: Option<u32>) -> Self {
        Self(child.and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    /// Its number may belong to somebody else from now on.
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // It may have ended in this moment.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}
