//! Machines behind a jump host, both real OpenSSH. The machine behind is one more server on loopback.

use crate::parts::{Console, endpoint, eventually, node};
use crate::sshd::{Sshd, console};
use engine::ports::{Beyond, Credential, DialError, Dialer, Endpoint, ShellError};
use model::name::SshAddress;
use pve::host;

/// The jump host has the first number of the tests' machines, what is behind it the following ones.
async fn behind(console: &Console, jump: &Endpoint, sshd: &Sshd, number: u128) -> Endpoint {
    let offered = console.dialer.offered_key(&sshd.address(), Some(jump)).await.expect("a key through the jump host");
    assert_eq!(offered, sshd.offered(console).await, "the key is the machine's own, not the jump host's");
    Endpoint { node: node(number), via: Some(Box::new(jump.clone())), ..endpoint(sshd.address(), Some(offered)) }
}

fn jump_error(error: DialError) -> (String, DialError) {
    match error {
        DialError::Jump { host, last } => (host, *last),
        other => panic!("the jump host failed, and this says {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_behind_share_one_connection_to_the_jump_host() {
    let console = console();
    let (jump, one, two) = tokio::join!(Sshd::start(&console), Sshd::start(&console), Sshd::start(&console));
    let through = jump.pinned(&console).await;
    let (first, second) = (behind(&console, &through, &one, 2).await, behind(&console, &through, &two, 3).await);
    let (first, second) = (console.dialer.shell(&first).await, console.dialer.shell(&second).await);
    let (first, second) = (first.expect("logs in"), second.expect("logs in"));
    let (who, name) = (host::user_id(), host::hostname());
    let names = [name.clone()];
    let outputs = tokio::join!(first.run(&who), second.sweep(&names), first.run(&name));
    assert!(outputs.0.is_ok() && outputs.1.is_ok() && outputs.2.is_ok());
    assert_eq!((jump.logins(), one.logins(), two.logins()), (1, 1, 1));
    // Without the jump host nobody is reached any more.
    console.dialer.forget(through.node).await;
    eventually("both are gone with it", || async { first.is_closed() && second.is_closed() }).await;
    assert!(matches!(first.run(&host::user_id()).await, Err(ShellError::Lost { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_through_a_jump_host_whose_key_is_not_the_confirmed_one() {
    let console = console();
    let (mut jump, node) = (Sshd::start(&console).await, Sshd::start(&console).await);
    let unknown = endpoint(jump.address(), None);
    let refused = console.dialer.offered_key(&node.address(), Some(&unknown)).await.expect_err("not confirmed");
    let (host, last) = jump_error(refused);
    assert_eq!(host, "127.0.0.1");
    assert!(matches!(last, DialError::UnknownKey { .. }), "{last:?}");

    let through = jump.pinned(&console).await;
    let behind = behind(&console, &through, &node, 2).await;
    let attempts = node.login_attempts();
    jump.stop();
    jump.new_host_keys();
    jump.run().await;
    console.dialer.forget(through.node).await;
    let refused = console.dialer.shell(&behind).await.map(|_| ()).expect_err("another key");
    let (_, last) = jump_error(refused);
    assert!(matches!(last, DialError::ChangedKey { .. }), "{last:?}");
    let password = Credential::Password("canary".to_owned().into());
    let refused = console.dialer.once(&behind, password).await.map(|_| ()).expect_err("another key");
    assert!(matches!(refused, DialError::Jump { .. }), "{refused:?}");
    assert_eq!(node.login_attempts(), attempts, "the machine behind was not asked");
    assert!(!jump.log().contains("canary") && !node.log().contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn which_of_the_two_failed_is_said() {
    let console = console();
    let (jump, mut node) = (Sshd::start(&console).await, Sshd::start(&console).await);
    let through = jump.pinned(&console).await;
    let behind = behind(&console, &through, &node, 2).await;
    node.stop();
    let failed = console.dialer.shell(&behind).await.map(|_| ()).expect_err("nothing listens behind");
    let refused = |told: &DialError| {
        let DialError::Behind { host, text, beyond } = told else { panic!("{told:?}") };
        (host == "127.0.0.1") && text == "Connection refused" && *beyond == Beyond::Refused
    };
    assert!(refused(&failed), "who refuses has a kernel that runs: {failed:?}");
    // The machine behind has its own back-off, the jump host none.
    let again = console.dialer.shell(&behind).await.map(|_| ()).expect_err("too early");
    assert!(matches!(again, DialError::BackingOff { .. }), "{again:?}");
    assert!(console.dialer.shell(&through).await.is_ok());
    assert_eq!(jump.logins(), 1);
    node.run().await;
    console.clock.turn_s(2);
    assert!(console.dialer.shell(&behind).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_jump_host_does_not_know_was_not_knocked_at() {
    let console = console();
    let jump = Sshd::start(&console).await;
    let through = jump.pinned(&console).await;
    let nowhere = SshAddress { host: "no-such-machine.invalid".into(), ..jump.address() };
    let failed = console.dialer.offered_key(&nowhere, Some(&through)).await.expect_err("nobody has this name");
    assert!(matches!(&failed, DialError::Behind { beyond: Beyond::NotAsked, .. }), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_host_that_passes_nothing_on_says_so() {
    let console = console();
    let jump = Sshd::start_with(&console, &["ed25519"], "AllowTcpForwarding no").await;
    let node = Sshd::start(&console).await;
    let through = jump.pinned(&console).await;
    let failed = console.dialer.offered_key(&node.address(), Some(&through)).await.expect_err("forbidden");
    assert_eq!(failed, DialError::JumpForbids { host: "127.0.0.1".to_owned() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_host_that_is_off_spares_the_machines_behind() {
    let console = console();
    let (mut jump, node) = (Sshd::start(&console).await, Sshd::start(&console).await);
    let through = jump.pinned(&console).await;
    let behind = behind(&console, &through, &node, 2).await;
    jump.stop();
    console.dialer.forget(through.node).await;
    let (_, last) = jump_error(console.dialer.shell(&behind).await.map(|_| ()).expect_err("off"));
    assert_eq!(last, DialError::Refused);
    let (_, last) = jump_error(console.dialer.shell(&behind).await.map(|_| ()).expect_err("still off"));
    assert!(matches!(last, DialError::BackingOff { .. }), "{last:?}");
    jump.run().await;
    console.clock.turn_s(2);
    // It was never knocked at, so it waits for nothing once the jump host is back.
    assert!(console.dialer.shell(&behind).await.is_ok());
    assert_eq!(node.logins(), 1);
}
