//! Followers on real OpenSSH: none outlives its stream, its connection or the console.

use crate::parts::{Console, eventually};
use crate::sshd::{Sshd, console, group_members};
use engine::ports::{Chunk, Dialer, NodeShell, OutputStream, Stream};
use pve::{host, quorumtool};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Tells its process group, speaks once on both outputs, and is silent from then on.
const SILENT: &str = "#!/bin/sh\ncut -d' ' -f5 /proc/$$/stat\necho two >&2\nexec sleep 1000\n";

/// A follower with the number of its process group on the node.
struct Followed {
    stream: OutputStream,
    group: u32,
}

async fn follow(sshd: &Sshd, shell: &Arc<dyn NodeShell>, script: &str) -> Followed {
    sshd.program("corosync-quorumtool", script);
    let mut stream = shell.follow(&quorumtool::follow()).await.expect("starts");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while !out.ends_with(b"\n") || !err.ends_with(b"\n") {
        match stream.chunks.recv().await.expect("a chunk") {
            Chunk::Data { stream: Stream::Stdout, bytes, .. } => out.extend(bytes),
            Chunk::Data { stream: Stream::Stderr, bytes, .. } => err.extend(bytes),
            Chunk::End { exit } => panic!("ended early with {exit:?}"),
        }
    }
    assert_eq!(err, b"two\n");
    let group = String::from_utf8(out).expect("text").trim().parse().expect("a number");
    assert!(group_members(group).len() >= 3, "the limit, the reader and the program at least");
    Followed { stream, group }
}

async fn nothing_is_left(group: u32) {
    eventually("no process of the follower is left", || async { group_members(group).is_empty() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_follower_ends_with_its_stream() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let shell = sshd.shell(&console).await;
    let first = follow(&sshd, &shell, SILENT).await;
    let second = follow(&sshd, &shell, SILENT).await;
    drop(first.stream);
    nothing_is_left(first.group).await;
    assert!(group_members(second.group).len() >= 3, "the other follower stays");
    assert!(shell.run(&host::user_id()).await.is_ok(), "the connection stays");
    drop(second.stream);
    nothing_is_left(second.group).await;
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_ignores_the_signal_is_killed() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let shell = sshd.shell(&console).await;
    let stubborn = SILENT.replace("exec sleep 1000", "trap '' TERM\nwhile :; do sleep 1000; done");
    let followed = follow(&sshd, &shell, &stubborn).await;
    drop(followed.stream);
    nothing_is_left(followed.group).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_machine_keeps_no_follower() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let shell = sshd.shell(&console).await;
    let mut followed = follow(&sshd, &shell, SILENT).await;
    console.dialer.forget(crate::parts::node(1)).await;
    assert_eq!(followed.stream.chunks.recv().await, None, "nobody told how it ended");
    nothing_is_left(followed.group).await;
}

/// A crash says no goodbye: the system closes the console's sockets, and that is all the node hears.
#[test]
fn a_crashed_console_leaves_no_follower() {
    let node = Runtime::new().expect("a runtime");
    let crashing = Runtime::new().expect("a runtime");
    let console = console();
    let sshd = node.block_on(Sshd::start(&console));
    let (shell, followed) = crashing.block_on(followed_by(&sshd, &console));
    // The console's tasks and sockets go in the middle of what they do; stream and connection were never dropped.
    crashing.shutdown_background();
    node.block_on(nothing_is_left(followed.group));
    assert!(!sshd.log().contains("Received disconnect"), "{}", sshd.log());
    drop((followed.stream, shell));
}

async fn followed_by(sshd: &Sshd, console: &Console) -> (Arc<dyn NodeShell>, Followed) {
    let shell = sshd.shell(console).await;
    let followed = follow(sshd, &shell, SILENT).await;
    (shell, followed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_ends_tells_how() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    sshd.program("corosync-quorumtool", "#!/bin/sh\ncut -d' ' -f5 /proc/$$/stat >\"$HOME/group\"\nexit 3\n");
    let shell = sshd.shell(&console).await;
    let mut stream = shell.follow(&quorumtool::follow()).await.expect("starts");
    assert_eq!(stream.chunks.recv().await, Some(Chunk::End { exit: Some(3) }));
    assert_eq!(stream.chunks.recv().await, None);
    let group = std::fs::read_to_string(sshd.path("group")).expect("written");
    nothing_is_left(group.trim().parse().expect("a number")).await;
}
