//! The programs of a node: one file per family. Each prints only what the world's state says.

mod apt;
mod args;
mod cmap;
mod coreutils;
mod corosync;
pub(crate) mod files;
mod ha;
mod host_facts;
mod journal;
mod measure;
mod mending;
mod net;
mod probe;
mod pve;
mod pvecm;
mod pvecm_add;
mod pvecm_delnode;
mod pvecm_qdevice;
mod qnetd;
mod quorumtool;
mod search;
pub(crate) mod ssh;
mod systemd;
mod virsh;
mod wrappers;

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use crate::node::Power;
use crate::shared::Shared;
use crate::world::{Millis, World};

/// Largest piece that a program writes at once, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;
/// How often a paused program looks whether its node was thawed, in simulated milliseconds.
const FROZEN_LOOK_MS: Millis = 200;

/// Which of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Where an output goes.
#[derive(Clone)]
pub(crate) enum Sink {
    Null,
    Pipe(mpsc::Sender<(Stream, Vec<u8>)>, Stream),
    /// Appends to a file of the node.
    File(String),
}

/// Standard input.
pub(crate) struct Stdin {
    source: Option<mpsc::UnboundedReceiver<Vec<u8>>>,
    buffer: Vec<u8>,
}

pub(crate) type SharedStdin = Arc<Mutex<Stdin>>;

impl Stdin {
    pub(crate) fn empty() -> SharedStdin {
        Arc::new(Mutex::new(Self { source: None, buffer: Vec::new() }))
    }

    pub(crate) fn from_channel(source: mpsc::UnboundedReceiver<Vec<u8>>) -> SharedStdin {
        Arc::new(Mutex::new(Self { source: Some(source), buffer: Vec::new() }))
    }

    /// Everything up to the end of input.
    pub(crate) async fn all(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// The next line without its newline; `None` at the end of input.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            if !self.more().await {
                let rest = std::mem::take(&mut self.buffer);
                return (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned());
            }
        }
    }

    async fn more(&mut self) -> bool {
        match &mut self.source {
            Some(source) => match source.recv().await {
                Some(bytes) => {
                    self.buffer.extend_from_slice(&bytes);
                    true
                }
                None => false,
            },
            None => false,
        }
    }
}

/// What one running program has around it.
#[derive(Clone)]
pub(crate) struct Env {
    pub(crate) shared: Arc<Shared>,
    pub(crate) node: String,
    pub(crate) user: String,
    pub(crate) stdin: SharedStdin,
    pub(crate) out: Sink,
    pub(crate) err: Sink,
}

impl Env {
    pub(crate) fn is_root(&self) -> bool {
        self.user == "root"
    }

    pub(crate) fn world<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        self.shared.with(work)
    }

    pub(crate) async fn print(&self, text: &str) {
        self.write(&self.out, text.as_bytes()).await;
    }

    pub(crate) async fn print_bytes(&self, bytes: &[u8]) {
        self.write(&self.out, bytes).await;
    }

    pub(crate) async fn eprint(&self, text: &str) {
        self.write(&self.err, text.as_bytes()).await;
    }

    async fn write(&self, sink: &Sink, bytes: &[u8]) {
        match sink {
            Sink::Null => {}
            Sink::File(path) => {
                // A full disk is not simulated: the file lies in /run, which is memory.
                let _ = self.world(|world| world.append(&self.node, path, bytes));
            }
            Sink::Pipe(sender, stream) => {
                for chunk in bytes.chunks(CHUNK_BYTES) {
                    // The reader went away: the program is about to be killed by it.
                    let _ = sender.send((*stream, chunk.to_vec())).await;
                }
            }
        }
    }

    /// Lets simulated time pass; on a frozen node it stands still.
    pub(crate) async fn pause(&self, simulated: Millis) {
        self.shared.sleep(simulated).await;
        while self.world(|world| world.nodes.get(&self.node).is_some_and(|node| node.power == Power::Frozen)) {
            self.shared.sleep(FROZEN_LOOK_MS).await;
        }
    }

    /// Waits as corosync's tools do: while totem gathers, nothing answers them.
    pub(crate) async fn operational(&self) {
        let mut changes = self.shared.subscribe();
        loop {
            changes.mark_unchanged();
            let gathering = self.world(|world| world.nodes.get(&self.node).is_some_and(|node| node.corosync.gathering));
            if !gathering || changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// What the host calls itself.
    pub(crate) fn hostname(&self) -> String {
        self.world(|world| world.nodes.get(&self.node).map(|node| node.hostname.clone())).unwrap_or_default()
    }

    /// Prints an error and gives its exit code.
    pub(crate) async fn fail(&self, words: &str, code: i32) -> i32 {
        self.eprint(&format!("{words}\n")).await;
        code
    }
}

/// Runs a program by its name. `None` when the node has no such program.
///
/// Boxed, as programs such as `timeout` run others.
pub(crate) fn run<'a>(env: &'a Env, argv: &'a [String]) -> Pin<Box<dyn Future<Output = Option<i32>> + Send + 'a>> {
    Box::pin(run_inner(env, argv))
}

async fn run_inner(env: &Env, argv: &[String]) -> Option<i32> {
    let (program, rest) = argv.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    // Not programs, but parts of the shell: they neither hang nor print anything else.
    let built_in = name == "printf" || (name == "test" && rest.len() == 3);
    if !wrappers::is_wrapper(name) && !built_in {
        let faults = env.world(|world| world.nodes.get(&env.node).map(|node| node.faults.clone()));
        let faults = faults.unwrap_or_default();
        if faults.hang {
            std::future::pending::<()>().await;
        }
        if faults.garbage {
            env.print_bytes(GARBAGE).await;
            return Some(0);
        }
    }
    dispatch(env, name, rest).await
}

/// Bytes that mean nothing: no UTF-8, terminal sequences, and something that looks like a marker.
const GARBAGE: &[u8] =
    b"\xff\xfe\x1b[2J\x1b]0;pwned\x07\0{\"nodename\": 17, [[[\nq-0123 0\n\xc3\x28 <script>alert(1)</script>\n";

async fn dispatch(env: &Env, name: &str, args: &[String]) -> Option<i32> {
    if let Some(code) = wrappers::dispatch(env, name, args).await {
        return Some(code);
    }
    if let Some(code) = coreutils::dispatch(env, name, args).await {
        return Some(code);
    }
    if let Some(code) = files::dispatch(env, name, args).await {
        return Some(code);
    }
    if let Some(code) = host_facts::dispatch(env, name, args).await {
        return Some(code);
    }
    Some(match name {
        "find" => search::find(env, args).await,
        "grep" => search::grep(env, args).await,
        "ss" => search::ss(env, args).await,
        "getent" => net::getent(env, args).await,
        "ip" => net::ip(env, args).await,
        "systemctl" => systemd::systemctl(env, args).await,
        "systemd-run" => systemd::systemd_run(env, args).await,
        "journalctl" => journal::journalctl(env, args).await,
        "ssh" => ssh::ssh(env, args).await,
        "ssh-keyscan" => ssh::ssh_keyscan(env, args).await,
        "ssh-keygen" => ssh::ssh_keygen(env, args).await,
        "perl" => probe::perl(env, args).await,
        "dpkg-query" => pve::dpkg_query(env, args).await,
        "timedatectl" => pve::timedatectl(env, args).await,
        _ => return cluster_tools(env, name, args).await,
    })
}

/// Programs that only a Proxmox node or a qnetd host has.
async fn cluster_tools(env: &Env, name: &str, args: &[String]) -> Option<i32> {
    let pve = env.world(|world| world.nodes.get(&env.node).is_some_and(crate::node::Node::is_pve));
    if !pve {
        return match name {
            "corosync-qnetd-tool" => Some(qnetd::tool(env, args).await),
            "virsh" => Some(virsh::virsh(env, args).await),
            _ => None,
        };
    }
    Some(match name {
        "pveversion" => pve::pveversion(env, args).await,
        "pvecm" => pvecm::pvecm(env, args).await,
        "ha-manager" => ha::ha_manager(env, args).await,
        "qm" => ha::qm(env, args).await,
        "pct" => ha::pct(env, args).await,
        "corosync-quorumtool" => quorumtool::quorumtool(env, args).await,
        "corosync-cfgtool" => corosync::cfgtool(env, args).await,
        "corosync-cmapctl" => cmap::cmapctl(env, args).await,
        "corosync-qdevice-tool" => corosync::qdevice_tool(env, args).await,
        _ => return None,
    })
}
