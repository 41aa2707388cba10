//! Commands on servers that misbehave; time is virtual.

use crate::parts::{Console, endpoint, eventually};
use crate::scripted::{Behaviour, Script, address};
use engine::ports::{Chunk, Dialer, NodeShell, ShellError};
use pve::{host, quorumtool, unit};
use ssh::limits::{CHANNEL_WAIT, KEEPALIVE_INTERVAL, KEEPALIVE_MAX, RUN_CHANNELS_MAX, RUN_GRACE_S, STREAM_CHUNKS_MAX};
use std::sync::Arc;

async fn shell_as(script: &Arc<Script>, user: &str) -> (Console, Arc<dyn NodeShell>) {
    let console = script.console();
    let key = console.dialer.offered_key(&address(user), None).await.expect("a key");
    let shell = console.dialer.shell(&endpoint(address(user), Some(key))).await.expect("logs in");
    (console, shell)
}

async fn shell(behaviour: Behaviour) -> (Arc<Script>, Console, Arc<dyn NodeShell>) {
    let script = Script::new(behaviour);
    let (console, shell) = shell_as(&script, "root").await;
    (script, console, shell)
}

#[tokio::test(start_paused = true)]
async fn root_needs_no_sudo_and_others_do() {
    for (user, exec, sweep) in [
        ("root", "LC_ALL=C timeout -k 2 ", "LC_ALL=C sh"),
        ("ops", "sudo -n -- env LC_ALL=C timeout -k 2 ", "sudo -n -- env LC_ALL=C sh"),
    ] {
        let script = Script::new(Behaviour::Echo);
        let (_console, shell) = shell_as(&script, user).await;
        let output = shell.run(&host::hostname()).await.expect("runs");
        let line = String::from_utf8(output.stdout).expect("text");
        assert!(line.starts_with(exec) && line.ends_with(" hostname"), "{line}");
        assert!(shell.sweep(&[host::hostname()]).await.is_err(), "this server has no shell");
        let lines = script.lines.lock().expect("no panic").clone();
        assert_eq!(lines.last().map(String::as_str), Some(sweep));
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_without_an_end_ends_at_the_consoles_limit() {
    let (script, _console, shell) = shell(Behaviour::Hang).await;
    let command = quorumtool::status();
    let seconds = command.time_limit_s() + RUN_GRACE_S;
    assert_eq!(shell.run(&command).await, Err(ShellError::Timeout { seconds }));
    assert_eq!(shell.sweep(std::slice::from_ref(&command)).await.map_err(kind), Err("timeout"));
    assert!(!shell.is_closed(), "the connection stays");
    Script::set(&script.behaviour, Behaviour::Echo);
    assert!(shell.run(&command).await.is_ok());
}

fn kind(error: ShellError) -> &'static str {
    match error {
        ShellError::Timeout { .. } => "timeout",
        ShellError::Lost { .. } => "lost",
        ShellError::TooMuchOutput { .. } => "too much",
        ShellError::Busy => "busy",
    }
}

#[tokio::test(start_paused = true)]
async fn the_ends_that_a_command_can_take() {
    let (script, _console, shell) = shell(Behaviour::Signal).await;
    let command = quorumtool::status();
    assert_eq!(shell.run(&command).await.expect("ended").exit, None);
    for (behaviour, expected) in
        [(Behaviour::Vanish, "lost"), (Behaviour::Refuse, "lost"), (Behaviour::Flood, "too much")]
    {
        Script::set(&script.behaviour, behaviour);
        assert_eq!(shell.run(&command).await.map_err(kind), Err(expected), "{behaviour:?}");
        assert!(!shell.is_closed(), "{behaviour:?}");
    }
    // What a command leaves behind may hold the channel; the command's own end counts.
    Script::set(&script.behaviour, Behaviour::Linger);
    assert_eq!(shell.run(&command).await.expect("ended").exit, Some(5));
    Script::set(&script.behaviour, Behaviour::Cut);
    assert_eq!(shell.run(&command).await.map_err(kind), Err("lost"));
    eventually("the loss is seen", || async { shell.is_closed() }).await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_connection_is_noticed_by_its_silence() {
    let (script, _console, shell) = shell(Behaviour::Echo).await;
    script.freeze.notify_waiters();
    // Nobody asks anything: the keepalive alone must notice.
    let patience = KEEPALIVE_INTERVAL * u32::try_from(KEEPALIVE_MAX + 2).expect("small");
    assert!(tokio::time::timeout(patience, std::future::pending::<()>()).await.is_err());
    assert!(shell.is_closed());
    assert_eq!(shell.run(&host::hostname()).await.map_err(kind), Err("lost"));
}

#[tokio::test(start_paused = true)]
async fn too_many_commands_wait_and_then_are_refused() {
    let (_script, _console, shell) = shell(Behaviour::Hang).await;
    // Longer than anybody waits for a place.
    let long = host::hostname().as_unit(&"quorate-test".parse().expect("a unit"));
    assert!(u64::from(long.time_limit_s() + RUN_GRACE_S) < CHANNEL_WAIT.as_secs() * 2);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..RUN_CHANNELS_MAX * 8 {
        let (shell, long) = (Arc::clone(&shell), long.clone());
        tasks.spawn(async move { shell.run(&long).await.map_err(kind) });
    }
    let results = tasks.join_all().await;
    let busy = results.iter().filter(|result| **result == Err("busy")).count();
    let timeouts = results.iter().filter(|result| **result == Err("timeout")).count();
    assert_eq!(busy + timeouts, results.len());
    assert!(timeouts >= RUN_CHANNELS_MAX && busy >= RUN_CHANNELS_MAX * 5, "{timeouts} {busy}");
    assert!(!shell.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_loses_its_stream_and_nobody_elses() {
    let (script, _console, shell) = shell(Behaviour::Flood).await;
    let mut slow = shell.follow(&quorumtool::follow()).await.expect("starts");
    assert!(slow.chunks.recv().await.is_some(), "it floods");
    Script::set(&script.behaviour, Behaviour::Echo);
    eventually("the stream is closed", || async { slow.chunks.is_closed() }).await;
    let mut chunks = 0;
    while let Some(chunk) = slow.chunks.recv().await {
        assert!(matches!(chunk, Chunk::Data { .. }), "no end was told");
        chunks += 1;
    }
    assert!(chunks <= STREAM_CHUNKS_MAX);
    assert!(shell.run(&host::hostname()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_whose_frames_are_wrong_is_refused() {
    let (_script, _console, shell) = shell(Behaviour::Babble).await;
    let Err(ShellError::Lost { text }) = shell.sweep(&[host::user_id()]).await else {
        panic!("more than an answer came");
    };
    assert_eq!(text, "something was printed after the end of an answer");
    assert!(!shell.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_command_has_its_own_channel() {
    let (script, _console, shell) = shell(Behaviour::Echo).await;
    let unit = "quorate-test".parse().expect("a unit");
    assert!(shell.sweep(&[unit::stop(&unit)]).await.is_err());
    assert!(script.lines.lock().expect("no panic").is_empty(), "nothing was sent");
    assert!(shell.run(&unit::stop(&unit)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_one_way_there_and_back() {
    let (script, _console, shell) = shell(Behaviour::Answers).await;
    let commands = [quorumtool::status(), quorumtool::list(), host::hostname()];
    for _ in 0..2 {
        let outputs = shell.sweep(&commands).await.expect("sweeps");
        let told: Vec<_> = outputs
            .iter()
            .map(|output| {
                (output.exit, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
            })
            .collect();
        for (number, (exit, stdout, stderr)) in (0..).zip(&told) {
            assert_eq!(*exit, Some(number));
            assert_eq!((stdout.as_ref(), stderr.as_ref()), (&*format!("out {number}\n"), &*format!("err {number}")));
        }
        assert_eq!(told.len(), commands.len());
    }
    let inputs = script.inputs.lock().expect("no panic").clone();
    assert_eq!(inputs.iter().map(|text| text.lines().count()).collect::<Vec<_>>(), [1, 3, 3]);
}
