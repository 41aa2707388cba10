//! Quorum and members, from the real corosync and nothing else.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::Shared;
use crate::journal::writer;

/// Pause before corosync is looked for, or asked again when it did not answer.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause before it is asked without any event.
const SLOW_PAUSE: Duration = Duration::from_secs(2);

/// What corosync last said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    pub quorate: bool,
    /// Name of the membership, equal on all members; empty without corosync.
    pub ring: String,
    pub members: BTreeSet<u32>,
    /// The node's own id, 0 when unknown.
    pub local: u32,
    /// The membership whose members all have the same tree.
    pub synced: String,
    /// Grows with every change, for `.members`.
    pub changes: u64,
}

impl View {
    pub fn in_step(&self) -> bool {
        !self.ring.is_empty() && self.ring == self.synced
    }

    /// The members and the node's own id.
    pub fn who(&self) -> (BTreeSet<u32>, u32) {
        (self.members.clone(), self.local)
    }

    /// Reads what `corosync-quorumtool -s` says.
    fn read(&self, block: &[String]) -> Self {
        let mut next = Self { synced: self.synced.clone(), changes: self.changes, ..Self::default() };
        let mut in_rows = false;
        for line in block {
            let mut words = line.split_whitespace();
            if in_rows {
                let id = words.next().and_then(|word| word.parse::<u32>().ok()).filter(|id| *id != 0);
                next.members.extend(id);
            } else if line.trim_start().starts_with("Nodeid") {
                in_rows = true;
            } else if let Some((key, value)) = line.split_once(':') {
                match key {
                    "Quorate" => next.quorate = value.trim() == "Yes",
                    "Ring ID" => value.trim().clone_into(&mut next.ring),
                    "Node ID" => next.local = value.trim().parse().unwrap_or_default(),
                    _ => {}
                }
            }
        }
        next
    }
}

/// Follows corosync for ever.
///
/// `corosync-quorumtool -m` tells at once that something happened, and only that is believed: of 3.1.7 it can stay one
/// event behind after a reload of the configuration. What happened is asked with `-s`, and once in a while without
/// any event too.
pub fn spawn(shared: Arc<Shared>) {
    let (happened, heard) = mpsc::sync_channel(1);
    let followed = Arc::clone(&shared);
    std::thread::spawn(move || follow(&followed, &happened));
    std::thread::spawn(move || {
        loop {
            let is_known = !shared.view().ring.is_empty();
            let pause = match ask(is_known) {
                Asked::Block(block) => {
                    let next = shared.view().read(&block);
                    set(&shared, next);
                    SLOW_PAUSE
                }
                Asked::NotThere => {
                    // Without corosync nobody knows more than before of the others: `.members` goes on as it was.
                    let last = shared.view().clone();
                    let (ring, synced) = (String::new(), String::new());
                    set(&shared, View { quorate: false, ring, synced, ..last });
                    PAUSE
                }
                // While totem gathers nobody knows more than before.
                Asked::Hangs => PAUSE,
            };
            if heard.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Disconnected) {
                std::thread::sleep(PAUSE);
            }
        }
    });
}

/// Passes on that corosync said something, came or went.
///
/// Not before the first membership, for the reason that `ask` has.
fn follow(shared: &Shared, happened: &mpsc::SyncSender<()>) {
    loop {
        let has_membership = !shared.view().ring.is_empty();
        if has_membership {
            let child = Command::new("stdbuf")
                .args(["-oL", "corosync-quorumtool", "-m"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            if let Ok(mut child) = child {
                for _ in
                    child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok)
                {
                    // A full channel says already that something happened.
                    let _ = happened.try_send(());
                }
                let _ = child.wait();
                let _ = happened.try_send(());
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether corosync takes connections, without starting a program for it.
fn corosync_listens() -> bool {
    has_quorum_service(&std::fs::read_to_string("/proc/net/unix").unwrap_or_default())
}

/// The abstract socket's name fills its whole field, with NUL bytes that the kernel shows as `@`.
fn has_quorum_service(sockets: &str) -> bool {
    let mut names = sockets.lines().filter_map(|line| line.split_whitespace().nth(7));
    names.any(|name| name.trim_end_matches('@') == "@quorum")
}

/// Whether corosync has had a membership yet; its map answers at any time.
fn has_members() -> bool {
    let mut command = Command::new("timeout");
    command.args(["2", "corosync-cmapctl", "-b", "runtime.members."]).stdin(Stdio::null()).stderr(Stdio::null());
    command.output().is_ok_and(|output| !output.stdout.is_empty())
}

enum Asked {
    Block(Vec<String>),
    NotThere,
    Hangs,
}

/// Exit code of `timeout` for a program that hung.
const HUNG: i32 = 124;

/// quorumtool that connects before the first membership makes corosync spin, which forms it seconds late.
fn ask(is_known: bool) -> Asked {
    if !corosync_listens() || (!is_known && !has_members()) {
        return Asked::NotThere;
    }
    let output = Command::new("timeout")
        .args(["2", "corosync-quorumtool", "-s"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.code() == Some(HUNG) => Asked::Hangs,
        Ok(output) => {
            let block: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
            if block.is_empty() { Asked::NotThere } else { Asked::Block(block) }
        }
        Err(_) => Asked::NotThere,
    }
}

fn set(shared: &Shared, mut next: View) {
    let mut view = shared.view();
    if *view == next {
        return;
    }
    if view.quorate != next.quorate {
        let text = if next.quorate { "[status] notice: node has quorum" } else { "[status] notice: node lost quorum" };
        writer::log("pmxcfs", text);
    }
    if view.members != next.members {
        let list: Vec<String> = next.members.iter().map(ToString::to_string).collect();
        writer::log("pmxcfs", &format!("[dcdb] notice: members: {}", list.join(", ")));
    }
    next.changes += 1;
    *view = next;
    shared.view_changed.notify_all();
}

#[cfg(test)]
mod tests {
    use super::{View, has_quorum_service};

    #[test]
    fn corosync_is_found_by_its_socket() {
        let line = |name: &str| format!("00000000a4fc72bf: 00000002 00000000 00010000 0001 01 328169 {name}\n");
        assert!(has_quorum_service(&line("@quorum@@@@@@")));
        assert!(!has_quorum_service(&line("@votequorum@@@@@")));
        assert!(!has_quorum_service("00000000a4fc72bf: 00000002 00000000 00000000 0001 03 328170\n"));
    }

    #[test]
    fn what_quorumtool_says_is_a_view() {
        let text = "Quorum information\n------------------\nNodes:            2\nNode ID:          1\nRing ID:          1.11\nQuorate:          Yes\n\nVotequorum information\n----------------------\nExpected votes:   3\nFlags:            Quorate Qdevice \n\nMembership information\n----------------------\n    Nodeid      Votes    Qdevice Name\n         1          1    A,V,NMW pve4 (local)\n         2          1    A,V,NMW pve5\n         0          1            Qdevice";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let view = View::default().read(&lines);
        assert!(view.quorate);
        assert_eq!((view.ring.as_str(), view.local), ("1.11", 1));
        assert_eq!(view.members.into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
