//! The long-lived shell on real OpenSSH.

use crate::parts::eventually;
use crate::sshd::{Sshd, console, runs};
use engine::ports::ShellError;
use pve::files::{NodeFile, cat};
use pve::{host, quorumtool};
use std::sync::Arc;

/// Answers that try to look like the end of an answer.
const HARD: &str = "#!/bin/sh\ncase $1 in\n-s) printf 'no newline at the end' ;;\n-l) printf '\\n\\nq-\\nq-0123 0\\n\\n' ; printf 'q-' >&2; exit 2 ;;\n-siH) ;;\nesac\n";

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_told_apart_to_the_byte() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    sshd.program("corosync-quorumtool", HARD);
    let shell = sshd.shell(&console).await;
    let commands = [
        quorumtool::status(),
        quorumtool::list(),
        quorumtool::status_with_addresses(),
        cat(&NodeFile::PmxMembers).expect("not secret"),
        host::hostname(),
    ];
    for _ in 0..3 {
        let outputs = shell.sweep(&commands).await.expect("sweeps");
        let [status, list, addresses, members, hostname] = outputs.as_slice() else {
            panic!("one answer per command");
        };
        assert_eq!(status.stdout, b"no newline at the end");
        assert_eq!((status.exit, status.stderr.as_slice()), (Some(0), &b""[..]));
        assert_eq!(list.stdout, b"\n\nq-\nq-0123 0\n\n");
        assert_eq!((list.exit, list.stderr.as_slice()), (Some(2), &b"q-"[..]));
        assert_eq!((addresses.exit, addresses.stdout.as_slice()), (Some(0), &b""[..]));
        assert_eq!(members.exit, Some(1));
        assert!(String::from_utf8_lossy(&members.stderr).contains("No such file"));
        assert_eq!(hostname.stdout, shell.run(&host::hostname()).await.expect("runs").stdout);
    }
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_own_limit_strikes_and_the_shell_lives_on() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    sshd.program("corosync-quorumtool", "#!/bin/sh\nexec sleep infinity\n");
    let shell = sshd.shell(&console).await;
    let command = quorumtool::status();
    let sweep = [command.clone(), host::hostname()];
    let (ran, swept) = tokio::join!(shell.run(&command), shell.sweep(&sweep));
    let ran = ran.expect("an answer");
    assert_eq!(ran.exit, Some(124));
    assert!(ran.timed_out());
    let swept = swept.expect("answers");
    assert_eq!(swept.iter().map(|output| output.exit).collect::<Vec<_>>(), [Some(124), Some(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sweep_at_a_time_in_one_shell() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    // Prints the shell's own number: the parent of `timeout`, which is this program's parent.
    sshd.program("corosync-quorumtool", "#!/bin/sh\nawk '{print $4}' /proc/$PPID/stat\n");
    let shell = sshd.shell(&console).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let shell = Arc::clone(&shell);
        tasks.spawn(async move { shell.sweep(&[quorumtool::status(), quorumtool::list()]).await.expect("sweeps") });
    }
    let outputs: Vec<_> = tasks.join_all().await.into_iter().flatten().map(|output| output.stdout).collect();
    assert_eq!(outputs.len(), 20);
    assert!(outputs.iter().all(|one| !one.is_empty() && Some(one) == outputs.first()), "{outputs:?}");

    // The shell is killed on the node: the next sweep starts another and nobody notices.
    let number = String::from_utf8(outputs.first().expect("one").clone()).expect("text");
    let killed = std::process::Command::new("kill").args(["-9", number.trim()]).status().expect("runs");
    assert!(killed.success());
    let after = shell.sweep(&[quorumtool::status()]).await.expect("sweeps").remove(0).stdout;
    assert_ne!(Some(&after), outputs.first());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_nobody_waits_for_takes_its_shell_along() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let word = format!("sweep-of-port-{}", sshd.address().port);
    sshd.program("corosync-quorumtool", &format!("#!/bin/bash\nexec -a {word} sleep infinity\n"));
    let shell = sshd.shell(&console).await;
    let left = tokio::spawn({
        let shell = Arc::clone(&shell);
        async move { shell.sweep(&[quorumtool::status()]).await }
    });
    eventually("the command runs", || async { runs(&word) }).await;
    left.abort();
    let output = shell.sweep(&[host::hostname()]).await.expect("sweeps").remove(0);
    assert_eq!(output.stdout, shell.run(&host::hostname()).await.expect("runs").stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_login_files_are_no_answer() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    // bash reads this file for every command that sshd starts.
    std::fs::write(sshd.path(".bashrc"), "echo welcome; echo welcome >&2\n").expect("written");
    let shell = sshd.shell(&console).await;
    let output = shell.sweep(&[host::user_id()]).await.expect("sweeps").remove(0);
    assert!(output.stderr.is_empty(), "{:?}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("welcome"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_changes_something_is_not_swept() {
    let console = console();
    let sshd = Sshd::start(&console).await;
    let marker = sshd.path("ran");
    sshd.program("systemctl", &format!("#!/bin/sh\ntouch {}\n", marker.display()));
    let unit = "quorate-test".parse().expect("a unit");
    let shell = sshd.shell(&console).await;
    let refused = shell.sweep(&[host::hostname(), pve::unit::stop(&unit)]).await;
    assert!(matches!(refused, Err(ShellError::Lost { .. })));
    assert!(!marker.exists());
}
