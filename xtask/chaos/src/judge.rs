//! What stood on the screen, against what the nodes told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use model::live::{Live, LiveEvent};
use model::observation::{AGE_MEMBERSHIP, Fact, Freshness};
use model::topology::{PairLink, Partition, Snapshot};

use crate::witness::{Block, Quorum, Seen};

/// From a follower's word to the console's note of it, in milliseconds.
const ON_THE_WAY_MS: i64 = 2_000;
/// A fact has the time at which it was asked for; the answer comes within the limits of a sweep's commands.
const ASKED_FOR_MAX_MS: i64 = 15_000;
/// The tool prints members that it was told, ring by ring, while the node may be on a later one: at most this many later.
const RINGS_LATE_MAX: usize = 3;
/// A value that has aged is folded anew, sent and read within this time.
const AGING_SLACK_S: i64 = 3;

/// A value that the screen showed with a node and a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Quorum(Partition),
    /// Peer's name, link, connected.
    Link(String, u8, bool),
    Version(u64),
}

#[derive(Debug, Clone)]
pub struct Statement {
    pub node: String,
    pub command: String,
    pub at: Timestamp,
    pub said: Said,
}

impl std::fmt::Display for Statement {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}, {}: {:?}", self.at, self.node, self.command, self.said)
    }
}

/// Everything that was said, once each, and what was wrong at once.
#[derive(Debug, Default)]
pub struct Screen {
    pub statements: Vec<Statement>,
    pub problems: Vec<String>,
    pub snapshots: usize,
    pub last: Option<Snapshot>,
    seq: u64,
    known: BTreeSet<String>,
}

impl Screen {
    pub fn take(&mut self, event: LiveEvent) {
        // The whole state, which a browser gets first, has the number of the last event.
        if event.seq < self.seq {
            self.problems.push(format!("event {} came after {}", event.seq, self.seq));
        }
        self.seq = event.seq;
        let Live::Snapshot(snapshot) = event.what else { return };
        self.snapshots += 1;
        if self.last.as_ref().is_some_and(|last| last.at > snapshot.at) {
            self.problems.push(format!("the screen goes back in time at {}", snapshot.at));
        }
        if let Some(quorum) = &snapshot.quorum {
            if quorum.freshness != AGE_MEMBERSHIP.judge(quorum.fact.at, snapshot.at) {
                let (at, freshness) = (quorum.fact.at, quorum.freshness);
                self.problems.push(format!("quorum of {at} is {freshness:?} on a screen of {}", snapshot.at));
            }
            if quorum.freshness != Freshness::Unknown {
                self.note(&quorum.fact, Said::Quorum(quorum.fact.value.clone()));
            }
        }
        snapshot.links.iter().filter(|link| link.freshness != Freshness::Unknown).for_each(|link| self.link(link));
        if let Some(version) = &snapshot.config_version {
            self.note(version, Said::Version(version.value));
        }
        self.last = Some((*snapshot).clone());
    }

    fn link(&mut self, link: &PairLink) {
        for fact in &link.told_by {
            let peer = if fact.node == link.from { &link.to } else { &link.from };
            self.note(fact, Said::Link(peer.clone(), link.link, fact.value));
        }
    }

    fn note<T>(&mut self, fact: &Fact<T>, said: Said) {
        if self.known.insert(format!("{} {} {said:?}", fact.node, fact.at)) {
            let (node, command) = (fact.node.clone(), fact.command.clone());
            self.statements.push(Statement { node, command, at: fact.at, said });
        }
    }

    /// What stands there now may not have grown old unmarked.
    pub fn grows_old(&mut self, now: Timestamp) {
        let Some(quorum) = self.last.as_ref().and_then(|last| last.quorum.as_ref()) else { return };
        let limit = match quorum.freshness {
            Freshness::Fresh => AGE_MEMBERSHIP.stale_s,
            Freshness::Stale => AGE_MEMBERSHIP.unknown_s,
            Freshness::Unknown => return,
        };
        let age = now.duration_since(quorum.fact.at).as_secs();
        if age > limit + AGING_SLACK_S {
            self.problems.push(format!("{age} s old and still shown as {:?}", quorum.freshness));
        }
    }
}

/// What the nodes told: their answers to the witness, and the rings of their journals.
#[derive(Debug)]
pub struct Truth {
    pub seen: BTreeMap<String, Vec<Seen>>,
    /// Blocks of `corosync-quorumtool -m` that the witness's own followers read.
    pub blocks: BTreeMap<String, Vec<Block>>,
    pub rings: BTreeMap<String, BTreeMap<String, BTreeSet<u32>>>,
    /// Name of a node to its id.
    pub ids: BTreeMap<String, u32>,
}

impl Truth {
    /// Statements that no node told.
    pub fn lies<'a>(&self, statements: &'a [Statement]) -> Vec<&'a Statement> {
        statements.iter().filter(|statement| !self.told(statement)).collect()
    }

    fn told(&self, statement: &Statement) -> bool {
        let from = statement.at - SignedDuration::from_millis(ON_THE_WAY_MS);
        let to = statement.at + SignedDuration::from_millis(ASKED_FOR_MAX_MS);
        let seen = self.seen.get(&statement.node).map(Vec::as_slice).unwrap_or_default();
        let mut within = seen.iter().filter(|seen| seen.answered >= from && seen.asked <= to);
        match &statement.said {
            Said::Quorum(partition) => {
                within.clone().any(|seen| self.same(partition, seen))
                    || self.in_a_block(statement, partition)
                    || self.in_journal(statement, partition, within)
            }
            Said::Link(peer, link, connected) => {
                let Some(id) = self.ids.get(peer) else { return false };
                within.any(|seen| seen.links.as_ref().is_some_and(|up| up.contains(&(*id, *link)) == *connected))
            }
            Said::Version(version) => within.any(|seen| seen.version == Some(*version)),
        }
    }

    fn members(&self, partition: &Partition) -> BTreeSet<u32> {
        partition.members.iter().filter_map(|name| self.ids.get(name).copied()).collect()
    }

    fn same(&self, partition: &Partition, seen: &Seen) -> bool {
        seen.quorum.as_ref().is_some_and(|quorum| self.says(quorum, partition))
    }

    fn says(&self, quorum: &Quorum, partition: &Partition) -> bool {
        quorum.ring == partition.ring_id && quorum.members == self.members(partition) && same_votes(partition, quorum)
    }

    /// The node's tool printed the same to the witness's follower. While one ring follows another it prints the new one beside
    /// members and votes of the one before, and with a QDevice for seconds: that is what the node said.
    fn in_a_block(&self, statement: &Statement, partition: &Partition) -> bool {
        let span = SignedDuration::from_millis(ON_THE_WAY_MS);
        let blocks = self.blocks.get(&statement.node).map(Vec::as_slice).unwrap_or_default();
        let mut near = blocks.iter().filter(|(at, _)| *at >= statement.at - span && *at <= statement.at + span);
        statement.command.ends_with("corosync-quorumtool -m") && near.any(|(_, quorum)| self.says(quorum, partition))
    }

    /// Members of the node's last rings before this one, by its journal.
    fn rings_before(&self, statement: &Statement, partition: &Partition) -> impl Iterator<Item = &BTreeSet<u32>> {
        let all = self.rings.get(&statement.node).into_iter().flatten();
        let mut before: Vec<_> = all.filter(|(ring, _)| sequence(ring) < sequence(&partition.ring_id)).collect();
        before.sort_by_key(|(ring, _)| std::cmp::Reverse(sequence(ring)));
        before.into_iter().take(RINGS_LATE_MAX).map(|(_, members)| members)
    }

    /// An answer that the witness did not hear, given while one ring follows another: the ring stands in the node's journal,
    /// and so do its members; its votes follow from them and what the QDevice adds. corosync's tool asks for ring, members
    /// and votes one after the other, so members and votes may also be those that the witness heard last before or just after:
    /// while totem gathers the tool does not answer it. They may be those of a ring shortly before, too, that nobody heard.
    fn in_journal<'a>(
        &'a self,
        statement: &Statement,
        partition: &Partition,
        within: impl Iterator<Item = &'a Seen> + Clone,
    ) -> bool {
        let rings = self.rings.get(&statement.node);
        let Some(formed) = rings.and_then(|rings| rings.get(&partition.ring_id)) else { return false };
        let seen = self.seen.get(&statement.node).map(Vec::as_slice).unwrap_or_default();
        let before = seen.iter().rfind(|seen| seen.asked <= statement.at && seen.quorum.is_some());
        let mut heard = before.into_iter().chain(within).filter_map(|seen| seen.quorum.as_ref());
        let members = self.members(partition);
        let of_members = partition.total_votes.saturating_sub(partition.qdevice_votes.unwrap_or(0));
        let follow = usize::try_from(of_members) == Ok(members.len());
        let late = || self.rings_before(statement, partition).any(|ring| *ring == members);
        (*formed == members || heard.clone().any(|quorum| quorum.members == members) || late())
            && (follow || heard.any(|quorum| same_votes(partition, quorum)))
    }
}

fn sequence(ring: &str) -> Option<u64> {
    u64::from_str_radix(ring.split_once('.')?.1, 16).ok()
}

fn same_votes(partition: &Partition, quorum: &Quorum) -> bool {
    quorum.quorate == partition.quorate
        && quorum.expected == partition.expected_votes
        && quorum.total == partition.total_votes
        && quorum.quorum == partition.quorum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn truth() -> Truth {
        let members = BTreeSet::from([1, 2, 3]);
        let quorum = Quorum { ring: "1.d".into(), members, quorate: true, expected: 3, total: 3, quorum: 2 };
        let seen = Seen {
            asked: time(100),
            answered: time(101),
            quorum: Some(quorum),
            links: Some(BTreeSet::from([(2, 0)])),
            version: Some(3),
        };
        let rings = BTreeMap::from([
            ("1.11".to_owned(), BTreeSet::from([1, 2])),
            ("1.31".to_owned(), BTreeSet::from([1, 3])),
            ("1.35".to_owned(), BTreeSet::from([1, 2, 3])),
        ]);
        let members = BTreeSet::from([1, 3]);
        let block = Quorum { ring: "1.21".into(), members, quorate: false, expected: 5, total: 2, quorum: 3 };
        Truth {
            seen: BTreeMap::from([("pve1".to_owned(), vec![seen])]),
            blocks: BTreeMap::from([("pve1".to_owned(), vec![(time(150), block)])]),
            rings: BTreeMap::from([("pve1".to_owned(), rings)]),
            ids: BTreeMap::from([("pve1".into(), 1), ("pve2".into(), 2), ("pve3".into(), 3)]),
        }
    }

    fn lies(at: i64, said: Said) -> bool {
        let statement = Statement { node: "pve1".into(), command: "a command".into(), at: time(at), said };
        !truth().lies(&[statement]).is_empty()
    }

    fn partition(ring: &str, members: &[&str]) -> Partition {
        Partition {
            ring_id: ring.into(),
            quorate: true,
            expected_votes: 3,
            total_votes: u32::try_from(members.len()).unwrap(),
            quorum: 2,
            members: members.iter().map(|name| (*name).to_owned()).collect(),
            told_by: Vec::new(),
            qdevice_votes: None,
        }
    }

    #[test]
    fn what_a_node_told_at_that_time_is_true_and_nothing_else() {
        let all = ["pve1", "pve2", "pve3"];
        assert!(!lies(100, Said::Quorum(partition("1.d", &all))));
        assert!(lies(100, Said::Quorum(partition("1.d", &all[..2]))), "other members");
        assert!(lies(200, Said::Quorum(partition("1.d", &all))), "another time");
        assert!(lies(60, Said::Quorum(partition("1.d", &all))), "another time");
        assert!(!lies(100, Said::Quorum(partition("1.11", &all[..2]))), "a short ring is in the journal");
        assert!(lies(100, Said::Quorum(partition("1.15", &all[..2]))));
        let forming = Partition { total_votes: 3, ..partition("1.11", &all[..2]) };
        assert!(!lies(100, Said::Quorum(forming.clone())), "new members beside the votes of the ring before");
        let other = Partition { total_votes: 1, quorum: 1, ..forming };
        assert!(lies(100, Said::Quorum(other)), "votes that nobody told");
        assert!(!lies(100, Said::Quorum(partition("1.11", &all))), "a new ring beside the members of the one before");
        assert!(lies(90, Said::Quorum(partition("1.11", &all[1..]))), "members that nobody told");
        assert!(lies(100, Said::Quorum(partition("1.15", &all))), "a ring that is not in the journal");
        let printed =
            Partition { quorate: false, expected_votes: 5, quorum: 3, ..partition("1.21", &["pve1", "pve3"]) };
        let printed_at = |second: i64, command: &str, said: &Partition| {
            let (node, said) = ("pve1".to_owned(), Said::Quorum(said.clone()));
            let statement = Statement { node, command: command.into(), at: time(second), said };
            truth().lies(&[statement]).is_empty()
        };
        let follows = "stdbuf -oL corosync-quorumtool -m";
        assert!(printed_at(150, follows, &printed), "the witness's follower read the same block");
        assert!(!printed_at(153, follows, &printed), "another time");
        assert!(!printed_at(150, "corosync-quorumtool -s", &printed), "another tool");
        assert!(printed_at(100, follows, &partition("1.35", &["pve1", "pve3"])), "members of the ring before");
        assert!(
            !printed_at(100, follows, &Partition { total_votes: 1, ..partition("1.35", &["pve1", "pve3"]) }),
            "other votes"
        );
        assert!(!printed_at(100, follows, &partition("1.31", &["pve2", "pve3"])), "members of no ring");
        assert!(!printed_at(100, follows, &partition("1.11", &["pve1", "pve3"])), "members of a later ring");
        assert!(!printed_at(150, follows, &Partition { total_votes: 3, ..printed.clone() }), "other votes");
        assert!(!lies(100, Said::Link("pve2".into(), 0, true)) && lies(100, Said::Link("pve2".into(), 0, false)));
        assert!(!lies(100, Said::Link("pve3".into(), 1, false)) && lies(100, Said::Link("pve3".into(), 1, true)));
        assert!(!lies(100, Said::Version(3)) && lies(100, Said::Version(4)));
    }
}
