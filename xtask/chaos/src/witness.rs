//! Somebody who asks each node's own tools all the time, past the console.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use crate::lab::{self, Lab};

/// Between two questions to a node.
const PAUSE: Duration = Duration::from_millis(500);
/// quorumtool that connects before the first membership makes corosync form it seconds late; its map answers at once.
const QUESTION: &str = "timeout 2 corosync-cmapctl -b runtime.members. 2>/dev/null | grep -q . && \
                        timeout 3 corosync-quorumtool -s 2>/dev/null; echo =; \
                        timeout 3 corosync-cfgtool -n 2>/dev/null; echo =; \
                        grep config_version: /etc/pve/corosync.conf 2>/dev/null";

/// Begun again and again, so that it ends soon after the witness does, in seconds.
const FOLLOW: &str = "timeout 20 stdbuf -oL corosync-quorumtool -m 2>/dev/null";
const BLOCK_BEGINS: &str = "Quorum information";

/// What `corosync-quorumtool -s` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quorum {
    pub ring: String,
    pub members: BTreeSet<u32>,
    pub quorate: bool,
    pub expected: u32,
    pub total: u32,
    pub quorum: u32,
}

/// One answer: asked and complete at these times.
#[derive(Debug, Clone)]
pub struct Seen {
    pub asked: Timestamp,
    pub answered: Timestamp,
    pub quorum: Option<Quorum>,
    /// (peer, link) of what is connected; `None` where corosync did not answer.
    pub links: Option<BTreeSet<(u32, u8)>>,
    pub version: Option<u64>,
}

/// A block of `corosync-quorumtool -m`, and when it was read.
pub type Block = (Timestamp, Quorum);

type Book<T> = Arc<Mutex<BTreeMap<String, Vec<T>>>>;

pub struct Witness {
    book: Book<Seen>,
    blocks: Book<Block>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// All that a witness heard, by node.
pub struct Heard {
    pub seen: BTreeMap<String, Vec<Seen>>,
    pub blocks: BTreeMap<String, Vec<Block>>,
}

impl Witness {
    /// Asks from now on.
    pub fn start(lab: &Lab) -> Self {
        let (book, blocks, over) = (Book::default(), Book::default(), Arc::new(AtomicBool::new(false)));
        let asking = lab.nodes.iter().map(|node| {
            let (node, book, over) = (node.name.clone(), Arc::clone(&book), Arc::clone(&over));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    note(&book, &node, ask(&node));
                    std::thread::sleep(PAUSE);
                }
            })
        });
        let following = lab.nodes.iter().map(|node| {
            let (node, blocks, over) = (node.name.clone(), Arc::clone(&blocks), Arc::clone(&over));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    follow(&node, &blocks);
                    std::thread::sleep(PAUSE);
                }
            })
        });
        let threads = asking.chain(following).collect();
        Self { book, blocks, over, threads }
    }

    /// The last answer of every node.
    pub fn latest(&self) -> Vec<Option<Seen>> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.values().map(|seen| seen.last().cloned()).collect()
    }

    /// Everything that was heard.
    pub fn end(self) -> Heard {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A thread that broke has seen less, which the judge notices.
            let _ = thread.join();
        }
        let all = |book: &Book<Seen>| std::mem::take(&mut *book.lock().unwrap_or_else(PoisonError::into_inner));
        let blocks = std::mem::take(&mut *self.blocks.lock().unwrap_or_else(PoisonError::into_inner));
        Heard { seen: all(&self.book), blocks }
    }
}

fn note<T>(book: &Book<T>, node: &str, what: T) {
    book.lock().unwrap_or_else(PoisonError::into_inner).entry(node.to_owned()).or_default().push(what);
}

/// Follows what the node's tool prints by itself, as the console does, until it ends: with corosync, or at its limit.
fn follow(node: &str, blocks: &Book<Block>) {
    let Ok(mut child) = lab::follow(node, FOLLOW) else { return };
    if let Some(output) = child.stdout.take() {
        let mut block = String::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.starts_with(BLOCK_BEGINS) {
                block.clear();
            }
            block.push_str(&line);
            block.push('\n');
            // Each row makes it more complete; the last one counts, and what is judged may be any of them.
            if let Some(quorum) = quorum(&block).filter(|quorum| !quorum.members.is_empty()) {
                note(blocks, node, (Timestamp::now(), quorum));
            }
        }
    }
    // Its output has ended, so it is about to.
    let _ = child.wait();
}

fn ask(node: &str) -> Seen {
    let asked = Timestamp::now();
    let text = lab::inside(node, QUESTION).map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let mut parts = text.split("=\n");
    let quorum = parts.next().and_then(quorum);
    let links = parts.next().and_then(links);
    let version = parts.next().and_then(|text| text.trim().rsplit(' ').next()?.parse().ok());
    Seen { asked, answered: Timestamp::now(), quorum, links, version }
}

fn quorum(text: &str) -> Option<Quorum> {
    let value = |key: &str| {
        let line = text.lines().find(|line| line.split(':').next() == Some(key))?;
        line.split_once(':').map(|(_, value)| value.trim())
    };
    let number = |key: &str| value(key)?.split(' ').next()?.parse().ok();
    let rows = text.lines().skip_while(|line| !line.trim_start().starts_with("Nodeid")).skip(1);
    Some(Quorum {
        ring: value("Ring ID")?.to_owned(),
        // The QDevice stands among them as number 0.
        members: rows.filter_map(|row| row.split_whitespace().next()?.parse().ok()).filter(|id| *id != 0).collect(),
        quorate: value("Quorate")? == "Yes",
        expected: number("Expected votes")?,
        total: number("Total votes")?,
        quorum: number("Quorum")?,
    })
}

fn links(text: &str) -> Option<BTreeSet<(u32, u8)>> {
    let mut found = BTreeSet::new();
    let mut peer = None;
    text.lines().next().filter(|line| line.starts_with("Local node ID"))?;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("nodeid:") {
            peer = rest.split_whitespace().next().and_then(|id| id.parse().ok());
        } else if let (Some(rest), Some(peer)) = (line.strip_prefix("LINK:"), peer) {
            let number = rest.split_whitespace().next().and_then(|number| number.parse().ok());
            found.extend(number.filter(|_| rest.contains(" connected ")).map(|number: u8| (peer, number)));
        }
    }
    Some(found)
}

/// The rings that corosync's journal on a node names, with their members.
pub fn rings(node: &str) -> BTreeMap<String, BTreeSet<u32>> {
    let text = lab::inside(node, "journalctl -u corosync -o cat --no-pager");
    rings_of(&text.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default())
}

fn rings_of(journal: &str) -> BTreeMap<String, BTreeSet<u32>> {
    let mut found = BTreeMap::new();
    let mut ring = None;
    for line in journal.lines() {
        if let Some((_, rest)) = line.split_once("A new membership (") {
            ring = rest.split(')').next().map(str::to_owned);
            // One that another follows before its members have settled has no line of members.
            found.extend(ring.clone().map(|ring| (ring, BTreeSet::new())));
        } else if let (Some((_, rest)), Some(ring)) = (line.split_once("[QUORUM] Members["), &ring) {
            let ids = rest.split_once(": ").map(|(_, ids)| ids).unwrap_or_default();
            found.insert(ring.clone(), ids.split_whitespace().filter_map(|id| id.parse().ok()).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_words_are_understood() {
        let text = "Quorum information\n------------------\nNodes:            2\nRing ID:          1.11\nQuorate:          Yes\n\n\
                    Expected votes:   3\nTotal votes:      2\nQuorum:           2  \n\n    Nodeid      Votes Name\n         1          1 10.0.1.11 (local)\n         2          1 10.0.1.12\n";
        let members = BTreeSet::from([1, 2]);
        let expected = Quorum { ring: "1.11".into(), members, quorate: true, expected: 3, total: 2, quorum: 2 };
        assert_eq!(quorum(text), Some(expected));
        assert_eq!(quorum(""), None);
        let device = "\n    Nodeid      Votes    Qdevice Name\n         1          1    A,V,NMW 10.0.1.11 (local)\n         0          1            Qdevice\n";
        let rows = text.split("\n    Nodeid").next().unwrap().to_owned() + device;
        assert_eq!(quorum(&rows).unwrap().members, BTreeSet::from([1]));
        let text = "Local node ID 1, transport knet\nnodeid: 2 reachable\n   LINK: 0 udp (10.0.1.11->10.0.1.12) enabled connected mtu: 1397\n   LINK: 1 udp (10.0.2.11->10.0.2.12) enabled mtu: 1397\n\n";
        assert_eq!(links(text), Some(BTreeSet::from([(2, 0)])));
        assert_eq!(links(""), None);
        let text = "  [TOTEM ] A new membership (1.11) was formed. Members joined: 2\n  [QUORUM] Members[2]: 1 2\n";
        assert_eq!(rings_of(text), BTreeMap::from([("1.11".to_owned(), BTreeSet::from([1, 2]))]));
    }
}
