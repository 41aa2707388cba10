//! Dialling servers that misbehave; time is virtual.

use crate::parts::{endpoint, eventually};
use crate::scripted::{Behaviour, Greeting, PASSWORD, Script, address, new_key};
use engine::ports::{Credential, DialError, Dialer, Endpoint};
use model::problem::ProblemCode;
use pve::host;
use russh::MethodKind;
use ssh::limits::{HANDSHAKE_LIMIT, KEEPALIVE_INTERVAL};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zeroize::Zeroizing;

async fn pinned(console: &crate::parts::Console) -> Endpoint {
    let key = console.dialer.offered_key(&address("root"), None).await.expect("a key");
    endpoint(address("root"), Some(key))
}

fn password(text: &str) -> Credential {
    Credential::Password(Zeroizing::new(text.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn what_does_not_speak_ssh_is_quoted() {
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    let speech = "HTTP/1.1 400 Bad Request\r\n<b>\x1b[31m".to_owned() + &"x".repeat(300) + "\r\n";
    Script::set(&script.greeting, Greeting::Says(Box::leak(speech.into_boxed_str())));
    let Err(DialError::NotSsh { text }) = console.dialer.offered_key(&address("root"), None).await else {
        panic!("that is no SSH");
    };
    assert!(text.starts_with("HTTP/1.1 400 Bad Request"), "{text}");
    assert!(!text.contains('\x1b') && !text.contains('<') && text.chars().count() <= 201, "{text}");

    Script::set(&script.greeting, Greeting::Closes);
    assert!(matches!(console.dialer.offered_key(&address("root"), None).await, Err(DialError::NotSsh { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_and_its_stream_closed() {
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    for speech in ["", "SSH-2.0-slow\r\n"] {
        Script::set(&script.greeting, Greeting::Says(speech));
        let seconds = u32::try_from(HANDSHAKE_LIMIT.as_secs()).expect("small");
        // Somebody took the connection: that is more than silence.
        let last = Box::new(DialError::Timeout { seconds });
        let told = console.dialer.offered_key(&address("root"), None).await;
        assert_eq!(told, Err(DialError::TookConnection { last }));
    }
    // Both tasks of the server hold the script until the console has closed its end.
    eventually("the streams are closed", || async { Arc::strong_count(&script) == 2 }).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_proven_to_an_unknown_or_a_changed_key() {
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    let known = pinned(&console).await;
    let unknown = endpoint(address("root"), None);
    assert!(matches!(console.dialer.shell(&unknown).await, Err(DialError::UnknownKey { .. })));
    assert!(matches!(console.dialer.once(&unknown, password(PASSWORD)).await, Err(DialError::UnknownKey { .. })));
    Script::set(&script.host_key, new_key());
    assert!(matches!(console.dialer.shell(&known).await, Err(DialError::ChangedKey { .. })));
    assert!(matches!(console.dialer.once(&known, password(PASSWORD)).await, Err(DialError::ChangedKey { .. })));
    assert_eq!(script.attempts(), 0);
    assert_eq!(console.keys.opened.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_password_is_tried_once_the_way_the_server_wants() {
    for method in [MethodKind::Password, MethodKind::KeyboardInteractive] {
        let script = Script::new(Behaviour::Echo);
        let console = script.console();
        Script::set(&script.methods, vec![MethodKind::PublicKey, method]);
        let pinned = pinned(&console).await;
        let refused = console.dialer.once(&pinned, password("wrong")).await;
        assert!(matches!(refused, Err(DialError::PasswordRefused)));
        assert_eq!(script.attempts(), 1, "one failure on the machine");
        let shell = console.dialer.once(&pinned, password(PASSWORD)).await.expect("logs in");
        assert!(shell.run(&host::hostname()).await.expect("runs").success());
        assert_eq!(console.keys.opened.load(Ordering::SeqCst), 0);
        drop(shell);
        eventually("the connection ends with its last user", || async { script.sessions.load(Ordering::SeqCst) == 0 })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_on_a_password_has_cost_it() {
    for method in [MethodKind::Password, MethodKind::KeyboardInteractive] {
        let script = Script::new(Behaviour::Echo);
        let console = script.console();
        Script::set(&script.methods, vec![MethodKind::PublicKey, method]);
        Script::set(&script.one_try, true);
        let pinned = pinned(&console).await;
        let Err(refused) = console.dialer.once(&pinned, password("wrong")).await else { panic!("let in") };
        assert!(refused.spent_password(), "{refused:?}");
        assert_eq!(refused.problem().code, ProblemCode::Unreachable, "what happened is said");
        assert_eq!(script.attempts(), 1);
    }
    // One that ended before any password was sent has cost none.
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    let pinned = pinned(&console).await;
    Script::set(&script.greeting, Greeting::Closes);
    let Err(early) = console.dialer.once(&pinned, password("wrong")).await else { panic!("let in") };
    assert!(!early.spent_password(), "{early:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_and_a_missing_key_are_told_apart() {
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    let pinned = pinned(&console).await;
    Script::set(&script.accepts_key, false);
    assert!(matches!(console.dialer.once(&pinned, Credential::ConsoleKey).await, Err(DialError::KeyRefused)));
    console.keys.lose();
    let Err(DialError::ConsoleKey { problem }) = console.dialer.shell(&pinned).await.map(|_| ()) else {
        panic!("there is no key");
    };
    assert_eq!(problem.code, ProblemCode::SealMissing);
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_dial() {
    let script = Script::new(Behaviour::Echo);
    let console = Arc::new(script.console());
    let pinned = pinned(&console).await;
    let before = script.connects();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (console, pinned) = (Arc::clone(&console), pinned.clone());
        tasks.spawn(async move { console.dialer.shell(&pinned).await.map(|_| ()) });
    }
    assert!(tasks.join_all().await.into_iter().all(|result| result.is_ok()));
    assert_eq!(script.connects(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn failures_are_spaced_out_and_shared() {
    let script = Script::new(Behaviour::Echo);
    let console = Arc::new(script.console());
    let pinned = pinned(&console).await;
    Script::set(&script.greeting, Greeting::Closes);
    let before = script.connects();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (console, pinned) = (Arc::clone(&console), pinned.clone());
        tasks.spawn(async move { console.dialer.shell(&pinned).await.map(|_| ()) });
    }
    assert!(tasks.join_all().await.into_iter().all(|result| result.is_err()));
    assert_eq!(script.connects(), before + 1, "one dial for all");

    for wait_s in [1, 2, 4] {
        assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::BackingOff { .. })));
        console.clock.turn_s(wait_s);
        assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::NotSsh { .. })));
    }
    assert_eq!(script.connects(), before + 4);

    // A peer has seen the machine: the next try is due now, and the waits begin anew.
    console.dialer.hurry(pinned.node);
    assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::NotSsh { .. })));
    assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::BackingOff { .. })));
    console.clock.turn_s(1);
    assert!(matches!(console.dialer.shell(&pinned).await, Err(DialError::NotSsh { .. })));
    assert_eq!(script.connects(), before + 6);
    console.dialer.hurry(crate::parts::node(99));
    assert_eq!(console.dialer.load().machines, 1, "nobody dialled that one");

    // A person's own look does not wait, and another address starts afresh.
    assert!(matches!(console.dialer.once(&pinned, Credential::ConsoleKey).await, Err(DialError::NotSsh { .. })));
    Script::set(&script.greeting, Greeting::Ssh);
    let moved = Endpoint { address: address("ops"), ..pinned.clone() };
    assert!(console.dialer.shell(&moved).await.is_ok());
    // And success wipes the failures.
    assert!(console.dialer.shell(&pinned).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept() {
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    let pinned = pinned(&console).await;
    let before = script.connects();
    let shell = console.dialer.shell(&pinned).await.expect("logs in");
    // Long enough for new session keys after an hour, too; the clock moves from timer to timer.
    let idle = tokio::time::timeout(KEEPALIVE_INTERVAL * 1000, std::future::pending::<()>());
    assert!(idle.await.is_err());
    assert!(!shell.is_closed());
    let answer = shell.run(&host::hostname()).await;
    assert!(answer.is_ok(), "{answer:?}");
    assert!(console.dialer.shell(&pinned).await.is_ok());
    assert_eq!(script.connects(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn another_pin_ends_the_old_connection() {
    let script = Script::new(Behaviour::Echo);
    let console = script.console();
    let old = pinned(&console).await;
    let shell = console.dialer.shell(&old).await.expect("logs in");
    Script::set(&script.host_key, new_key());
    let new = pinned(&console).await;
    let fresh = console.dialer.shell(&new).await.expect("logs in");
    assert!(shell.is_closed());
    assert!(!fresh.is_closed());
}
