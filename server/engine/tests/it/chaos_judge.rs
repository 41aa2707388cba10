//! Judges every published snapshot against what the nodes really told.

use crate::house::House;
use engine::hub::Message;
use jiff::Timestamp;
use lab::{Told, ToldQuorum};
use model::live::Live;
use model::observation::{AGE_MEMBERSHIP, Fact, Freshness};
use model::topology::{Agreement, Contact, Health, PairLink, Partition, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::Instant;

/// From the moment at which a follower has something to say to the moment at which the console has it whole.
const ON_THE_WAY: Duration = Duration::from_millis(1_500);
/// A fact has the time at which it was asked for; the answer comes within the limits of a sweep's commands.
const ASKED_FOR_MAX: Duration = Duration::from_secs(15);
/// What is shown of a node's moments when one of them is missing.
const AROUND: Duration = Duration::from_secs(30);
/// The screen is folded anew at the second in which a fact ages.
const AGING_SLACK_S: i64 = 1;

pub struct Judge {
    stream: Receiver<Arc<Message>>,
    started: Instant,
    /// The console's clock at `started`.
    base: Timestamp,
    /// Name of a node to its id in corosync.conf.
    ids: BTreeMap<String, u32>,
    last_at: Option<Timestamp>,
    /// Node and kind of fact to the newest time that was shown.
    newest: BTreeMap<(String, &'static str), Timestamp>,
    /// Node to the highest ring that it told.
    rings: BTreeMap<String, u64>,
    /// How often each thing was judged.
    pub counts: BTreeMap<&'static str, usize>,
}

impl Judge {
    pub fn new(house: &House) -> Self {
        let names = house.lab.nodes().into_iter().filter(|node| !node.is_qnetd).map(|node| node.hostname);
        Self {
            stream: house.engine().hub.subscribe(house.cluster),
            started: Instant::now(),
            base: house.engine().clock.now(),
            ids: names.zip(1..).collect(),
            last_at: None,
            newest: BTreeMap::new(),
            rings: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Everything that was published since the last look, and what stands on the screen now.
    pub fn look(&mut self, house: &House) {
        loop {
            match self.stream.try_recv() {
                Ok(event) => {
                    if let Live::Snapshot(snapshot) = &event.what {
                        self.judge(house, snapshot);
                    }
                }
                // A browser that falls behind gets the whole state.
                Err(TryRecvError::Lagged(_)) => self.count("lagged"),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let shown = now(house);
        self.still_true(&shown, house.engine().clock.now());
    }

    /// What a browser that comes now would see.
    pub fn shown(&self, house: &House) -> Arc<Snapshot> {
        now(house)
    }

    pub fn judge(&mut self, house: &House, snapshot: &Snapshot) {
        self.count("snapshots");
        assert!(self.last_at.is_none_or(|last| last <= snapshot.at), "the screen goes back in time");
        self.last_at = Some(snapshot.at);
        self.count(match snapshot.health {
            Health::Healthy => "healthy",
            Health::Degraded => "degraded",
            Health::NoQuorum => "no quorum",
            Health::Split => "split",
            Health::Unknown => "unknown",
        });
        if let Some(quorum) = &snapshot.quorum {
            self.age(&quorum.fact, quorum.freshness, snapshot.at);
            if quorum.freshness != Freshness::Unknown {
                self.quorum(house, &quorum.fact);
            }
        }
        for link in snapshot.links.iter().filter(|link| link.freshness != Freshness::Unknown) {
            self.link(house, link);
        }
        if let Some(version) = &snapshot.config_version {
            self.version(house, version);
        }
        if let Some(device) = snapshot.qdevice.as_ref().filter(|device| device.freshness != Freshness::Unknown) {
            let votes = device.fact.value.votes;
            let holds = |told: &Told| told.quorum.as_ref().is_some_and(|quorum| quorum.device_votes == votes);
            self.told(house, &device.fact, "qdevice", &format!("{votes} votes"), holds);
        }
    }

    /// A value is marked by its age when it is published.
    fn age<T>(&mut self, fact: &Fact<T>, freshness: Freshness, at: Timestamp) {
        let wanted = AGE_MEMBERSHIP.judge(fact.at, at);
        assert_eq!(freshness, wanted, "{} at {} on a screen of {at}", fact.command, fact.at);
        self.count(match freshness {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::Unknown => "too old",
        });
    }

    /// What stands on the screen may not grow old unmarked.
    fn still_true(&mut self, shown: &Snapshot, now: Timestamp) {
        let Some(quorum) = &shown.quorum else { return };
        let age = now.duration_since(quorum.fact.at).as_secs();
        let limit = match quorum.freshness {
            Freshness::Fresh => AGE_MEMBERSHIP.stale_s,
            Freshness::Stale => AGE_MEMBERSHIP.unknown_s,
            Freshness::Unknown => i64::MAX - AGING_SLACK_S,
        };
        assert!(age <= limit + AGING_SLACK_S, "{age} s old and still shown as {:?}", quorum.freshness);
    }

    fn quorum(&mut self, house: &House, fact: &Fact<Partition>) {
        let ring = fact.value.ring_id.rsplit('.').next().and_then(|sequence| u64::from_str_radix(sequence, 16).ok());
        let ring = ring.unwrap_or_else(|| panic!("no ring in {fact:?}"));
        let last = self.rings.entry(fact.node.clone()).or_default();
        assert!(*last <= ring, "{} told ring {last:x} and then {ring:x}", fact.node);
        *last = ring;
        let partition = &fact.value;
        let holds = |told: &Told| told.quorum.as_ref().is_some_and(|quorum| same(partition, quorum));
        self.told(house, fact, "quorum", &format!("{partition:?}"), holds);
    }

    fn link(&mut self, house: &House, link: &PairLink) {
        for fact in &link.told_by {
            let peer = if fact.node == link.from { &link.to } else { &link.from };
            let Some(peer) = self.ids.get(peer).copied() else { continue };
            let (number, connected) = (link.link, fact.value);
            // A link that a node has not configured yet is as good as not connected.
            let holds = |told: &Told| told.links.get(&(peer, number)).copied().unwrap_or(false) == connected;
            self.told(house, fact, "links", &format!("link {number} to {peer}: {connected}"), holds);
        }
    }

    fn version(&mut self, house: &House, fact: &Fact<u64>) {
        let holds = |told: &Told| told.config_version == Some(fact.value);
        self.told(house, fact, "version", &fact.value.to_string(), holds);
    }

    /// The named node told this when the console says it did, and nothing older replaces it.
    fn told<T>(
        &mut self,
        house: &House,
        fact: &Fact<T>,
        kind: &'static str,
        value: &str,
        holds: impl Fn(&Told) -> bool,
    ) {
        self.count(kind);
        let newest = self.newest.entry((fact.node.clone(), kind)).or_insert(fact.at);
        if kind == "quorum" {
            assert!(*newest <= fact.at, "{}: {kind} of {newest} replaced by one of {}", fact.node, fact.at);
        }
        *newest = (*newest).max(fact.at);
        let passed = fact.at.duration_since(self.base);
        let asked = self.started + Duration::try_from(passed).unwrap_or_default();
        let answered = (asked + ASKED_FOR_MAX).min(Instant::now());
        let told = house.lab.told(&fact.node, asked.checked_sub(ON_THE_WAY).unwrap_or(asked), answered);
        assert!(told.iter().any(|(_, told)| holds(told)), "{}", {
            let around = AROUND.min(asked.duration_since(self.started));
            let all = house.lab.told(&fact.node, asked - around, asked + around);
            let all = all.iter().map(|(since, told)| {
                let (later, earlier) = (since.saturating_duration_since(asked), asked.duration_since(*since));
                format!("\n  {later:?} after, {earlier:?} before: {} {:?}", holds(told), told)
            });
            let (node, command, at) = (&fact.node, &fact.command, fact.at);
            format!("{node} never told {value} ({command}, {at}):{}", all.collect::<String>())
        });
    }

    pub fn all_reached(&self, house: &House) -> bool {
        now(house).nodes.iter().all(|node| matches!(node.contact, Contact::Connected { .. }))
    }

    pub fn contacts(&self, house: &House) -> String {
        now(house).nodes.iter().map(|node| format!("{}: {:?}\n", node.name, node.contact)).collect()
    }

    /// After everything is well again, the console says so.
    pub fn agrees(&self, house: &House, nodes: usize) {
        let shown = now(house);
        let Agreement::Agreed { partition } = &shown.agreement else { panic!("no agreement: {:?}", shown.agreement) };
        assert_eq!(partition.members.len(), nodes);
        assert!(partition.quorate);
        assert_eq!(shown.health, Health::Healthy, "{:#?}\n{:#?}", shown.links, shown.nodes);
    }

    /// A run that never sees a state proves nothing about it.
    pub fn saw_enough(&self) {
        for what in ["snapshots", "healthy", "degraded", "quorum", "links", "version", "fresh"] {
            assert!(self.counts.get(what).is_some_and(|count| *count > 0), "{what} never occurred: {:?}", self.counts);
        }
    }
}

fn same(shown: &Partition, told: &ToldQuorum) -> bool {
    shown.ring_id == told.ring_id
        && shown.members == told.members
        && shown.quorate == told.quorate
        && shown.expected_votes == told.expected_votes
        && shown.total_votes == told.total_votes
        && shown.quorum == told.quorum
}

fn now(house: &House) -> Arc<Snapshot> {
    house.engine().hub.snapshot(house.cluster).expect("watched")
}
