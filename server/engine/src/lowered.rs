//! After `pvecm expected`: watching until the expected votes rise again, and saying so when they do not.
//!
//! What is watched stands in the audit, so that a restart of the console forgets nothing.

mod told;

use crate::audit::Person;
use crate::context::Engine;
use crate::limits::{LOWERED_ALARM, LOWERED_LOOK, LOWERED_MAX, LOWERING_ENTRIES_MAX};
use crate::ports::StoreError;
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, AuditFilter, Outcome};
use model::ids::OperationId;
use model::lowering;
use model::observation::Freshness;
use model::operation::{Operation, OperationState};
use model::topology::{Agreement, Partition, Snapshot};
use std::collections::BTreeSet;
use tokio::time::{MissedTickBehavior, interval};

/// What entries of operations that lower votes say of them.
pub(crate) const SET_EXPECTED: &str = "set_expected";

/// What the votes of a cluster have come to since they were lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Since {
    /// Nobody who is believed says anything.
    Unknown,
    StillLowered,
    Risen(Partition),
}

impl Engine {
    /// Looks every few seconds, until it is dropped.
    pub async fn follow_lowered_votes(&self) {
        let mut tick = interval(LOWERED_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut over = BTreeSet::new();
        loop {
            tick.tick().await;
            if let Err(error) = self.look_at_lowered_votes(&mut over).await {
                tracing::warn!(store.error = %error, "lowered votes were not looked at");
            }
        }
    }

    /// One look at each operation that lowered votes; `over` are those that need no further one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_at_lowered_votes(&self, over: &mut BTreeSet<OperationId>) -> Result<(), StoreError> {
        let started = AuditFilter {
            code: Some(AuditCode::OperationStarted),
            words: Some(SET_EXPECTED.to_owned()),
            ..AuditFilter::default()
        };
        for one in self.store.find(&started, LOWERED_MAX).await?.entries {
            let Some(id) = one.entry.operation.filter(|id| !over.contains(id)) else { continue };
            let of_it = AuditFilter { operation: Some(id), ..AuditFilter::default() };
            let entries = self.store.find(&of_it, LOWERING_ENTRIES_MAX).await?.entries;
            let operation = self.store.operation(id).await?;
            let is_restored = entries.iter().any(|one| one.entry.code == AuditCode::ExpectedRestored);
            match lowering::may_be_lowered_since(&operation, &entries).filter(|_| !is_restored) {
                Some(since) => self.look_at(&operation, since).await?,
                // One that goes on may still come to its command.
                None if is_restored || operation.state.is_over() => drop(over.insert(id)),
                None => {}
            }
        }
        Ok(())
    }

    async fn look_at(&self, operation: &Operation, since: Timestamp) -> Result<(), StoreError> {
        let Some(members) = lowering::lowered_side(operation) else { return Ok(()) };
        // A cluster that was forgotten is not watched any more.
        let Some(snapshot) = self.hub.snapshot(operation.cluster) else { return Ok(()) };
        match judge(&snapshot, &members, since) {
            // Whoever carries it out looks at the votes right then, and tells whether it is done.
            Since::Risen(_) if operation.state.is_carried_out() => Ok(()),
            Since::Risen(partition) => {
                let entry = self.entry_of(operation, AuditCode::ExpectedRestored, Outcome::Success, since);
                self.audit.write(with_partition(entry, &partition)).await
            }
            Since::StillLowered | Since::Unknown => {
                let waited = self.clock.now().duration_since(since).unsigned_abs();
                if waited < LOWERED_ALARM || self.has_entry(operation.id, AuditCode::ExpectedStillLowered).await? {
                    return Ok(());
                }
                tracing::warn!(operation.id = %operation.id, "expected votes are still lowered");
                let entry = self.entry_of(operation, AuditCode::ExpectedStillLowered, Outcome::Failed, since);
                self.audit.write(entry).await
            }
        }
    }

    async fn has_entry(&self, operation: OperationId, code: AuditCode) -> Result<bool, StoreError> {
        let filter = AuditFilter { operation: Some(operation), code: Some(code), ..AuditFilter::default() };
        Ok(!self.store.find(&filter, 1).await?.entries.is_empty())
    }

    fn entry_of(&self, operation: &Operation, code: AuditCode, outcome: Outcome, since: Timestamp) -> AuditEntry {
        let mut entry = self.operation_entry(operation, code, &Person::system(), outcome);
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
    entry.details.insert("members".to_owned(), partition.members.join(", "));
    entry
}

/// Only what was told after the votes were lowered counts, by the side where they were: nodes that come back without it have
/// never heard of lowered votes. Where nodes contradict each other, nothing has risen.
fn judge(snapshot: &Snapshot, members: &[String], since: Timestamp) -> Since {
    let told = snapshot.quorum.as_ref().filter(|aged| aged.freshness == Freshness::Fresh && aged.fact.at > since);
    let split = matches!(snapshot.agreement, Agreement::Partitioned { .. });
    let side =
        told.map(|aged| &aged.fact.value).filter(|side| !split && side.members.iter().any(|one| members.contains(one)));
    match (side, snapshot.configured_votes()) {
        (Some(side), Some(configured)) if side.expected_votes >= configured => Since::Risen(side.clone()),
        (Some(_), Some(_)) => Since::StillLowered,
        _ => Since::Unknown,
    }
}
