//! After `pvecm expected`: watching until the expected votes rise again, and saying so when they do not, or when nobody can
//! look.
//!
//! What is watched stands in the audit, so that a restart of the console forgets nothing.

mod told;

use crate::audit::Person;
use crate::context::Engine;
use crate::limits::{LOWERED_ALARM, LOWERED_BLIND, LOWERED_LOOK, LOWERED_MAX, LOWERED_PAGES_MAX, LOWERING_ENTRIES_MAX};
use crate::ports::StoreError;
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, AuditFilter, ChainedEntry, Outcome};
use model::ids::OperationId;
use model::lowering::{self, DETAIL_LAST_SEEN, DETAIL_QUORATE, NO, Sighting, YES};
use model::observation::{AGE_MEMBERSHIP, Freshness};
use model::operation::{Operation, OperationState};
use model::topology::{Aged, Agreement, Partition, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::{MissedTickBehavior, interval};

/// What entries of operations that lower votes say of them.
pub(crate) const SET_EXPECTED: &str = "set_expected";

/// What the answer to *who lowered the votes, and are they lowered still* is put together from.
const TELLING: [AuditCode; 8] = [
    AuditCode::CommandStarted,
    AuditCode::CommandFinished,
    AuditCode::QuorumSeen,
    AuditCode::OperationResumed,
    AuditCode::OperationFinished,
    AuditCode::ExpectedStillLowered,
    AuditCode::ExpectedUnseen,
    AuditCode::ExpectedRestored,
];

/// What the votes of a cluster have come to since they were lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Since {
    /// Nobody who is believed says anything.
    Unknown,
    StillLowered(Sighting),
    Risen(Partition),
}

/// The console's own words for it, which nobody types: the plan's intent, or that another plan lowers votes on its way.
fn lowers(started: &AuditEntry) -> bool {
    ["intent", "also"].iter().any(|key| started.details.get(*key).is_some_and(|word| word == SET_EXPECTED))
}

impl Engine {
    /// Looks every few seconds, until it is dropped.
    pub async fn follow_lowered_votes(&self) {
        let mut tick = interval(LOWERED_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut over = BTreeSet::new();
        let began = self.clock.now();
        loop {
            tick.tick().await;
            if let Err(error) = self.look_since(began, &mut over).await {
                tracing::warn!(store.error = %error, "lowered votes were not looked at");
            }
        }
    }

    /// One look at each operation that lowered votes; `over` are those that need no further one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_at_lowered_votes(&self, over: &mut BTreeSet<OperationId>) -> Result<(), StoreError> {
        self.look_since(Timestamp::UNIX_EPOCH, over).await
    }

    /// The same by a console that has been looking since `began`: what nobody saw before is not its blindness.
    async fn look_since(&self, began: Timestamp, over: &mut BTreeSet<OperationId>) -> Result<(), StoreError> {
        for id in self.lowerings_begun().await? {
            if over.contains(&id) {
                continue;
            }
            let entries = self.lowering_entries(id).await?;
            let operation = self.store.operation(id).await?;
            let is_restored = entries.iter().any(|one| one.entry.code == AuditCode::ExpectedRestored);
            match lowering::may_be_lowered_since(&operation, &entries).filter(|_| !is_restored) {
                Some(since) => self.look_at(&operation, &entries, since, began).await?,
                // One that goes on may still come to its command.
                None if is_restored || operation.state.is_over() => drop(over.insert(id)),
                None => {}
            }
        }
        Ok(())
    }

    /// The newest operations that were to lower votes. Others are found with them where somebody's reason holds that word: these
    /// are passed over, so that nobody pushes one out by what they type.
    async fn lowerings_begun(&self) -> Result<Vec<OperationId>, StoreError> {
        let mut given = AuditFilter {
            code: Some(AuditCode::OperationStarted),
            words: Some(SET_EXPECTED.to_owned()),
            ..AuditFilter::default()
        };
        let mut begun = Vec::new();
        for _ in 0..LOWERED_PAGES_MAX {
            let page = self.store.find(&given, LOWERED_MAX).await?;
            begun.extend(page.entries.iter().filter(|one| lowers(&one.entry)).filter_map(|one| one.entry.operation));
            given.before = page.next;
            if given.before.is_none() || begun.len() >= usize::try_from(LOWERED_MAX).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(begun)
    }

    /// The newest entries of an operation in any order, and among them, however many others there are, those that tell what became
    /// of the votes: anybody who operates the cluster can add to the others.
    pub(crate) async fn lowering_entries(&self, id: OperationId) -> Result<Vec<ChainedEntry>, StoreError> {
        let all = AuditFilter { operation: Some(id), ..AuditFilter::default() };
        let newest = self.store.find(&all, LOWERING_ENTRIES_MAX).await?;
        if newest.next.is_none() {
            return Ok(newest.entries);
        }
        let mut entries: BTreeMap<u64, ChainedEntry> = newest.entries.into_iter().map(|one| (one.index, one)).collect();
        for code in TELLING {
            let of_code = AuditFilter { code: Some(code), ..all.clone() };
            let told = self.store.find(&of_code, LOWERING_ENTRIES_MAX).await?.entries;
            entries.extend(told.into_iter().map(|one| (one.index, one)));
        }
        Ok(entries.into_values().collect())
    }

    async fn look_at(
        &self,
        operation: &Operation,
        entries: &[ChainedEntry],
        since: Timestamp,
        began: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(members) = lowering::lowered_side(operation) else { return Ok(()) };
        // A cluster that was forgotten is not watched any more.
        let Some(snapshot) = self.hub.snapshot(operation.cluster) else { return Ok(()) };
        let now = self.clock.now();
        let risen_from = snapshot.risen_from(operation.plan.lowered_to());
        match judge(&snapshot, &members, (since, risen_from), now) {
            // Whoever carries it out looks at the votes right then, and tells whether it is done.
            Since::Risen(_) if operation.state.is_carried_out() => Ok(()),
            Since::Risen(partition) => {
                let entry = self.entry_of(operation, AuditCode::ExpectedRestored, Outcome::Success, since).await;
                self.audit.write(with_partition(entry, &partition)).await
            }
            Since::StillLowered(seen) => {
                self.alarm(operation, AuditCode::ExpectedStillLowered, since, Some(&seen)).await
            }
            Since::Unknown => {
                let told = lowered_at(&snapshot, &members, since, risen_from);
                let seen = Sighting::later(lowering::last_written(operation, entries), told);
                let blind_since = seen.as_ref().map_or(since, |seen| seen.at).max(began);
                let is_blind = now.duration_since(blind_since).unsigned_abs() >= LOWERED_BLIND;
                // Who was told that they are lowered looks at them anyway.
                if !is_blind || self.has_entry(operation.id, AuditCode::ExpectedStillLowered).await? {
                    return Ok(());
                }
                self.alarm(operation, AuditCode::ExpectedUnseen, since, seen.as_ref()).await
            }
        }
    }

    /// Says it once, with the last time that a node told of lowered votes.
    async fn alarm(
        &self,
        operation: &Operation,
        code: AuditCode,
        since: Timestamp,
        seen: Option<&Sighting>,
    ) -> Result<(), StoreError> {
        let waited = self.clock.now().duration_since(since).unsigned_abs();
        if waited < LOWERED_ALARM || self.has_entry(operation.id, code).await? {
            return Ok(());
        }
        let (id, word) = (operation.id, code.as_str());
        tracing::warn!(operation.id = %id, audit.code = word, "lowered votes were not seen to rise");
        let known = code == AuditCode::ExpectedStillLowered;
        let outcome = if known { Outcome::Failed } else { Outcome::Unknown };
        let mut entry = self.entry_of(operation, code, outcome, since).await;
        if let Some(seen) = seen {
            // People read it in a message: no fractions of a second.
            let at = Timestamp::from_second(seen.at.as_second()).unwrap_or(seen.at);
            entry.node = Some(seen.node.clone());
            entry.details.insert(DETAIL_LAST_SEEN.to_owned(), at.to_string());
        }
        self.audit.write(entry).await
    }

    async fn has_entry(&self, operation: OperationId, code: AuditCode) -> Result<bool, StoreError> {
        let filter = AuditFilter { operation: Some(operation), code: Some(code), ..AuditFilter::default() };
        Ok(!self.store.find(&filter, 1).await?.entries.is_empty())
    }

    async fn entry_of(&self, operation: &Operation, code: AuditCode, outcome: Outcome, since: Timestamp) -> AuditEntry {
        let mut entry = self.operation_entry(operation, code, &Person::system(), outcome).await;
        if operation.state != OperationState::Done {
            // Nobody has proven that they were.
            return entry;
        }
        let seconds = self.clock.now().duration_since(since).as_secs();
        entry.details.insert("lowered_for".to_owned(), format!("{seconds} s"));
        entry
    }
}

fn with_partition(mut entry: AuditEntry, partition: &Partition) -> AuditEntry {
    entry.details.insert("expected".to_owned(), partition.expected_votes.to_string());
    entry.details.insert(DETAIL_QUORATE.to_owned(), if partition.quorate { YES } else { NO }.to_owned());
    entry.details.insert("members".to_owned(), partition.members.join(", "));
    entry
}

/// Only what was told after the votes were lowered counts, by the side where they were: nodes that come back without it have
/// never heard of lowered votes. Where nodes contradict each other, nothing is known of it. However long ago it was told.
fn told_of<'a>(snapshot: &'a Snapshot, members: &[String], since: Timestamp) -> Option<&'a Aged<Partition>> {
    let split = matches!(snapshot.agreement, Agreement::Partitioned { .. });
    let told = snapshot.quorum.as_ref().filter(|aged| !split && aged.fact.at > since)?;
    told.fact.value.members.iter().any(|one| members.contains(one)).then_some(told)
}

/// When that side last told of votes that have not risen. In a split it is told by itself alone.
fn lowered_at(snapshot: &Snapshot, members: &[String], since: Timestamp, risen_from: Option<u32>) -> Option<Sighting> {
    let risen_from = risen_from?;
    match told_of(snapshot, members, since) {
        Some(told) => (told.fact.value.expected_votes < risen_from).then(|| sighting(told)),
        None => beside_others(snapshot, members, since, risen_from),
    }
}

/// The same where others see another cluster: that these contradict it raises no votes there.
fn beside_others(snapshot: &Snapshot, members: &[String], since: Timestamp, risen_from: u32) -> Option<Sighting> {
    let Agreement::Partitioned { partitions } = &snapshot.agreement else { return None };
    let lowered =
        |one: &&Partition| one.expected_votes < risen_from && one.told_by.iter().any(|by| members.contains(by));
    let side = partitions.iter().find(lowered)?;
    let told = snapshot.nodes.iter().filter_map(|node| node.membership_source.as_ref());
    let told = told.filter(|fact| fact.at > since && side.told_by.contains(&fact.node)).max_by_key(|fact| fact.at)?;
    Some(Sighting { node: told.node.clone(), at: told.at })
}

fn sighting(told: &Aged<Partition>) -> Sighting {
    Sighting { node: told.fact.node.clone(), at: told.fact.at }
}

fn judge(
    snapshot: &Snapshot,
    members: &[String],
    (since, risen_from): (Timestamp, Option<u32>),
    now: Timestamp,
) -> Since {
    // The snapshot may have been folded a while ago.
    let is_fresh =
        |aged: &&Aged<Partition>| aged.freshness.max(AGE_MEMBERSHIP.judge(aged.fact.at, now)) == Freshness::Fresh;
    let Some(risen_from) = risen_from else { return Since::Unknown };
    match told_of(snapshot, members, since).filter(is_fresh) {
        Some(told) if told.fact.value.expected_votes >= risen_from => Since::Risen(told.fact.value.clone()),
        Some(told) => Since::StillLowered(sighting(told)),
        None => beside_others(snapshot, members, since, risen_from)
            .filter(|seen| AGE_MEMBERSHIP.judge(seen.at, now) == Freshness::Fresh)
            .map_or(Since::Unknown, Since::StillLowered),
    }
}
