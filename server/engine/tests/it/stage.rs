//! Three nodes that are played, each in its mood: what they answer, and how often they are asked.

use async_trait::async_trait;
use engine::ports::{
    Chunk, Clock, Credential, DialError, Dialer, Endpoint, Ids, NodeShell, Output, OutputStream, ShellError, Stream,
};
use jiff::{SignedDuration, Timestamp};
use model::host_key::HostKey;
use model::ids::NodeId;
use model::name::SshAddress;
use model::problem::{Problem, ProblemCode};
use pve::CommandLine;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub const NAMES: [&str; 3] = ["pve1", "pve2", "pve3"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// No sweep comes to an end; the connection stands.
    Hangs,
    /// Its follower prints without end.
    Floods,
    /// It tells a ring of all with any number of votes, again and again.
    Lies,
    /// Its answers fall apart: a ring of now, another one each time, beside the members of the one before.
    Torn,
    /// Its connection breaks a second after it was made.
    Flaps,
    /// corosync's tools run into their limit.
    Gathers,
}

/// What one played node is asked and told.
#[derive(Default)]
pub struct Asked {
    pub sweeps: AtomicU64,
    pub links: AtomicU64,
    pub follows: AtomicU64,
    pub dials: AtomicU64,
    pub hurries: AtomicU64,
    pub flooded_bytes: AtomicU64,
    /// The journal's followers, as they were asked for.
    pub journals: Mutex<Vec<String>>,
}

/// An entry, something that is none, and the beginning of another.
const JOURNAL: &str = "{\"__CURSOR\":\"s=1f;i=7\",\"__REALTIME_TIMESTAMP\":\"1795335480524313\",\"MESSAGE\":\"x\"}\nno JSON\n{\"__CURSOR\"";

pub struct Stage {
    pub clock: Arc<Wrist>,
    moods: Mutex<BTreeMap<String, Mood>>,
    pub asked: BTreeMap<&'static str, Asked>,
    ids: Mutex<BTreeMap<NodeId, String>>,
}

pub struct Wrist(Timestamp, Instant);

impl Clock for Wrist {
    fn now(&self) -> Timestamp {
        self.0 + SignedDuration::try_from(self.1.elapsed()).expect("short")
    }
}

pub struct NewIds;

impl Ids for NewIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The way to the played nodes.
pub struct Played(pub Arc<Stage>);

struct Actor {
    stage: Arc<Stage>,
    name: &'static str,
    broken: Arc<AtomicBool>,
}

impl Stage {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::new(Wrist(Timestamp::now(), Instant::now())),
            moods: Mutex::new(NAMES.map(|name| (name.to_owned(), Mood::Good)).into()),
            asked: NAMES.map(|name| (name, Asked::default())).into(),
            ids: Mutex::default(),
        })
    }

    fn mood(&self, name: &str) -> Mood {
        self.moods.lock().expect("no panic")[name]
    }

    pub fn set(&self, name: &str, mood: Mood) {
        self.moods.lock().expect("no panic").insert(name.to_owned(), mood);
    }
}

#[async_trait]
impl Dialer for Played {
    async fn shell(&self, endpoint: &Endpoint) -> Result<Arc<dyn NodeShell>, DialError> {
        let name = NAMES.into_iter().find(|name| *name == endpoint.address.host).expect("a known node");
        self.0.ids.lock().expect("no panic").insert(endpoint.node, name.to_owned());
        self.0.asked[name].dials.fetch_add(1, Ordering::SeqCst);
        let broken = Arc::new(AtomicBool::new(false));
        if self.0.mood(name) == Mood::Flaps {
            let broken = Arc::clone(&broken);
            tokio::spawn(async move {
                sleep(Duration::from_secs(1)).await;
                broken.store(true, Ordering::SeqCst);
            });
        }
        Ok(Arc::new(Actor { stage: Arc::clone(&self.0), name, broken }))
    }

    async fn once(&self, endpoint: &Endpoint, _: Credential) -> Result<Arc<dyn NodeShell>, DialError> {
        self.shell(endpoint).await
    }

    async fn offered_key(&self, _: &SshAddress, _via: Option<&Endpoint>) -> Result<HostKey, DialError> {
        Err(DialError::Refused)
    }

    fn console_key(&self) -> Result<String, Problem> {
        Err(ProblemCode::SealMissing.into())
    }

    fn hurry(&self, node: NodeId) {
        let name = self.0.ids.lock().expect("no panic")[&node].clone();
        self.0.asked[name.as_str()].hurries.fetch_add(1, Ordering::SeqCst);
    }

    async fn forget(&self, _: NodeId) {}
}

#[async_trait]
impl NodeShell for Actor {
    async fn run(&self, _: &CommandLine) -> Result<Output, ShellError> {
        Err(ShellError::Busy)
    }

    async fn sweep(&self, commands: &[CommandLine]) -> Result<Vec<Output>, ShellError> {
        let asked = &self.stage.asked[self.name];
        asked.sweeps.fetch_add(1, Ordering::SeqCst);
        if self.stage.mood(self.name) == Mood::Hangs {
            sleep(Duration::from_secs(8)).await;
            return Err(ShellError::Timeout { seconds: 8 });
        }
        sleep(Duration::from_millis(20)).await;
        if self.is_closed() {
            return Err(ShellError::Lost { text: "broken".into() });
        }
        let mut hung = false;
        let mut outputs = Vec::new();
        for command in commands {
            let line = command.display();
            let gathers = self.stage.mood(self.name) == Mood::Gathers && line.starts_with("corosync-");
            asked.links.fetch_add(u64::from(line.starts_with("corosync-cfgtool") && !hung), Ordering::SeqCst);
            let (text, exit) = match gathers {
                // The second one is not run on the node.
                true if hung => (String::new(), 1),
                true => {
                    sleep(Duration::from_secs(5)).await;
                    (String::new(), 124)
                }
                false => (self.prints(&line), 0),
            };
            hung = exit == 124;
            outputs.push(Output {
                stdout: text.into_bytes(),
                stderr: Vec::new(),
                exit: Some(exit),
                at: self.stage.clock.now(),
                millis: 20,
            });
        }
        Ok(outputs)
    }

    async fn follow(&self, command: &CommandLine) -> Result<OutputStream, ShellError> {
        let (sender, chunks) = mpsc::channel(256);
        let floods = self.stage.mood(self.name) == Mood::Floods && command.display().contains("quorumtool");
        if command.program() == "journalctl" {
            self.stage.asked[self.name].journals.lock().expect("no panic").push(command.display());
            let bytes = JOURNAL.as_bytes().to_vec();
            let chunk = Chunk::Data { stream: Stream::Stdout, bytes, at: self.stage.clock.now() };
            sender.try_send(chunk).expect("there is room");
        }
        let (stage, name) = (Arc::clone(&self.stage), self.name);
        if floods {
            stage.asked[name].follows.fetch_add(1, Ordering::SeqCst);
        }
        tokio::spawn(async move {
            loop {
                let bytes = if floods { vec![b'q'; 8 * 1024] } else { Vec::new() };
                stage.asked[name].flooded_bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                if floods {
                    let chunk = Chunk::Data { stream: Stream::Stdout, bytes, at: stage.clock.now() };
                    if sender.send(chunk).await.is_err() {
                        return;
                    }
                }
                tokio::select! {
                    () = sender.closed() => return,
                    () = sleep(Duration::from_millis(1)) => {}
                }
                if !floods {
                    sender.closed().await;
                }
            }
        });
        Ok(OutputStream { chunks })
    }

    fn is_closed(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }
}

impl Actor {
    fn prints(&self, line: &str) -> String {
        let own = NAMES.iter().position(|name| *name == self.name).expect("known") + 1;
        if line.starts_with("corosync-quorumtool") {
            return match self.stage.mood(self.name) {
                Mood::Lies => quorum(own, "3.fff", 99),
                // A ring is named after its lowest member, and here that is the first.
                Mood::Torn => {
                    let sweeps = self.stage.asked[self.name].sweeps.load(Ordering::SeqCst);
                    quorum(own, &format!("3.{sweeps:x}"), 3)
                }
                _ => quorum(own, "1.d", 3),
            };
        }
        if line.starts_with("corosync-cfgtool") {
            return links(own);
        }
        if line.contains("corosync.conf") {
            return conf();
        }
        if line.starts_with("cat ") {
            return state(self.name);
        }
        "pve-manager 9.2.11 installed\n".to_owned()
    }
}

fn quorum(own: usize, ring: &str, votes: u32) -> String {
    let row = |id: usize| format!("         {id}          1 pve{id}{}\n", if id == own { " (local)" } else { "" });
    format!(
        "Quorum information\n------------------\nDate:             Sun Nov 22 08:21:38 2026\n\
         Quorum provider:  corosync_votequorum\nNodes:            3\nNode ID:          {own}\nRing ID:          {ring}\n\
         Quorate:          Yes\n\nVotequorum information\n----------------------\nExpected votes:   {votes}\n\
         Highest expected: {votes}\nTotal votes:      {votes}\nQuorum:           2  \nFlags:            Quorate \n\n\
         Membership information\n----------------------\n    Nodeid      Votes Name\n{}{}{}\n",
        row(1),
        row(2),
        row(3)
    )
}

fn links(own: usize) -> String {
    let peer = |id: usize| {
        format!("nodeid: {id} reachable\n   LINK: 0 udp (10.0.1.1{own}->10.0.1.1{id}) enabled connected mtu: 1397\n\n")
    };
    let peers: String = (1..=3).filter(|id| *id != own).map(peer).collect();
    format!("Local node ID {own}, transport knet\n{peers}")
}

fn conf() -> String {
    let node = |id: usize| {
        format!(
            "  node {{\n    name: pve{id}\n    nodeid: {id}\n    quorum_votes: 1\n    ring0_addr: 10.0.1.1{id}\n  }}\n"
        )
    };
    format!(
        "nodelist {{\n{}{}{}}}\n\nquorum {{\n  provider: corosync_votequorum\n}}\n\n\
         totem {{\n  cluster_name: prod\n  config_version: 3\n  version: 2\n}}\n",
        node(1),
        node(2),
        node(3)
    )
}

fn state(name: &str) -> String {
    format!(
        "{{\"nodename\":\"{name}\",\"version\":3,\"cluster\":{{\"name\":\"prod\",\"version\":3,\"nodes\":3,\"quorate\":1}},\
         \"nodelist\":{{\"pve1\":{{\"id\":1,\"online\":1,\"ip\":\"10.0.1.11\"}},\"pve2\":{{\"id\":2,\"online\":1,\"ip\":\"10.0.1.12\"}},\
         \"pve3\":{{\"id\":3,\"online\":1,\"ip\":\"10.0.1.13\"}}}}}}\n\
         {{\"starttime\":1,\"clinfo\":3,\"vmlist\":1,\"corosync.conf\":1}}\n{{\"version\":1,\"ids\":{{}}}}\n"
    )
}
