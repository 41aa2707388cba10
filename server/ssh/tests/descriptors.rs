//! Connections give their descriptors back; in a process of its own, because it counts all of them.
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

#[allow(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/parts.rs"]
mod parts;
#[allow(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/sshd.rs"]
mod sshd;

use engine::ports::{Credential, Dialer};
use pve::host;
use sshd::{Sshd, console};

const CONNECTIONS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_connections_leak_no_descriptor() {
    let before = descriptors();
    let console = console();
    let sshd = Sshd::start(&console).await;
    let pinned = sshd.pinned(&console).await;
    let connect = async || {
        let shell = console.dialer.once(&pinned, Credential::ConsoleKey).await.expect("logs in");
        assert!(shell.run(&host::user_id()).await.expect("runs").success());
    };
    for _ in 0..CONNECTIONS {
        connect().await;
    }
    parts::eventually("all connections are gone", || async { descriptors() <= before }).await;
    assert_eq!(sshd.logins(), CONNECTIONS);
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}
