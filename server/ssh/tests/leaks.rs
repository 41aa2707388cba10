//! A thousand connects, reconnects and key changes leave nothing behind. A file of its own, because it counts
//! what the whole process holds.
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

#[allow(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/parts.rs"]
mod parts;
#[allow(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/scripted.rs"]
mod scripted;

use engine::ports::{Credential, DialError, Dialer, Endpoint, NodeShell};
use model::name::SshAddress;
use parts::{Console, endpoint, eventually, node};
use pve::{host, quorumtool};
use scripted::{Behaviour, Script, new_key, serve};
use ssh::{Load, TcpConnector};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

const TURNS: u128 = 1_000;
/// Bytes that wait between the socket and the server.
const PIPE_BYTES: usize = 1 << 16;

/// A server in this process, on a port of this machine: its sockets count too.
struct Node {
    script: Arc<Script>,
    address: SshAddress,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    listening: AbortHandle,
}

impl Node {
    async fn start() -> Self {
        let script = Script::new(Behaviour::Answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let open: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let (served, kept) = (Arc::clone(&script), Arc::clone(&open));
        let listening = tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let (mut near, far) = tokio::io::duplex(PIPE_BYTES);
                tokio::spawn(serve(Arc::clone(&served), far));
                // The wire between both can be cut; the server's own task cannot.
                let wire = async move { tokio::io::copy_bidirectional(&mut stream, &mut near).await.map(|_| ()) };
                let task = tokio::spawn(wire).abort_handle();
                let mut open = kept.lock().expect("no panic");
                open.retain(|task: &AbortHandle| !task.is_finished());
                open.push(task);
            }
        });
        let address = SshAddress { host: "127.0.0.1".to_owned(), port, user: "root".to_owned() };
        Self { script, address, open, listening: listening.abort_handle() }
    }

    /// Ends every connection from this side.
    fn drop_connections(&self) {
        self.open.lock().expect("no panic").drain(..).for_each(|task| task.abort());
    }

    async fn pinned(&self, console: &Console, number: u128) -> Endpoint {
        let key = console.dialer.offered_key(&self.address, None).await.expect("a key");
        Endpoint { node: node(number), ..endpoint(self.address.clone(), Some(key)) }
    }
}

/// A command, a sweep, and a follower that is given up.
async fn work(shell: &Arc<dyn NodeShell>) {
    assert!(shell.run(&host::hostname()).await.expect("runs").success());
    shell.sweep(&[quorumtool::status(), host::hostname()]).await.expect("sweeps");
    drop(shell.follow(&quorumtool::follow()).await.expect("follows"));
}

#[tokio::test]
async fn a_thousand_connects_reconnects_and_key_changes_leave_nothing_behind() {
    let node = Node::start().await;
    let console = Console::new(Arc::new(TcpConnector));
    // What is made once and stays: the resolver's threads, the randomness.
    let warm = node.pinned(&console, 1).await;
    work(&console.dialer.shell(&warm).await.expect("logs in")).await;
    console.dialer.forget(warm.node).await;
    let idle = || Load { machines: 0, connections: 0, handshakes: 0 };
    eventually("it is warm", || async { console.dialer.load() == idle() && alive() == 2 }).await;
    let descriptors_before = descriptors();

    let mut pinned = node.pinned(&console, 1).await;
    for turn in 0..TURNS {
        match turn % 4 {
            0 => {}
            1 => node.drop_connections(),
            2 => {
                Script::set(&node.script.host_key, new_key());
                node.drop_connections();
                eventually("the loss is seen", || async {
                    matches!(
                        console.dialer.shell(&pinned).await,
                        Err(DialError::ChangedKey { .. } | DialError::BackingOff { .. })
                    )
                })
                .await;
                pinned = Endpoint { node: pinned.node, ..node.pinned(&console, 1).await };
            }
            _ => {
                console.dialer.forget(pinned.node).await;
                pinned.node = parts::node(turn + 2);
                let once = console.dialer.once(&pinned, Credential::ConsoleKey).await.expect("logs in");
                assert!(once.run(&host::user_id()).await.expect("runs").success());
            }
        }
        let shell = logged_in(&console, &pinned).await;
        work(&shell).await;
        assert!(console.dialer.load().machines <= 1, "a forgotten machine is remembered");
    }
    console.dialer.forget(pinned.node).await;
    eventually("everything is given back", || async { console.dialer.load() == idle() && alive() <= 2 }).await;
    eventually("every descriptor is closed", || async { descriptors() <= descriptors_before }).await;
    node.listening.abort();
}

/// The kept connection may still be the one that the machine has just ended.
async fn logged_in(console: &Console, pinned: &Endpoint) -> Arc<dyn NodeShell> {
    let found: Mutex<Option<Arc<dyn NodeShell>>> = Mutex::default();
    eventually("a live connection", || async {
        let shell = console.dialer.shell(pinned).await.expect("logs in");
        let lives = shell.run(&host::user_id()).await.is_ok();
        *found.lock().expect("no panic") = Some(shell);
        lives
    })
    .await;
    found.into_inner().expect("no panic").expect("found")
}

/// Tasks of this runtime: this test and the listener when all is quiet.
fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks() + 1
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}
