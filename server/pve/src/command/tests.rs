//! Streams on a real shell: what follows a node ends with its standard input.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use super::CommandLine;
use proptest::prelude::*;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a test waits for an end before it fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Prints the program's own number and its process group's.
const WHO: &str = "cut -d' ' -f1,5 /proc/$$/stat";
/// The shells that `sh` can be on a node.
const SHELLS: [&str; 2] = ["sh", "bash"];

#[test]
fn the_end_of_input_ends_a_silent_program() {
    for shell in SHELLS {
        let mut follower = Follower::start(&script(&format!("{WHO}; exec sleep 1000")), shell);
        let (pid, group) = follower.who();
        assert!(is_there(pid) && !members(group).is_empty(), "{shell}");
        assert!(!members(group).contains(&std::process::id()), "the group is its own");
        drop(follower.stdin.take());
        let end = follower.end();
        assert!(!end.success());
        assert_eq!((is_there(pid), members(group)), (false, Vec::<u32>::new()), "{shell}");
    }
}

#[test]
fn a_program_that_ignores_the_signal_is_killed() {
    let mut follower = Follower::start(&script(&format!("trap '' TERM; {WHO}; while :; do sleep 1000; done")), "sh");
    let (_, group) = follower.who();
    drop(follower.stdin.take());
    let end = follower.end();
    // A shell that waits for its line turns the signal into an exit code.
    assert!(end.signal() == Some(9) || end.code() == Some(137), "{end:?}");
    // The limit was killed with the others, so nobody has awaited them all.
    let (sender, gone) = mpsc::channel();
    std::thread::spawn(move || {
        while !members(group).is_empty() {
            std::thread::yield_now();
        }
        sender.send(())
    });
    gone.recv_timeout(PATIENCE).expect("nothing is left");
}

#[test]
fn a_program_that_ends_by_itself_keeps_its_exit_code_and_leaves_no_reader() {
    for shell in SHELLS {
        for code in [0, 3, 124] {
            let mut follower = Follower::start(&script(&format!("{WHO}; exit {code}")), shell);
            let (_, group) = follower.who();
            assert_eq!(follower.end().code(), Some(code), "{shell}");
            assert!(follower.stdin.is_some(), "the channel is still open");
            assert_eq!(members(group), Vec::<u32>::new(), "{shell}");
        }
    }
    let mut follower = Follower::start(&CommandLine::follow("quorate-has-no-such-program"), "sh");
    assert_eq!(follower.end().code(), Some(127));
}

#[test]
fn the_time_limit_ends_the_reader_too() {
    let mut follower = Follower::start(&script(&format!("{WHO}; exec sleep 1000")).limit_s(1), "sh");
    let (pid, group) = follower.who();
    assert_eq!(follower.end().code(), Some(124));
    assert_eq!((is_there(pid), members(group)), (false, Vec::<u32>::new()));
}

#[test]
fn the_program_has_no_input_of_its_own() {
    // A copy of the channel's input in the program would take bytes from the reader.
    let command = script("cat; for fd in /proc/$$/fd/*; do readlink \"$fd\"; done; exit 5");
    let mut follower = Follower::start(&command, "sh");
    let channel = follower.stdin.as_ref().expect("the channel is open").as_raw_fd();
    let channel = fs::read_link(format!("/proc/self/fd/{channel}")).expect("a pipe").display().to_string();
    let mut printed = String::new();
    follower.stdout.read_to_string(&mut printed).expect("text");
    let open: Vec<&str> = printed.lines().collect();
    assert_eq!(open.first(), Some(&"/dev/null"), "{printed}");
    assert!(!open.contains(&channel.as_str()), "{channel} is open: {printed}");
    assert_eq!(follower.end().code(), Some(5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// The words behind the script reach the program as they are.
    #[test]
    fn words_arrive_whole(words in prop::collection::vec("[ -~\n]{0,12}", 1..5)) {
        let mut follower = Follower::start(&CommandLine::follow("printf").arg("<%s>").args(words.clone()), "sh");
        let mut printed = String::new();
        follower.stdout.read_to_string(&mut printed).expect("text");
        let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
        prop_assert_eq!(printed, expected);
        prop_assert!(follower.end().success());
    }
}

fn script(text: &str) -> CommandLine {
    CommandLine::follow("sh").args(["-c", text])
}

/// A stream's line in the shell of a log-in.
struct Follower {
    child: Option<Child>,
    stdin: Option<ChildStdin>,
    stdout: Box<dyn BufRead + Send>,
}

impl Follower {
    fn start(command: &CommandLine, shell: &str) -> Self {
        let line = command.exec_line(false).replacen(" sh -c ", &format!(" {shell} -c "), 1);
        let mut child = Command::new("/bin/sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let stdin = child.stdin.take();
        let stdout = Box::new(BufReader::new(child.stdout.take().expect("piped")));
        Self { child: Some(child), stdin, stdout }
    }

    /// The numbers that [`WHO`] prints.
    fn who(&mut self) -> (u32, u32) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        let (pid, group) = line.trim().split_once(' ').expect("two numbers");
        (pid.parse().expect("a number"), group.parse().expect("a number"))
    }

    /// Waits until the line has ended.
    fn end(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("ends once");
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait().expect("own child")));
        ended.recv_timeout(PATIENCE).expect("it ends")
    }
}

fn is_there(pid: u32) -> bool {
    fs::exists(format!("/proc/{pid}")).expect("/proc")
}

/// The living processes of a group.
fn members(group: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        fields.first() != Some(&"Z") && fields.get(2) == Some(&group.to_string().as_str())
    })
    .collect()
}
