//! Dialling and running commands on real OpenSSH.

use crate::parts::endpoint;
use crate::sshd::{Sshd, console};
use engine::ports::{DialError, Dialer, ShellError};
use pve::host_keys::PublicKey;
use pve::ssh_keys::{KeyFile, KeyLine, append};
use pve::{host, quorumtool};
use std::process::Command;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_machine_is_refused_until_its_key_is_pinned() {
    let console = console();
    let sshd = Sshd::start(&console).await;

    let refused = console.dialer.shell(&endpoint(sshd.address(), None)).await;
    let Err(DialError::UnknownKey { offered }) = refused.map(|_| ()) else {
        panic!("an unknown key must be refused");
    };
    assert_eq!(offered.algorithm, "ssh-ed25519");
    assert_eq!(offered.fingerprint, sshd.fingerprint("ed25519"));
    assert_eq!(offered, sshd.offered(&console).await);
    assert_eq!(sshd.login_attempts(), 0, "nobody tried to log in");
    assert_eq!(console.keys.opened.load(std::sync::atomic::Ordering::SeqCst), 0, "the key stayed sealed");

    let shell = console.dialer.shell(&endpoint(sshd.address(), Some(offered))).await.expect("logs in");
    let output = shell.run(&host::hostname()).await.expect("runs");
    let local = Command::new("hostname").output().expect("runs");
    assert_eq!(output.stdout, local.stdout);
    assert_eq!((output.exit, output.stderr.is_empty()), (Some(0), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_streams_and_input_arrive_as_they_are() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    sshd.program("corosync-quorumtool", "#!/bin/sh\nprintf 'out\\n'; printf 'no quorum' >&2; exit 7\n");
    sshd.program("tee", "#!/bin/sh\necho \"$@\"; exec cat\n");
    let shell = sshd.shell(&console).await;

    let output = shell.run(&quorumtool::status()).await.expect("runs");
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"no quorum");
    assert_eq!(output.exit, Some(7));
    assert!(!output.success());

    let key = PublicKey::parse(&console.keys.line).expect("a public key");
    let line = KeyLine::authorized(&key);
    let command = append(KeyFile::AuthorizedKeys2, &[line]);
    let output = shell.run(&command).await.expect("runs");
    let input = command.stdin().expect("lines to append");
    assert_eq!(output.stdout, [b"-a /root/.ssh/authorized_keys2\n", input].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_commands_share_one_connection() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let pinned = sshd.pinned(&console).await;
    let console = Arc::new(console);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (console, pinned) = (Arc::clone(&console), pinned.clone());
        tasks.spawn(async move {
            let shell = console.dialer.shell(&pinned).await.expect("logs in");
            shell.run(&host::user_id()).await.expect("runs").exit
        });
    }
    let exits = tasks.join_all().await;
    assert_eq!(exits, [Some(0); 100]);
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pinned_algorithm_is_the_one_that_is_compared() {
    let console = console();
    let sshd = Sshd::start_with(&console, &["ecdsa"], "").await;
    let pinned = sshd.pinned(&console).await;
    drop(sshd);

    // Another server with both; the console must ask for the pinned kind, although it likes Ed25519 better.
    let sshd = Sshd::start_with(&console, &["ed25519", "ecdsa"], "").await;
    assert_eq!(sshd.offered(&console).await.algorithm, "ssh-ed25519");
    let moved = endpoint(sshd.address(), pinned.pin.map(|pin| pin.key));
    let Err(DialError::ChangedKey { offered, .. }) = console.dialer.shell(&moved).await.map(|_| ()) else {
        panic!("another machine has another key");
    };
    assert_eq!(offered.algorithm, "ecdsa-sha2-nistp256");
    assert_eq!(offered.fingerprint, sshd.fingerprint("ecdsa"));
    let right = endpoint(sshd.address(), Some(offered));
    assert!(console.dialer.shell(&right).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_rsa_keys_alone_is_refused_in_words() {
    let console = console();
    let sshd = Sshd::start_with(&console, &["rsa"], "").await;
    let Err(DialError::NoCommonAlgorithm { text }) = console.dialer.offered_key(&sshd.address(), None).await else {
        panic!("RSA host keys are not accepted");
    };
    assert!(text.starts_with("host key: the machine offers rsa-sha2-512"), "{text}");
    assert!(text.contains("the console accepts ssh-ed25519"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_session_keys_in_the_middle_disturb_nobody() {
    let console = console();
    let sshd = Sshd::start_with(&console, &["ed25519"], "RekeyLimit 64K\nLogLevel DEBUG1").await;
    sshd.program("corosync-quorumtool", "#!/bin/sh\nhead -c 200000 /dev/zero\n");
    let shell = sshd.shell(&console).await;
    for _ in 0..8 {
        let output = shell.run(&quorumtool::status()).await.expect("runs");
        assert_eq!(output.stdout.len(), 200_000);
    }
    assert!(sshd.log().matches("rekey").count() >= 8, "the server asked for new keys");
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_output_ends_the_command_and_not_the_connection() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    sshd.program("corosync-quorumtool", "#!/bin/sh\nexec yes quorate\n");
    let shell = sshd.shell(&console).await;
    let command = quorumtool::status();
    let bytes = command.output_max_bytes();
    assert_eq!(shell.run(&command).await, Err(ShellError::TooMuchOutput { bytes }));
    assert_eq!(shell.sweep(&[command]).await, Err(ShellError::TooMuchOutput { bytes }));
    assert!(shell.run(&host::user_id()).await.is_ok());
    assert!(shell.sweep(&[host::user_id()]).await.is_ok());
    assert_eq!(sshd.logins(), 1);
}
