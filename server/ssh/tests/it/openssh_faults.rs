//! What goes wrong with real OpenSSH: other keys, refused keys, cut connections.

use crate::parts::{Console, TestKeys, eventually};
use crate::sshd::{Sshd, console, runs};
use engine::ports::{Credential, DialError, Dialer, ShellError};
use pve::{host, quorumtool};
use std::sync::Arc;
use zeroize::Zeroizing;

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_refused_before_any_log_in() {
    let console = console();
    let mut sshd = Sshd::start(&console).await;
    let pinned = sshd.pinned(&console).await;
    assert!(console.dialer.shell(&pinned).await.is_ok());
    let before = sshd.login_attempts();

    sshd.stop();
    sshd.new_host_keys();
    sshd.run().await;
    // The loss may need a moment to be seen.
    eventually("the key is refused", || async { console.dialer.shell(&pinned).await.is_err() }).await;
    console.dialer.forget(pinned.node).await;
    let opened = console.keys.opened.load(std::sync::atomic::Ordering::SeqCst);
    let Err(DialError::ChangedKey { pinned: known, offered }) = console.dialer.shell(&pinned).await.map(|_| ()) else {
        panic!("a changed key must be refused");
    };
    assert_eq!(Some(known), pinned.pin.as_ref().map(|pin| pin.key.clone()));
    assert_eq!(offered.fingerprint, sshd.fingerprint("ed25519"));
    for credential in [Credential::ConsoleKey, Credential::Password(Zeroizing::new("canary".into()))] {
        let refused = console.dialer.once(&pinned, credential).await;
        assert!(matches!(refused, Err(DialError::ChangedKey { .. })));
    }
    assert_eq!(sshd.login_attempts(), before, "no attempt with the changed key");
    assert_eq!(console.keys.opened.load(std::sync::atomic::Ordering::SeqCst), opened, "the key stayed sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_backs_off_until_the_machine_is_forgotten() {
    let stranger = console();
    let sshd = Sshd::start(&stranger).await;
    let console = console();
    let pinned = sshd.pinned(&console).await;
    assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::KeyRefused)));
    let attempts = sshd.login_attempts();
    let again = console.dialer.shell(&pinned).await;
    let Err(DialError::BackingOff { last, .. }) = again else {
        panic!("the second try comes too early");
    };
    assert_eq!(*last, DialError::KeyRefused);
    assert_eq!(sshd.login_attempts(), attempts);
    // A person's own try does not wait.
    let person = console.dialer.once(&pinned, Credential::ConsoleKey).await;
    assert!(matches!(person, Err(DialError::KeyRefused)));

    std::fs::write(sshd.path("authorized_keys"), format!("{}\n", console.keys.line)).expect("written");
    console.dialer.forget(pinned.node).await;
    assert!(console.dialer.shell(&pinned).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_passwords_refuses_the_password() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let pinned = sshd.pinned(&console).await;
    let refused = console.dialer.once(&pinned, Credential::Password(Zeroizing::new("canary".into()))).await;
    assert!(matches!(refused, Err(DialError::PasswordRefused)));
    assert!(!sshd.log().contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_lost_and_dialled_again() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let word = format!("cut-of-port-{}", sshd.address().port);
    sshd.program("corosync-quorumtool", &format!("#!/bin/bash\nexec -a {word} sleep infinity\n"));
    let pinned = sshd.pinned(&console).await;
    let shell = console.dialer.shell(&pinned).await.expect("logs in");
    let running = tokio::spawn({
        let shell = Arc::clone(&shell);
        async move { shell.run(&quorumtool::status()).await }
    });
    eventually("the command runs", || async { runs(&word) }).await;
    sshd.end_sessions();
    assert!(matches!(running.await.expect("no panic"), Err(ShellError::Lost { .. })));
    eventually("the loss is seen", || async { shell.is_closed() }).await;
    assert!(matches!(shell.run(&host::user_id()).await, Err(ShellError::Lost { .. })));
    assert!(matches!(shell.sweep(&[host::user_id()]).await, Err(ShellError::Lost { .. })));
    assert!(shell.follow(&quorumtool::follow()).await.is_err());

    let shell = console.dialer.shell(&pinned).await.expect("dials again");
    assert!(shell.run(&host::user_id()).await.expect("runs").success());
    assert_eq!(sshd.logins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_machine_loses_its_connection() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let shell = sshd.shell(&console).await;
    console.dialer.forget(crate::parts::node(1)).await;
    assert!(shell.is_closed());
    assert!(matches!(shell.run(&host::user_id()).await, Err(ShellError::Lost { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_listens() {
    let console = console();
    let mut sshd = Sshd::start(&console).await;
    let pinned = sshd.pinned(&console).await;
    sshd.stop();
    assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::Refused)));
    assert_eq!(console.dialer.offered_key(&sshd.address(), None).await, Err(DialError::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_printed() {
    let console = Console::new(Arc::new(ssh::TcpConnector));
    let keys: &TestKeys = &console.keys;
    let secret = keys.pem();
    let shown = format!("{:?}", console.dialer);
    assert!(!shown.contains("PRIVATE") && !secret.lines().any(|line| shown.contains(line)), "{shown}");
    assert_eq!(console.dialer.console_key().expect("a line"), keys.line);
}
